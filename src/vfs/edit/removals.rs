//! What programs take out of folders below others, for the end of an `rm -r`: only the tag of the outermost folder is
//! meant then.
//!
//! Whether a removal belongs to that of a folder above is told by what its program looked at: whoever removes a folder
//! with all that is in it looks into it before, and not again. A removal from before the look was meant by itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::analysis::{Crawlers, Process};
use crate::catalog::{ActId, LabelKey, PhotoId};

/// Removals remembered of one process: a bound on memory, some 100 MB, that only an `rm -r` of a million photos meets.
/// What is beyond it isn't given back.
const MAX_REMOVALS: usize = 1 << 20;
/// A file manager may read a folder that it shows anew because of what it removes: a look so soon is none.
const REFRESH: Duration = Duration::from_secs(2);

/// A process, by its number and its start.
type ProcessKey = (u32, u64);

/// The removals of processes that run.
#[derive(Default)]
pub struct Removals(Mutex<HashMap<ProcessKey, Vec<Removal>>>);

/// A photo that lost the last tag of a path.
pub struct Removal {
    pub act: ActId,
    pub photo: PhotoId,
    pub path: Vec<LabelKey>,
    at: Instant,
}

impl Removal {
    fn is_below(&self, path: &[LabelKey]) -> bool {
        self.path.len() > path.len() && self.path.starts_with(path)
    }
}

impl Removals {
    pub fn note(
        &self,
        process: &Process,
        act: ActId,
        photo: PhotoId,
        path: &[LabelKey],
        crawlers: &Crawlers,
    ) {
        let mut all = self.0.lock();
        if !all.contains_key(&process.key) {
            let is_running =
                |key: &ProcessKey| crawlers.process(key.0).is_some_and(|p| p.key == *key);
            all.retain(|key, _| is_running(key));
        }
        let removed = all.entry(process.key).or_default();
        if removed.len() < MAX_REMOVALS {
            removed.push(Removal {
                act,
                photo,
                path: path.to_vec(),
                at: Instant::now(),
            });
        }
    }

    /// Whether there is any to forget.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// A process looks into the folder of these tags: what it removed below it was meant by itself.
    pub fn forget_before_look(&self, process: &Process, path: &[LabelKey]) {
        let mut all = self.0.lock();
        if let Some(removed) = all.get_mut(&process.key) {
            removed.retain(|removal| !removal.is_below(path) || removal.at.elapsed() < REFRESH);
            if removed.is_empty() {
                all.remove(&process.key);
            }
        }
    }

    /// Takes what a process removed below the folder of these tags, which it removes now.
    pub fn take(&self, process: &Process, path: &[LabelKey]) -> Vec<Removal> {
        let mut all = self.0.lock();
        let Some(removed) = all.get_mut(&process.key) else {
            return Vec::new();
        };
        let (taken, left) = std::mem::take(removed)
            .into_iter()
            .partition(|removal| removal.is_below(path));
        *removed = left;
        if removed.is_empty() {
            all.remove(&process.key);
        }
        taken
    }
}
