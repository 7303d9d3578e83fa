//! One provider, inside the program or on a server: what waits for it, what runs, and what is known of its answers.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tokio::time::Instant;

use super::{AnalysisResult, Counts, Duplicate, JobOutcome, RemoteJob, Waiter};
use crate::analysis::Access;
use crate::analysis::scheduler::answers::Known;
use crate::analysis::scheduler::outcome::UNRESPONSIVE;
use crate::analysis::scheduler::priority_queue::PriorityQueue;
use crate::analysis::scheduler::reasons::Reasons;
use crate::catalog::{ContentHash, PhotoId};

/// Jobs that may wait in all, for each that may wait for its first attempt. Each holds its picture, about 100 KB;
/// without a bound a server that fails for an hour would have the whole catalog in memory.
const MOST_JOBS: usize = 4;

/// Why a photo is skipped that has no answer.
const CHANGED: &str = "its file has changed; it waits for the scan that sees that";

/// All that is known of one provider's work. A photo is in one state at a time: it waits, it runs, or neither.
pub struct ProviderQueue {
    /// From what kind of access on it is started.
    pub on: Access,
    /// Photos that may be ready before a dispatcher takes them; `None` for an analyzer inside the program, whose work
    /// is all done by workers.
    pub room: Option<usize>,
    pub waiting: PriorityQueue,
    /// Photos that a worker has at hand.
    pub preparing: usize,
    /// Photos that are ready for the dispatcher, or that it is to try again.
    pub jobs: Vec<RemoteJob>,
    /// From the moment a worker takes a photo until its end is committed, with the strongest access so far.
    pub running: HashMap<PhotoId, Access>,
    pub waiters: HashMap<PhotoId, Vec<Waiter>>,
    /// Contents that are being analysed, and who else has them.
    pub contents: HashMap<ContentHash, Vec<Duplicate>>,
    /// Photos that are wanted even though there is an answer.
    pub again: RoaringBitmap,
    /// Photos that this provider was asked about by name: what others said doesn't matter.
    pub named: RoaringBitmap,
    /// Photos for which there is an answer.
    pub answered: RoaringBitmap,
    /// Photos that an earlier version dealt with. A server isn't asked again about these unless somebody wants that, as
    /// it may cost money; an analyzer inside the program has still to look at them.
    pub stale: RoaringBitmap,
    /// Photos for which there will be no answer.
    pub declined: RoaringBitmap,
    /// Why photos have no answer that were asked for since the start.
    pub reasons: Reasons,
    /// Why it is of no use, and until when.
    pub down: Option<(String, Instant)>,
    pub ended: Counts,
}

/// When there is something for a dispatcher to send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ready {
    Now,
    At(Instant),
    Never,
}

/// Where a queue has a photo.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Somebody is at it; why it has to be tried again, if so.
    Running(Option<String>),
    Waiting,
    /// It ended without an answer.
    Ended(String),
    /// Nobody asked since the start, or there is an answer.
    Nowhere,
}

impl Default for ProviderQueue {
    fn default() -> Self {
        Self {
            on: Access::Asked,
            room: None,
            waiting: PriorityQueue::default(),
            preparing: 0,
            jobs: Vec::new(),
            running: HashMap::new(),
            waiters: HashMap::new(),
            contents: HashMap::new(),
            again: RoaringBitmap::new(),
            named: RoaringBitmap::new(),
            answered: RoaringBitmap::new(),
            stale: RoaringBitmap::new(),
            declined: RoaringBitmap::new(),
            reasons: Reasons::default(),
            down: None,
            ended: Counts::default(),
        }
    }
}

impl ProviderQueue {
    /// Whether it is an analyzer inside the program.
    pub fn is_local(&self) -> bool {
        self.room.is_none()
    }

    /// Whether it has neither answered nor declined; with `stale`, as it is now. What runs is still missing.
    pub fn is_missing(&self, photo: PhotoId, stale: bool) -> bool {
        let is_done = self.answered.contains(photo.0) || self.declined.contains(photo.0);
        !is_done || stale && self.stale.contains(photo.0) || self.running.contains_key(&photo)
    }

