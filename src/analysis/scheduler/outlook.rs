//! Why a photo has no description yet, for people: who looks at it, whom it waits for, who had no answer.

use super::desk::{HERE, Place};
use super::{Provider, Scheduler};
use crate::catalog::{PhotoId, Status};
use crate::store::{self, ledger::Standing};

impl Scheduler {
    /// What has become of the question for a photo that has no description; `None` where nobody asked. May block on the
    /// disk.
    pub fn outlook(&self, photo: PhotoId) -> store::Result<Option<String>> {
        let mut words = Vec::new();
        for (lane, place) in self.desk.places(photo) {
            words.extend(self.words(lane, photo, place)?);
        }
        words.extend(self.desk.turned_away(photo));
        words.dedup();
        Ok((!words.is_empty()).then(|| words.join("; ")))
    }

    /// A program asked that asks for all it meets: whoever wonders why nothing comes of it is to learn that.
    pub fn turn_away(&self, photo: PhotoId, program: &str) {
        let reason =
            format!("{program} asked, which goes through everything: that counts for less");
        self.desk.turn_away(photo, &reason);
    }

    fn words(&self, lane: usize, photo: PhotoId, place: Place) -> store::Result<Option<String>> {
        let Some(provider) = self.provider(lane) else {
            return Ok(None);
        };
        let name = provider.analyzer.name();
        let trouble = || self.trouble(lane);
        Ok(match place {
            Place::Nowhere => self.words_at_rest(lane, photo)?,
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
    fn words_at_rest(&self, lane: usize, photo: PhotoId) -> store::Result<Option<String>> {
        let known = self.library.index().photo(photo);
        let Some((provider, known)) = self.provider(lane).zip(known) else {
            return Ok(None);
        };
        let name = provider.analyzer.name();
        let has_answered = match lane {
            HERE => known.status == Status::Analyzed,
            _ => self.desk.answered(lane).contains(photo.0),
        };
        if has_answered {
            return Ok(Some(format!("{name} had no words for it")));
        }
        let (Some(remote), Some(hash)) = (&self.remote, known.hash) else {
            return Ok(None);
        };
        let Standing { declined, .. } = remote.ledger.standing(name, &hash)?;
        Ok(declined.map(|(_, why)| why.reason))
    }

    /// Why a lane gets nowhere.
    fn trouble(&self, lane: usize) -> Option<String> {
        let host = lane.checked_sub(1).and_then(|n| self.hosts.get(n));
        let host = || host.and_then(|host| host.trouble());
        let unkept = self.desk.why_unkept();
        unkept.or_else(|| self.desk.why_down(lane)).or_else(host)
    }

    /// The first that is asked in a lane.
    fn provider(&self, lane: usize) -> Option<&Provider> {
        match lane.checked_sub(1) {
            None => self.here.first(),
            Some(n) => Some(&self.remote.as_ref()?.servers.get(n)?.0),
        }
    }
}
