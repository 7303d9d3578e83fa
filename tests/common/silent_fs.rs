//! A folder shown a second time, on a disk that doesn't answer when files are read that it is told of.
//!
//! It waits with no thread of its own: what isn't answered is kept, and answered when the disk is to go on.

#[path = "native_attr.rs"]
mod native_attr;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuser::{
    BackgroundSession, Config, FileAttr, FileHandle, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen, Request, Session,
};

use native_attr::attr;

/// The disk, as long as it is mounted.
pub struct SilentFs {
    silence: Arc<Mutex<Silence>>,
    _session: BackgroundSession,
}

#[derive(Default)]
struct Silence {
    names: Vec<OsString>,
    unanswered: Vec<Box<dyn FnOnce() + Send>>,
}

impl SilentFs {
    /// Shows the files of `folder` on `at`.
    pub fn mount(folder: &Path, at: &Path) -> Self {
        let silence = Arc::<Mutex<Silence>>::default();
        let disk = Disk {
            folder: folder.into(),
            names: Mutex::default(),
            silence: Arc::clone(&silence),
        };
        let session = Session::new(disk, at, &Config::default()).unwrap();
        Self {
            silence,
            _session: session.spawn().unwrap(),
        }
    }

    /// From now on, nobody who reads these files is answered.
    pub fn silence<S: AsRef<OsStr>>(&self, names: &[S]) {
        let names = names.iter().map(|name| name.as_ref().to_owned());
        self.silence.lock().unwrap().names.extend(names);
    }

    /// How many reads aren't answered.
    pub fn unanswered(&self) -> usize {
        self.silence.lock().unwrap().unanswered.len()
    }

    /// Answers all who wait, and from now on everybody.
    pub fn go_on(&self) {
        let mut silence = self.silence.lock().unwrap();
        silence.names.clear();
        silence.unanswered.drain(..).for_each(|answer| answer());
    }
}

impl Drop for SilentFs {
    fn drop(&mut self) {
        // Whoever waits could not be ended else.
        self.go_on();
    }
}

struct Disk {
    folder: PathBuf,
    names: Mutex<HashMap<INodeNo, OsString>>,
    silence: Arc<Mutex<Silence>>,
}

/// What the kernel remembers, it doesn't ask for.
const TTL: Duration = Duration::ZERO;

impl Disk {
    fn path(&self, inode: INodeNo) -> PathBuf {
        match self.names.lock().unwrap().get(&inode) {
            Some(name) => self.folder.join(name),
            None => self.folder.clone(),
        }
    }

    fn find(&self, name: &OsStr) -> io::Result<FileAttr> {
        let attr = attr(&self.folder.join(name).symlink_metadata()?);
        self.names.lock().unwrap().insert(attr.ino, name.into());
        Ok(attr)
    }
}

impl fuser::Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.find(name) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(error) => reply.error(error.into()),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.path(inode).symlink_metadata() {
            Ok(native) => reply.attr(&TTL, &attr(&native)),
            Err(error) => reply.error(error.into()),
        }
    }

    /// Without pages of an earlier reader: each asks the disk.
    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let path = self.path(inode);
        let name = path.file_name().unwrap_or_default().to_owned();
        let answer = move || {
            let mut data = vec![0; size as usize];
            match File::open(path).and_then(|file| file.read_at(&mut data, offset)) {
                Ok(read) => reply.data(&data[..read]),
                Err(error) => reply.error(error.into()),
            }
        };
        let mut silence = self.silence.lock().unwrap();
        match silence.names.contains(&name) {
            true => silence.unanswered.push(Box::new(answer)),
            false => answer(),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        after: u64,
        mut reply: ReplyDirectory,
    ) {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        for (name, cookie) in names.iter().zip(1..).skip(after as usize) {
            let Ok(attr) = self.find(name) else {
                continue;
            };
            if reply.add(attr.ino, cookie, attr.kind, name) {
                break;
            }
        }
        reply.ok();
    }
}
