//! Throttles invalidations: the cached listing of a folder is dropped at once when nothing happened there, then not too
//! often.
//!
//! Knows nothing of the kernel.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::vfs::Inode;

/// After what people and their files do: a storm of it coalesces, and nobody notices.
pub const SHORT_INTERVAL: Duration = Duration::from_millis(50);
/// After results of analyses, which come by the dozen a second: a file manager reads a folder of thousands anew each
/// time.
pub const LONG_INTERVAL: Duration = Duration::from_secs(1);

/// Folders whose listing is to be dropped, and those where that was just done.
#[derive(Default)]
pub struct Throttle {
    dropped: HashMap<Inode, Instant>,
    due: HashMap<Inode, Duration>,
}

impl Throttle {
    /// The listing of a folder is to be dropped, so long after the last time at the earliest.
    pub fn schedule(&mut self, folder: Inode, interval: Duration) {
        let due = self.due.entry(folder).or_insert(interval);
        *due = interval.min(*due);
    }

    /// How long until some folder has its turn; `None` when there is none to be dropped.
    pub fn next_due_in(&self, now: Instant) -> Option<Duration> {
        let waits = self.due.iter();
        waits
            .map(|(folder, interval)| self.remaining(*folder, *interval, now))
            .min()
    }

    /// The folders whose turn it is; they are dropped now.
    pub fn take_due(&mut self, now: Instant) -> HashSet<Inode> {
        let due = self.due.iter();
        let turn =
            due.filter(|(folder, interval)| self.remaining(**folder, **interval, now).is_zero());
        let turn: HashSet<_> = turn.map(|(folder, _)| *folder).collect();
        self.due.retain(|folder, _| !turn.contains(folder));
        self.dropped
            .retain(|_, at| now.duration_since(*at) < LONG_INTERVAL);
        self.dropped
            .extend(turn.iter().map(|folder| (*folder, now)));
        turn
    }

    fn remaining(&self, folder: Inode, interval: Duration, now: Instant) -> Duration {
        let dropped = self.dropped.get(&folder);
        dropped.map_or(Duration::ZERO, |at| {
            interval.saturating_sub(now.duration_since(*at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: Inode = Inode(7);

    /// Scheduled at these milliseconds, by what a person does or (`false`) by results: when the listing is dropped.
    fn dropped(wanted: &[(u64, bool)]) -> Vec<u64> {
        let (mut throttle, begin) = (Throttle::default(), Instant::now());
        let mut dropped = Vec::new();
        for ms in 0..3000 {
            for (_, person) in wanted.iter().filter(|(at, _)| *at == ms) {
                throttle.schedule(
                    FOLDER,
                    if *person {
                        SHORT_INTERVAL
                    } else {
                        LONG_INTERVAL
                    },
                );
            }
            let now = begin + Duration::from_millis(ms);
            assert_eq!(throttle.next_due_in(now).is_none(), throttle.due.is_empty());
            dropped.extend(throttle.take_due(now).iter().map(|_| ms));
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
