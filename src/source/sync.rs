//! The catalog kept in step with the source, on request.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::batch;
use super::disks::Disks;
use super::hashing::Due;
use super::non_pictures::NonPictures;
use super::report::Counts;
use super::samples::Samples;
use super::scan::{Notes, Scan};
use super::scan_scope::ScanScope;
use super::suspects::Suspects;
use super::walk::{Walk, WalkOptions};
use super::watch::Watches;
use super::{Error, Progress, Report};
use crate::catalog::{Photo, PhotoId, SourcePath};
use crate::index::Delta;
use crate::library::Library;
use crate::source_files::{SourceFiles, network, stat_of};

/// What is looked at, and with how much of the machine.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Patterns of what is left out, as in a `.gitignore`, relative to the source.
    pub exclude: Vec<String>,
    /// Files with other extensions aren't looked at, in lower case without the dot; empty: the content decides.
    pub extensions: Vec<String>,
    /// Changes in one commit, at most; 0: as many as keep a commit short.
    pub batch: usize,
    /// Files looked at at the same time; 0: as many as keep a disk busy while others wait for it.
    pub threads: usize,
}

impl Options {
    pub(super) fn batch(&self) -> usize {
        match self.batch {
            // Commits of 1,000 changes are short enough for whoever waits to write next.
            0 => 1000,
            n => n,
        }
    }

    fn threads(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        match self.threads {
            // Threads wait for the disk most of the time: twice the cores keep it busy.
            0 => (2 * cores()).max(4),
            n => n,
        }
    }
}

/// Keeps one catalog in step with one source. Whoever follows the source, and whoever asks for a scan, share one.
pub struct Sync {
    pub(super) library: Arc<Library>,
    pub(super) source_files: Arc<SourceFiles>,
    pub(super) options: Options,
    non_pictures: NonPictures,
    /// Photos to be hashed whatever their size. Those that were written to without growing or shrinking, as a backup that
    /// is restored does: the hash tells whether what was known of them still holds. And those in `said`.
    pub(super) wanted: Mutex<RoaringBitmap>,
    pub(super) suspects: Suspects,
    /// Files that moved, whose move waits for what is being written where they were.
    pub(super) postponed: Mutex<Vec<SourcePath>>,
    /// Photos of which people said something since the last look for copies.
    pub(super) said: Arc<Mutex<RoaringBitmap>>,
    /// The last photo that was there when copies were looked for last, or before the first scan: later ones have arrived
    /// since.
    pub(super) last_seen: Mutex<Option<PhotoId>>,
    /// Whether files are read only because people said something of them. Others' disks are only read for what is asked.
    pub(super) reads_for_words: bool,
    pub(super) samples: Samples,
    /// Where copies are to be looked for.
    pub(super) due: Mutex<Due>,
    /// Held while copies are looked for: whoever else asks waits for what is found. Locked before all the others here.
    pub(super) hashing: Mutex<()>,
    /// Held while files are read again.
    pub(super) rereading: Mutex<()>,
    /// Set on every folder that a walk enters.
    pub(super) watches: OnceLock<Arc<Watches>>,
    /// Held while a scan runs: one at a time. No other lock here is held while it is waited for.
    scanning: Mutex<()>,
    /// Of the latest scan.
    counts: Mutex<Arc<Counts>>,
    done: AtomicBool,
}

/// Changes that may wait for the committing thread before the walk does: two commits' worth.
const QUEUE: usize = 2048;

