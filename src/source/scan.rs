//! One scan: files seen become changes of the catalog.
//!
//! While the walk runs, files are judged by path and `stat` and only new ones opened. What depends on other files
//! (moves, replacements, losses) is decided when everything was seen. Knows nothing of how changes are kept.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::thread;

use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::Error;
use super::decision::{Decision, decide};
use super::disks::Disks;
use super::facts::{self, Reading};
use super::missing::MissingFiles;
use super::moves::{self, Placed, Replaced, Unplaced};
use super::non_pictures::NonPictures;
use super::report::{Counts, count};
use super::scan_scope::{ScanScope, Sign};
use super::suspects::Suspects;
use super::walk::{Sighting, Walk};
use crate::catalog::{Change, FileStat, PhotoId, SourcePath};
use crate::library::Library;
use crate::source_files::{SourceFiles, is_absence, is_unresponsive};

/// One scan with all that it needs, made for it.
pub struct Scan<'a> {
    pub library: &'a Library,
    pub source_files: &'a SourceFiles,
    pub non_pictures: &'a NonPictures,
    pub disks: Disks<'a>,
    /// Where it looks.
    pub scope: &'a ScanScope,
    /// As in [`super::Sync`].
    pub wanted: &'a Mutex<RoaringBitmap>,
    pub suspects: &'a Suspects,
    /// As in [`super::Sync`].
    pub postponed: &'a Mutex<Vec<SourcePath>>,
    /// The sizes of photos that came, went or were written to.
    pub sizes: &'a Mutex<HashSet<u64>>,
    /// The photos that the catalog had where it looks, when it began.
    pub known: RoaringBitmap,
    pub counts: &'a Counts,
    pub changes: SyncSender<Change>,
    pub stop: &'a AtomicBool,
    /// The folder that is to be looked at, where it is one.
    pub asked: Option<&'a SourcePath>,
    pub notes: Notes,
}

/// What is gathered for the end.
#[derive(Default)]
pub struct Notes {
    /// Photos whose file is where it was.
    seen: Mutex<RoaringBitmap>,
    unplaced: Mutex<Vec<Unplaced>>,
    unreadable: Mutex<HashSet<SourcePath>>,
    /// Files that were written to, as the catalog knew them, which have other names.
    pub(super) linked: Mutex<Vec<FileStat>>,
    /// Nobody takes changes any more.
    refused: AtomicBool,
}

