//! A store that refuses what it is told to refuse.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kbasefs::catalog::{Change, ContentHash, Effect, PhotoId, Stored, Words};
use kbasefs::store::memory::Memory;
use kbasefs::store::provider_store::{AnswerState, ProviderStore, Spent};
use kbasefs::store::{Error, Result, Store};
use roaring::RoaringBitmap;

use crate::forwarded::forward_reads;

/// How it fails, if it does.
pub type Fault = Box<dyn Fn(&[Change]) -> Option<Error> + Send + Sync>;

pub struct Faulty {
    pub memory: Arc<Memory>,
    fault: Mutex<Option<Fault>>,
    refused: AtomicUsize,
}

impl Faulty {
    pub fn over(memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self {
            memory,
            fault: Mutex::default(),
            refused: AtomicUsize::default(),
        })
    }

    pub fn fail(&self, fault: impl Fn(&[Change]) -> Option<Error> + Send + Sync + 'static) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    pub fn mend(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// How often it refused something.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Acquire)
    }

    fn check(&self, changes: &[Change]) -> Result<()> {
        let fault = self.fault.lock().unwrap();
        match fault.as_ref().and_then(|fault| fault(changes)) {
            Some(error) => {
                self.refused.fetch_add(1, Ordering::Release);
                Err(error)
            }
            None => Ok(()),
        }
    }
}

impl Store for Faulty {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        self.memory.load(each)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.check(changes)?;
        self.memory.commit(changes)
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.memory.full_text(words)
    }

    forward_reads!(self => self.memory);
}

impl ProviderStore for Faulty {
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()> {
        self.memory.dealt_with(provider, each)
    }

    fn answer_state(&self, provider: &str, content: &ContentHash) -> Result<AnswerState> {
        self.memory.answer_state(provider, content)
    }

    fn reconsider(&self, provider: &str, content: &ContentHash) -> Result<()> {
        self.memory.reconsider(provider, content)
    }

    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        self.check(&[])?;
        self.memory.spend(provider, day, spent)
    }

    fn spent(&self, provider: &str, days: &str) -> Result<Spent> {
        self.memory.spent(provider, days)
    }

    fn learned(&self, server: &str) -> Result<Option<String>> {
        self.memory.learned(server)
    }

    fn learn(&self, server: &str, what: &str) -> Result<()> {
        self.check(&[])?;
        self.memory.learn(server, what)
    }

    fn probe(&self) -> Result<()> {
        self.check(&[])
    }
}
