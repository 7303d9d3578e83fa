//! Details of the photos asked for last, kept in RAM before any store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use moka::sync::Cache;
use roaring::RoaringBitmap;

use super::{Result, Store};
use crate::catalog::{Change, ContentHash, Detail, Effect, Entry, Outcome, PhotoId, Words};

pub struct Cached {
    store: Arc<dyn Store>,
    details: Cache<PhotoId, Arc<Detail>>,
    /// Held for reading from the load of a detail to its entry here, so that none from before a commit stays.
    order: RwLock<()>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cached {
    /// Keeps at most `entries` details.
    pub fn new(store: Arc<dyn Store>, entries: u64) -> Self {
        Self {
            store,
            details: Cache::new(entries),
            order: RwLock::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

impl Store for Cached {
    fn load(&self, each: &mut dyn FnMut(Entry)) -> Result<()> {
        self.store.load(each)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        let effects = self.store.commit(changes)?;
        let _no_loads = self.order.write().expect("no load panics here");
        for effect in &effects {
            let (Effect::Upsert(Entry {
                photo: crate::catalog::Photo { id, .. },
                ..
            })
            | Effect::Remove(id)) = effect;
            self.details.invalidate(id);
        }
        Ok(effects)
    }

    fn outcomes(&self, hash: &ContentHash) -> Result<Vec<(Outcome, i64)>> {
        self.store.outcomes(hash)
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        if let Some(detail) = self.details.get(&id) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(Detail::clone(&detail)));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let _in_order = self.order.read().expect("no commit panics here");
        let detail = self.store.detail(id)?;
        if let Some(detail) = &detail {
            self.details.insert(id, Arc::new(detail.clone()));
        }
        Ok(detail)
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.store.full_text(words)
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        self.store.relevance(words)
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        self.store.gone_sizes()
    }

    fn size_bytes(&self) -> Result<u64> {
        self.store.size_bytes()
    }
}
