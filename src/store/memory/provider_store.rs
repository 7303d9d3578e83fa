//! What is kept of providers, in RAM.

use super::{Memory, Records};
use crate::catalog::{ContentHash, PhotoId};
use crate::store::Result;
use crate::store::provider_store::{AnswerState, ProviderStore, Spent};
use crate::store::record_transaction::RecordTransaction;

impl Records {
    fn answer_state(&self, provider: &str, content: &ContentHash) -> AnswerState {
        let recorded = self.analyses.get(content).into_iter().flatten();
        let mut answers = recorded.filter(|r| r.analysis.analyzer == provider);
        let key = (provider.to_owned(), *content);
        AnswerState {
            answered: answers.next().map(|r| r.analysis.version.clone()),
            declined: self.declined.get(&key).cloned(),
        }
    }
}

impl ProviderStore for Memory {
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()> {
        let records = self.lock();
        for record in records.photos.values().filter(|r| !r.gone) {
            let Some(hash) = record.photo.hash else {
                continue;
            };
            let AnswerState { answered, declined } = records.answer_state(provider, &hash);
            answered
                .into_iter()
                .for_each(|version| each(record.photo.id, true, &version));
            declined
                .into_iter()
                .for_each(|(version, _)| each(record.photo.id, false, &version));
        }
        Ok(())
    }

    fn answer_state(&self, provider: &str, content: &ContentHash) -> Result<AnswerState> {
        Ok(self.lock().answer_state(provider, content))
    }

    fn reconsider(&self, provider: &str, content: &ContentHash) -> Result<()> {
        let key = (provider.to_owned(), *content);
        self.lock().declined.remove(&key);
        Ok(())
    }

    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        self.lock().spend(provider, day, spent)
    }

    fn spent(&self, provider: &str, days: &str) -> Result<Spent> {
        let records = self.lock();
        let mut sum = Spent::default();
        let meant = |(who, day): &(String, String)| who == provider && day.starts_with(days);
        let found = records.spent.iter().filter(|(key, _)| meant(key));
        found.for_each(|(_, spent)| sum += *spent);
        Ok(sum)
    }

    fn learned(&self, server: &str) -> Result<Option<String>> {
        Ok(self.lock().servers.get(server).cloned())
    }

    fn learn(&self, server: &str, what: &str) -> Result<()> {
        self.lock().servers.insert(server.into(), what.into());
        Ok(())
    }

    fn probe(&self) -> Result<()> {
        Ok(())
    }
}