impl Sync {
    /// Nothing is looked at yet.
    pub fn new(library: Arc<Library>, source_files: Arc<SourceFiles>, options: Options) -> Self {
        let reads_for_words = network::kind(source_files.root()).is_none();
        let said = Arc::<Mutex<RoaringBitmap>>::default();
        if reads_for_words {
            library.listen(note_words(&said));
        }
        Self {
            library,
            source_files,
            non_pictures: NonPictures::of(&options.extensions),
            options,
            wanted: Mutex::default(),
            suspects: Suspects::default(),
            postponed: Mutex::default(),
            said,
            last_seen: Mutex::default(),
            reads_for_words,
            samples: Samples::default(),
            due: Mutex::default(),
            hashing: Mutex::default(),
            rereading: Mutex::default(),
            watches: OnceLock::new(),
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
        let _one_at_a_time = self.scanning.lock();
        let counts = Arc::new(Counts::default());
        *self.counts.lock() = Arc::clone(&counts);
        self.done.store(false, Relaxed);
        let began = Instant::now();
        // All of them are looked at; others learn what is to be tried again.
        self.source_files.take_due();
        let complete = self.look(&ScanScope::whole(), Some(&ROOT), &counts, stop);
        self.done.store(true, Relaxed);
        Ok(counts.report(self.library.index().len(), complete?, began.elapsed()))
    }

    /// Scans a part of the source. The progress of the latest whole scan stays as it is.
    ///
    /// # Errors
    /// As for [`Self::scan`].
    pub(super) fn update(&self, scope: &ScanScope, stop: &AtomicBool) -> Result<Report, Error> {
        self.scan_part(scope, scope.is_whole().then_some(&ROOT), stop)
    }

    fn scan_part(
        &self,
        scope: &ScanScope,
        asked: Option<&SourcePath>,
        stop: &AtomicBool,
    ) -> Result<Report, Error> {
        let _one_at_a_time = self.scanning.lock();
        let (counts, began) = (Counts::default(), Instant::now());
        let complete = self.look(scope, asked, &counts, stop)?;
        Ok(counts.report(self.library.index().len(), complete, began.elapsed()))
    }

    /// Scans a folder with everything below it; the empty one is the whole source.
    ///
    /// # Errors
    /// As for [`Self::scan`].
    pub fn scan_below(&self, folder: &SourcePath, stop: &AtomicBool) -> Result<Report, Error> {
        if folder.as_bytes().is_empty() {
            return self.scan(stop);
        }
        let mut scope = ScanScope::default();
        scope.add_tree(folder);
        self.scan_part(&scope, Some(folder), stop)
    }

    /// How far the latest scan is.
    pub fn progress(&self) -> Progress {
        let counts = self.counts.lock();
        Progress {
            files_seen: counts.files_seen.load(Relaxed),
            done: self.done.load(Relaxed),
        }
    }

    /// Whether the scan came to its end. It has no end where the folder that was asked for can't be listed.
    fn look(
        &self,
        scope: &ScanScope,
        asked: Option<&SourcePath>,
        counts: &Counts,
        stop: &AtomicBool,
    ) -> Result<bool, Error> {
        self.check_source()?;
        let index = self.library.index();
        let last = || index.all().max().unwrap_or_default();
        self.last_seen.lock().get_or_insert_with(|| PhotoId(last()));
        let known = scope.photos(index);
        let threads = self.options.threads();
        let options = WalkOptions {
            root: self.source_files.root(),
            exclude: &self.options.exclude,
            scope: scope.clone(),
            watches: self.watches.get().cloned(),
        };
        let walk = Walk::new(options, threads)?;
        let (changes, incoming) = sync_channel(QUEUE);
        let sizes = Mutex::default();
        let looked = thread::scope(|workers| {
            let (library, most) = (&self.library, self.options.batch());
            let committing = workers.spawn(move || batch::commit_all(library, most, &incoming));
            let scan = Scan {
                library,
                source_files: &self.source_files,
                non_pictures: &self.non_pictures,
                disks: Disks::new(&self.source_files),
                scope,
                wanted: &self.wanted,
                suspects: &self.suspects,
                postponed: &self.postponed,
                sizes: &sizes,
                known,
                counts,
                changes,
                stop,
                asked,
                notes: Notes::default(),
            };
            let scanned = scan.run(walk, threads, || self.check_source());
            let committed = committing
                .join()
                .expect("the committing thread has no reason to panic");
            committed?;
            scanned
        });
        // After the commits, or who looks for copies at the same time would miss them.
        let sizes = sizes.into_inner();
        self.due().extend(sizes);
        looked
    }

    /// That the source is there, and is the disk that it was. One that is back is taken up again.
    fn check_source(&self) -> Result<(), Error> {
        let path = || self.source_files.root().to_owned();
        let unreadable = |source| Error::Unreadable {
            path: path(),
            source,
        };
        let root = self.source_files.root();
        let first = root.read_dir().map_err(unreadable)?.next();
        let is_empty = first.transpose().map_err(unreadable)?.is_none();
        let device = stat_of(&root.metadata().map_err(unreadable)?).dev;
        let index = self.library.index();
        if is_empty && !index.is_empty() && !index.has_device(device) {
            return Err(Error::Unmounted { path: path() });
        }
        if self.source_files.is_in_place().map_err(unreadable)? {
            return Ok(());
        }
        if !self.is_familiar().map_err(unreadable)? {
            return Err(Error::Replaced { path: path() });
        }
        self.source_files.reopen().map_err(unreadable)
    }

    /// Whether the folder at the source's path has a photo that the catalog knows, or the catalog knows none.
    fn is_familiar(&self) -> io::Result<bool> {
        let there = SourceFiles::open(self.source_files.root())?;
        let index = self.library.index();
        let mut ids = Vec::new();
        index.for_each_file(&mut |id, _, _| ids.push(id));
        let step = ids.len().div_ceil(SAMPLES).max(1);
        let sample = ids.iter().step_by(step).filter_map(|&id| index.photo(id));
        let is_there = |photo: &Photo| match there.stat(&photo.path) {
            Ok(Some(now)) => (now.size, now.mtime_ns) == (photo.stat.size, photo.stat.mtime_ns),
            _ => false,
        };
        Ok(ids.is_empty() || sample.into_iter().any(|photo| is_there(&photo)))
    }
}

/// The source itself, as paths in it are written.
static ROOT: LazyLock<SourcePath> = LazyLock::new(|| SourcePath::new([]));

/// Takes note of the photos of which people say something.
fn note_words(
    said: &Arc<Mutex<RoaringBitmap>>,
) -> impl Fn(&Delta) + Send + std::marker::Sync + 'static {
    let said = Arc::clone(said);
    move |delta| {
        let now = delta.photos.iter();
        let edited = now.filter(|photo| photo.after.as_ref().is_some_and(|now| now.traits.edited));
        said.lock().extend(edited.map(|photo| photo.id.0));
    }
}

/// Photos looked for when a folder may be the source that is back.
const SAMPLES: usize = 100;
