//! What askers, workers, couriers and the committer share: what waits, what runs, who wants to know.
//!
//! A lane is a queue of its own: the first for the analyzers inside the program, one for each server. No lane waits for
//! another. Holds the rules of single flight. Knows nothing of files, analyzers or the store.

mod keeping;
mod lane;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Condvar, Mutex, MutexGuard};

use roaring::RoaringBitmap;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::errors::Errors;
use super::parcel::Parcel;
use super::queue::Waiting;
use super::reasons::Reasons;
use super::stages::Stopwatch;
use super::verdict::{Ended, Verdict};
use crate::analysis::Access;
use crate::catalog::{ContentHash, FileStat, PhotoId};
use keeping::Keeping;
pub use lane::{Due, Lane, Place};
use state::State;

/// Where someone who waits is told.
pub type Waiter = mpsc::UnboundedSender<(PhotoId, Ended)>;

/// The lane of the analyzers inside the program.
pub const HERE: usize = 0;

/// A photo whose content another photo is just being analysed for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follower {
    pub photo: PhotoId,
    pub stat: FileStat,
}

/// How many photos wait, run and ended since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: Waiting,
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    pub copies: u64,
}

/// What somebody wants of a lane.
pub struct Wish {
    pub photo: PhotoId,
    pub access: Access,
    pub waiter: Option<Waiter>,
    /// Also where there is an answer, of an earlier version.
    pub again: bool,
}

pub struct Desk {
    state: Mutex<State>,
    /// Something was queued, or all is to stop.
    work: Condvar,
    /// All is to stop.
    stopping: Condvar,
    /// Changes whenever someone might have been told.
    told: watch::Sender<()>,
    /// Of each lane: something is ready for its courier.
    ready: Vec<Notify>,
    pub stopwatch: Stopwatch,
    pub errors: Errors,
}

impl Desk {
    /// A desk of these lanes, the preferred servers first.
    pub fn new(lanes: Vec<Lane>) -> Self {
        Self {
            ready: lanes.iter().map(|_| Notify::new()).collect(),
            state: Mutex::new(State {
                lanes,
                turned_away: Reasons::default(),
                keeping: Keeping::default(),
                stopped: false,
                paused: false,
            }),
            work: Condvar::new(),
            stopping: Condvar::new(),
            told: watch::Sender::default(),
            stopwatch: Stopwatch::default(),
            errors: Errors::default(),
        }
    }

    /// Wants a photo analysed in a lane. Whether it runs or waits now; `is_pending` decides for one that does neither.
    pub fn ask(&self, lane: usize, wish: Wish, is_pending: impl FnOnce() -> bool) -> bool {
        let mut state = self.lock();
        let stopped = state.stopped;
        let asked = state.lanes[lane].ask(wish, || !stopped && is_pending());
        self.work.notify_one();
        asked
    }

    /// Wants the photos of a listing analysed when there is nothing better to do.
    pub fn ask_listing(&self, lane: usize, photos: RoaringBitmap, access: Access) {
        let mut state = self.lock();
        if !state.stopped {
            state.lanes[lane].ask_listing(photos, access);
            self.work.notify_all();
        }
    }

    /// The lanes that such an access starts.
    pub fn lanes_on(&self, access: Access) -> Vec<usize> {
        let state = self.lock();
        let lanes = state.lanes.iter().enumerate();
        lanes
            .filter(|(_, lane)| lane.on <= access)
            .map(|(n, _)| n)
            .collect()
    }

    /// The server that is to look at a photo next, of those that such an access starts: the first that has neither
    /// answered nor declined, unless one before it answered. One that is down is passed over where another is not.
    pub fn server_for(&self, photo: PhotoId, access: Access) -> Option<usize> {
        self.lock().server_for(photo, access, HERE)
    }

    /// The same for many photos: each server with those that it is to look at.
    pub fn servers_for(
        &self,
        photos: RoaringBitmap,
        access: Access,
    ) -> Vec<(usize, RoaringBitmap)> {
        self.lock().servers_for(photos, access)
    }

