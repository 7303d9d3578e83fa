//! Folders of tags that are there without photos: those that somebody made below others, and those that somebody has
//! just emptied, which are there for that process only. It may go on to remove them, as `rm -r` does.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use crate::vfs::{Inode, Step};

/// A process, by its number and its start; `None` where the system doesn't tell.
pub type ProcessKey = Option<(u32, u64)>;

/// The latest folders are kept. An `rm -r` empties one after the other and removes each at once.
const CAPACITY: usize = 1024;

/// Why a folder is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody made it, below other tags; it is there for everybody.
    Made,
    /// This process took the last photo out; it is there for that one alone.
    EmptiedBy(ProcessKey),
}

/// The folders that are kept, by parent and name, while the mount lasts.
#[derive(Default)]
pub struct StickyDirs(Mutex<VecDeque<StickyDir>>);

struct StickyDir {
    parent: Inode,
    name: Vec<u8>,
    step: Step,
    reason: Reason,
}

impl StickyDirs {
    /// Keeps a folder. One that was made isn't less there for being emptied.
    pub fn keep(&self, parent: Inode, name: &[u8], step: Step, reason: Reason) {
        if reason != Reason::Made
            && self
                .find(parent, name)
                .is_some_and(|(_, reason)| reason == Reason::Made)
        {
            return;
        }
        self.remove(parent, name);
        let mut all = self.lock();
        if all.len() == CAPACITY {
            all.pop_front();
        }
        all.push_back(StickyDir {
            parent,
            name: name.into(),
            step,
            reason,
        });
    }

    pub fn find(&self, parent: Inode, name: &[u8]) -> Option<(Step, Reason)> {
        let all = self.lock();
        let found = all.iter().find(|s| s.parent == parent && s.name == name)?;
        Some((found.step.clone(), found.reason))
    }

    pub fn remove(&self, parent: Inode, name: &[u8]) {
        self.lock()
            .retain(|s| (s.parent, &s.name[..]) != (parent, name));
    }

    /// The folders that were made below one.
    pub fn made_below(&self, parent: Inode) -> Vec<(Vec<u8>, Step)> {
        let all = self.lock();
        let made = all
            .iter()
            .filter(|s| s.parent == parent && s.reason == Reason::Made);
        made.map(|s| (s.name.clone(), s.step.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<StickyDir>> {
        self.0.lock()
    }
}
