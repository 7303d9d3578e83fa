//! The floor: what FUSE takes by itself. A file system with the same names and sizes that knows every answer before it is
//! asked, served as this program's mounts are: by as many threads, with the same flags, by passthrough where it may.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuser::{
    BackingId, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, InitFlags, KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory,
    ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyXattr, Request, Session,
};

/// Name the folder whose entries are shown, and where.
pub const SHOWS: &str = "KBASEFS_BENCH_FLOOR";
pub const MOUNTPOINT: &str = "KBASEFS_BENCH_FLOOR_AT";
/// What the process says when it is mounted.
pub const READY: &str = "the floor is mounted";

const TTL: Duration = Duration::from_secs(3600);
const GENERATION: Generation = Generation(0);
const TAGS: &[u8] = b"kind07,half,many,most";
/// What the mount lists of each photo of the sample.
const NAMES: &[u8] = b"user.xdg.tags\0user.kbasefs.tags\0user.kbasefs.status\0user.kbasefs.hash\0\
    user.kbasefs.confidence\0";

struct Node {
    attr: FileAttr,
    path: PathBuf,
    entries: Vec<(OsString, INodeNo)>,
    by_name: HashMap<OsString, INodeNo>,
}

struct Floor {
    /// By their numbers, from 1.
    nodes: Vec<Node>,
    /// Files that the kernel reads by itself, from their first open to the end.
    backing: Mutex<HashMap<INodeNo, Arc<BackingId>>>,
    passthrough: bool,
}

/// What a process that was started to be the floor does, and whether this is one.
pub fn serve() -> io::Result<bool> {
    let (Some(shown), Some(at)) = (std::env::var_os(SHOWS), std::env::var_os(MOUNTPOINT)) else {
        return Ok(false);
    };
    let mut config = Config::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    config.n_threads = Some(cores.max(4));
    config.clone_fd = true;
    let session = Session::new(Floor::of(Path::new(&shown))?, at, &config)?;
    println!("{READY}");
    session.run()?;
    Ok(true)
}

impl Floor {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut floor = Self {
            nodes: Vec::new(),
            backing: Mutex::default(),
            passthrough: false,
        };
        let root = floor.add(folder)?;
        floor.fill(root, &mut HashMap::new())?;
        Ok(floor)
    }

    fn add(&mut self, path: &Path) -> io::Result<INodeNo> {
        let inode = INodeNo(self.nodes.len() as u64 + 1);
        self.nodes.push(Node {
            attr: attr(inode, &fs::symlink_metadata(path)?)?,
            path: path.into(),
            entries: Vec::new(),
            by_name: HashMap::new(),
        });
        Ok(inode)
    }

    /// Adds what is in a folder. Names of one file are names of one node, as they are in a mount of this program.
    fn fill(&mut self, folder: INodeNo, known: &mut HashMap<u64, INodeNo>) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.node(folder).path)? {
            let (entry, native) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            let name = entry.file_name().expect("an entry has a name").to_owned();
            let node = match known.get(&native.ino()) {
                Some(node) => *node,
                None => self.add(&entry)?,
            };
            known.insert(native.ino(), node);
            entries.push((name, node));
            if native.is_dir() {
                self.fill(node, known)?;
            }
        }
        let node = &mut self.nodes[folder.0 as usize - 1];
        node.by_name = entries.iter().cloned().collect();
        node.entries = entries;
        Ok(())
    }

    fn node(&self, inode: INodeNo) -> &Node {
        &self.nodes[inode.0 as usize - 1]
    }

    fn entries(&self, folder: INodeNo, after: u64) -> impl Iterator<Item = (u64, &OsStr, &Node)> {
        let entries = self.node(folder).entries.iter().zip(1..);
        let left = entries.skip(after as usize);
        left.map(|((name, inode), cookie)| (cookie, name.as_os_str(), self.node(*inode)))
    }
}

fn attr(inode: INodeNo, native: &fs::Metadata) -> io::Result<FileAttr> {
    let kind = match native.is_dir() {
        true => FileType::Directory,
        false => FileType::RegularFile,
    };
    Ok(FileAttr {
        ino: inode,
        size: native.size(),
        blocks: native.blocks(),
        atime: native.modified()?,
        mtime: native.modified()?,
        ctime: native.modified()?,
        crtime: native.modified()?,
        kind,
        perm: (native.mode() & 0o755) as u16,
        nlink: native.nlink() as u32,
        uid: native.uid(),
        gid: native.gid(),
        rdev: 0,
        flags: 0,
        blksize: 4096,
    })
}

/// Answers with a value, or with its size.
fn send(value: &[u8], size: u32, reply: ReplyXattr) {
    match size {
        0 => reply.size(value.len() as u32),
        _ => reply.data(value),
    }
}

impl Filesystem for Floor {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let wanted = [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_READDIRPLUS_AUTO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_AUTO_INVAL_DATA,
        ];
        for flag in wanted {
            // A kernel without it is as slow for all.
            let _ = config.add_capabilities(flag);
        }
        self.passthrough = rustix::process::geteuid().is_root()
            && config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok()
            && config.set_max_stack_depth(1).is_ok();
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.node(parent).by_name.get(name) {
            Some(inode) => reply.entry(&TTL, &self.node(*inode).attr, GENERATION),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.node(inode).attr);
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let (handle, flags) = (FileHandle(inode.0), FopenFlags::FOPEN_NOFLUSH);
        if !self.passthrough {
            return reply.opened(handle, flags | FopenFlags::FOPEN_KEEP_CACHE);
        }
        let mut backing = self.backing.lock().expect("nothing panics");
        let known = backing.entry(inode).or_insert_with(|| {
            let file = File::open(&self.node(inode).path).expect("the file is there");
            Arc::new(reply.open_backing(&file).expect("root may"))
        });
        let known = Arc::clone(known);
        drop(backing);
        reply.opened_passthrough(handle, flags, &known);
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
        let mut data = vec![0; size as usize];
        let file = File::open(&self.node(inode).path);
        match file.and_then(|file| file.read_at(&mut data, offset)) {
            Ok(read) => reply.data(&data[..read]),
            Err(_) => reply.error(Errno::EIO),
        }
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        reply.ok();
    }

    fn getxattr(&self, _: &Request, _: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        match name.as_bytes() {
            b"user.xdg.tags" => send(TAGS, size, reply),
            _ => reply.error(Errno::ENOTSUP),
        }
    }

    fn listxattr(&self, _: &Request, _: INodeNo, size: u32, reply: ReplyXattr) {
        send(NAMES, size, reply);
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let flags = FopenFlags::FOPEN_CACHE_DIR | FopenFlags::FOPEN_KEEP_CACHE;
        reply.opened(FileHandle(0), flags);
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        after: u64,
        mut reply: ReplyDirectory,
    ) {
        for (cookie, name, node) in self.entries(inode, after) {
            if reply.add(node.attr.ino, cookie, node.attr.kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        after: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        for (cookie, name, node) in self.entries(inode, after) {
            if reply.add(node.attr.ino, cookie, name, &TTL, &node.attr, GENERATION) {
                break;
            }
        }
        reply.ok();
    }
}
