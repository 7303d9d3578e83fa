//! The servers of a scheduler: what they have answered, and what their dispatchers need.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringBitmap;

use super::endpoint::Endpoint;
use super::outcome::JobOutcome;
use super::state::{ProviderQueue, QueueId};
use super::{Provider, RemoteOptions, Server};
use crate::analysis::previews::Previews;
use crate::catalog::ContentHash;
use crate::memory::Limit;
use crate::store::provider_store;
use crate::store::provider_store::{AnswerState, ProviderStore};

/// Photos that are ready for a dispatcher, for each request that a server takes at a time: enough that it is kept
/// busy while a few large pictures are decoded.
const READY_A_REQUEST: usize = 4;

/// The servers, in the order of their queues.
pub struct Remote {
    pub servers: Vec<(Provider, Server)>,
    pub memory: Limit,
    pub previews: Arc<Previews>,
    pub provider_store: Arc<dyn ProviderStore>,
}

impl Remote {
    /// Takes the providers that are servers.
    pub fn of(providers: &[Provider], options: &RemoteOptions) -> Self {
        let servers = providers
            .iter()
            .filter_map(|p| Some((p.clone(), p.server.clone()?)));
        Self {
            servers: servers.collect(),
            memory: options.memory.clone(),
            previews: Arc::clone(&options.previews),
            provider_store: Arc::clone(&options.provider_store),
        }
    }

    /// A queue a server, with what the store has of it.
    pub fn queues(&self) -> Vec<ProviderQueue> {
        let each = self.servers.iter();
        each.map(|(provider, server)| self.queue(provider, server))
            .collect()
    }

    fn queue(&self, provider: &Provider, server: &Server) -> ProviderQueue {
        let mut queue = ProviderQueue {
            on: provider.on,
            room: Some(server.parallel.max(1) * READY_A_REQUEST),
            ..ProviderQueue::default()
        };
        let version = provider.analyzer.version();
        let mut current = RoaringBitmap::new();
        let dealt_with =
            self.provider_store
                .dealt_with(provider.analyzer.name(), &mut |photo, answered, of| {
                    match answered {
                        true => queue.answered.insert(photo.0),
                        false => queue.declined.insert(photo.0),
                    };
                    match of == version {
                        true => current.insert(photo.0),
                        false => queue.stale.insert(photo.0),
                    };
                });
        if let Err(error) = dealt_with {
            // Before a photo is sent, what is known of it is looked up in any case.
            tracing::error!("{}: {error}", provider.analyzer.name());
        }
        queue.stale -= current;
        queue
    }

    /// One endpoint for all dispatchers that go to the same place.
    pub fn endpoints(&self, delay: Duration, probe_limit: u32) -> Vec<Arc<Endpoint>> {
        let mut endpoints = HashMap::<&str, Arc<Endpoint>>::new();
        let new = |name: &str| {
            let same = self
                .servers
                .iter()
                .filter(|(_, server)| server.host == name);
            let most = same.map(|(_, server)| server.parallel).max();
            Arc::new(Endpoint::new(most.unwrap_or(1), delay, probe_limit))
        };
        let names = self.servers.iter().map(|(_, server)| server.host.as_str());
        names
            .map(|name| Arc::clone(endpoints.entry(name).or_insert_with(|| new(name))))
            .collect()
    }

    pub fn server(&self, queue: QueueId) -> &(Provider, Server) {
        &self.servers[queue.server().expect("it is the queue of a server")]
    }

    pub fn side(&self, queue: QueueId) -> u32 {
        self.server(queue).1.max_side
    }

    /// The sizes of previews that some server takes.
    pub fn sides(&self) -> Vec<u32> {
        let mut sides: Vec<_> = self.servers.iter().map(|(_, s)| s.max_side).collect();
        sides.sort_unstable();
        sides.dedup();
        sides
    }

    /// Whether a server is to look at a content; if not, how that ends.
    pub fn check_unanswered(
        &self,
        queue: QueueId,
        content: &ContentHash,
        again: bool,
    ) -> std::result::Result<(), JobOutcome> {
        let analyzer = &self.server(queue).0.analyzer;
        let answer_state = self.provider_store.answer_state(analyzer.name(), content);
        let answer_state =
            answer_state.map_err(|error| JobOutcome::RetryLater(error.to_string()))?;
        let AnswerState { answered, declined } = answer_state;
        let is_current = |version: &String| !again || version == analyzer.version();
        if answered.as_ref().is_some_and(is_current) {
            return Err(JobOutcome::Copied);
        }
        match declined.filter(|(version, _)| is_current(version)) {
            Some((_, provider_store::Declined { refused, reason })) => {
                Err(JobOutcome::Declined { refused, reason })
            }
            None => Ok(()),
        }
    }
}
