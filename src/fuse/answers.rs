//! Answers that may have to be read first: at once from memory, or later from the runtime.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::invalidate::Inbox;
use crate::vfs::{Error, Result, Tree};

/// Where questions about searches are answered.
#[derive(Clone)]
pub struct Answers {
    pub tree: Arc<Tree>,
    pub runtime: Handle,
    pub inbox: Arc<Inbox>,
}

impl Answers {
    /// Asks the tree and replies: now, or where the store must be read for it, when that is done. What the kernel gets
    /// to remember is always as new as the last notification.
    pub fn give<T: 'static>(
        &self,
        ask: impl Fn(&Tree) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let unread = {
            let _answering = self.inbox.answering();
            match ask(&self.tree) {
                Err(Error::Unread(words)) => words,
                answer => return reply(answer),
            }
        };
        let answers = self.clone();
        self.runtime.spawn_blocking(move || {
            let mut unread = unread;
            loop {
                if let Err(e) = answers.tree.read(&unread) {
                    return reply(Err(e));
                }
                // Nothing is read while this is held: notifications wait for it.
                let _answering = answers.inbox.answering();
                match ask(&answers.tree) {
                    Err(Error::Unread(words)) => unread = words,
                    answer => return reply(answer),
                }
            }
        });
    }
}
