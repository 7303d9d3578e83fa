//! What has become of photos so far: where they stand, why, and who has answered. Starts nothing.

use roaring::{MultiOps, RoaringBitmap};

use super::{Place, QueueId, SchedulerState};
use crate::catalog::PhotoId;

impl SchedulerState {
    /// Where each queue has a photo.
    pub fn places(&self, photo: PhotoId) -> Vec<(QueueId, Place)> {
        let state = self.lock();
        let queues = state.queues.iter().enumerate();
        queues
            .map(|(n, queue)| (QueueId(n), queue.place(photo)))
            .collect()
    }

    /// Why a photo that is to be tried again has no answer yet.
    pub fn note(&self, queue: QueueId, photo: PhotoId, reason: &str) {
        self.lock().queues[queue.0].reasons.note(photo, reason);
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

    /// How many photos a provider answered in any version, in an earlier one, and not at all.
    pub fn known(&self, queue: QueueId) -> [u64; 3] {
        let state = self.lock();
        let queue = &state.queues[queue.0];
        let (stale, declined) = (queue.stale.len(), queue.declined.len());
        [queue.answered_ever(), stale, declined]
    }

    /// Whether a provider answered about a photo.
    pub fn has_answered(&self, queue: QueueId, photo: PhotoId) -> bool {
        self.lock().queues[queue.0].answered.contains(photo.0)
    }

    /// Whether some server has answered about a photo.
    pub fn has_answer_of_server(&self, photo: PhotoId) -> bool {
        self.lock().has_answer_of_server(photo)
    }

    /// Whether every provider has declined.
    pub fn is_given_up(&self, photo: PhotoId) -> bool {
        let state = self.lock();
        let mut queues = state.queues.iter();
        !state.queues.is_empty() && queues.all(|queue| queue.declined.contains(photo.0))
    }

    /// Photos that every provider has declined.
    pub fn given_up(&self) -> RoaringBitmap {
        let state = self.lock();
        let declined = state.queues.iter().map(|queue| &queue.declined);
        declined.intersection()
    }
}
