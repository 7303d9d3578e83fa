//! The catalog kept in step with the source, on request.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use roaring::RoaringBitmap;

use super::batch;
use super::known::Known;
use super::others::Others;
use super::report::Counts;
use super::samples::Samples;
use super::scan::{Notes, Scan};
use super::walk::Walk;
use super::{Error, Progress, Report};
use crate::library::Library;
use crate::originals::{Originals, stat_of};

#[derive(Clone, Debug)]
pub struct Options {
    /// Patterns of what is left out, as in a `.gitignore`, relative to the source.
    pub exclude: Vec<String>,
    pub threads: usize,
}

impl Default for Options {
    /// Excludes nothing; as many threads as keep a disk busy while others wait for it.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            exclude: Vec::new(),
            threads: (2 * cores).max(4),
        }
    }
}

pub struct Sync {
    pub(super) library: Arc<Library>,
    pub(super) originals: Arc<Originals>,
    options: Options,
    others: Others,
    /// Photos that were written to without growing or shrinking, as a backup that is restored does: the hash tells
    /// whether what was known of them still holds.
    pub(super) suspects: Mutex<RoaringBitmap>,
    pub(super) samples: Samples,
    /// Held while a scan runs: one at a time.
    scanning: Mutex<()>,
    /// Of the latest scan.
    counts: Mutex<Arc<Counts>>,
    done: AtomicBool,
}

/// Changes that may wait for the committing thread before the walk does.
const QUEUE: usize = 2048;

impl Sync {
    pub fn new(library: Arc<Library>, originals: Arc<Originals>, options: Options) -> Self {
        Self {
            library,
            originals,
            options,
            others: Others::default(),
            suspects: Mutex::default(),
            samples: Samples::default(),
            scanning: Mutex::default(),
            counts: Mutex::default(),
            done: AtomicBool::new(false),
        }
    }

    /// Walks the source and commits what happened since the last time, while it walks. Blocks until it is through or
    /// `stop` is set.
    ///
    /// # Errors
    /// When the source as a whole isn't there or can't be read: nothing is lost then. A file that can't be read is counted.
    pub fn scan(&self, stop: &AtomicBool) -> Result<Report, Error> {
        let _one_at_a_time = self.scanning.lock().unwrap_or_else(|e| e.into_inner());
        let counts = Arc::new(Counts::default());
        *self.counts.lock().expect("nothing panics under this lock") = Arc::clone(&counts);
        self.done.store(false, Relaxed);
        let began = Instant::now();
        let complete = self.look(&counts, stop);
        self.done.store(true, Relaxed);
        Ok(counts.report(self.library.index().len(), complete?, began.elapsed()))
    }

    /// How far the latest scan is.
    pub fn progress(&self) -> Progress {
        let counts = self.counts.lock().expect("nothing panics under this lock");
        Progress {
            files_seen: counts.files_seen.load(Relaxed),
            done: self.done.load(Relaxed),
        }
    }

    /// Whether the scan came to its end.
    fn look(&self, counts: &Counts, stop: &AtomicBool) -> Result<bool, Error> {
        let known = Known::of(self.library.index());
        self.check_source(&known)?;
        let threads = self.options.threads.max(1);
        let walk = Walk::new(self.originals.root(), &self.options.exclude, threads)?;
        let (changes, incoming) = sync_channel(QUEUE);
        thread::scope(|scope| {
            let library = &self.library;
            let committing = scope.spawn(move || batch::commit_all(library, &incoming));
            let scan = Scan {
                library,
                originals: &self.originals,
                others: &self.others,
                suspects: &self.suspects,
                known: &known,
                counts,
                changes,
                stop,
                notes: Notes::default(),
            };
            let scanned = scan.run(walk, threads, || self.check_source(&known));
            let committed = committing
                .join()
                .expect("the committing thread has no reason to panic");
            committed?;
            scanned
        })
    }

    /// That the source is there, and is the disk that it was.
    fn check_source(&self, known: &Known) -> Result<(), Error> {
        let path = || self.originals.root().to_owned();
        let unreadable = |source| Error::Unreadable {
            path: path(),
            source,
        };
        if !self.originals.is_in_place().map_err(unreadable)? {
            return Err(Error::Replaced { path: path() });
        }
        let root = self.originals.root();
        let is_empty = root.read_dir().map_err(unreadable)?.next().is_none();
        let device = stat_of(&root.metadata().map_err(unreadable)?).dev;
        if is_empty && !known.ids.is_empty() && !known.has_device(device) {
            return Err(Error::Unmounted { path: path() });
        }
        Ok(())
    }
}
