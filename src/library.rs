//! Store and index kept in step: the one way in which a catalog changes.
//!
//! A change is committed to the store, then shown by the index, then told to whoever listens, in this order, one
//! commit at a time. After one that panicked in the middle, the index is loaded anew. Knows nothing of what the changes
//! mean.

mod since;
mod successors;
mod undo;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::{mem, thread};

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use crate::blocking;
use crate::catalog::{Act, ActId, Change, Detail, Effect, PhotoId, Query, Stored, Words};
use crate::faults;
use crate::index::{Delta, Index};
use crate::store::{Result, Store};

pub use successors::{Candidate, GoneWithWords, Sign};
pub use undo::{Error as UndoError, TakenBack, Which};

type Listener = Box<dyn Fn(&Delta) + Send + Sync>;
type Barrier = Arc<dyn Fn() + Send + Sync>;

/// A catalog: what is known of the photos of one source.
pub struct Library {
    store: Arc<dyn Store>,
    index: Index,
    loaded: OnceLock<()>,
    /// Held from commit to notification, so that the index follows the order of the store. The first of all locks: the
    /// store's, the index's and those of listeners are taken under it, so nobody who holds one of them may commit.
    order: Mutex<Progress>,
    /// How many there were since the start.
    commits: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
    barriers: RwLock<Vec<Barrier>>,
}

/// How far the last commit came.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Through,
    /// A panic in the middle leaves it so. The store has the change or hasn't, of the index some part may be changed, and
    /// nobody may have been told.
    Underway,
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
            barriers: RwLock::default(),
        }
    }

    /// Reads everything that the index needs; to be called once.
    pub fn fill(&self) -> Result<()> {
        self.read_into_index()?;
        self.loaded.get_or_init(|| ());
        Ok(())
    }

    /// While a batch is taken over, the next one is read.
    fn read_into_index(&self) -> Result<()> {
        let (ready, batches) = mpsc::sync_channel(BATCHES_AHEAD);
        let index = &self.index;
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut loading = index.loading();
                for batch in batches {
                    match batch {
                        Batch::Of(all) => all.into_iter().for_each(|stored| loading.take(stored)),
                        Batch::End => return loading.finish(),
                    }
                }
            });
            self.read_all(ready)
        })
    }

    fn read_all(&self, ready: mpsc::SyncSender<Batch>) -> Result<()> {
        let mut batch = Vec::with_capacity(LOAD_BATCH);
        let send = |batch| ready.send(batch).expect("the index takes every batch");
        self.store.load(&mut |stored| {
            batch.push(stored);
            if batch.len() == LOAD_BATCH {
                let next = Vec::with_capacity(LOAD_BATCH);
                send(Batch::Of(mem::replace(&mut batch, next)));
            }
        })?;
        send(Batch::Of(batch));
        send(Batch::End);
        Ok(())
    }

    /// Makes changes durable, then visible, then known. Blocks on the disk.
    pub fn commit(&self, changes: &[Change]) -> Result<()> {
        self.apply(changes).map(|_| ())
    }

    /// Makes something that a person does durable, then visible, then known; gives its number in the journal, and how
    /// many things it changed. `None` for what changes nothing. Blocks on the disk.
    pub fn act(&self, act: Act) -> Result<Option<(ActId, usize)>> {
        let acted = self.apply(&[Change::Acted(Box::new(act))])?;
        Ok(acted.first().copied())
    }

    /// What many photos learn of one content they learn in several commits, between which others may commit.
    fn apply(&self, changes: &[Change]) -> Result<Vec<(ActId, usize)>> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let Applied {
            acted,
            mut unjoined,
        } = self.apply_at_once(changes)?;
        while let Some(rest) = unjoined.pop() {
            unjoined.extend(self.apply_at_once(&[rest])?.unjoined);
        }
        Ok(acted)
    }

    fn apply_at_once(&self, changes: &[Change]) -> Result<Applied> {
        let mut progress = self.order.lock();
        if *progress == Progress::Underway {
            self.load_anew()?;
        }
        *progress = Progress::Underway;
        let applied = catch_unwind(AssertUnwindSafe(|| self.apply_in_order(changes)));
        // Where a panic ends the process, nobody comes here after one.
        let applied = applied.unwrap_or_else(|panic| {
            match self.load_anew() {
                Ok(()) => *progress = Progress::Through,
                Err(error) => tracing::error!("{error}: the next commit loads the index anew"),
            }
            resume_unwind(panic)
        });
        *progress = Progress::Through;
        applied
    }

    fn apply_in_order(&self, changes: &[Change]) -> Result<Applied> {
        let effects = self.store.commit(changes)?;
        faults::may_panic("commit");
        let acted = effects.iter().filter_map(|effect| match effect {
            Effect::Acted { act, changed } => Some((*act, *changed)),
            _ => None,
        });
        let acted = acted.collect();
        let unjoined = effects.iter().filter_map(|effect| match *effect {
            Effect::Unjoined { hash, after } => Some(Change::Joined { hash, after }),
            _ => None,
        });
        let unjoined = unjoined.collect();
        let mut delta = self.index().apply(effects);
        delta.may_wait = changes.iter().all(Change::is_analysis);
        faults::may_panic("indexed");
        tracing::debug!(
            changes = changes.len(),
            photos = delta.photos.len(),
            "committed"
        );
        self.tell(&delta);
        Ok(Applied { acted, unjoined })
    }

    /// Brings the index in step with the store after a commit that broke down, and has everybody look again.
    fn load_anew(&self) -> Result<()> {
        self.read_into_index()?;
        self.tell(&Delta {
            anew: true,
            ..Delta::default()
        });
        Ok(())
    }

    fn tell(&self, delta: &Delta) {
        self.commits.fetch_add(1, Ordering::Release);
        let listeners = self.listeners.read();
        listeners.iter().for_each(|tell| tell(delta));
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

    /// Has [`Self::wait_until_told`] call `barrier`, which returns when a listener that passes changes on from another
    /// thread has passed on those that it was told of before.
    pub fn add_barrier(&self, barrier: impl Fn() + Send + Sync + 'static) {
        self.barriers.write().push(Arc::new(barrier));
    }

    /// Returns when what was committed before is known everywhere: for who answers somebody that may look at once,
    /// such as into a mount. Blocks. Nobody may call it whom a listener could wait for, as a request of the mount.
    pub fn wait_until_told(&self) {
        blocking::assert_allowed();
        let barriers = self.barriers.read().clone();
        barriers.iter().for_each(|wait| wait());
    }
}

/// What came of a commit.
struct Applied {
    /// Acts, and how much each changed.
    acted: Vec<(ActId, usize)>,
    /// What is to be committed next.
    unjoined: Vec<Change>,
}

/// What is read of a store to be taken over at a time.
enum Batch {
    Of(Vec<Stored>),
    /// Without it the store could not be read to its end.
    End,
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