    /// Those of many photos that it has neither answered nor declined; with `stale`, as it is now. What runs isn't
    /// among them.
    pub fn missing(&self, photos: &RoaringBitmap, stale: bool) -> RoaringBitmap {
        let missing = photos - &self.answered - &self.declined;
        match stale {
            true => missing | (photos & &self.stale),
            false => missing,
        }
    }

    /// Photos that it answered, in any version.
    pub fn answered_ever(&self) -> u64 {
        match self.is_local() {
            true => self.answered.union_len(&self.stale),
            false => self.answered.len(),
        }
    }

    /// Wants a photo looked at; `again` also where there is an answer of an earlier version.
    pub fn ask(&mut self, photo: PhotoId, access: Access, again: bool, waiter: Option<Waiter>) {
        match self.running.get_mut(&photo) {
            Some(strongest) => *strongest = access.max(*strongest),
            None => {
                if again {
                    self.again.insert(photo.0);
                }
                self.waiting.push(photo, access);
            }
        }
        self.add_waiters(photo, waiter.into_iter().collect());
    }

    pub fn ask_listing(&mut self, mut photos: RoaringBitmap, access: Access) {
        for photo in self.running.keys() {
            photos.remove(photo.0);
        }
        match access {
            Access::Always => self.waiting.push_strays(photos),
            _ => self.waiting.push_listing(photos),
        }
    }

    /// A photo that another queue has no answer for.
    pub fn take_over(&mut self, photo: PhotoId, access: Access, waiters: Vec<Waiter>) {
        match self.running.get_mut(&photo) {
            Some(strongest) => *strongest = access.max(*strongest),
            None => self.waiting.push(photo, access),
        }
        self.add_waiters(photo, waiters);
    }

    fn add_waiters(&mut self, photo: PhotoId, more: Vec<Waiter>) {
        if more.is_empty() {
            return;
        }
        let waiters = self.waiters.entry(photo).or_default();
        waiters.retain(|w| !w.is_closed());
        waiters.extend(more);
    }

    pub fn next_access(&self) -> Option<Access> {
        self.waiting.peek()
    }

    /// Whether another photo may be made ready. Those that are to be tried again take room too, but less.
    pub fn has_room(&self) -> bool {
        self.room.is_none_or(|room| {
            let fresh = self.jobs.iter().filter(|p| p.is_fresh()).count();
            let all = self.preparing + self.jobs.len();
            self.preparing + fresh < room && all < room * MOST_JOBS
        })
    }

    /// Whether a worker may take something for it.
    pub fn may_take(&self) -> bool {
        self.has_room() && !self.is_down()
    }

    pub fn take(&mut self) -> Option<PhotoId> {
        let (photo, access) = self.waiting.pop()?;
        self.begin(photo, access);
        Some(photo)
    }

    /// Takes a photo if it waits.
    pub fn take_photo(&mut self, photo: PhotoId) -> bool {
        let access = self.waiting.take(photo);
        access.is_some_and(|access| {
            self.begin(photo, access);
            true
        })
    }

    fn begin(&mut self, photo: PhotoId, access: Access) {
        self.preparing += 1;
        self.running.insert(photo, access);
    }

    pub fn claim(&mut self, content: ContentHash, photo: Duplicate) -> bool {
        if let Some(duplicates) = self.contents.get_mut(&content) {
            duplicates.push(photo);
            return false;
        }
        self.contents.insert(content, Vec::new());
        true
    }

    pub fn next_ready_at(&self, now: Instant) -> Ready {
        match self.jobs.iter().map(|p| p.not_before).min() {
            Some(at) if at <= now => Ready::Now,
            Some(at) => Ready::At(at),
            None => Ready::Never,
        }
    }

    /// The most wanted of what is due; among equals, what came first.
    pub fn pop_ready(&mut self, now: Instant) -> Option<RemoteJob> {
        let access = |photo: PhotoId| self.running.get(&photo).copied();
        // From the back, as `max_by_key` gives the last of equals.
        let due = self.jobs.iter().enumerate().rev();
        let due = due.filter(|(_, p)| p.not_before <= now);
        let (at, _) = due.max_by_key(|(_, p)| access(p.photo))?;
        Some(self.jobs.remove(at))
    }

