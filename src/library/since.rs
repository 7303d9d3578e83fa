//! Which acts of the journal are meant by a time. Pure.
//!
//! Acts are in the order of their numbers, whatever the clock said: one that was set back makes later acts look older. So
//! the oldest act of that time counts, and all that was done after it.

use crate::catalog::Done;

/// Gathers acts, the latest first.
pub struct Since {
    from: i64,
    now: i64,
    /// Those that are meant so far.
    pub acts: Vec<Done>,
    /// Those that look older, since the last that is meant.
    older: Vec<Done>,
}

/// So many acts in a row that look older are older: a clock that is wrong is put right.
const MOST_OLDER: usize = 256;

impl Since {
    /// `from` and `now` in seconds since 1970.
    pub fn new(from: i64, now: i64) -> Self {
        Self {
            from,
            now,
            acts: Vec::new(),
            older: Vec::new(),
        }
    }

    /// Takes the next act; says whether there may be more.
    pub fn take(&mut self, done: Done) -> bool {
        // From a clock that was ahead nothing follows for acts that look older.
        let is_ahead = done.at > self.now && !self.older.is_empty();
        let is_meant = done.at >= self.from && !is_ahead;
        self.older.push(done);
        if is_meant {
            self.acts.append(&mut self.older);
        }
        self.older.len() < MOST_OLDER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{ActId, Actor, Role};

    /// The numbers of the acts that are meant by "since 100", where it is 200 now.
    fn check(times: &[i64], expected: &[u64]) {
        let mut since = Since::new(100, 200);
        let mut acts = times.iter().enumerate().rev().map(|(n, &at)| Done {
            id: ActId(n as u64),
            at,
            by: Actor::default(),
            words: String::new(),
            role: Role::New,
            undone_by: None,
            photos: 0,
            photo: None,
        });
        let _is_whole = acts.all(|act| since.take(act));
        let ids: Vec<_> = since.acts.iter().map(|act| act.id.0).collect();
        assert_eq!(ids, expected, "{times:?}");
    }

    #[test]
    fn acts_of_the_time_and_all_after_them_are_meant() {
        check(&[50, 60, 110, 120], &[3, 2]);
        check(&[50, 60], &[]);
        // The clock was set back before the last.
        check(&[50, 110, 120, 30], &[3, 2, 1]);
        check(&[50, 190, 40, 30], &[3, 2, 1]);
    }

    #[test]
    fn a_clock_that_was_ahead_makes_no_act_younger() {
        check(&[50, 9000, 60, 110], &[3]);
        check(&[50, 9000, 110], &[2, 1]);
        check(&[9000, 60, 70], &[]);
    }

    #[test]
    fn the_journal_is_not_read_to_its_beginning() {
        let mut times = vec![110];
        times.extend([50; MOST_OLDER]);
        check(&times, &[]);
    }
}
