//! Store and index kept in step: the one way in which a catalog changes.
//!
//! A change is committed to the store, then shown by the index, then told to whoever listens, in this order, one
//! commit at a time. Knows nothing of what the changes mean.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use roaring::RoaringBitmap;

use crate::catalog::{Change, Detail, PhotoId, Query, Words};
use crate::index::{Delta, Index};
use crate::store::{Result, Store};

type Listener = Box<dyn Fn(&Delta) + Send + Sync>;

/// A catalog: what is known of the photos of one source.
pub struct Library {
    store: Arc<dyn Store>,
    index: Index,
    /// Held from commit to notification, so that the index follows the order of the store.
    order: Mutex<()>,
    /// How many there were since the start.
    commits: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
}

impl Library {
    /// Reads everything that the index needs.
    pub fn load(store: Arc<dyn Store>) -> Result<Self> {
        let index = Index::default();
        let mut batch = Vec::with_capacity(LOAD_BATCH);
        store.load(&mut |entry| {
            batch.push(crate::catalog::Effect::Upsert(entry));
            if batch.len() == LOAD_BATCH {
                index.apply(std::mem::take(&mut batch));
            }
        })?;
        index.apply(batch);
        Ok(Self {
            store,
            index,
            order: Mutex::default(),
            commits: AtomicU64::default(),
            listeners: RwLock::default(),
        })
    }

    /// Makes changes durable, then visible, then known. Blocks on the disk.
    pub fn commit(&self, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let _in_order = self.order.lock().expect("no commit panics half-way");
        let delta = self.index.apply(self.store.commit(changes)?);
        self.commits.fetch_add(1, Ordering::Release);
        let listeners = self
            .listeners
            .read()
            .expect("no listener list is left half-written");
        listeners.iter().for_each(|tell| tell(&delta));
        Ok(())
    }

    /// Everything known of a photo. May block on the disk.
    pub fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        self.store.detail(id)
    }

    /// Counts commits: what the store said stays true while this number does.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// The photos that a query means. May block on the disk.
    pub fn evaluate(&self, query: &Query) -> Result<RoaringBitmap> {
        let mut found = HashMap::new();
        for words in query.words() {
            found.insert(words, Arc::new(self.store.full_text(words)?));
        }
        let words = |words: &Words| found.get(words).cloned().unwrap_or_default();
        Ok(self.index.evaluate(query, &words))
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Calls `listener` after every commit, on the committing thread: it must be quick and must not commit.
    pub fn listen(&self, listener: impl Fn(&Delta) + Send + Sync + 'static) {
        let mut listeners = self
            .listeners
            .write()
            .expect("no listener panics while added");
        listeners.push(Box::new(listener));
    }
}

/// Photos taken over at a time while loading.
const LOAD_BATCH: usize = 4096;
