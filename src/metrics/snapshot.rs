//! What the counters and the last minute say about now: rates, percentiles, shares.

use std::sync::Arc;

use super::{CacheUse, Counters, History, Times};
use crate::api::{Count, Cpu, Ends, HostUse, Latency, Memory, Share, Snapshot, Trouble};

/// Seconds over which rates are told.
const RATES_OVER: f64 = 10.0;
/// Seconds over which percentiles and shares are told.
const TIMES_OVER: f64 = 60.0;

impl Snapshot {
    /// Without a past, nothing is told of rates.
    pub fn of(now: &Counters, history: &History) -> Self {
        let lately = |seconds| history.before(seconds).map(Arc::as_ref);
        let (short, long) = (lately(RATES_OVER), lately(TIMES_OVER));
        let rate = |of: &dyn Fn(&Counters) -> f64| per_second(now, short, of);
        Self {
            version: now.version.into(),
            uptime_s: now.uptime.as_secs_f64(),
            paused: now.paused,
            images_per_second: rate(&|f| f.analyzed() as f64),
            ends: sum(&now.hosts),
            photos: counts(now.photos.as_deref().unwrap_or_default()),
            queue: counts(&now.waiting),
            hosts: now.hosts.clone(),
            stages: stages(now, short, long),
            errors: errors(now, long),
            caches: caches(now, long),
            memory: Memory {
                now_bytes: now.process.resident_bytes,
                peak_bytes: now.process.peak_bytes,
                limit_bytes: now.memory_limit,
            },
            cpu: Cpu {
                seconds: now.process.cpu.as_secs_f64(),
                now: rate(&|f| f.process.cpu.as_secs_f64()),
            },
            requests_per_second: rate(&|f| f.request_count() as f64),
            requests: requests(now, short, long),
            index_bytes: now.index_bytes,
            index_free_bytes: now.index_free_bytes,
            images_lately: images_lately(history),
        }
    }
}

/// How much a number grows.
fn per_second(now: &Counters, earlier: Option<&Counters>, of: &dyn Fn(&Counters) -> f64) -> f64 {
    let passed = earlier.and_then(|earlier| {
        let seconds = now.uptime.checked_sub(earlier.uptime)?.as_secs_f64();
        (seconds > 0.0).then(|| (of(now) - of(earlier)).max(0.0) / seconds)
    });
    passed.unwrap_or(0.0)
}

fn sum(hosts: &[HostUse]) -> Ends {
    hosts.iter().fold(Ends::default(), |sum, host| Ends {
        analyzed: sum.analyzed + host.ends.analyzed,
        copied: sum.copied + host.ends.copied,
        failed: sum.failed + host.ends.failed,
    })
}

