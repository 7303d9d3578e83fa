//! Folders of tags that are there without photos: those that somebody made below others, and those that somebody has
//! just emptied, which are there for that process only. It may go on to remove them, as `rm -r` does.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use crate::vfs::{Inode, Step};

/// A process, by its number and its start; `None` where the system doesn't tell.
pub type Process = Option<(u32, u64)>;

/// The latest folders are kept.
const MOST: usize = 1024;

/// Why a folder is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Made,
    EmptiedBy(Process),
}

#[derive(Default)]
pub struct Stays(Mutex<VecDeque<Stay>>);

struct Stay {
    parent: Inode,
    name: Vec<u8>,
    step: Step,
    why: Why,
}

impl Stays {
    /// Keeps a folder. One that was made isn't less there for being emptied.
    pub fn keep(&self, parent: Inode, name: &[u8], step: Step, why: Why) {
        if why != Why::Made
            && self
                .find(parent, name)
                .is_some_and(|(_, why)| why == Why::Made)
        {
            return;
        }
        self.remove(parent, name);
        let mut all = self.lock();
        if all.len() == MOST {
            all.pop_front();
        }
        all.push_back(Stay {
            parent,
            name: name.into(),
            step,
            why,
        });
    }

    pub fn find(&self, parent: Inode, name: &[u8]) -> Option<(Step, Why)> {
        let all = self.lock();
        let found = all.iter().find(|s| s.parent == parent && s.name == name)?;
        Some((found.step.clone(), found.why))
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
            .filter(|s| s.parent == parent && s.why == Why::Made);
        made.map(|s| (s.name.clone(), s.step.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Stay>> {
        self.0.lock().expect("the list is never half-changed")
    }
}
