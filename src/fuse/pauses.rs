//! When the cached listing of a folder may be dropped again: at once when nothing happened there, then not too often.
//!
//! Knows nothing of the kernel.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::vfs::Inode;

/// After what people and their files do: a storm of it coalesces, and nobody notices.
pub const SHORT: Duration = Duration::from_millis(50);
/// After results of analyses.
pub const LONG: Duration = Duration::from_secs(1);

/// Folders whose listing is to be dropped, and those where that was just done.
#[derive(Default)]
pub struct Pauses {
    dropped: HashMap<Inode, Instant>,
    due: HashMap<Inode, Duration>,
}

impl Pauses {
    /// The listing of a folder is to be dropped, so long after the last time at the earliest.
    pub fn want(&mut self, folder: Inode, pause: Duration) {
        let due = self.due.entry(folder).or_insert(pause);
        *due = pause.min(*due);
    }

    /// How long until some folder has its turn; `None` when there is none to be dropped.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        let waits = self.due.iter();
        waits
            .map(|(folder, pause)| self.rest(*folder, *pause, now))
            .min()
    }

    /// The folders whose turn it is; they are dropped now.
    pub fn take(&mut self, now: Instant) -> HashSet<Inode> {
        let due = self.due.iter();
        let turn = due.filter(|(folder, pause)| self.rest(**folder, **pause, now).is_zero());
        let turn: HashSet<_> = turn.map(|(folder, _)| *folder).collect();
        self.due.retain(|folder, _| !turn.contains(folder));
        self.dropped.retain(|_, at| now.duration_since(*at) < LONG);
        self.dropped
            .extend(turn.iter().map(|folder| (*folder, now)));
        turn
    }

    fn rest(&self, folder: Inode, pause: Duration, now: Instant) -> Duration {
        let dropped = self.dropped.get(&folder);
        dropped.map_or(Duration::ZERO, |at| {
            pause.saturating_sub(now.duration_since(*at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: Inode = Inode(7);

    /// Wants, at these milliseconds, with what a person does or (`false`) with results: when the listing is dropped.
    fn dropped(wanted: &[(u64, bool)]) -> Vec<u64> {
        let (mut pauses, begin) = (Pauses::default(), Instant::now());
        let mut dropped = Vec::new();
        for ms in 0..3000 {
            for (_, person) in wanted.iter().filter(|(at, _)| *at == ms) {
                pauses.want(FOLDER, if *person { SHORT } else { LONG });
            }
            let now = begin + Duration::from_millis(ms);
            assert_eq!(pauses.wait(now).is_none(), pauses.due.is_empty());
            dropped.extend(pauses.take(now).iter().map(|_| ms));
        }
        dropped
    }

    #[test]
    fn the_first_change_shows_at_once_and_results_coalesce() {
        assert_eq!(dropped(&[(5, false)]), [5]);
        let storm: Vec<_> = (0..2000).map(|ms| (ms, false)).collect();
        assert_eq!(dropped(&storm), [0, 1000, 2000]);
    }

    #[test]
    fn a_person_does_not_wait_for_a_storm_of_results() {
        let mut storm: Vec<_> = (0..900).map(|ms| (ms, false)).collect();
        storm.push((400, true));
        assert_eq!(dropped(&storm), [0, 400, 1400]);
        let quick: Vec<_> = (0..10).map(|n| (n * 20, true)).collect();
        let shown = dropped(&quick);
        let within = |at: u64| shown.iter().any(|s| (at..at + 100).contains(s));
        assert!(quick.iter().all(|(at, _)| within(*at)), "{shown:?}");
        assert!(shown.len() < quick.len());
    }
}
