//! How long things take: counted in buckets as they end, so that percentiles can be told later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Nanoseconds up to which a bucket counts: 10 µs to 100 s, three a decade.
const BOUNDS: [u64; 22] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    25_000_000_000,
    50_000_000_000,
    100_000_000_000,
];

/// And one for what takes longer.
const BUCKETS: usize = BOUNDS.len() + 1;

/// Counts durations. Adding is two additions that wait for nobody.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Histogram {
    pub fn add(&self, took: Duration) {
        let nanos = nanos(took);
        let bucket = BOUNDS.partition_point(|&bound| bound < nanos);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn read(&self) -> Times {
        Times {
            buckets: std::array::from_fn(|n| self.buckets[n].load(Ordering::Relaxed)),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }
}

/// What a histogram held at a moment, or took in between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Times {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// What was added since an earlier moment.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            buckets: std::array::from_fn(|n| self.buckets[n].saturating_sub(earlier.buckets[n])),
            nanos: self.nanos.saturating_sub(earlier.nanos),
        }
    }

    /// How many took more seconds than the bound before and up to this one, bound by bound; the last is infinite.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(|&nanos| nanos as f64 / 1e9);
        bounds.chain([f64::INFINITY]).zip(self.buckets)
    }

    /// How many took up to so many seconds, bound by bound.
    pub fn up_to(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        self.buckets()
            .take(BOUNDS.len())
            .map(move |(bound, count)| {
                sum += count;
                (bound, sum)
            })
    }

    /// Seconds that this part of them (0 to 1) took at most, as far as the buckets tell. `None` when nothing was added.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let rank = part * self.count() as f64;
        let (mut below, mut from) = (0.0, 0.0);
        for (bound, sum) in self.up_to() {
            let sum = sum as f64;
            if sum >= rank && sum > below {
                return Some(from + (bound - from) * (rank - below) / (sum - below));
            }
            (below, from) = (sum, bound);
        }
        (self.count() > 0).then_some(from)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: &[u64]) -> Times {
        let histogram = Histogram::default();
        let each = millis.iter().copied().map(Duration::from_millis);
        each.for_each(|took| histogram.add(took));
        histogram.read()
    }

    #[test]
    fn what_is_added_is_counted_once_at_its_place() {
        let times = times(&[1, 3, 3, 200_000]);
        assert_eq!((times.count(), times.sum().as_millis()), (4, 200_007));
        let at = |seconds: f64| {
            times
                .up_to()
                .find(|(bound, _)| *bound == seconds)
                .unwrap()
                .1
        };
        // A bound counts to its own bucket.
        assert_eq!((at(0.0005), at(0.001), at(0.005), at(100.0)), (0, 1, 3, 3));
    }

    #[test]
    fn bounds_ascend() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_percentile_lies_in_the_bucket_of_its_rank() {
        let check = |millis: &[u64], part, from: f64, to: f64| {
            let found = times(millis).quantile(part).unwrap();
            assert!((from..=to).contains(&found), "{millis:?} {part}: {found}");
        };
        check(&[3; 100], 0.5, 0.0025, 0.005);
        check(&[3, 3, 3, 30], 0.5, 0.0025, 0.005);
        check(&[3, 3, 3, 30], 0.99, 0.025, 0.05);
        check(&[0], 0.5, 0.0, 0.00001);
        check(&[500_000], 0.5, 100.0, 100.0);
        assert_eq!(times(&[]).quantile(0.5), None);
    }

    #[test]
    fn between_two_moments_only_what_came_since_counts() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_secs(9));
        let earlier = histogram.read();
        histogram.add(Duration::from_millis(3));
        let since = histogram.read().since(&earlier);
        assert_eq!((since.count(), since.sum().as_millis()), (1, 3));
    }
}
