//! Replies that may have to wait for the store: given at once from memory, or deferred to the runtime.

use std::sync::Arc;

use super::invalidate::InvalidationQueue;
use super::spans::Runtime;
use crate::vfs::{Error, Result, Tree};

/// What gives such replies.
#[derive(Clone)]
pub struct DeferredReply {
    pub tree: Arc<Tree>,
    pub runtime: Runtime,
    pub invalidations: Arc<InvalidationQueue>,
}

impl DeferredReply {
    /// Asks the tree and replies: now, or where the store must be read for it, when that is done. What the kernel gets
    /// to remember is always as new as the last notification.
    pub fn reply_now_or_later<T: 'static>(
        &self,
        ask: impl Fn(&Tree) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let unread = {
            let _held_back = self.invalidations.hold_notifications();
            match ask(&self.tree) {
                Err(Error::Unread(words)) => words,
                answer => return reply(answer),
            }
        };
        let deferred = self.clone();
        self.runtime.spawn_blocking(move || {
            let mut unread = unread;
            loop {
                if let Err(e) = deferred.tree.namespace.read(&unread) {
                    return reply(Err(e));
                }
                // Nothing is read while this is held: notifications wait for it.
                let _held_back = deferred.invalidations.hold_notifications();
                match ask(&deferred.tree) {
                    Err(Error::Unread(words)) => unread = words,
                    answer => return reply(answer),
                }
            }
        });
    }
}
