//! What a scan did, counted while it runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a scan did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Regular files come across, pictures or not.
    pub files_seen: u64,
    /// Photos in the catalog afterwards.
    pub photos: u64,
    /// Files opened: new ones, and those that were written to.
    pub opened: u64,
    /// Bytes read of them.
    pub bytes_read: u64,
    /// Photos that the catalog did not know.
    pub added: u64,
    /// Photos whose file has other content or other permissions.
    pub changed: u64,
    /// Photos whose file is at another path.
    pub moved: u64,
    /// Photos whose file is no longer there.
    pub gone: u64,
    /// Folders and files that could not be read; what was known below them is kept.
    pub unreadable: u64,
    /// Files that don't answer; what was known of them is kept, and they are tried again later.
    pub unresponsive: u64,
    /// Files that are no pictures.
    pub other: u64,
    /// How long it took, from start to end.
    pub seconds: f64,
    /// Whether the scan came to its end; one that was stopped leaves moves and losses for the next.
    pub complete: bool,
}

impl Report {
    /// How many photos aren't as they were.
    pub fn changes(&self) -> u64 {
        self.added + self.changed + self.moved + self.gone
    }
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Regular files come across so far, pictures or not.
    pub files_seen: u64,
    /// Whether no scan is running and one has ended.
    pub done: bool,
}

/// The counters behind a report, which has what each means.
#[derive(Default)]
pub struct Counts {
    pub files_seen: AtomicU64,
    pub opened: AtomicU64,
    pub bytes_read: AtomicU64,
    pub added: AtomicU64,
    pub changed: AtomicU64,
    pub moved: AtomicU64,
    pub gone: AtomicU64,
    pub unreadable: AtomicU64,
    pub unresponsive: AtomicU64,
    pub other: AtomicU64,
}

pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counts {
    pub fn report(&self, photos: u64, complete: bool, took: Duration) -> Report {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Report {
            files_seen: count(&self.files_seen),
            photos,
            opened: count(&self.opened),
            bytes_read: count(&self.bytes_read),
            added: count(&self.added),
            changed: count(&self.changed),
            moved: count(&self.moved),
            gone: count(&self.gone),
            unreadable: count(&self.unreadable),
            unresponsive: count(&self.unresponsive),
            other: count(&self.other),
            seconds: took.as_secs_f64(),
            complete,
        }
    }
}
