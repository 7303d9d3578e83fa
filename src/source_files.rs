//! The original files: the only place that opens anything below the source folder.
//!
//! Opens regular files only, for reading only, and never through a symbolic link or out of the source, even
//! when a folder is swapped for a link at the wrong moment. Knows nothing of the catalog.

pub(crate) mod attributes;
mod folder;
pub(crate) mod inodes;
pub(crate) mod network;
mod readers;
mod source_file;
mod unresponsive;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::blocking::{self, ConcurrencyLimiter};
use crate::catalog::{ContentHash, FileStat, SourcePath};
use folder::Folder;
use readers::{Late, NoAnswer, Progress, Readers};
pub use source_file::SourceFile;
use unresponsive::UnresponsiveFiles;

/// A source folder, held open.
#[derive(Debug)]
pub struct SourceFiles {
    root: PathBuf,
    folder: Arc<Folder>,
    readers: Readers,
    unresponsive: Arc<UnresponsiveFiles>,
    /// Whether it is on a network file system.
    far: AtomicBool,
    in_place: InPlace,
    limiter: ConcurrencyLimiter,
}

/// Whether the folder was in place when somebody last looked.
#[derive(Debug)]
struct InPlace {
    last: AtomicBool,
    looking: Mutex<()>,
}

impl Default for InPlace {
    fn default() -> Self {
        Self {
            last: true.into(),
            looking: Mutex::default(),
        }
    }
}

/// Threads of edges that wait for the source at a time: more than any disk or server works at, and so few that a source
/// which never answers leaves most of the 512 that Tokio has at most.
const MOST_WAITING: usize = 128;

