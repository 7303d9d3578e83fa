//! Store and index kept in step: the one way in which a catalog changes.
//!
//! A change is committed to the store, then shown by the index, then told to whoever listens, in this order, one
//! commit at a time. Knows nothing of what the changes mean.

mod undo;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::{mem, thread};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use crate::blocking;
use crate::catalog::{Act, ActId, Change, Detail, Effect, PhotoId, Query, Stored, Words};
use crate::index::{Delta, Index};
use crate::store::{Result, Store};

pub use undo::{Error as UndoError, TakenBack, Which};

type Listener = Box<dyn Fn(&Delta) + Send + Sync>;

/// A catalog: what is known of the photos of one source.
pub struct Library {
    store: Arc<dyn Store>,
    index: Index,
    loaded: OnceLock<()>,
    /// Held from commit to notification, so that the index follows the order of the store. The first of all locks: the
    /// store's, the index's and those of listeners are taken under it, so nobody who holds one of them may commit.
    order: Mutex<()>,
    /// How many there were since the start.
    commits: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
}

impl Library {
    /// A catalog whose index is ready.
    pub fn load(store: Arc<dyn Store>) -> Result<Self> {
        let library = Self::unloaded(store);
        library.fill()?;
        Ok(library)
    }

    /// A catalog whose index is still to be filled. Whoever asks for the index waits for that: an index that is only
    /// half there would deny what exists.
    pub fn unloaded(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            index: Index::default(),
            loaded: OnceLock::new(),
            order: Mutex::default(),
            commits: AtomicU64::default(),
            listeners: RwLock::default(),
        }
    }

    /// Reads everything that the index needs; to be called once. While a batch is taken over, the next one is read.
    pub fn fill(&self) -> Result<()> {
        let (ready, batches) = mpsc::sync_channel::<Vec<Stored>>(BATCHES_AHEAD);
        let index = &self.index;
        let read = thread::scope(|scope| {
            scope.spawn(move || {
                let mut loading = index.loading();
                batches
                    .iter()
                    .flatten()
                    .for_each(|stored| loading.take(stored));
                loading.finish();
            });
            let read = self.read_all(&ready);
            // That was the last batch.
            drop(ready);
            read
        });
        read?;
        self.loaded.get_or_init(|| ());
        Ok(())
    }

    fn read_all(&self, ready: &mpsc::SyncSender<Vec<Stored>>) -> Result<()> {
        let mut batch = Vec::with_capacity(LOAD_BATCH);
        let send = |batch| ready.send(batch).expect("the index takes every batch");
        self.store.load(&mut |stored| {
            batch.push(stored);
            if batch.len() == LOAD_BATCH {
                send(mem::replace(&mut batch, Vec::with_capacity(LOAD_BATCH)));
            }
        })?;
        send(batch);
        Ok(())
    }

    /// Makes changes durable, then visible, then known. Blocks on the disk.
    pub fn commit(&self, changes: &[Change]) -> Result<()> {
        self.apply(changes).map(|_| ())
    }

    /// Makes something that a person does durable, then visible, then known; gives its number in the journal, and how
    /// many things it changed. `None` for what changes nothing. Blocks on the disk.
    pub fn act(&self, act: Act) -> Result<Option<(ActId, usize)>> {
        self.apply(&[Change::Acted(Box::new(act))])
    }

    fn apply(&self, changes: &[Change]) -> Result<Option<(ActId, usize)>> {
        if changes.is_empty() {
            return Ok(None);
        }
        let _in_order = self.order.lock();
        let effects = self.store.commit(changes)?;
        let acted = effects.iter().find_map(|effect| match effect {
            Effect::Acted { act, changed } => Some((*act, *changed)),
            _ => None,
        });
        let mut delta = self.index().apply(effects);
        delta.may_wait = changes.iter().all(Change::is_analysis);
        self.commits.fetch_add(1, Ordering::Release);
        let listeners = self.listeners.read();
        listeners.iter().for_each(|tell| tell(&delta));
        Ok(acted)
    }

    /// Everything known of a photo. May block on the disk.
    pub fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        self.store.detail(id)
    }

    /// Everything known of a photo, if it is in RAM: for who must not block.
    pub fn detail_at_hand(&self, id: PhotoId) -> Option<Arc<Detail>> {
        self.store.detail_at_hand(id)
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
        Ok(self.index().evaluate(query, &words))
    }

    /// The index, as soon as it is loaded: a second or two for a hundred thousand photos.
    pub fn index(&self) -> &Index {
        if !self.is_loaded() {
            blocking::assert_allowed();
            self.loaded.wait();
        }
        &self.index
    }

    /// Whether nobody waits for the index any more.
    pub fn is_loaded(&self) -> bool {
        self.loaded.get().is_some()
    }

    /// The store, for reading what the index hasn't: changes go through [`Self::commit`] and [`Self::act`].
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Calls `listener` after every commit, on the committing thread: it must be quick and must not commit.
    pub fn listen(&self, listener: impl Fn(&Delta) + Send + Sync + 'static) {
        let mut listeners = self.listeners.write();
        listeners.push(Box::new(listener));
    }
}

/// Photos taken over at a time while loading: large enough that handing them over costs nothing beside reading them.
const LOAD_BATCH: usize = 4096;
/// Batches that are read before the index has taken over an earlier one: a bound on memory, while both go on without a
/// pause.
const BATCHES_AHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Facts, FileStat, Format, SourcePath};
    use crate::store::memory::Memory;

    #[test]
    fn who_asks_for_the_index_waits_until_it_is_there() {
        let store = Memory::default();
        let found = Change::Found {
            known: None,
            path: SourcePath::new(*b"a.jpg"),
            stat: FileStat::default(),
            facts: Box::new(Facts::of(Format::Jpeg)),
        };
        store.commit(&[found]).unwrap();
        let library = Library::unloaded(Arc::new(store));
        thread::scope(|scope| {
            let asked = scope.spawn(|| library.index().len());
            library.fill().unwrap();
            assert_eq!(asked.join().unwrap(), 1);
        });
    }
}
