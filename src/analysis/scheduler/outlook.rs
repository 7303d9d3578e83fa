//! Why a photo has no description yet, for people: who looks at it, whom it waits for, who had no answer.

use super::state::{Place, QueueId};
use super::{Provider, Scheduler};
use crate::catalog::{PhotoId, Status};
use crate::store::{self, provider_store::AnswerState};

impl Scheduler {
    /// What has become of the question for a photo that has no description; `None` where nobody asked. May block on the
    /// disk.
    pub fn outlook(&self, photo: PhotoId) -> store::Result<Option<String>> {
        let mut words = Vec::new();
        for (queue, place) in self.state.places(photo) {
            words.extend(self.words(queue, photo, place)?);
        }
        words.extend(self.state.turned_away(photo));
        words.dedup();
        Ok((!words.is_empty()).then(|| words.join("; ")))
    }

    /// A program asked that asks for all it meets: whoever wonders why nothing comes of it is to learn that.
    pub fn turn_away(&self, photo: PhotoId, program: &str) {
        let reason =
            format!("{program} asked, which goes through everything: that counts for less");
        self.state.turn_away(photo, &reason);
    }

    fn words(&self, queue: QueueId, photo: PhotoId, place: Place) -> store::Result<Option<String>> {
        let Some(provider) = self.provider(queue) else {
            return Ok(None);
        };
        let name = provider.analyzer.name();
        let trouble = || self.trouble(queue);
        Ok(match place {
            Place::Nowhere => self.words_at_rest(queue, photo)?,
            Place::Ended(reason) => Some(reason),
            Place::Running(None) if trouble().is_none() => Some(format!("{name} looks at it")),
            Place::Running(Some(reason)) => Some(format!("{name} tries again: {reason}")),
            Place::Waiting if self.is_paused() => Some("analyses are paused".into()),
            Place::Waiting if trouble().is_none() => {
                Some(format!("waits for its turn with {name}"))
            }
            Place::Running(None) | Place::Waiting => {
                let trouble = trouble().unwrap_or_default();
                Some(format!("waits for {name}: {trouble}"))
            }
        })
    }

    /// Of a photo that neither runs nor waits, and of which nothing was heard since the start.
    fn words_at_rest(&self, queue: QueueId, photo: PhotoId) -> store::Result<Option<String>> {
        let known = self.library.index().photo(photo);
        let Some((provider, known)) = self.provider(queue).zip(known) else {
            return Ok(None);
        };
        let name = provider.analyzer.name();
        let has_answered = match queue {
            QueueId::LOCAL => known.status == Status::Analyzed,
            _ => self.state.answered(queue).contains(photo.0),
        };
        if has_answered {
            return Ok(Some(format!("{name} had no words for it")));
        }
        let (Some(remote), Some(hash)) = (&self.remote, known.hash) else {
            return Ok(None);
        };
        let AnswerState { declined, .. } = remote.provider_store.answer_state(name, &hash)?;
        Ok(declined.map(|(_, why)| why.reason))
    }

    /// Why a queue gets nowhere.
    fn trouble(&self, queue: QueueId) -> Option<String> {
        let endpoint = queue.server().and_then(|n| self.endpoints.get(n));
        let endpoint = || endpoint.and_then(|endpoint| endpoint.trouble());
        let unkept = self.state.why_unkept();
        unkept
            .or_else(|| self.state.why_down(queue))
            .or_else(endpoint)
    }

    /// The first that is asked in a queue.
    fn provider(&self, queue: QueueId) -> Option<&Provider> {
        match queue.server() {
            None => self.here.first(),
            Some(n) => Some(&self.remote.as_ref()?.servers.get(n)?.0),
        }
    }
}