    /// Photos that somebody waits for and that nobody works on.
    pub fn awaited(&self) -> Vec<PhotoId> {
        let waiting = self.waiters.keys().copied();
        waiting.filter(|p| !self.running.contains_key(p)).collect()
    }

    pub fn is_down(&self) -> bool {
        let until = self.down.as_ref().map(|(_, until)| *until);
        until.is_some_and(|until| until > Instant::now())
    }

    pub fn place(&self, photo: PhotoId) -> Place {
        let reason = self.reasons.of(photo).map(str::to_owned);
        if self.running.contains_key(&photo) {
            return Place::Running(reason);
        }
        match reason {
            _ if self.waiting.contains(photo) => Place::Waiting,
            Some(reason) => Place::Ended(reason),
            None => Place::Nowhere,
        }
    }

    fn note(&mut self, photo: PhotoId, answered: bool) {
        self.again.remove(photo.0);
        match answered {
            true => {
                self.answered.insert(photo.0);
                self.stale.remove(photo.0);
                self.declined.remove(photo.0);
            }
            false => {
                self.declined.insert(photo.0);
            }
        }
    }

    /// Adds what is kept of its answers, but of these photos. What it answered since is of this version.
    pub fn learn(&mut self, known: Known, forgotten: &RoaringBitmap) {
        self.stale |= known.stale - forgotten - &self.answered;
        self.answered |= known.answered - forgotten;
        self.declined |= known.declined - forgotten;
    }

    /// Forgets what was known of photos.
    pub fn forget(&mut self, photos: &RoaringBitmap) {
        self.answered -= photos;
        self.declined -= photos;
        self.stale -= photos;
    }

    pub fn count(&mut self, photo: PhotoId, outcome: &JobOutcome) {
        match outcome {
            JobOutcome::Analyzed => self.ended.analyzed += 1,
            JobOutcome::Copied => self.ended.copies += 1,
            JobOutcome::Failed(_) | JobOutcome::Declined { .. } => self.ended.failed += 1,
            JobOutcome::RetryLater(_)
            | JobOutcome::SetAside
            | JobOutcome::Skipped
            | JobOutcome::AnsweredBy(_) => {}
        }
        match outcome {
            JobOutcome::Analyzed | JobOutcome::Copied => self.note(photo, true),
            JobOutcome::Declined { .. } => self.note(photo, false),
            _ => {}
        }
        match outcome {
            JobOutcome::Declined { reason, .. } | JobOutcome::RetryLater(reason) => {
                self.reasons.note(photo, reason);
            }
            JobOutcome::SetAside => self.reasons.note(photo, UNRESPONSIVE),
            JobOutcome::Skipped => self.reasons.note(photo, CHANGED),
            _ => self.reasons.forget(&RoaringBitmap::from_iter([photo.0])),
        }
    }

    /// A photo runs no more; gives the strongest access that it had.
    pub fn end(&mut self, photo: PhotoId) -> Access {
        self.again.remove(photo.0);
        self.running.remove(&photo).unwrap_or(Access::Listed)
    }

    pub fn tell(&mut self, photo: PhotoId, ended: &AnalysisResult) {
        for waiter in self.waiters.remove(&photo).unwrap_or_default() {
            // An error says that this one has stopped waiting, as it may.
            let _ = waiter.send((photo, ended.clone()));
        }
    }

    /// Tells everyone who waits, also for what runs.
    pub fn tell_all(&mut self, ended: &AnalysisResult) {
        let awaited: Vec<_> = self.waiters.keys().copied().collect();
        awaited.iter().for_each(|photo| self.tell(*photo, ended));
    }

    pub fn stop(&mut self) {
        self.waiting = PriorityQueue::default();
        for photo in self.awaited() {
            self.tell(photo, &AnalysisResult::Skipped);
        }
    }

    pub fn counts(&self) -> Counts {
        Counts {
            waiting: self.waiting.waiting(),
            running: self.running.len() as u64,
            ..self.ended
        }
    }
}