impl SourceFiles {
    /// Holds the folder at `root` (made absolute, links in it followed once, here).
    ///
    /// # Errors
    /// When it isn't there, isn't a folder, or can't be listed.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        std::fs::read_dir(&root)?;
        Ok(Self {
            far: network::kind(&root).is_some().into(),
            in_place: InPlace::default(),
            limiter: ConcurrencyLimiter::new(MOST_WAITING),
            folder: Folder::open(&root)?.into(),
            readers: Readers::default(),
            unresponsive: Arc::default(),
            root,
        })
    }

    /// Holds the folder that is at [`Self::root`] now: a disk that is back isn't the one that was held.
    ///
    /// # Errors
    /// As for [`Self::open`]; what was held stays so then.
    pub fn reopen(&self) -> io::Result<()> {
        let fresh = Self::open(&self.root)?;
        self.folder.take_over(&fresh.folder);
        self.far.store(fresh.far.into_inner(), Ordering::Relaxed);
        self.unresponsive.forget();
        Ok(())
    }

    /// The absolute path of the source folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the folder held is still the one at [`Self::root`]: not replaced, not hidden by another mount.
    pub fn is_in_place(&self) -> io::Result<bool> {
        self.folder.is_at(&self.root)
    }

    /// As [`Self::is_in_place`], or what was found when that was last known, if somebody has looked for `timeout` and waits
    /// still: one thread at most waits for a disk that doesn't answer.
    pub fn look_in_place(&self, timeout: Duration) -> bool {
        if let Some(_looking) = self.in_place.looking.try_lock_for(timeout) {
            // Nothing is there, or the disk says why not: whoever reads a photo learns that.
            let now = self.is_in_place().unwrap_or(true);
            self.in_place.last.store(now, Ordering::Relaxed);
        }
        self.was_in_place()
    }

    /// What was found when somebody last looked.
    pub fn was_in_place(&self) -> bool {
        self.in_place.last.load(Ordering::Relaxed)
    }

    /// How many may wait for the source at a time, of those who have no threads of their own.
    pub fn limiter(&self) -> &ConcurrencyLimiter {
        &self.limiter
    }

    /// Whether closing a file may wait, too: a server that doesn't answer is told of it.
    pub fn closing_may_wait(&self) -> bool {
        self.far.load(Ordering::Relaxed)
    }

    /// Where a photo is on disk. For people and for walking; files are opened with [`Self::read`].
    pub fn absolute(&self, path: &SourcePath) -> PathBuf {
        self.root.join(OsStr::from_bytes(path.as_bytes()))
    }

    /// Opens a regular file for reading. Waits for the disk as long as it takes.
    ///
    /// # Errors
    /// `ENOENT` and its like from the disk; `ELOOP` or `EXDEV` for a link; `EINVAL` for what isn't a regular file.
    pub fn read(&self, path: &SourcePath) -> io::Result<(File, FileStat)> {
        self.folder.read(path)
    }

    /// Opens a regular file for reading, if the kernel has all of the way there in memory; `None` where it would wait
    /// for the disk, or for a server that must agree.
    pub fn read_at_once(&self, path: &SourcePath) -> Option<io::Result<(File, FileStat)>> {
        match self.far.load(Ordering::Relaxed) {
            true => None,
            false => self.folder.read_at_once(path),
        }
    }

    /// What the disk says of a file now, or `None` when it isn't a regular file (any more). Waits for it as long as it
    /// takes.
    pub fn stat(&self, path: &SourcePath) -> io::Result<Option<FileStat>> {
        self.folder.stat(path)
    }

    /// Opens a regular file and does with it what reads it, for as long as the disk answers and `go_on` says so.
    ///
    /// # Errors
    /// As for [`Self::read`]; as [`is_unresponsive`] says where no answer comes: it is not asked again for some time.
    pub fn with_file<T: Send + 'static>(
        &self,
        path: &SourcePath,
        go_on: &dyn Fn() -> bool,
        read: impl FnOnce(&SourceFile) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.ask(path, go_on, move |folder, path, progress| {
            let (file, stat) = folder.read(path)?;
            read(&SourceFile::new(file, stat, progress.clone()))
        })
    }

    /// As [`Self::read`], for as long as the disk answers.
    ///
    /// # Errors
    /// As for [`Self::with_file`].
    pub fn read_in_time(&self, path: &SourcePath) -> io::Result<(File, FileStat)> {
        self.ask(path, &|| true, |folder, path, _| folder.read(path))
    }

    /// Reads the piece of a file that begins at `offset`, as [`Self::with_file`] does.
    ///
    /// # Errors
    /// When the disk doesn't give it, or doesn't answer.
    pub fn piece(
        &self,
        path: &SourcePath,
        file: Arc<File>,
        offset: u64,
        length: usize,
    ) -> io::Result<Vec<u8>> {
        self.ask(path, &|| true, move |_, _, _| {
            let mut piece = vec![0; length];
            let read = std::os::unix::fs::FileExt::read_at(&*file, &mut piece, offset)?;
            piece.truncate(read);
            Ok(piece)
        })
    }

    /// What [`Self::is_in_place`] and [`Self::stat`] say, for as long as the disk answers and `go_on` says so.
    ///
    /// # Errors
    /// As for [`Self::with_file`].
    pub fn look_at(
        &self,
        path: &SourcePath,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<(bool, Option<FileStat>)> {
        let root = self.root.clone();
        self.ask(path, go_on, move |folder, path, _| {
            Ok(match folder.is_at(&root) {
                Ok(false) => (false, None),
                // Nothing is there, or the disk says why not: so does what is asked next.
                Ok(true) | Err(_) => (true, folder.stat(path)?),
            })
        })
    }

    /// Files that don't answer, each of which is tried again later.
    pub fn unresponsive(&self) -> usize {
        self.unresponsive.len()
    }

    /// From now on, whoever wants something of files that didn't answer learns when they are to be tried again.
    pub fn listen(&self, listener: impl Fn(&[SourcePath]) + Send + Sync + 'static) {
        self.unresponsive.listen(listener);
    }

    /// The files that didn't answer and are to be tried again now; listeners learn of them.
    pub fn take_due(&self) -> Vec<SourcePath> {
        self.unresponsive.take_due()
    }

    /// Asks something of a file, on a thread that is left to itself where no answer comes.
    fn ask<T: Send + 'static>(
        &self,
        path: &SourcePath,
        go_on: &dyn Fn() -> bool,
        work: impl FnOnce(&Folder, &SourcePath, &Progress) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        blocking::assert_allowed();
        if !self.unresponsive.may_be_asked(path) {
            return Err(NoAnswer::Late.into());
        }
        if !self.readers.have_room() {
            self.unresponsive.was_crowded_out(path);
            return Err(NoAnswer::Late.into());
        }
        let late = LateFile {
            path: path.clone(),
            unresponsive: Arc::clone(&self.unresponsive),
        };
        let (folder, its) = (Arc::clone(&self.folder), path.clone());
        let work = move |progress: &Progress| work(&folder, &its, progress);
        let answer = self.readers.run(go_on, late, work)??;
        self.unresponsive.answered(path);
        answer
    }

    /// A digest of a file's extended attributes; 0 where the disk doesn't say.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub(crate) fn attributes(&self, path: &SourcePath) -> io::Result<u32> {
        self.with_file(path, &|| true, |file| Ok(file.attributes()))
    }

    /// The hash of what a file holds. `None` when the file isn't as it is `known` (any more), changes meanwhile, or
    /// `go_on` ends it.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn hash(
        &self,
        path: &SourcePath,
        known: &FileStat,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Option<ContentHash>> {
        let known = *known;
        let hashed = self.with_file(path, go_on, move |file| {
            if !file.stat().same_content(&known) {
                return Ok(None);
            }
            let hash = content_hash(&mut { file }, &|| file.goes_on())?;
            Ok(hash.filter(|_| file.stat_now().is_ok_and(|now| now.is_as(file.stat()))))
        });
        match hashed {
            Err(error) if !go_on() && is_unresponsive(&error) => Ok(None),
            hashed => hashed,
        }
    }
}

/// What is known of a file that is late.
struct LateFile {
    path: SourcePath,
    unresponsive: Arc<UnresponsiveFiles>,
}

impl Late for LateFile {
    fn left(&self) {
        self.unresponsive.fell_silent(&self.path);
    }

    fn came(&self) {
        self.unresponsive.came_late(&self.path);
    }
}

