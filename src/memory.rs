//! How much memory the process holds, and the caches that give theirs back before it is too much.
//!
//! A cache has the room that it was made with while there is memory; near the [`Limit`] all of them are halved, again and
//! again, and double once there is memory again. Knows nothing of what is kept.

use std::hash::Hash;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use moka::sync::Cache as Entries;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::metrics::Process;

/// How often somebody looks: decoders take hundreds of megabytes within a second, and one look is a read of `/proc`.
const INTERVAL: Duration = Duration::from_secs(1);
/// A cache that was halved so often holds next to nothing: a sixty-fourth.
const MOST_HALVINGS: u32 = 6;

/// What the process may hold, and the caches that answer for it. Clones are of the same.
#[derive(Clone)]
pub struct Limit(Arc<Shared>);

struct Shared {
    most: u64,
    halvings: AtomicU32,
    /// Bytes that processes hold which work for this one.
    others: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
    /// Taken before the lock of a cache: each is resized under it.
    caches: Mutex<Vec<Resize>>,
}

/// Gives a cache its room; says false once there is no such cache.
type Resize = Box<dyn Fn(u32) -> bool + Send>;

/// What a cache may keep.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Of all entries, as the cache weighs them.
    pub bytes: u64,
    /// Unused for longer, an entry goes.
    pub idle: Option<Duration>,
    /// Older, it goes as well.
    pub age: Option<Duration>,
}

impl Limit {
    /// What the process may hold in all, caches included.
    pub fn of(bytes: u64) -> Self {
        Self(Arc::new(Shared {
            most: bytes,
            halvings: AtomicU32::new(0),
            others: OnceLock::new(),
            caches: Mutex::default(),
        }))
    }

    /// Counts what other processes hold for this one as its own. The first who says so holds.
    pub(crate) fn counts_too(&self, held: impl Fn() -> u64 + Send + Sync + 'static) {
        self.0.others.get_or_init(|| Box::new(held));
    }

    /// Makes a cache.
    pub(crate) fn cache<K, V>(
        &self,
        bounds: Bounds,
        weight: impl Fn(&K, &V) -> usize + Send + Sync + 'static,
    ) -> Cache<K, V>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        // Before the look at how often caches are halved: whoever changes that afterwards finds this one among them.
        let mut caches = self.0.caches.lock();
        let halvings = self.0.halvings.load(Ordering::Relaxed);
        let weight: Weight<K, V> = Arc::new(weight);
        let shared = Arc::new(SharedCache {
            entries: RwLock::new(entries(bounds, &weight, halvings)),
            bounds,
            weight,
        });
        let of_cache = Arc::downgrade(&shared);
        let resize = move |halvings| {
            let shared = of_cache.upgrade();
            shared.inspect(|shared| shared.resize(halvings)).is_some()
        };
        caches.push(Box::new(resize));
        Cache(shared)
    }

    /// Looks once a second, for as long as the watch is kept.
    pub fn watch(&self) -> std::io::Result<Watch> {
        let (watch, ended) = mpsc::channel();
        let limit = self.clone();
        let thread = thread::Builder::new().name("kbasefs-memory".into());
        thread.spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if let Some(own) = Process::now().anonymous_bytes {
                    let others = limit.0.others.get().map_or(0, |held| held());
                    limit.adapt(own + others);
                }
            }
        })?;
        Ok(Watch(watch))
    }

    /// Gives the caches the room that is left where the process holds so much.
    fn adapt(&self, held: u64) {
        let most = self.0.most;
        let now = self.0.halvings.load(Ordering::Relaxed);
        let next = halvings(now, held, most);
        if next == now {
            return;
        }
        tracing::debug!("{held} bytes of {most} are held: caches are halved {next} times");
        if next == MOST_HALVINGS {
            tracing::warn!(
                "the program takes {} MB, near max_memory_mb, with next to nothing in its caches",
                held >> 20
            );
        }
        self.0.halvings.store(next, Ordering::Relaxed);
        let mut caches = self.0.caches.lock();
        caches.retain(|resize| resize(next));
    }
}

/// How often caches are to be halved: once more above seven eighths of what may be held, once less below three
/// quarters. The gap keeps them from being emptied and filled in turns.
fn halvings(now: u32, held: u64, most: u64) -> u32 {
    match held {
        held if held > most / 8 * 7 => (now + 1).min(MOST_HALVINGS),
        held if held < most / 4 * 3 => now.saturating_sub(1),
        _ => now,
    }
}

