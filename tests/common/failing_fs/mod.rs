//! A folder shown a second time, on a disk that fails when it is told to: a write, a sync, a rename or a truncation.
//!
//! A sync that succeeds costs nothing: no power cut follows. What is mapped into memory for a while (`-shm`) is written when
//! the kernel likes, so that it isn't counted.

#[path = "../native_attr.rs"]
mod native_attr;
mod requests;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuser::{
    BackgroundSession, Config, FileAttr, FileHandle, FopenFlags, Generation, INodeNo, RenameFlags,
    Session,
};
use rustix::fs::{AtFlags, Mode, OFlags};

use native_attr::attr;

/// What fails of the writes, syncs, renames and truncations, which are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    Nothing,
    /// This one and all later ones, and whatever else changes the disk.
    From(u64),
    /// This one alone.
    Only(u64),
}

/// The disk, as long as it is mounted.
pub struct FailingFs {
    done: Arc<AtomicU64>,
    session: BackgroundSession,
}

impl FailingFs {
    /// Shows `folder` on `at`.
    pub fn mount(folder: &Path, at: &Path, fails: Fails) -> Self {
        let done = Arc::default();
        let disk = Disk {
            nodes: Mutex::default(),
            handles: Mutex::default(),
            last_handle: AtomicU64::default(),
            fails,
            done: Arc::clone(&done),
        };
        let no_file = rustix::fs::open(folder, OFlags::PATH, Mode::empty()).unwrap();
        let root = Node {
            file: no_file.into(),
            is_counted: true,
        };
        disk.nodes
            .lock()
            .unwrap()
            .insert(INodeNo::ROOT, root.into());
        let session = Session::new(disk, at, &Config::default()).unwrap();
        let session = session.spawn().unwrap();
        Self { done, session }
    }

    /// How many writes, syncs, renames and truncations it was asked for.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Takes it away, as soon as nobody uses it.
    pub fn unmount(self) {
        self.session.umount_and_join().unwrap();
    }
}

/// A file or a folder, whatever it is called by now.
struct Node {
    /// Opened as a place only.
    file: File,
    is_counted: bool,
}

impl Node {
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    fn open(&self, flags: i32) -> io::Result<File> {
        let flags = OFlags::from_bits_retain(flags.cast_unsigned());
        let how = (flags - OFlags::NOFOLLOW) | OFlags::CLOEXEC;
        Ok(rustix::fs::open(self.path(), how, Mode::empty())?.into())
    }
}

struct Disk {
    /// As long as they are held, no inode's number is given to another one.
    nodes: Mutex<HashMap<INodeNo, Arc<Node>>>,
    handles: Mutex<HashMap<u64, Arc<File>>>,
    last_handle: AtomicU64,
    fails: Fails,
    done: Arc<AtomicU64>,
}

/// What the kernel remembers, it doesn't ask for: it remembers nothing but pages.
const TTL: Duration = Duration::ZERO;
const GENERATION: Generation = Generation(0);
/// The pages stay when the file is opened once more, and so does what is mapped.
const KEEPS: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE;

impl Disk {
    fn node(&self, inode: INodeNo) -> Arc<Node> {
        Arc::clone(&self.nodes.lock().unwrap()[&inode])
    }

    fn handle(&self, handle: FileHandle) -> Arc<File> {
        Arc::clone(&self.handles.lock().unwrap()[&handle.0])
    }

    fn keep(&self, file: File) -> FileHandle {
        let handle = self.last_handle.fetch_add(1, Ordering::SeqCst) + 1;
        self.handles.lock().unwrap().insert(handle, file.into());
        FileHandle(handle)
    }

    /// One more that is counted.
    fn count(&self, node: &Node) -> Outcome {
        if !node.is_counted {
            return Outcome::Done;
        }
        let n = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fails {
            Fails::From(first) | Fails::Only(first) if n == first => Outcome::FirstFailure,
            Fails::From(first) if n > first => Outcome::Dead,
            _ => Outcome::Done,
        }
    }

    /// Something that isn't counted: only a dead disk fails it.
    fn change(&self) -> io::Result<()> {
        match self.fails {
            Fails::From(first) if self.done.load(Ordering::SeqCst) >= first => Err(broken()),
            _ => Ok(()),
        }
    }

    fn find(&self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let how = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.node(parent).file, name, how, Mode::empty())?;
        let file = File::from(file);
        let attr = attr(&file.metadata()?);
        let is_counted = !name.as_bytes().ends_with(b"-shm");
        let mut nodes = self.nodes.lock().unwrap();
        let node = || Node { file, is_counted }.into();
        nodes.entry(attr.ino).or_insert_with(node);
        Ok(attr)
    }

    fn create(&self, parent: INodeNo, name: &OsStr, mode: u32, flags: i32) -> io::Result<File> {
        self.change()?;
        let flags = OFlags::from_bits_retain(flags.cast_unsigned()) | OFlags::CREATE;
        let folder = self.node(parent);
        let mode = Mode::from_raw_mode(mode);
        Ok(rustix::fs::openat(&folder.file, name, flags | OFlags::CLOEXEC, mode)?.into())
    }

    /// The write that fails leaves a half of it.
    fn write(&self, node: &Node, file: &File, data: &[u8], offset: u64) -> io::Result<u32> {
        let outcome = self.count(node);
        let kept = match outcome {
            Outcome::Done => data,
            Outcome::FirstFailure => &data[..data.len() / 2],
            Outcome::Dead => &[],
        };
        file.write_all_at(kept, offset)?;
        outcome.result()?;
        Ok(data.len() as u32)
    }

    fn truncate(&self, inode: INodeNo, size: u64) -> io::Result<()> {
        let node = self.node(inode);
        self.count(&node).result()?;
        node.open(OFlags::WRONLY.bits().cast_signed())?
            .set_len(size)
    }

    fn rename(
        &self,
        (from, name): (INodeNo, &OsStr),
        (to, new_name): (INodeNo, &OsStr),
        flags: RenameFlags,
    ) -> io::Result<()> {
        let (from, to) = (self.node(from), self.node(to));
        self.count(&from).result()?;
        let flags = rustix::fs::RenameFlags::from_bits_retain(flags.bits());
        Ok(rustix::fs::renameat_with(
            &from.file, name, &to.file, new_name, flags,
        )?)
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, how: AtFlags) -> io::Result<()> {
        self.change()?;
        Ok(rustix::fs::unlinkat(&self.node(parent).file, name, how)?)
    }
}

/// What becomes of one that is counted.
#[derive(Clone, Copy)]
enum Outcome {
    Done,
    FirstFailure,
    Dead,
}

impl Outcome {
    fn result(self) -> io::Result<()> {
        match self {
            Self::Done => Ok(()),
            Self::FirstFailure | Self::Dead => Err(broken()),
        }
    }
}

fn broken() -> io::Error {
    rustix::io::Errno::IO.into()
}
