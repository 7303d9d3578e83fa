//! A store that counts what it is asked, and answers when it may.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use kbasefs::catalog::{
    ActId, Analysis, Change, ContentHash, Detail, Done, Effect, Measured, PhotoId, Stored, Trace,
    Words,
};
use kbasefs::store::memory::Memory;
use kbasefs::store::{Result, Store};
use roaring::RoaringBitmap;

pub struct Watched {
    store: Box<dyn Store>,
    calls: AtomicU32,
    asked: AtomicU32,
    /// Each answer about words waits for one of these, if there is a gate.
    gate: Option<Mutex<Receiver<()>>>,
}

impl Watched {
    pub fn open() -> Arc<Self> {
        Arc::new(Self::over(Memory::default()))
    }

    pub fn over(store: impl Store + 'static) -> Self {
        Self {
            store: Box::new(store),
            calls: AtomicU32::default(),
            asked: AtomicU32::default(),
            gate: None,
        }
    }

    pub fn gated() -> (Arc<Self>, Sender<()>) {
        let (sender, receiver) = channel();
        let gate = Some(Mutex::new(receiver));
        let store = Self {
            gate,
            ..Self::over(Memory::default())
        };
        (Arc::new(store), sender)
    }

    /// How often it was asked for words.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// How often it was asked for anything.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    fn call(&self) -> &dyn Store {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &*self.store
    }
}

impl Store for Watched {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        self.call().load(each)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.call().commit(changes)
    }

    fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
        self.call().analyses(hash)
    }

    fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>> {
        self.call().measured(hash)
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        self.call().detail(id)
    }

    fn outdated(&self) -> Result<RoaringBitmap> {
        self.call().outdated()
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.lock().unwrap().recv().unwrap();
        }
        self.call().full_text(words)
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        self.call().relevance(words)
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        self.call().gone_sizes()
    }

    fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
        self.call().acts(before, most)
    }

    fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
        self.call().act(id)
    }

    fn size_bytes(&self) -> Result<u64> {
        self.call().size_bytes()
    }
}
