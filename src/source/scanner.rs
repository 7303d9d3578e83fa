//! The catalog kept in step with one source: scanned when somebody asks, followed while a process owns the catalog.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::{Error, Follower, Following, Options, Report, Sync, Watching};
use crate::catalog::{PhotoId, SourcePath};
use crate::library::Library;
use crate::source_files::SourceFiles;

/// What a process that owns a catalog has of its source.
pub struct Scanner {
    sync: Sync,
    follower: Follower,
    stop: AtomicBool,
}

/// What a catalog has at a path.
pub enum At {
    Photo(PhotoId),
    /// A file is there that the catalog doesn't know, or knows another one.
    Another,
    Nothing,
}

impl Scanner {
    /// # Errors
    /// When the system gives no more file descriptors.
    pub fn new(
        library: Arc<Library>,
        source_files: Arc<SourceFiles>,
        options: Options,
        watching: Watching,
    ) -> io::Result<Self> {
        Ok(Self {
            sync: Sync::new(library, source_files, options),
            follower: Follower::new(watching)?,
            stop: AtomicBool::new(false),
        })
    }

    /// Brings the catalog in step with a folder of the source; the empty one is all of it. Blocks; one scan runs at a time.
    pub fn scan_below(&self, folder: &SourcePath) -> Result<Report, Error> {
        self.sync.scan_below(folder, &self.stop)
    }

    /// Scans another source into its own catalog, in the same way. Blocks.
    pub fn scan_other(
        &self,
        library: Arc<Library>,
        source_files: Arc<SourceFiles>,
    ) -> Result<Report, Error> {
        Sync::new(library, source_files, self.sync.options.clone()).scan(&self.stop)
    }

    /// Reads files that may be copies, or photos known from elsewhere. Blocks; background work.
    pub fn find_copies(&self) -> Result<u64, Error> {
        self.sync.hash_candidates(&self.stop)
    }

    /// Reads the files that may have other bytes though their size and their time are as they were. Blocks.
    ///
    /// # Errors
    /// When the catalog can't be read or written.
    pub fn verify_suspects(&self) -> Result<u64, Error> {
        self.sync.verify_suspects(&self.stop)
    }

    /// Reads the files of which people said something just now, until then at most. Blocks.
    ///
    /// # Errors
    /// When the catalog can't be written.
    pub fn hash_said(&self, until: Instant) -> Result<u64, Error> {
        self.sync.hash_said(until, &self.stop)
    }

    /// Reads files of which an earlier version read less. Blocks; background work.
    ///
    /// # Errors
    /// When the catalog can't be read or written.
    pub fn read_outdated(&self) -> Result<u64, Error> {
        self.sync.read_outdated(&self.stop)
    }

    /// Scans the source, calls `scanned`, and keeps the catalog in step from then on. Blocks until [`Self::stop`].
    pub fn follow(&self, scanned: impl FnOnce(&Result<Report, Error>)) {
        self.follower.run(&self.sync, &self.stop, scanned);
    }

    /// Files of the source that don't answer, each of which is tried again later.
    pub fn unresponsive(&self) -> usize {
        self.sync.source_files.unresponsive()
    }

    /// How the source is followed.
    pub fn following(&self) -> Following {
        self.follower.following()
    }

    /// What the catalog knows at a path, compared with the file that is there now. Blocks on the disk.
    ///
    /// # Errors
    /// When another folder is in the place of the source, or the disk can't tell.
    pub fn known_at(&self, path: &SourcePath) -> Result<At, Error> {
        let source_files = &self.sync.source_files;
        let unreadable = |source| Error::File {
            path: source_files.absolute(path),
            source,
        };
        let go_on = || !self.stop.load(Ordering::Relaxed);
        let (is_in_place, now) = source_files.look_at(path, &go_on).map_err(unreadable)?;
        // Where nothing is at the source's path, nothing there can be taken for a photo.
        if !is_in_place {
            let path = source_files.root().to_owned();
            return Err(Error::Replaced { path });
        }
        let index = self.sync.library.index();
        let known = index.by_path(path).and_then(|id| index.photo(id));
        Ok(match (known, now) {
            (Some(photo), Some(now)) if photo.stat.is_same_file(&now) => At::Photo(photo.id),
            // The disk with the photo may be away.
            (Some(photo), None) => At::Photo(photo.id),
            (_, Some(_)) => At::Another,
            (None, None) => At::Nothing,
        })
    }

    /// Ends what is under way, and the following.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.follower.stop();
    }
}
