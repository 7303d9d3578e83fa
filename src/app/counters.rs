//! What this process and its catalog are doing, read from wherever it is counted.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::App;
use crate::analysis::scheduler::ProviderState;
use crate::analysis::{Failure, Outage};
use crate::catalog::Status;
use crate::metrics::process::{self, Process};
use crate::metrics::{Bill, CacheUse, Counters, Ends, History, HostUse, Snapshot};
use crate::store::provider_store::Spent;

/// From one sample to the next.
const BEAT: Duration = Duration::from_secs(1);

impl App {
    /// Takes a sample now and every second, until the other side of `end` is dropped. Blocks.
    pub fn observe(&self, end: &Receiver<()>) {
        loop {
            let counters = Arc::new(self.counters());
            self.history().add(counters);
            match end.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return,
            }
        }
    }

    /// What the last hour was like.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("no sample is left half-taken")
    }

    /// What is going on now. May block on the disk.
    pub fn snapshot(&self) -> Snapshot {
        let counters = self.counters();
        Snapshot::of(&counters, &self.history())
    }

    /// Everything that was counted up to now. May block on the disk; doesn't wait for the index.
    pub fn counters(&self) -> Counters {
        let work = self.scheduler.progress();
        let uptime = self.uptime();
        Counters {
            version: env!("CARGO_PKG_VERSION"),
            started: self.born,
            uptime,
            paused: self.scheduler.is_paused(),
            photos: self.library.is_loaded().then(|| self.photos_by_state()),
            waiting: work.waiting.named().into(),
            hosts: self.hosts(),
            stages: work.stages.named().into(),
            errors: self.scheduler.errors(),
            caches: self.caches(),
            process: Process::now(),
            memory_limit: self.config.max_memory_mb << 20,
            requests: self.requests.get().map_or_else(Vec::new, |r| r.all()),
            routes: self.traffic.all(),
            index_bytes: self.library.store().size_bytes().ok(),
            index_free_bytes: process::free_bytes(&self.index_file),
            unkept: self.scheduler.why_unkept().is_some(),
        }
    }

    fn photos_by_state(&self) -> Vec<(&'static str, u64)> {
        let count = |status: Status| (status.name(), self.count(status));
        Status::ALL.map(count).into()
    }

    fn hosts(&self) -> Vec<HostUse> {
        let providers = self.scheduler.providers().into_iter();
        providers.map(host).collect()
    }

    fn caches(&self) -> Vec<CacheUse> {
        let each = [
            ("details", self.cache.hits(), self.cache.misses()),
            ("previews", self.previews.hits(), self.previews.misses()),
            (
                "thumbnails",
                self.thumbnails.hits(),
                self.thumbnails.misses(),
            ),
        ];
        let cache = |(name, hits, misses)| CacheUse { name, hits, misses };
        each.map(cache).into()
    }
}

fn host(state: ProviderState) -> HostUse {
    let budget = state.provider.server.as_ref().map(|server| &server.budget);
    let closed = budget.and_then(|budget| budget.is_open().err());
    // Enough for this minute is no trouble.
    let spent = closed.filter(|why| matches!(why, Failure::Host { .. }));
    let is_spent = |why: &Failure| {
        let Failure::Host { outage, .. } = why else {
            return false;
        };
        matches!(outage, Outage::Spent { .. })
    };
    HostUse {
        name: state.provider.analyzer.name().into(),
        model: state.provider.analyzer.model().into(),
        ends: Ends {
            analyzed: state.counts.analyzed,
            copied: state.counts.copies,
            failed: state.counts.failed,
        },
        waiting: state.counts.queued,
        running: state.requests,
        limit: state.limit as u64,
        is_spent: spent.as_ref().is_some_and(is_spent),
        trouble: state.down.or(spent.map(|why| why.to_string())),
        today: budget.map(|budget| bill(budget.spending().today)),
    }
}

/// What part of the requests cost isn't known makes the sum unknown, not small.
fn bill(spent: Spent) -> Bill {
    Bill {
        requests: spent.requests,
        input_tokens: spent.input_tokens,
        output_tokens: spent.output_tokens,
        cost: (spent.unpriced == 0).then_some(spent.cost),
    }
}
