//! What askers, workers and the committer share: what waits, what runs, who wants to know.
//!
//! Holds the rules of single flight. Knows nothing of files, analyzers or the store.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard};

use roaring::RoaringBitmap;
use tokio::sync::{mpsc, watch};

use super::queue::Queue;
use super::stages::Stopwatch;
use super::verdict::{Ended, Verdict};
use crate::analysis::Access;
use crate::catalog::{ContentHash, FileStat, PhotoId};

/// Where someone who waits is told.
pub type Waiter = mpsc::UnboundedSender<(PhotoId, Ended)>;

/// A photo whose content another photo is just being analysed for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follower {
    pub photo: PhotoId,
    pub stat: FileStat,
}

/// How many photos wait, run and ended since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub queued: u64,
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    pub copies: u64,
}

#[derive(Default)]
pub struct Desk {
    state: Mutex<State>,
    /// Something was queued, or all is to stop.
    work: Condvar,
    /// Changes whenever someone might have been told.
    told: watch::Sender<()>,
    pub stopwatch: Stopwatch,
}

#[derive(Default)]
struct State {
    queue: Queue,
    /// From the moment a worker takes a photo until its end is committed, with the strongest access so far.
    running: HashMap<PhotoId, Access>,
    waiters: HashMap<PhotoId, Vec<Waiter>>,
    /// Contents that are being analysed, and who else has them.
    contents: HashMap<ContentHash, Vec<Follower>>,
    ended: Counts,
    stopped: bool,
}

impl Desk {
    /// Wants a photo analysed. Whether it runs or waits now; `is_pending` decides for one that does neither.
    pub fn ask(
        &self,
        photo: PhotoId,
        access: Access,
        waiter: Option<Waiter>,
        is_pending: impl FnOnce() -> bool,
    ) -> bool {
        let mut state = self.lock();
        if let Some(strongest) = state.running.get_mut(&photo) {
            *strongest = access.max(*strongest);
        } else if state.stopped || !is_pending() {
            return false;
        } else {
            state.queue.push(photo, access);
            self.work.notify_one();
        }
        if let Some(waiter) = waiter {
            let waiters = state.waiters.entry(photo).or_default();
            waiters.retain(|w| !w.is_closed());
            waiters.push(waiter);
        }
        true
    }

    /// Wants the photos of a listing analysed when there is nothing better to do.
    pub fn ask_listing(&self, mut photos: RoaringBitmap) {
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        for photo in state.running.keys() {
            photos.remove(photo.0);
        }
        state.queue.push_listing(photos);
        self.work.notify_all();
    }

    /// Takes the most wanted photo, and waits until there is one. `None` once all is to stop.
    pub fn take(&self) -> Option<PhotoId> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some((photo, access)) = state.queue.pop() {
                state.running.insert(photo, access);
                return Some(photo);
            }
            state = self.work.wait(state).expect(UNBROKEN);
        }
    }

    /// The strongest access that a running photo had so far.
    pub fn access(&self, photo: PhotoId) -> Access {
        let strongest = self.lock().running.get(&photo).copied();
        strongest.unwrap_or(Access::Listed)
    }

    /// Whether this photo's worker is the one that analyses a content. If not, the photo ends with the one that is.
    pub fn claim(&self, content: ContentHash, photo: Follower) -> bool {
        let mut state = self.lock();
        if let Some(followers) = state.contents.get_mut(&content) {
            followers.push(photo);
            return false;
        }
        state.contents.insert(content, Vec::new());
        true
    }

    /// Gives up a claimed content, after its end is committed; gives those who followed.
    pub fn release(&self, content: ContentHash) -> Vec<Follower> {
        self.lock().contents.remove(&content).unwrap_or_default()
    }

    /// Tells everyone who waits for a photo how it ended.
    pub fn tell(&self, photo: PhotoId, verdict: Verdict) {
        let mut state = self.lock();
        match verdict {
            Verdict::Analyzed => state.ended.analyzed += 1,
            Verdict::Copied => state.ended.copies += 1,
            Verdict::Failed(_) => state.ended.failed += 1,
            Verdict::Postponed(_) | Verdict::Skipped => {}
        }
        state.running.remove(&photo);
        state.tell(photo, &Ended::from(verdict));
        self.told.send_replace(());
    }

    /// Ends all waiting: running photos come to their end, the others never start.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.queue = Queue::default();
        let running = &state.running;
        let unstarted = state.waiters.keys().filter(|p| !running.contains_key(p));
        for photo in unstarted.copied().collect::<Vec<_>>() {
            state.tell(photo, &Ended::Skipped);
        }
        self.told.send_replace(());
        self.work.notify_all();
    }

    /// Changes whenever someone might have been told.
    pub fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            queued: state.queue.len(),
            running: state.running.len() as u64,
            ..state.ended
        }
    }

    /// Whether results are on their way, and none came yet.
    pub fn awaits_first_results(&self) -> bool {
        let state = self.lock();
        let has_work = !state.queue.is_empty() || !state.running.is_empty();
        has_work && state.ended.analyzed + state.ended.copies == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(UNBROKEN)
    }
}