/// Dropped, nobody looks any more.
pub struct Watch(#[expect(dead_code, reason = "dropping it tells the thread")] mpsc::Sender<()>);

/// Values that can be had again, for as long as there is memory. Clones are of the same.
pub(crate) struct Cache<K, V>(Arc<SharedCache<K, V>>);

struct SharedCache<K, V> {
    entries: RwLock<Entries<K, V>>,
    bounds: Bounds,
    weight: Weight<K, V>,
}

type Weight<K, V> = Arc<dyn Fn(&K, &V) -> usize + Send + Sync>;

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.0.entries().get(key)
    }

    /// Keeps a value, in place of what was there.
    pub fn insert(&self, key: K, value: V) {
        self.0.entries().insert(key, value);
    }

    /// A value isn't true any more.
    pub fn invalidate(&self, key: &K) {
        self.0.entries().invalidate(key);
    }

    /// No value is true any more.
    pub fn invalidate_all(&self) {
        self.0.entries().invalidate_all();
    }

    /// What is kept under a key; what isn't there is made, by one of those who want it at the same time.
    pub fn get_with(&self, key: K, make: impl FnOnce() -> V) -> V {
        // Making takes its time: nobody waits for it who wants something else.
        let entries = self.0.entries().clone();
        entries.get_with(key, make)
    }

    /// What is kept under a key, where making what isn't there may fail.
    ///
    /// # Errors
    /// That of who made it, shared by all who waited for it. It isn't kept: the next who asks tries again.
    pub fn try_get_with<E: Send + Sync + 'static>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, Arc<E>> {
        let entries = self.0.entries().clone();
        entries.try_get_with(key, make)
    }
}

impl<K, V> SharedCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn entries(&self) -> RwLockReadGuard<'_, Entries<K, V>> {
        self.entries.read()
    }

    /// Starts anew in a room of this size. What was kept is had again when it is wanted: that is the way to know which.
    fn resize(&self, halvings: u32) {
        let mut kept = self.entries.write();
        let old = std::mem::replace(&mut *kept, entries(self.bounds, &self.weight, halvings));
        drop(kept);
        old.invalidate_all();
        old.run_pending_tasks();
    }
}

fn entries<K, V>(bounds: Bounds, weight: &Weight<K, V>, halvings: u32) -> Entries<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let weight = Arc::clone(weight);
    let entries = Entries::builder()
        .max_capacity(bounds.bytes >> halvings)
        .weigher(move |key, value| u32::try_from(weight(key, value)).unwrap_or(u32::MAX));
    let entries = match bounds.idle {
        Some(idle) => entries.time_to_idle(idle),
        None => entries,
    };
    match bounds.age {
        Some(age) => entries.time_to_live(age).build(),
        None => entries.build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_halved_near_the_limit_and_double_with_room() {
        let check = |now, held, expected| {
            assert_eq!(halvings(now, held, 800), expected, "{now} {held}");
        };
        check(0, 100, 0);
        check(0, 701, 1);
        check(1, 701, 2);
        check(MOST_HALVINGS, 5000, MOST_HALVINGS);
        // What was given back just now is no reason to take it again.
        check(2, 650, 2);
        check(2, 599, 1);
    }

    fn kept(cache: &Cache<u32, [u8; 100]>) -> u64 {
        for n in 0..100 {
            cache.insert(n, [0; 100]);
        }
        let entries = cache.0.entries();
        entries.run_pending_tasks();
        entries.weighted_size()
    }

    #[test]
    fn every_cache_gives_its_memory_back() {
        let limit = Limit::of(1000);
        let bounds = Bounds {
            bytes: 6400,
            ..Bounds::default()
        };
        let weight = |_: &u32, bytes: &[u8; 100]| bytes.len();
        let first = limit.cache(bounds, weight);
        assert_eq!(kept(&first), 6400);
        limit.adapt(900);
        assert_eq!(first.get(&1), None);
        assert_eq!(kept(&first), 3200);
        limit.adapt(900);
        // One that is made now begins as small.
        let second = limit.cache(bounds, weight);
        assert_eq!((kept(&first), kept(&second)), (1600, 1600));
        drop(second);
        for _ in 0..MOST_HALVINGS {
            limit.adapt(100);
        }
        assert_eq!(kept(&first), 6400);
    }
}