/// Whether a file was not read because it doesn't answer, or because nobody waits any more: that says nothing of it.
pub fn is_unresponsive(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<NoAnswer>())
}

/// Bytes read at a time: enough that system calls cost nothing beside hashing, little enough to stay in a core's cache.
const BUFFER: usize = 256 << 10;

/// The hash of what is left to read; `None` when `go_on` ends it.
///
/// # Errors
/// When it can't be read.
pub fn content_hash(
    file: &mut impl Read,
    go_on: &dyn Fn() -> bool,
) -> io::Result<Option<ContentHash>> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    while go_on() {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(ContentHash(*hasher.finalize().as_bytes()))),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
    }
    Ok(None)
}

/// Whether an error means that no such file is there (any more).
pub fn is_absence(error: &io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::XDEV];
    error
        .raw_os_error()
        .is_some_and(|code| absent.iter().any(|e| e.raw_os_error() == code))
}

fn file_stat(stat: &Stat) -> FileStat {
    FileStat {
        dev: stat.st_dev,
        ino: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ns: nanoseconds(
            stat.st_mtime,
            i64::try_from(stat.st_mtime_nsec).unwrap_or(0),
        ),
        ctime_ns: nanoseconds(
            stat.st_ctime,
            i64::try_from(stat.st_ctime_nsec).unwrap_or(0),
        ),
        links: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        attributes: 0,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
    }
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// What the disk says of a file that somebody has looked at already.
pub fn stat_of(metadata: &std::fs::Metadata) -> FileStat {
    use std::os::unix::fs::MetadataExt;
    FileStat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        links: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        attributes: 0,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FileType, Mode};
    use std::os::unix::fs::symlink;

    fn path(text: &str) -> SourcePath {
        SourcePath::new(text.as_bytes())
    }

    #[test]
    fn only_regular_files_inside_the_source_open() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        std::fs::write(dir.path().join("sub/a.jpg"), "abc").unwrap();
        symlink(outside.path().join("secret"), dir.path().join("link")).unwrap();
        symlink(outside.path(), dir.path().join("folder")).unwrap();
        let source_files = SourceFiles::open(dir.path()).unwrap();

        let mut text = String::new();
        let (mut file, stat) = source_files.read(&path("sub/a.jpg")).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), stat.size), ("abc", 3));
        for refused in ["link", "folder/secret", "../x", "/etc/passwd", "sub"] {
            assert!(source_files.read(&path(refused)).is_err(), "{refused}");
        }
        for name in ["sub/a.jpg", "link", "folder/secret", "../x", "sub"] {
            // A kernel may have to wait, and then says neither yes nor no.
            let at_once = source_files.read_at_once(&path(name));
            let there = source_files.read(&path(name)).ok().map(|(_, stat)| stat);
            assert!(at_once.is_none_or(|file| file.ok().map(|(_, stat)| stat) == there));
        }
        assert_eq!(source_files.stat(&path("link")).unwrap(), None);
        assert_eq!(source_files.stat(&path("gone")).unwrap(), None);
        assert_eq!(source_files.stat(&path("sub/a.jpg")).unwrap(), Some(stat));
    }

    #[test]
    fn what_was_found_last_counts_while_somebody_still_looks() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("photos");
        std::fs::create_dir(&root).unwrap();
        let source_files = SourceFiles::open(&root).unwrap();
        let look = || source_files.look_in_place(Duration::ZERO);
        assert!(look());
        std::fs::rename(&root, dir.path().join("moved")).unwrap();
        std::fs::create_dir(&root).unwrap();
        let looking = source_files.in_place.looking.lock();
        assert!(look());
        drop(looking);
        assert!(!look());
        assert!(!source_files.was_in_place());
    }

    #[test]
    fn a_fifo_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo.jpg");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            FileType::Fifo,
            Mode::from_raw_mode(0o644),
            0,
        )
        .unwrap();
        let source_files = SourceFiles::open(dir.path()).unwrap();
        let error = source_files.read(&path("fifo.jpg")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    }

    #[test]
    fn a_folder_that_is_swapped_for_a_link_again_and_again_lets_nothing_in() {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use std::sync::atomic::{AtomicBool, Ordering};
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("a.jpg"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        std::fs::write(dir.path().join("sub/a.jpg"), "photo").unwrap();
        symlink(outside.path(), dir.path().join("link")).unwrap();
        let source_files = SourceFiles::open(dir.path()).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let [sub, link] = ["sub", "link"].map(|name| dir.path().join(name));
                while !done.load(Ordering::Relaxed) {
                    renameat_with(CWD, &sub, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                }
            });
            let content = || {
                let (mut file, _) = source_files.read(&path("sub/a.jpg")).ok()?;
                let mut text = String::new();
                file.read_to_string(&mut text).ok().map(|_| text)
            };
            let read: Vec<_> = (0..20_000).filter_map(|_| content()).collect();
            done.store(true, Ordering::Relaxed);
            assert!(!read.is_empty() && read.iter().all(|text| text == "photo"));
        });
    }
}
