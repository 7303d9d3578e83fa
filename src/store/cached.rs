//! Details of the photos asked for last, kept in RAM before any store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use roaring::RoaringBitmap;

use super::{Result, Store};
use crate::catalog::{
    ActId, Analysis, Change, ContentHash, Detail, Done, Effect, GonePhoto, Measured, PhotoId,
    Stored, Trace, Words,
};
use crate::memory::{Bounds, Cache, Limit};

/// How much may be kept.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// How many photos are kept at most: a detail counts as its share of `bytes` at least. 0 keeps none.
    pub entries: u64,
    /// How many bytes all of it may take, roughly.
    pub bytes: u64,
    /// What was not asked for so long goes; `None` keeps it while there is room.
    pub ttl: Option<Duration>,
}

/// A store with details and searches of any other store kept before it.
pub struct Cached {
    store: Arc<dyn Store>,
    details: Cache<PhotoId, Arc<Detail>>,
    /// What searches for words found.
    found: Cache<Words, Arc<RoaringBitmap>>,
    /// Held for reading from the load of a detail to its entry here, and for writing while a commit drops what it
    /// changed: so none from before a commit stays. Taken before any lock of the store.
    order: RwLock<()>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cached {
    /// Keeps so much before a store, and less when memory is short: see [`Limit`].
    pub fn new(store: Arc<dyn Store>, memory: &Limit, capacity: Capacity) -> Self {
        let share = (capacity.bytes / capacity.entries.max(1)) as usize;
        let bounds = |bytes| Bounds {
            bytes,
            idle: capacity.ttl,
            ..Bounds::default()
        };
        // An eighth for searches, the rest for photos.
        let of_details = match capacity.entries {
            0 => 0,
            _ => capacity.bytes / 8 * 7,
        };
        let weight = move |_: &PhotoId, detail: &Arc<Detail>| share.max(size(detail));
        let of_words = |_: &Words, found: &Arc<RoaringBitmap>| found.serialized_size() + 256;
        Self {
            store,
            details: memory.cache(bounds(of_details), weight),
            found: memory.cache(bounds(capacity.bytes / 8), of_words),
            order: RwLock::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    /// Details and searches that were at hand.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Details and searches that the store was asked for.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

impl Store for Cached {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        // A commit may have broken down before it came to this.
        let no_loads = self.order.write();
        self.found.invalidate_all();
        self.details.invalidate_all();
        drop(no_loads);
        self.store.load(each)
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        let effects = self.store.commit(changes)?;
        let _no_loads = self.order.write();
        if !effects.is_empty() {
            self.found.invalidate_all();
        }
        for effect in &effects {
            match effect {
                Effect::Upsert(entry) => self.details.invalidate(&entry.photo.id),
                Effect::Remove(id) => self.details.invalidate(id),
                Effect::Made { .. }
                | Effect::Saved { .. }
                | Effect::Unjoined { .. }
                | Effect::Acted { .. } => {}
            }
        }
        Ok(effects)
    }

    fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
        self.store.analyses(hash)
    }

    fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>> {
        self.store.measured(hash)
    }

    fn detail_at_hand(&self, id: PhotoId) -> Option<Arc<Detail>> {
        let detail = self.details.get(&id)?;
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(detail)
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        if let Some(detail) = self.detail_at_hand(id) {
            return Ok(Some(Detail::clone(&detail)));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let _in_order = self.order.read();
        let detail = self.store.detail(id)?;
        if let Some(detail) = &detail {
            self.details.insert(id, Arc::new(detail.clone()));
        }
        Ok(detail)
    }

    fn outdated(&self) -> Result<RoaringBitmap> {
        self.store.outdated()
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        if let Some(found) = self.found.get(words) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(RoaringBitmap::clone(&found));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let _in_order = self.order.read();
        let found = self.store.full_text(words)?;
        self.found.insert(words.clone(), Arc::new(found.clone()));
        Ok(found)
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        self.store.relevance(words)
    }

    fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
        self.store.acts(before, most)
    }

    fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
        self.store.act(id)
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        self.store.gone_sizes()
    }

    fn gone_with_words(&self) -> Result<Vec<GonePhoto>> {
        self.store.gone_with_words()
    }

    fn detail_of_gone(&self, id: PhotoId) -> Result<Option<Detail>> {
        self.store.detail_of_gone(id)
    }

    fn size_bytes(&self) -> Result<u64> {
        self.store.size_bytes()
    }
}

/// Bytes that a detail takes, roughly.
/// The constants are what the values beside the texts take: a `Label`, a `Text`, a `Detail`.
fn size(detail: &Detail) -> usize {
    let texts = detail.texts.iter().map(|t| t.value.len() + 64);
    let labels = detail.entry.labels.iter().map(|l| l.value.len() + 64);
    texts.chain(labels).sum::<usize>() + detail.entry.photo.path.as_bytes().len() + 1024
}
