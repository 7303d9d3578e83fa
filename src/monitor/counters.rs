//! Everything that was counted up to now, put together.

use super::Monitor;
use crate::analysis::scheduler::ProviderState;
use crate::analysis::{Failure, Outage};
use crate::api::{Bill, Ends, HostUse};
use crate::catalog::Status;
use crate::metrics::process::{self, Process};
use crate::metrics::{CacheUse, Counters};
use crate::store::provider_store::Spent;

impl Monitor {
    /// Everything that was counted up to now. May block on the disk; doesn't wait for the index.
    pub fn counters(&self) -> Counters {
        let from = &self.sources;
        let work = from.scheduler.progress();
        Counters {
            version: env!("CARGO_PKG_VERSION"),
            started: from.instance.started_at(),
            uptime: from.instance.uptime(),
            paused: from.scheduler.is_paused(),
            photos: from.library.is_loaded().then(|| self.photos_by_state()),
            waiting: work.waiting.named().into(),
            hosts: from.scheduler.providers().into_iter().map(host).collect(),
            stages: work.stages.named().into(),
            errors: from.scheduler.errors(),
            caches: vec![
                self.details_cache(),
                self.previews_cache(),
                self.thumbnails_cache(),
            ],
            decode_workers: from.decoders.counts(),
            process: Process::now(),
            memory_limit: from.memory_limit,
            requests: self.kernel.get().map_or_else(Vec::new, |asked| asked()),
            routes: from.traffic.all(),
            index_bytes: from.library.store().size_bytes().ok(),
            index_free_bytes: process::free_bytes(from.instance.catalog_path()),
            unkept: from.scheduler.why_unkept().is_some(),
        }
    }

    /// Of what is known of photos.
    pub fn details_cache(&self) -> CacheUse {
        let details = &self.sources.details;
        CacheUse {
            name: "details",
            hits: details.hits(),
            misses: details.misses(),
        }
    }

    /// Of pictures on their way to servers.
    pub fn previews_cache(&self) -> CacheUse {
        let previews = &self.sources.previews;
        CacheUse {
            name: "previews",
            hits: previews.hits(),
            misses: previews.misses(),
        }
    }

    fn thumbnails_cache(&self) -> CacheUse {
        let thumbnails = &self.sources.thumbnails;
        CacheUse {
            name: "thumbnails",
            hits: thumbnails.hits(),
            misses: thumbnails.misses(),
        }
    }

    fn photos_by_state(&self) -> Vec<(&'static str, u64)> {
        let index = self.sources.library.index();
        let count = |status: Status| (status.name(), index.count_with(status));
        Status::ALL.map(count).into()
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
        today: budget.map(|budget| budget.spending().today.into()),
    }
}

/// What part of the requests cost isn't known makes the sum unknown, not small.
impl From<Spent> for Bill {
    fn from(spent: Spent) -> Self {
        Self {
            requests: spent.requests,
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cost: (spent.unpriced == 0).then_some(spent.cost),
        }
    }
}