    /// Takes the most wanted photo of any lane, and waits until there is one. `None` once all is to stop.
    pub fn take(&self) -> Option<(usize, PhotoId)> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(taken) = state.next() {
                return Some(taken);
            }
            state = self.work.wait(state).expect(UNBROKEN);
        }
    }

    /// A worker is done with a photo that it took.
    pub fn done(&self, lane: usize) {
        self.lock().lanes[lane].preparing -= 1;
        self.work.notify_one();
    }

    /// The strongest access that a running photo had so far.
    pub fn access(&self, lane: usize, photo: PhotoId) -> Access {
        let strongest = self.lock().lanes[lane].running.get(&photo).copied();
        strongest.unwrap_or(Access::Listed)
    }

    /// Whether a running photo is wanted even where there is an answer of an earlier version.
    pub fn is_wanted_again(&self, lane: usize, photo: PhotoId) -> bool {
        self.lock().lanes[lane].again.contains(photo.0)
    }

    /// Whether some server will want to see a photo that is just decoded here.
    pub fn servers_want(&self, photo: PhotoId) -> bool {
        let state = self.lock();
        let mut servers = state.lanes.iter().skip(1);
        servers.any(|lane| lane.running.contains_key(&photo) || lane.queue.contains(photo))
    }

    /// Whether this photo's worker is the one that analyses a content. If not, the photo ends with the one that is.
    pub fn claim(&self, lane: usize, content: ContentHash, photo: Follower) -> bool {
        self.lock().lanes[lane].claim(content, photo)
    }

    /// Gives up a claimed content, after its end is committed; gives those who followed.
    pub fn release(&self, lane: usize, content: ContentHash) -> Vec<Follower> {
        let followers = self.lock().lanes[lane].contents.remove(&content);
        followers.unwrap_or_default()
    }

    /// Hands a photo that is ready to its courier.
    pub fn supply(&self, lane: usize, parcel: Parcel) {
        self.lock().lanes[lane].parcels.push(parcel);
        self.ready[lane].notify_one();
    }

    /// When there is something for a courier to carry.
    pub fn due(&self, lane: usize) -> Due {
        let state = self.lock();
        match state.may_send() {
            true => state.lanes[lane].due(Instant::now()),
            false => Due::Never,
        }
    }

    /// Takes the most wanted of what is due.
    pub fn collect(&self, lane: usize) -> Option<Parcel> {
        let mut state = self.lock();
        if !state.may_send() {
            return None;
        }
        let parcel = state.lanes[lane].collect(Instant::now());
        self.work.notify_one();
        parcel
    }

    /// Takes something that a courier was to carry, whether it is due or not.
    pub fn take_back(&self, lane: usize) -> Option<Parcel> {
        self.lock().lanes[lane].parcels.pop()
    }

    /// Something may be ready for a courier.
    pub async fn ready(&self, lane: usize) {
        self.ready[lane].notified().await;
    }

    /// A server is of no use until then: those who wait for what it has not begun are told why, or another is asked.
    pub fn give_up(&self, lane: usize, reason: &str, until: Instant) {
        let mut state = self.lock();
        state.lanes[lane].down = Some((reason.to_owned(), until));
        for photo in state.lanes[lane].awaited() {
            if state.hand_over(lane, photo, Access::Asked) {
                state.lanes[lane].queue.remove(photo);
            } else {
                state.lanes[lane].tell(photo, &Ended::Failed(reason.to_owned()));
            }
        }
        self.work.notify_all();
        self.told.send_replace(());
    }

    /// A server is of use again. Whether it was of none.
    pub fn recovered(&self, lane: usize) -> bool {
        self.lock().lanes[lane].down.take().is_some()
    }

    /// Whether another server would take a photo over.
    pub fn has_another(&self, lane: usize, photo: PhotoId) -> bool {
        let state = self.lock();
        let access = state.lanes[lane].running.get(&photo).copied();
        let access = access.unwrap_or(Access::Listed);
        state.server_for(photo, access, lane).is_some()
    }

    /// Until when a server is of no use, if it is of none.
    pub fn down_until(&self, lane: usize) -> Option<Instant> {
        let state = self.lock();
        let until = state.lanes[lane].down.as_ref().map(|(_, until)| *until);
        until.filter(|&until| until > Instant::now())
    }

    /// Workers are to look again: a server may be of use now.
    pub fn wake(&self) {
        let _state = self.lock();
        self.work.notify_all();
    }

    /// Why a server is of no use now.
    pub fn why_down(&self, lane: usize) -> Option<String> {
        let state = self.lock();
        let lane = &state.lanes[lane];
        let reason = lane.down.as_ref().filter(|_| lane.is_down());
        reason.map(|(reason, _)| reason.clone())
    }

    /// Forgets what was known of photos: they are other pictures now.
    pub fn forget(&self, photos: &RoaringBitmap) {
        for lane in &mut self.lock().lanes {
            lane.answered -= photos;
            lane.declined -= photos;
            lane.stale -= photos;
        }
    }

    /// Forgets why photos had no answer: they wait for one anew.
    pub fn forget_reasons(&self, photos: &RoaringBitmap) {
        let mut state = self.lock();
        state.turned_away.forget(photos);
        let lanes = state.lanes.iter_mut();
        lanes.for_each(|lane| lane.reasons.forget(photos));
    }

    /// Where each lane has a photo.
    pub fn places(&self, photo: PhotoId) -> Vec<(usize, Place)> {
        let state = self.lock();
        let lanes = state.lanes.iter().enumerate();
        lanes.map(|(n, lane)| (n, lane.place(photo))).collect()
    }

    /// Why a photo that is to be tried again has no answer yet.
    pub fn note(&self, lane: usize, photo: PhotoId, reason: &str) {
        self.lock().lanes[lane].reasons.note(photo, reason);
    }

    /// A question for a photo counted for less.
    pub fn turn_away(&self, photo: PhotoId, reason: &str) {
        self.lock().turned_away.note(photo, reason);
    }

    /// A question for a photo counts.
    pub fn welcome(&self, photo: PhotoId) {
        let photo = RoaringBitmap::from_iter([photo.0]);
        self.lock().turned_away.forget(&photo);
    }

    /// Why the last question for a photo counted for less.
    pub fn turned_away(&self, photo: PhotoId) -> Option<String> {
        self.lock().turned_away.of(photo).map(str::to_owned)
    }

    /// Whether a server has neither answered nor declined; with `stale`, as it is now.
    pub fn is_missing(&self, lane: usize, photo: PhotoId, stale: bool) -> bool {
        let state = self.lock();
        let lane = &state.lanes[lane];
        let is_done = lane.answered.contains(photo.0) || lane.declined.contains(photo.0);
        !is_done || stale && lane.stale.contains(photo.0)
    }

    /// Has nothing begun from now on, or lets it begin again.
    pub fn pause(&self, paused: bool) {
        self.lock().paused = paused;
        self.work.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
        self.told.send_replace(());
    }

    pub fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// How many photos a server answered in any version, in an earlier one, and not at all.
    pub fn known(&self, lane: usize) -> [u64; 3] {
        let state = self.lock();
        let lane = &state.lanes[lane];
        [&lane.answered, &lane.stale, &lane.declined].map(RoaringBitmap::len)
    }

    /// Photos whose answer is of an earlier version.
    pub fn stale(&self, lane: usize) -> RoaringBitmap {
        self.lock().lanes[lane].stale.clone()
    }

    /// Photos that a server answered, in any version.
    pub fn answered(&self, lane: usize) -> RoaringBitmap {
        self.lock().lanes[lane].answered.clone()
    }

    pub fn declined(&self, lane: usize) -> RoaringBitmap {
        self.lock().lanes[lane].declined.clone()
    }

    /// Tells everyone who waits for a photo how it ended; where a server has no answer, the next one is asked instead.
    pub fn tell(&self, lane: usize, photo: PhotoId, verdict: Verdict) {
        let mut state = self.lock();
        state.lanes[lane].count(photo, &verdict);
        let access = state.lanes[lane].end(photo);
        let passes_on = matches!(verdict, Verdict::Declined { .. } | Verdict::Postponed(_));
        if !(passes_on && lane != HERE && state.hand_over(lane, photo, access)) {
            state.lanes[lane].tell(photo, &Ended::from(verdict));
        }
        self.work.notify_one();
        self.told.send_replace(());
    }

    /// Ends all waiting: running photos come to their end, the others never start.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.lanes.iter_mut().for_each(Lane::stop);
        self.told.send_replace(());
        self.work.notify_all();
        self.stopping.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
    }

    /// Changes whenever someone might have been told.
    pub fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    pub fn counts(&self, lane: usize) -> Counts {
        self.lock().lanes[lane].counts()
    }

    /// Whether results are on their way, and none came yet.
    pub fn awaits_first_results(&self) -> bool {
        let state = self.lock();
        let counts: Vec<_> = state.lanes.iter().map(Lane::counts).collect();
        let has_work = counts.iter().any(|c| c.waiting.total() + c.running > 0);
        has_work && state.may_begin() && counts.iter().all(|c| c.analyzed + c.copies == 0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(UNBROKEN)
    }
}

const UNBROKEN: &str = "nothing panics while it holds the desk";