impl Scan<'_> {
    /// Whether it came to its end. `check` says whether the source is still what it was when the walk began.
    pub fn run(
        self,
        walk: Walk,
        threads: usize,
        check: impl FnOnce() -> Result<(), Error>,
    ) -> Result<bool, Error> {
        walk.run(|sighting| self.sight(sighting));
        self.look_at_other_names();
        if self.is_over() {
            return Ok(false);
        }
        check()?;
        self.check_asked()?;
        let placed = self.place();
        self.move_photos(&placed);
        self.in_parallel(&placed.replaced, threads, |replaced| self.replace(replaced));
        self.in_parallel(&placed.found, threads, |file| {
            self.open(file.path.clone(), &file.stat, file.known);
        });
        if self.is_over() {
            return Ok(false);
        }
        self.report_gone(&placed);
        Ok(!self.is_over())
    }

    /// A folder that can't be listed tells nothing of what is below it: who asked for it is told that. The walk doesn't
    /// say of every error where it was.
    fn check_asked(&self) -> Result<(), Error> {
        let Some(asked) = self
            .asked
            .filter(|_| !self.notes.unreadable.lock().is_empty())
        else {
            return Ok(());
        };
        let path = self.source_files.absolute(asked);
        let listed = path
            .read_dir()
            .and_then(|mut all| all.try_for_each(|e| e.map(drop)));
        listed.map_err(|source| Error::Unreadable { path, source })
    }

    fn sight(&self, sighting: Sighting) -> ControlFlow<()> {
        match sighting {
            Sighting::Folder => {}
            Sighting::File(path, stat) => self.judge(path, stat),
            Sighting::Unreadable(path, error) => self.note_unreadable(path, &error),
        }
        match self.is_over() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    pub(super) fn judge(&self, path: SourcePath, stat: FileStat) {
        count(&self.counts.files_seen);
        let stat = self.disks.reliable(&path, stat);
        let known = self.library.index().file_at(&path);
        let file_known = self.library.index().has_file(&stat);
        let lasting = || self.disks.has_lasting_inodes(&path, stat.dev);
        let decision = decide(known, &stat, file_known, lasting);
        if let Some((id, was)) = decision.same_file().and(known)
            && let Some(sign) = self.scope.sign(&path)
        {
            return match sign {
                Sign::OtherBytes => self.open_again(id, path, &was, &stat),
                Sign::Written => self.suspect(id, path, &was, stat),
            };
        }
        match decision {
            Decision::Unchanged(id) => self.note_seen(id),
            Decision::Noted(id) => self.note_stat(id, path, stat),
            Decision::Unexplained(id) => match known {
                Some((_, was)) if !self.explains(&path, &was) => self.suspect(id, path, &was, stat),
                _ => self.note_stat(id, path, stat),
            },
            Decision::Touched(id) => {
                count(&self.counts.changed);
                self.note_stat(id, path, stat);
            }
            Decision::Rewritten(id) => match known {
                Some((_, was)) => self.open_again(id, path, &was, &stat),
                None => self.open(path, &stat, Some(id)),
            },
            Decision::New => self.open(path, &stat, None),
            Decision::Open => {
                let known = known.map(|(id, _)| id);
                let file = Unplaced { path, stat, known };
                self.notes.unplaced.lock().push(file);
            }
        }
    }

    /// Reads the facts of a file that is new or has new content.
    pub(super) fn open(&self, path: SourcePath, stat: &FileStat, known: Option<PhotoId>) {
        if let Some((stat, reading)) = self.facts_of(&path, stat) {
            self.found(path, stat, known, reading);
        }
    }

    /// `None` for what is no picture, isn't there any more or can't be read.
    fn facts_of(&self, path: &SourcePath, stat: &FileStat) -> Option<(FileStat, Reading)> {
        let is_written = self.scope.sign(path).is_some();
        if self.non_pictures.contains(path, stat, is_written) {
            count(&self.counts.other);
            return None;
        }
        match self.read(path, stat.mode) {
            Ok((stat, Some(reading))) => {
                self.counts
                    .bytes_read
                    .fetch_add(reading.bytes_read, Relaxed);
                return Some((stat, reading));
            }
            Ok((stat, None)) => {
                count(&self.counts.other);
                self.non_pictures.remember(&stat);
            }
            Err(error) if is_absence(&error) => {}
            Err(error) if is_unresponsive(&error) => self.note_unresponsive(path.clone()),
            Err(error) => self.note_unreadable(path.clone(), &error),
        }
        None
    }

    /// `mode`: as the walk saw it, through the folders above.
    fn read(&self, path: &SourcePath, mode: u32) -> io::Result<(FileStat, Option<Reading>)> {
        let its = path.clone();
        let go_on = || !self.is_over();
        let read = self.source_files.with_file(path, &go_on, move |file| {
            let stat = FileStat {
                mode,
                attributes: file.attributes(),
                ..*file.stat()
            };
            Ok((stat, facts::read(file, &stat, &its)?))
        });
        let (stat, reading) = read?;
        count(&self.counts.opened);
        Ok((self.disks.reliable(path, stat), reading))
    }

    fn found(&self, path: SourcePath, stat: FileStat, known: Option<PhotoId>, reading: Reading) {
        match known {
            Some(id) => {
                count(&self.counts.changed);
                self.note_seen(id);
                self.want_hash(id, &stat);
            }
            None => count(&self.counts.added),
        }
        self.sizes.lock().insert(stat.size);
        let facts = Box::new(reading.facts);
        self.send(Change::Found {
            known,
            path,
            stat,
            facts,
        });
    }

    fn place(&self) -> Placed {
        let unplaced = std::mem::take(&mut *self.notes.unplaced.lock());
        moves::place(unplaced, |stat| self.homeless(stat))
    }

    /// Photos of this content that are not at their place any more.
    fn homeless(&self, stat: &FileStat) -> Vec<PhotoId> {
        let mut same_file = self.library.index().with_file(stat);
        same_file.retain(|&id| self.is_homeless(id, stat));
        same_file
    }

    fn is_homeless(&self, id: PhotoId, stat: &FileStat) -> bool {
        if self.is_seen(id) {
            return false;
        }
        let Some(photo) = self.library.index().photo(id) else {
            return false;
        };
        // Not seen may also mean: in a folder that could not be listed.
        let is_elsewhere = match self.source_files.stat(&photo.path) {
            Ok(there) => !there.is_some_and(|there| there.same_inode(stat)),
            Err(_) => false,
        };
        photo.stat.same_content(stat) && is_elsewhere
    }

    fn move_photos(&self, placed: &Placed) {
        for (id, Unplaced { path, stat, .. }) in &placed.moved {
            self.move_photo(*id, path.clone(), *stat);
        }
    }

    /// Where something is being written at the path of a photo that people said something of, the move waits for that: an
    /// editor puts the original aside, and what was said is of the name.
    fn move_photo(&self, id: PhotoId, path: SourcePath, stat: FileStat) {
        let Some(photo) = self.library.index().photo(id) else {
            return;
        };
        if photo.edited && self.scope.is_unsettled(&photo.path) {
            self.note_seen(id);
            self.postponed.lock().push(path);
            return;
        }
        count(&self.counts.moved);
        let is_signed = self.scope.sign(&photo.path).is_some();
        if is_signed && photo.hash.is_none() {
            return self.open(path, &stat, Some(id));
        }
        let stat = self.until_read(id, stat);
        self.send(Change::Moved { id, path, stat });
    }

    fn replace(&self, Replaced { id, aside, by }: &Replaced) {
        count(&self.counts.moved);
        let was = self.until_read(*id, aside.stat);
        let (id, to) = (*id, aside.path.clone());
        self.send(match self.facts_of(&by.path, &by.stat) {
            Some((stat, reading)) => {
                count(&self.counts.added);
                self.sizes.lock().insert(stat.size);
                Change::Replaced {
                    id,
                    aside: (to, was),
                    path: by.path.clone(),
                    stat,
                    facts: Box::new(reading.facts),
                }
            }
            None => Change::Moved {
                id,
                path: to,
                stat: was,
            },
        });
    }

    /// Does something with each, as many at a time as there are threads.
    fn in_parallel<T: Sync>(&self, all: &[T], threads: usize, each: impl Fn(&T) + Sync) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(one) = all.get(next.fetch_add(1, Relaxed)) {
                if self.is_over() {
                    return;
                }
                each(one);
            }
        };
        thread::scope(|scope| {
            for _ in 0..threads.min(all.len()) {
                scope.spawn(work);
            }
        });
    }

    fn report_gone(&self, placed: &Placed) {
        let moved: RoaringBitmap = placed.moved_ids().map(|id| id.0).collect();
        let unseen = &self.known - &*self.notes.seen.lock() - moved;
        let unreadable = std::mem::take(&mut *self.notes.unreadable.lock());
        let mut missing = MissingFiles::new(self.source_files, unreadable);
        for id in unseen.iter().map(PhotoId) {
            if self.is_over() {
                return;
            }
            let photo = self.library.index().photo(id);
            if let Some(photo) = photo.filter(|photo| missing.is_gone(photo)) {
                count(&self.counts.gone);
                let size = photo.stat.size;
                self.sizes.lock().insert(size);
                self.send(Change::Gone { id });
            }
        }
    }

    pub(super) fn is_seen(&self, id: PhotoId) -> bool {
        self.notes.seen.lock().contains(id.0)
    }

    pub(super) fn note_seen(&self, id: PhotoId) {
        self.notes.seen.lock().insert(id.0);
    }

    fn want_hash(&self, id: PhotoId, now: &FileStat) {
        let photo = self.library.index().photo(id);
        if photo.is_some_and(|was| was.hash.is_some() && was.stat.size == now.size) {
            self.wanted.lock().insert(id.0);
        }
    }

    fn note_unreadable(&self, path: SourcePath, error: &io::Error) {
        tracing::warn!(%path, %error, "can't be read");
        count(&self.counts.unreadable);
        self.notes.unreadable.lock().insert(path);
    }

    /// What was known of it is kept; it is tried again later.
    fn note_unresponsive(&self, path: SourcePath) {
        count(&self.counts.unresponsive);
        self.notes.unreadable.lock().insert(path);
    }

    pub(super) fn send(&self, change: Change) {
        if self.changes.send(change).is_err() {
            self.notes.refused.store(true, Relaxed);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Relaxed) || self.notes.refused.load(Relaxed)
    }
}
