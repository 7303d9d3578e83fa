//! One lane of the desk: a queue, what runs, and what is known.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tokio::time::Instant;

use super::{Counts, Ended, Follower, Parcel, Verdict, Waiter, Wish};
use crate::analysis::Access;
use crate::analysis::scheduler::queue::Queue;
use crate::analysis::scheduler::reasons::Reasons;
use crate::catalog::{ContentHash, PhotoId};

/// Parcels that may wait in all, in parts of those that may wait for their first try.
const MOST_PARCELS: usize = 4;

/// Why a photo is skipped that has no answer.
const CHANGED: &str = "its file has changed; it waits for the scan that sees that";

pub struct Lane {
    /// From what kind of access on it is started.
    pub on: Access,
    /// Photos that may be ready before a courier takes them; `None` where workers do all the work.
    pub room: Option<usize>,
    pub queue: Queue,
    /// Photos that a worker has at hand.
    pub preparing: usize,
    /// Photos that are ready for a courier, or that he is to try again.
    pub parcels: Vec<Parcel>,
    /// From the moment a worker takes a photo until its end is committed, with the strongest access so far.
    pub running: HashMap<PhotoId, Access>,
    pub waiters: HashMap<PhotoId, Vec<Waiter>>,
    /// Contents that are being analysed, and who else has them.
    pub contents: HashMap<ContentHash, Vec<Follower>>,
    /// Photos that are wanted even though there is an answer.
    pub again: RoaringBitmap,
    /// Photos for which there is an answer; of these, those whose answer is of an earlier version.
    pub answered: RoaringBitmap,
    pub stale: RoaringBitmap,
    /// Photos for which there will be none.
    pub declined: RoaringBitmap,
    /// Why photos have no answer that were asked for since the start.
    pub reasons: Reasons,
    /// Why it is of no use, and until when.
    pub down: Option<(String, Instant)>,
    pub ended: Counts,
}

/// When there is something for a courier to carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Due {
    Now,
    At(Instant),
    Never,
}

/// Where a lane has a photo.
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

impl Default for Lane {
    fn default() -> Self {
        Self {
            on: Access::Asked,
            room: None,
            queue: Queue::default(),
            preparing: 0,
            parcels: Vec::new(),
            running: HashMap::new(),
            waiters: HashMap::new(),
            contents: HashMap::new(),
            again: RoaringBitmap::new(),
            answered: RoaringBitmap::new(),
            stale: RoaringBitmap::new(),
            declined: RoaringBitmap::new(),
            reasons: Reasons::default(),
            down: None,
            ended: Counts::default(),
        }
    }
}

impl Lane {
    pub fn ask(&mut self, wish: Wish, is_pending: impl FnOnce() -> bool) -> bool {
        let Wish {
            photo,
            access,
            waiter,
            again,
        } = wish;
        if let Some(strongest) = self.running.get_mut(&photo) {
            *strongest = access.max(*strongest);
        } else if !is_pending() {
            return false;
        } else {
            if again {
                self.again.insert(photo.0);
            }
            self.queue.push(photo, access);
        }
        self.add_waiters(photo, waiter.into_iter().collect());
        true
    }

    pub fn ask_listing(&mut self, mut photos: RoaringBitmap, access: Access) {
        for photo in self.running.keys() {
            photos.remove(photo.0);
        }
        match access {
            Access::Always => self.queue.push_strays(photos),
            _ => self.queue.push_listing(photos),
        }
    }

    /// A photo that another lane has no answer for.
    pub fn take_over(&mut self, photo: PhotoId, access: Access, waiters: Vec<Waiter>) {
        match self.running.get_mut(&photo) {
            Some(strongest) => *strongest = access.max(*strongest),
            None => self.queue.push(photo, access),
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
        self.queue.peek()
    }

    /// Whether another photo may be made ready. Those that are to be tried again take room too, but less.
    pub fn has_room(&self) -> bool {
        self.room.is_none_or(|room| {
            let fresh = self.parcels.iter().filter(|p| p.is_fresh()).count();
            let all = self.preparing + self.parcels.len();
            self.preparing + fresh < room && all < room * MOST_PARCELS
        })
    }

    pub fn take(&mut self) -> Option<PhotoId> {
        let (photo, access) = self.queue.pop()?;
        self.preparing += 1;
        self.running.insert(photo, access);
        Some(photo)
    }

    pub fn claim(&mut self, content: ContentHash, photo: Follower) -> bool {
        if let Some(followers) = self.contents.get_mut(&content) {
            followers.push(photo);
            return false;
        }
        self.contents.insert(content, Vec::new());
        true
    }

    pub fn due(&self, now: Instant) -> Due {
        match self.parcels.iter().map(|p| p.not_before).min() {
            Some(at) if at <= now => Due::Now,
            Some(at) => Due::At(at),
            None => Due::Never,
        }
    }

    /// The most wanted of what is due; among equals, what came first.
    pub fn collect(&mut self, now: Instant) -> Option<Parcel> {
        let access = |photo: PhotoId| self.running.get(&photo).copied();
        let due = self.parcels.iter().enumerate().rev();
        let due = due.filter(|(_, p)| p.not_before <= now);
        let (at, _) = due.max_by_key(|(_, p)| access(p.photo))?;
        Some(self.parcels.remove(at))
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
            _ if self.queue.contains(photo) => Place::Waiting,
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

    pub fn count(&mut self, photo: PhotoId, verdict: &Verdict) {
        match verdict {
            Verdict::Analyzed => self.ended.analyzed += 1,
            Verdict::Copied => self.ended.copies += 1,
            Verdict::Failed(_) | Verdict::Declined { .. } => self.ended.failed += 1,
            Verdict::Postponed(_) | Verdict::Skipped => {}
        }
        match verdict {
            Verdict::Analyzed | Verdict::Copied => self.note(photo, true),
            Verdict::Declined { .. } => self.note(photo, false),
            _ => {}
        }
        match verdict {
            Verdict::Declined { reason, .. } | Verdict::Postponed(reason) => {
                self.reasons.note(photo, reason);
            }
            Verdict::Skipped => self.reasons.note(photo, CHANGED),
            _ => self.reasons.forget(&RoaringBitmap::from_iter([photo.0])),
        }
    }

    /// A photo runs no more; gives the strongest access that it had.
    pub fn end(&mut self, photo: PhotoId) -> Access {
        self.again.remove(photo.0);
        self.running.remove(&photo).unwrap_or(Access::Listed)
    }

    pub fn tell(&mut self, photo: PhotoId, ended: &Ended) {
        for waiter in self.waiters.remove(&photo).unwrap_or_default() {
            // An error says that this one has stopped waiting, as it may.
            let _ = waiter.send((photo, ended.clone()));
        }
    }

    /// Tells everyone who waits, also for what runs.
    pub fn tell_all(&mut self, ended: &Ended) {
        let awaited: Vec<_> = self.waiters.keys().copied().collect();
        awaited.iter().for_each(|photo| self.tell(*photo, ended));
    }

    pub fn stop(&mut self) {
        self.queue = Queue::default();
        for photo in self.awaited() {
            self.tell(photo, &Ended::Skipped);
        }
    }

    pub fn counts(&self) -> Counts {
        Counts {
            waiting: self.queue.waiting(),
            running: self.running.len() as u64,
            ..self.ended
        }
    }
}
