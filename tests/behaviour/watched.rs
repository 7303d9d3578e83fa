//! A store that counts what it is asked, and answers when it may.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use kbasefs::catalog::{Change, Effect, Stored, Words};
use kbasefs::store::memory::Memory;
use kbasefs::store::{Result, Store};
use roaring::RoaringBitmap;

use crate::forwarded::forward_reads;

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

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = &self.gate {
            gate.lock().unwrap().recv().unwrap();
        }
        self.call().full_text(words)
    }

    forward_reads!(self => self.call());
}
