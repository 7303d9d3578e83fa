//! What is kept of the answers of providers: who has dealt with which photo, and whether to look at a content is worth it.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::Provider;
use super::outcome::JobOutcome;
use super::state::{ProviderQueue, QueueId, answers_for};
use crate::catalog::{ContentHash, Declined};
use crate::store;
use crate::store::provider_store::{AnswerState, ProviderStore};

/// Photos that are ready for a dispatcher, for each request that a server takes at a time: enough that it is kept
/// busy while a few large pictures are decoded.
const READY_A_REQUEST: usize = 4;

/// All providers in the order of their queues, and the store that knows what they said.
#[derive(Clone)]
pub struct Answers {
    pub providers: Arc<[Provider]>,
    pub store: Arc<dyn ProviderStore>,
}

/// What a provider has dealt with.
#[derive(Default)]
pub struct Known {
    pub answered: RoaringBitmap,
    pub stale: RoaringBitmap,
    pub declined: RoaringBitmap,
}

/// A queue for a provider of which nothing is known yet.
pub fn queue_of(provider: &Provider) -> ProviderQueue {
    let server = provider.server.as_ref();
    ProviderQueue {
        on: provider.on,
        room: server.map(|server| server.parallel.max(1) * READY_A_REQUEST),
        ..ProviderQueue::default()
    }
}

impl Answers {
    /// Whose queue it is.
    pub fn provider(&self, queue: QueueId) -> &Provider {
        &self.providers[queue.0]
    }

    /// Reads what every provider has dealt with, in the order of all.
    pub fn all_known(&self) -> Vec<Known> {
        let known = |provider: &Provider| {
            self.known(provider).unwrap_or_else(|error| {
                tracing::error!("{}: {error}", provider.analyzer.name());
                Known::default()
            })
        };
        self.providers.iter().map(known).collect()
    }

    /// Reads what a provider has dealt with.
    ///
    /// An answer of an earlier version counts as none inside the program, where another one costs nothing; of a server
    /// it counts, until somebody asks for new ones.
    fn known(&self, provider: &Provider) -> store::Result<Known> {
        let version = provider.analyzer.version();
        let is_local = provider.server.is_none();
        let mut known = Known::default();
        let mut current = RoaringBitmap::new();
        let name = provider.analyzer.name();
        self.store
            .dealt_with(name, &mut |photo, has_answered, of| {
                let is_current = of == version;
                match is_current {
                    true => current.insert(photo.0),
                    false if is_local && !has_answered => return,
                    false => known.stale.insert(photo.0),
                };
                match has_answered {
                    _ if is_local && !is_current => return,
                    true => known.answered.insert(photo.0),
                    false => known.declined.insert(photo.0),
                };
            })?;
        known.stale -= current;
        Ok(known)
    }

    /// Whether a provider is to look at a content; if not, how that ends. `again` also where there is an answer of an
    /// earlier version.
    pub fn check_unanswered(
        &self,
        queue: QueueId,
        content: &ContentHash,
        again: bool,
    ) -> Result<(), JobOutcome> {
        let provider = self.provider(queue);
        let (analyzer, is_local) = (&provider.analyzer, provider.server.is_none());
        let answer_state = self.store.answer_state(analyzer.name(), content);
        let answer_state =
            answer_state.map_err(|error| JobOutcome::RetryLater(error.to_string()))?;
        let AnswerState { answered, declined } = answer_state;
        let counts = |version: &String| !again && !is_local || version == analyzer.version();
        if answered.as_ref().is_some_and(counts) {
            return Err(JobOutcome::Copied);
        }
        match declined.filter(|(version, _)| counts(version)) {
            Some((_, Declined { refused, reason })) => {
                Err(JobOutcome::Declined { refused, reason })
            }
            None => Ok(()),
        }
    }
    /// Whether none has answered about a content in place of a server.
    pub fn check_needed(&self, queue: QueueId, content: &ContentHash) -> Result<(), JobOutcome> {
        let provider = self.provider(queue);
        if provider.server.is_none() {
            return Ok(());
        }
        let others = self.providers.iter().enumerate();
        let others = others.map(|(n, other)| (QueueId(n), other));
        let counts = |(id, other): &(QueueId, &Provider)| {
            other.server.is_some()
                && *id != queue
                && answers_for((*id, other.on), (queue, provider.on))
        };
        for (id, other) in others.filter(counts) {
            let state = self.store.answer_state(other.analyzer.name(), content);
            let state = state.map_err(|error| JobOutcome::RetryLater(error.to_string()))?;
            if state.answered.is_some() {
                return Err(JobOutcome::AnsweredBy(id));
            }
        }
        Ok(())
    }
}
