//! How far the work is, and how those do that it is given to.

use super::{Provider, Scheduler, Server, Stages};

/// How a provider is doing.
#[derive(Clone)]
pub struct ProviderState {
    pub provider: Provider,
    pub counts: Progress,
    /// Photos of the catalog that it answered, in any version; those whose answer is of an earlier one; those that it
    /// has no answer for.
    pub answered: u64,
    pub stale: u64,
    pub declined: u64,
    /// Requests that run at the same time, at most, as things are.
    pub limit: usize,
    /// Why it is of no use now.
    pub down: Option<String>,
}

/// How far the work is, since the start of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub queued: u64,
    /// Taken by a worker, and not yet committed.
    pub running: u64,
    pub analyzed: u64,
    pub failed: u64,
    /// Photos that got the results of another one of the same content.
    pub copies: u64,
    pub stages: Stages,
}

impl Scheduler {
    pub fn progress(&self) -> Progress {
        let lanes = 0..=self.remote.as_ref().map_or(0, |r| r.servers.len());
        let mut sum = Progress {
            stages: self.desk.stopwatch.stages(),
            ..Progress::default()
        };
        for counts in lanes.map(|lane| self.desk.counts(lane)) {
            sum.queued += counts.queued;
            sum.running += counts.running;
            sum.analyzed += counts.analyzed;
            sum.failed += counts.failed;
            sum.copies += counts.copies;
        }
        sum
    }

    /// How each server is doing, in the order in which they are preferred.
    pub fn servers(&self) -> Vec<ProviderState> {
        let servers = self.remote.iter().flat_map(|r| &r.servers).enumerate();
        let state = |(n, (provider, _)): (usize, &(Provider, Server))| {
            let lane = n + 1;
            let counts = self.desk.counts(lane);
            ProviderState {
                provider: provider.clone(),
                counts: Progress {
                    queued: counts.queued,
                    running: counts.running,
                    analyzed: counts.analyzed,
                    failed: counts.failed,
                    copies: counts.copies,
                    stages: Stages::default(),
                },
                answered: self.desk.answered(lane).len(),
                stale: self.desk.stale(lane).len(),
                declined: self.desk.declined(lane).len(),
                limit: self.hosts[n].limit(),
                down: self.desk.why_down(lane).or_else(|| self.hosts[n].trouble()),
            }
        };
        servers.map(state).collect()
    }

    /// Seconds that a server takes for a photo, as far as it was asked since the start.
    pub fn pace(&self, name: &str) -> Option<f64> {
        self.hosts[self.lane(name)? - 1].seconds_a_request()
    }
}
