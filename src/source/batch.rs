//! Changes on their way into the catalog, several in one commit.

use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::catalog::Change;
use crate::library::Library;
use crate::store;

/// Changes wait no longer for others: short enough for people to see photos appear.
const OLDEST: Duration = Duration::from_millis(200);

/// Commits everything that comes in, until nobody can send any more.
pub fn commit_all(
    library: &Library,
    most: usize,
    incoming: &Receiver<Change>,
) -> store::Result<()> {
    let mut batch = Batch::new(library, most);
    loop {
        match incoming.recv_timeout(batch.time_left()) {
            Ok(change) => batch.add(change)?,
            Err(RecvTimeoutError::Timeout) => batch.commit()?,
            Err(RecvTimeoutError::Disconnected) => return batch.commit(),
        }
    }
}

/// Changes that wait for company, not for long.
pub struct Batch<'a> {
    library: &'a Library,
    /// Changes in one commit.
    most: usize,
    changes: Vec<Change>,
    since: Instant,
}

impl<'a> Batch<'a> {
    /// With at most so many changes in one commit.
    pub fn new(library: &'a Library, most: usize) -> Self {
        Self {
            library,
            most,
            changes: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Takes a change in, and commits when it is enough or old enough.
    pub fn add(&mut self, change: Change) -> store::Result<()> {
        if self.changes.is_empty() {
            self.since = Instant::now();
        }
        self.changes.push(change);
        if self.changes.len() >= self.most || self.since.elapsed() >= OLDEST {
            self.commit()?;
        }
        Ok(())
    }

    /// Commits what has come in; nothing where nothing has.
    pub fn commit(&mut self) -> store::Result<()> {
        self.library.commit(&mem::take(&mut self.changes))
    }

    /// How long the changes at hand may wait for the next one.
    fn time_left(&self) -> Duration {
        if self.changes.is_empty() {
            return OLDEST;
        }
        OLDEST.saturating_sub(self.since.elapsed())
    }
}
