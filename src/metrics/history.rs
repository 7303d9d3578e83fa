//! What the last hour was like: a few numbers a second, and of the last minute everything. Bounded.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Counters;

/// Seconds that samples are kept.
const AN_HOUR: f64 = 3600.0;
/// Seconds that all counters are kept.
const A_MINUTE: f64 = 60.0;
/// However often samples are taken.
const MOST_SAMPLES: usize = 3600;

/// What one second was like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Seconds since the start of the program.
    pub at: f64,
    /// Photos looked at, errors, and requests of the kernel, a second.
    pub images: f64,
    pub errors: f64,
    pub requests: f64,
    /// Photos in the queues.
    pub queued: u64,
    pub memory_bytes: u64,
    /// Processors kept busy.
    pub cpu: f64,
}

#[derive(Default)]
pub struct History {
    samples: VecDeque<Sample>,
    minute: VecDeque<Arc<Counters>>,
}

impl History {
    /// Notes the counters of a moment. Moments come in their order.
    pub fn add(&mut self, counters: Arc<Counters>) {
        let now = counters.uptime.as_secs_f64();
        if let Some(last) = self.minute.back() {
            self.samples.extend(between(last, &counters));
        }
        self.minute.push_back(counters);
        keep(&mut self.minute, |f| {
            now - f.uptime.as_secs_f64() <= A_MINUTE
        });
        keep(&mut self.samples, |s| now - s.at < AN_HOUR);
    }

    /// Of the last hour, the latest last.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Sample> {
        self.samples.iter()
    }

    /// The earliest counters that are no older than so many seconds before the latest.
    pub fn before(&self, seconds: f64) -> Option<&Arc<Counters>> {
        let now = self.minute.back()?.uptime.as_secs_f64();
        let mut recent = self.minute.iter();
        recent.find(|f| now - f.uptime.as_secs_f64() <= seconds)
    }
}

fn keep<T>(kept: &mut VecDeque<T>, is_recent: impl Fn(&T) -> bool) {
    while kept.front().is_some_and(|first| !is_recent(first)) || kept.len() > MOST_SAMPLES {
        kept.pop_front();
    }
}

/// `None` where no time passed.
fn between(earlier: &Counters, now: &Counters) -> Option<Sample> {
    let seconds = (now.uptime.checked_sub(earlier.uptime)?).as_secs_f64();
    let rate = |of: fn(&Counters) -> u64| of(now).saturating_sub(of(earlier)) as f64 / seconds;
    let cpu = now.process.cpu.saturating_sub(earlier.process.cpu);
    (seconds > 0.0).then(|| Sample {
        at: now.uptime.as_secs_f64(),
        images: rate(Counters::analyzed),
        errors: rate(Counters::error_count),
        requests: rate(Counters::request_count),
        queued: now.queued(),
        memory_bytes: now.process.resident_bytes.unwrap_or(0),
        cpu: cpu.as_secs_f64() / seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Ends, HostUse};
    use std::time::Duration;

    fn at(millis: u64, analyzed: u64) -> Arc<Counters> {
        let host = HostUse {
            ends: Ends {
                analyzed,
                ..Ends::default()
            },
            ..HostUse::default()
        };
        Arc::new(Counters {
            uptime: Duration::from_millis(millis),
            hosts: vec![host],
            ..Counters::default()
        })
    }

    #[test]
    fn a_sample_is_what_happened_in_its_second() {
        let mut history = History::default();
        for (second, analyzed) in [(0, 5), (1, 7), (2, 7), (4, 17)] {
            history.add(at(second * 1000, analyzed));
        }
        let images: Vec<_> = history.samples().map(|s| (s.at, s.images)).collect();
        assert_eq!(images, [(1.0, 2.0), (2.0, 0.0), (4.0, 5.0)]);
        assert_eq!(history.before(2.0).unwrap().analyzed(), 7);
        assert_eq!(history.before(60.0).unwrap().analyzed(), 5);
    }

    #[test]
    fn an_hour_is_all_that_is_kept() {
        let mut history = History::default();
        assert!(history.before(1.0).is_none());
        (0..5000).for_each(|second| history.add(at(second * 1000, 0)));
        assert_eq!(history.samples().count(), 3600);
        assert_eq!(history.minute.len(), 61);
        (0..5000).for_each(|tick| history.add(at(5_000_000 + tick, 0)));
        assert_eq!(history.samples().count(), 3600);
        assert!(history.minute.len() <= MOST_SAMPLES);
        // A clock that stands still tells nothing, and ends nothing.
        history.add(at(5_004_999, 3));
        assert_eq!(history.samples().next_back().unwrap().images, 0.0);
    }
}
