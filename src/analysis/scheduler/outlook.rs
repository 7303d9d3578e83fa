//! Why a photo has no description yet, for people: who looks at it, whom it waits for, who had no answer.

use roaring::RoaringBitmap;

use super::Scheduler;
use super::state::{Place, QueueId};
use crate::catalog::{PhotoId, Status};
use crate::store::{self, provider_store::AnswerState};

/// What has become of the question for a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Nobody asked.
    Unasked,
    /// Who looks at it, whom it waits for, who had no answer.
    Open(String),
    /// Every provider has failed or declined: why.
    Failed(String),
}

impl Outlook {
    /// What there is to say, if there is something.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Unasked => None,
            Self::Open(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

impl Scheduler {
    /// What has become of the question for a photo that has no description. May block on the disk.
    pub fn outlook(&self, photo: PhotoId) -> store::Result<Outlook> {
        let mut words = Vec::new();
        for (queue, place) in self.state.places(photo) {
            words.extend(self.words(queue, photo, place)?);
        }
        let is_pending = self.library.index().status(photo) == Some(Status::Pending);
        if is_pending && self.state.is_given_up(photo) {
            return Ok(Outlook::Failed(joined(words)));
        }
        words.extend(self.state.turned_away(photo));
        Ok(match words.is_empty() {
            true => Outlook::Unasked,
            false => Outlook::Open(joined(words)),
        })
    }

    /// Photos that nobody has an answer for: every provider has failed or declined.
    pub fn given_up(&self) -> RoaringBitmap {
        self.state.given_up() & self.library.index().photos_with(Status::Pending)
    }

    /// Has the analyzers inside the program look again at a photo that they had no answer for; a server may want money for
    /// that. Blocks on the disk.
    pub fn reconsider(&self, photo: PhotoId) -> store::Result<()> {
        let Some(hash) = self.library.index().hash(photo) else {
            return Ok(());
        };
        let providers = self.answers.providers.iter();
        for provider in providers.filter(|provider| provider.server.is_none()) {
            self.answers
                .store
                .reconsider(provider.analyzer.name(), &hash)?;
        }
        Ok(())
    }

    /// A program asked that asks for all it meets: whoever wonders why nothing comes of it is to learn that.
    pub fn turn_away(&self, photo: PhotoId, program: &str) {
        let reason =
            format!("{program} asked, which goes through everything: that counts for less");
        self.state.turn_away(photo, &reason);
    }

    fn words(&self, queue: QueueId, photo: PhotoId, place: Place) -> store::Result<Option<String>> {
        let name = self.answers.provider(queue).analyzer.name();
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
        let name = self.answers.provider(queue).analyzer.name();
        if self.state.has_answered(queue, photo) {
            return Ok(Some(format!("{name} had no words for it")));
        }
        let Some(hash) = self.library.index().hash(photo) else {
            return Ok(None);
        };
        let AnswerState { declined, .. } = self.answers.store.answer_state(name, &hash)?;
        Ok(declined.map(|(_, why)| why.reason))
    }

    /// Why a queue gets nowhere.
    pub(super) fn trouble(&self, queue: QueueId) -> Option<String> {
        let endpoint = self.endpoints[queue.0].as_ref();
        let endpoint = || endpoint.and_then(|endpoint| endpoint.trouble());
        let unkept = self.state.why_unkept();
        unkept
            .or_else(|| self.state.why_down(queue))
            .or_else(endpoint)
    }
}

/// Several reasons, each said once.
fn joined(mut reasons: Vec<String>) -> String {
    reasons.dedup();
    reasons.join("; ")
}