impl State {
    fn tell(&mut self, photo: PhotoId, ended: &Ended) {
        for waiter in self.waiters.remove(&photo).unwrap_or_default() {
            // An error says that this one has stopped waiting, as it may.
            let _ = waiter.send((photo, ended.clone()));
        }
    }
}

const UNBROKEN: &str = "nothing panics while it holds the desk";

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: ContentHash = ContentHash([7; 32]);

    fn asked(desk: &Desk, photo: u32, access: Access) -> mpsc::UnboundedReceiver<(PhotoId, Ended)> {
        let (tell, told) = mpsc::unbounded_channel();
        assert!(desk.ask(PhotoId(photo), access, Some(tell), || true));
        told
    }

    fn follower(photo: u32) -> Follower {
        Follower {
            photo: PhotoId(photo),
            stat: FileStat::default(),
        }
    }

    #[test]
    fn a_running_photo_is_not_queued_again_but_may_be_wanted_more() {
        let desk = Desk::default();
        desk.ask_listing(RoaringBitmap::from_iter([1]));
        assert_eq!(desk.take(), Some(PhotoId(1)));
        desk.ask_listing(RoaringBitmap::from_iter([1]));
        let mut told = asked(&desk, 1, Access::Asked);
        assert_eq!(desk.access(PhotoId(1)), Access::Asked);
        assert_eq!((desk.counts().queued, desk.counts().running), (0, 1));
        desk.tell(PhotoId(1), Verdict::Copied);
        assert_eq!(told.try_recv(), Ok((PhotoId(1), Ended::Analyzed)));
        assert_eq!((desk.counts().running, desk.counts().copies), (0, 1));
    }

    #[test]
    fn one_photo_leads_its_content_and_the_others_follow() {
        let desk = Desk::default();
        assert!(desk.claim(CONTENT, follower(1)));
        assert!(!desk.claim(CONTENT, follower(2)));
        assert!(!desk.claim(CONTENT, follower(3)));
        assert_eq!(desk.release(CONTENT), [follower(2), follower(3)]);
        assert!(desk.claim(CONTENT, follower(4)));
    }

    #[test]
    fn stopping_ends_the_waiting_for_what_has_not_started() {
        let desk = Desk::default();
        let mut first = asked(&desk, 1, Access::Asked);
        let mut second = asked(&desk, 2, Access::Asked);
        assert_eq!(desk.take(), Some(PhotoId(1)));
        desk.stop();
        assert_eq!(second.try_recv(), Ok((PhotoId(2), Ended::Skipped)));
        assert!(first.try_recv().is_err());
        assert_eq!(desk.take(), None);
        assert!(!desk.ask(PhotoId(3), Access::Asked, None, || true));
        desk.tell(PhotoId(1), Verdict::Analyzed);
        assert_eq!(first.try_recv(), Ok((PhotoId(1), Ended::Analyzed)));
    }

    #[test]
    fn what_is_not_pending_is_not_queued() {
        let desk = Desk::default();
        assert!(!desk.ask(PhotoId(1), Access::Asked, None, || false));
        assert_eq!(desk.counts(), Counts::default());
    }
}
