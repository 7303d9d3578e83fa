//! Photos whose file doesn't answer, and who wants them looked at when it does.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::queues::ProviderQueues;
use super::{QueueId, SchedulerState};
use crate::analysis::Access;
use crate::catalog::PhotoId;

/// What is wanted of each.
#[derive(Debug, Default)]
pub struct SetAside(HashMap<PhotoId, Vec<Wish>>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Wish {
    queue: QueueId,
    access: Access,
    /// Whether just this provider is wanted.
    is_named: bool,
}

impl SetAside {
    /// Photos have another file now.
    pub fn forget(&mut self, photos: &RoaringBitmap) {
        self.0.retain(|photo, _| !photos.contains(photo.0));
    }
}

impl ProviderQueues {
    /// The file of a photo that a queue had doesn't answer.
    pub fn set_aside(&mut self, queue: QueueId, photo: PhotoId, access: Access) {
        let wish = Wish {
            queue,
            access,
            is_named: self.queues[queue.0].named.contains(photo.0),
        };
        let wishes = self.set_aside.0.entry(photo).or_default();
        wishes.retain(|wish| wish.queue != queue);
        wishes.push(wish);
    }
}

impl SchedulerState {
    /// The files of photos are to be tried again: whoever wanted them looked at gets them.
    pub fn resume(&self, photos: impl IntoIterator<Item = PhotoId>) {
        let mut state = self.lock();
        for photo in photos {
            let wishes = state.set_aside.0.remove(&photo).unwrap_or_default();
            let wishes = wishes.into_iter().filter(|_| !state.stopped);
            for wish in wishes.collect::<Vec<_>>() {
                let queue = &mut state.queues[wish.queue.0];
                if !queue.is_missing(photo, false) {
                    continue;
                }
                if wish.is_named {
                    queue.named.insert(photo.0);
                }
                queue.ask(photo, wish.access, false, None);
            }
        }
        self.work.notify_all();
    }

    /// Whether all is to stop.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }
}
