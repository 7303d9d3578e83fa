//! Changes on their way into the catalog, several in one commit.

use std::mem;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::catalog::Change;
use crate::library::Library;
use crate::store;

/// Changes wait no longer for others: short enough for people to see photos appear.
const OLDEST: Duration = Duration::from_millis(200);

/// How long a commit may take: whoever edits meanwhile waits for one. The next ones are smaller where one took longer, as on
/// a slow disk or where much is known of the same content.
const LONGEST: Duration = Duration::from_millis(20);
/// Changes that are always committed together: below it the commit itself costs more than they do.
const FEWEST: usize = 16;

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
    /// The most changes that one commit may have.
    most: usize,
    /// Those that it may have now.
    room: usize,
    changes: Vec<Change>,
    since: Instant,
}

impl<'a> Batch<'a> {
    /// With at most so many changes in one commit.
    pub fn new(library: &'a Library, most: usize) -> Self {
        Self {
            library,
            most,
            room: most.min(FEWEST),
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
        if self.changes.len() >= self.room || self.since.elapsed() >= OLDEST {
            self.commit()?;
        }
        Ok(())
    }

    /// Commits what has come in; nothing where nothing has.
    pub fn commit(&mut self) -> store::Result<()> {
        let changes = mem::take(&mut self.changes);
        let begun = Instant::now();
        self.library.commit(&changes)?;
        self.room = room(self.room, changes.len(), begun.elapsed()).min(self.most);
        Ok(())
    }

    /// How long the changes at hand may wait for the next one.
    fn time_left(&self) -> Duration {
        if self.changes.is_empty() {
            return OLDEST;
        }
        OLDEST.saturating_sub(self.since.elapsed())
    }
}

/// How many changes the next commit may have, after one of so many that took so long.
fn room(before: usize, changes: usize, took: Duration) -> usize {
    if took > LONGEST {
        return (before / 2).max(FEWEST);
    }
    // One that is small for another reason says little of a large one.
    match changes == before && took < LONGEST / 2 {
        true => before * 2,
        false => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_grow_until_one_takes_long_and_shrink_then() {
        let quick = LONGEST / 4;
        assert_eq!(room(64, 64, quick), 128);
        assert_eq!(room(64, 3, quick), 64);
        assert_eq!(room(64, 64, LONGEST * 3 / 4), 64);
        assert_eq!(room(64, 3, LONGEST * 2), 32);
        assert_eq!(room(FEWEST, FEWEST, LONGEST * 2), FEWEST);
    }
}