fn counts(pairs: &[(&'static str, u64)]) -> Vec<Count> {
    let count = |&(name, count): &(&str, u64)| Count {
        name: name.into(),
        count,
    };
    pairs.iter().map(count).collect()
}

fn stages(now: &Counters, short: Option<&Counters>, long: Option<&Counters>) -> Vec<Latency> {
    let times = |f: &Counters, n: usize| f.stages.get(n).map(|(_, times)| *times);
    let latency = |(n, (name, all)): (usize, &(&'static str, Times))| Latency {
        per_second: per_second(now, short, &|f| {
            times(f, n).unwrap_or_default().count() as f64
        }),
        ..Latency::of(name, all, long.and_then(|f| times(f, n)))
    };
    now.stages.iter().enumerate().map(latency).collect()
}

fn requests(now: &Counters, short: Option<&Counters>, long: Option<&Counters>) -> Vec<Latency> {
    let latency = |(n, kind): (usize, &super::Requests)| {
        let begun = |f: &Counters| f.requests.get(n).map_or(0, |kind| kind.begun);
        let earlier = long.map(|f| f.requests.get(n).map_or_else(Times::default, |k| k.times));
        Latency {
            count: kind.begun,
            per_second: per_second(now, short, &|f| begun(f) as f64),
            running: kind.begun.saturating_sub(kind.times.count()),
            ..Latency::of(kind.kind, &kind.times, earlier)
        }
    };
    now.requests.iter().enumerate().map(latency).collect()
}

impl Latency {
    fn of(name: &str, all: &Times, earlier: Option<Times>) -> Self {
        let lately = earlier.map_or(*all, |earlier| all.since(&earlier));
        Self {
            name: name.into(),
            count: all.count(),
            per_second: 0.0,
            running: 0,
            p50: lately.quantile(0.5),
            p95: lately.quantile(0.95),
            p99: lately.quantile(0.99),
        }
    }
}

fn errors(now: &Counters, long: Option<&Counters>) -> Vec<Trouble> {
    let before = |n: usize| {
        long.and_then(|f| f.errors.get(n))
            .map_or(0, |(_, count)| *count)
    };
    let trouble = |(n, &(name, count)): (usize, &(&'static str, u64))| Trouble {
        name: name.into(),
        count,
        last_minute: count.saturating_sub(before(n)),
    };
    now.errors.iter().enumerate().map(trouble).collect()
}

fn caches(now: &Counters, long: Option<&Counters>) -> Vec<Share> {
    let share = |(n, cache): (usize, &CacheUse)| {
        let before = long
            .and_then(|f| f.caches.get(n))
            .copied()
            .unwrap_or_default();
        let lately = (
            cache.hits.saturating_sub(before.hits),
            cache.misses.saturating_sub(before.misses),
        );
        Share {
            name: cache.name.into(),
            hits: cache.hits,
            misses: cache.misses,
            rate: part(cache.hits, cache.misses),
            rate_lately: part(lately.0, lately.1),
        }
    };
    now.caches.iter().enumerate().map(share).collect()
}

fn part(hits: u64, misses: u64) -> Option<f64> {
    let all = hits + misses;
    (all > 0).then(|| hits as f64 / all as f64)
}

fn images_lately(history: &History) -> Vec<f64> {
    let latest = history.samples().rev().take(TIMES_OVER as usize);
    let mut images: Vec<_> = latest.map(|sample| sample.images).collect();
    images.reverse();
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Histogram, Requests};
    use std::time::Duration;

    fn counters(second: u64, analyzed: u64, times: Times, cache: (u64, u64)) -> Counters {
        let ends = Ends {
            analyzed,
            ..Ends::default()
        };
        Counters {
            uptime: Duration::from_secs(second),
            hosts: vec![HostUse {
                ends,
                ..HostUse::default()
            }],
            stages: vec![("read", times)],
            errors: vec![("file", analyzed / 10)],
            requests: vec![Requests {
                kind: "lookup",
                begun: times.count() + 2,
                times,
            }],
            caches: vec![CacheUse {
                name: "details",
                hits: cache.0,
                misses: cache.1,
            }],
            ..Counters::default()
        }
    }

    #[test]
    fn rates_are_of_the_last_seconds_and_percentiles_of_the_last_minute() {
        let read = Histogram::default();
        let mut history = History::default();
        read.add(Duration::from_secs(40));
        history.add(counters(0, 0, read.read(), (10, 0)).into());
        history.add(counters(50, 10, read.read(), (10, 0)).into());
        (0..100).for_each(|_| read.add(Duration::from_millis(3)));
        let now = counters(60, 40, read.read(), (11, 3));
        history.add(now.clone().into());
        let snapshot = Snapshot::of(&now, &history);
        assert_eq!(snapshot.images_per_second, 3.0);
        assert_eq!(snapshot.ends.analyzed, 40);
        assert_eq!(
            (snapshot.stages[0].count, snapshot.stages[0].per_second),
            (101, 10.0)
        );
        assert!(
            snapshot.stages[0].p99.unwrap() < 0.005,
            "{:?}",
            snapshot.stages
        );
        assert_eq!(snapshot.requests[0].running, 2);
        assert_eq!(
            (snapshot.errors[0].count, snapshot.errors[0].last_minute),
            (4, 4)
        );
        assert_eq!(snapshot.caches[0].rate_lately, Some(0.25));
        assert_eq!(snapshot.caches[0].rate, Some(11.0 / 14.0));
        assert_eq!(snapshot.images_lately, [0.2, 3.0]);
    }

    #[test]
    fn without_a_past_there_is_what_was_counted() {
        let read = Histogram::default();
        read.add(Duration::from_millis(3));
        let snapshot = Snapshot::of(&counters(9, 5, read.read(), (0, 0)), &History::default());
        assert_eq!(
            (snapshot.images_per_second, snapshot.ends.analyzed),
            (0.0, 5)
        );
        assert!(snapshot.stages[0].p50.is_some());
        assert_eq!(snapshot.caches[0].rate, None);
    }
}
