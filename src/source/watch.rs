//! What the kernel says of the folders of the source: inotify.
//!
//! A walk sets the watches, each before its folder is listed, so that nothing happens between a look and its watch. Says
//! where something happened and how sure it is to be over; knows nothing of what comes of it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Bound;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use parking_lot::{Mutex, MutexGuard};
use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::debouncer::{ChangeEvent, Stage};
use super::folder_rules::is_rule;
use crate::catalog::SourcePath;

/// The watches of one source.
pub struct Watches {
    root: PathBuf,
    inotify: OwnedFd,
    folders: Mutex<Folders>,
    shortage: OnceLock<Shortage>,
}

/// A limit of the system that keeps folders from being watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What to raise, as sysctl(8) calls it.
    pub limit: &'static str,
}

/// Which folder has which watch.
#[derive(Default)]
struct Folders {
    /// By watch descriptor, as events come with it.
    by_number: HashMap<i32, SourcePath>,
    /// By path, so that a folder and all below it stand together.
    by_path: BTreeMap<SourcePath, i32>,
}

/// How many bytes of events are taken at a time.
const BUFFER: usize = 64 << 10;

impl Watches {
    /// # Errors
    /// When the system gives no more of them; see [`shortage_of`].
    pub fn new(root: PathBuf) -> io::Result<Self> {
        Ok(Self {
            root,
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            folders: Mutex::default(),
            shortage: OnceLock::new(),
        })
    }

    /// Watches a folder that is about to be listed. One that can't be watched because it vanished or is closed is for the
    /// walk to find out.
    pub fn enter(&self, folder: &SourcePath) {
        let on_disk = self.root.join(OsStr::from_bytes(folder.as_bytes()));
        // Locked from before the watch is set: its first event must find it here.
        let mut folders = self.folders();
        match inotify::add_watch(&self.inotify, &on_disk, wanted()) {
            Ok(number) => folders.insert(folder, number),
            Err(error) => {
                if let Some(shortage) = shortage_of(&error.into()) {
                    self.shortage.get_or_init(|| shortage);
                }
            }
        }
    }

    /// The limit that keeps some folder from being watched.
    pub fn shortage(&self) -> Option<Shortage> {
        self.shortage.get().copied()
    }

    /// How many folders are watched.
    pub fn len(&self) -> usize {
        self.folders().by_path.len()
    }

    /// Readable when something happened.
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// What happened since the last call, a buffer of it at most; nothing when nothing did.
    ///
    /// # Errors
    /// When the kernel refuses, which it has no reason to.
    pub fn read(&self) -> io::Result<Vec<ChangeEvent>> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut events = Vec::new();
        let mut folders = None;
        loop {
            match reader.next() {
                Ok(event) => {
                    let folders = folders.get_or_insert_with(|| self.folders());
                    events.extend(self.understand(&event, folders));
                }
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => return Ok(events),
                Err(error) => return Err(error.into()),
            }
            if reader.is_buffer_empty() {
                return Ok(events);
            }
        }
    }

    fn understand(&self, event: &Event<'_>, folders: &mut Folders) -> Option<ChangeEvent> {
        let flags = event.events();
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            tracing::info!(
                "more happened in the source than the system keeps: looking at all of it"
            );
            return Some(ChangeEvent::tree(SourcePath::new(*b"")));
        }
        let folder = folders.by_number.get(&event.wd())?.clone();
        // The kernel's last word on a watch: its folder was removed or unmounted, or we let it go.
        if flags.contains(ReadFlags::IGNORED) {
            folders.remove(event.wd());
        }
        let name = event.file_name().map(|name| name.to_bytes());
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return has_left(flags).then_some(ChangeEvent::tree(folder));
        };
        if flags.contains(ReadFlags::ISDIR) {
            let path = below(&folder, name);
            if flags.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                self.forget_tree(&path, folders);
            }
            return Some(ChangeEvent::tree(path));
        }
        if is_rule(name) {
            return Some(ChangeEvent::tree(folder));
        }
        Some(ChangeEvent::file(below(&folder, name), stage(flags)))
    }

    /// What was below a folder that left is somewhere else or nowhere; where it is a walk finds it.
    fn forget_tree(&self, top: &SourcePath, folders: &mut Folders) {
        for number in folders.take_tree(top) {
            // The folder may be gone already, and its watch with it.
            let _ = inotify::remove_watch(&self.inotify, number);
        }
    }

    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock()
    }
}

impl Folders {
    fn insert(&mut self, folder: &SourcePath, number: i32) {
        // The kernel knows inodes: a folder that moved gets the number that it had under its old path.
        if let Some(before) = self.by_number.insert(number, folder.clone())
            && before != *folder
            && self.by_path.get(&before) == Some(&number)
        {
            self.by_path.remove(&before);
        }
        self.by_path.insert(folder.clone(), number);
    }

    fn remove(&mut self, number: i32) {
        if let Some(path) = self.by_number.remove(&number)
            && self.by_path.get(&path) == Some(&number)
        {
            self.by_path.remove(&path);
        }
    }

    /// Takes the watches of a folder and of all below it away.
    fn take_tree(&mut self, top: &SourcePath) -> Vec<i32> {
        let below = SourcePath::new([top.as_bytes(), b"/"].concat());
        let all = (Bound::Included(&below), Bound::Unbounded);
        let inside = self.by_path.range(all).map(|(_, &number)| number);
        let paths = self.by_path.range(all).map(|(path, _)| path.as_bytes());
        let count = paths
            .take_while(|p| p.starts_with(below.as_bytes()))
            .count();
        let own = self.by_path.get(top).copied();
        let numbers: Vec<_> = inside.take(count).chain(own).collect();
        numbers.iter().for_each(|&number| self.remove(number));
        numbers
    }
}

/// The limit of the system that an error speaks of.
pub fn shortage_of(error: &io::Error) -> Option<Shortage> {
    let limit = match Errno::from_raw_os_error(error.raw_os_error()?) {
        Errno::NOSPC => "fs.inotify.max_user_watches",
        Errno::MFILE => "fs.inotify.max_user_instances",
        _ => return None,
    };
    Some(Shortage { limit })
}

impl Shortage {
    /// What the limit is now; `None` where the system doesn't say.
    pub fn now(self) -> Option<u64> {
        let file = format!("/proc/sys/{}", self.limit.replace('.', "/"));
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    }
}

/// What inotify(7) is asked for: <https://man7.org/linux/man-pages/man7/inotify.7.html>. Files that were deleted but
/// are still written to are left out (`EXCL_UNLINK`), and so is what took a folder's place and is none (`ONLYDIR`,
/// `DONT_FOLLOW`).
fn wanted() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::ATTRIB
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
        | WatchFlags::DONT_FOLLOW
        | WatchFlags::EXCL_UNLINK
}

/// Whether an event of a folder itself means that it isn't there any more.
fn has_left(flags: ReadFlags) -> bool {
    flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT)
}

/// How far the change of a file is, as an event says it.
fn stage(flags: ReadFlags) -> Stage {
    let over = ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO | ReadFlags::DELETE;
    if flags.intersects(over) {
        Stage::Over
    } else if flags.contains(ReadFlags::CLOSE_WRITE) {
        Stage::Written
    } else if flags.contains(ReadFlags::MODIFY) {
        Stage::Writing
    } else if flags.contains(ReadFlags::CREATE) {
        Stage::Created
    } else {
        Stage::Touched
    }
}

fn below(folder: &SourcePath, name: &[u8]) -> SourcePath {
    match folder.as_bytes() {
        b"" => SourcePath::new(name),
        folder => SourcePath::new([folder, b"/", name].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::new(text.as_bytes())
    }

    fn folders(all: &[(&str, i32)]) -> Folders {
        let mut folders = Folders::default();
        for (folder, number) in all {
            folders.insert(&path(folder), *number);
        }
        folders
    }

    #[test]
    fn a_folder_that_leaves_takes_what_is_below_it_along() {
        let mut all = folders(&[
            ("a", 1),
            ("a/x", 2),
            ("a/x/y", 3),
            ("a.b", 4),
            ("ab", 5),
            ("", 6),
        ]);
        let mut taken = all.take_tree(&path("a"));
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
        let left: Vec<_> = all.by_path.keys().map(ToString::to_string).collect();
        assert_eq!(left, ["", "a.b", "ab"]);
        assert_eq!(all.by_number.len(), 3);
    }

    #[test]
    fn a_watch_that_moved_along_with_its_folder_is_at_one_place() {
        let mut all = folders(&[("old", 1)]);
        all.insert(&path("new"), 1);
        assert!(all.take_tree(&path("old")).is_empty());
        assert_eq!(all.take_tree(&path("new")), [1]);
    }

    #[test]
    fn what_happens_in_a_folder_is_told_and_only_that() {
        let source = tempfile::tempdir().unwrap();
        std::fs::create_dir(source.path().join("in")).unwrap();
        let watches = Watches::new(source.path().into()).unwrap();
        watches.enter(&path(""));
        watches.enter(&path("in"));
        assert!(watches.read().unwrap().is_empty());
        std::fs::write(source.path().join("in/a.jpg"), "x").unwrap();
        std::fs::create_dir(source.path().join("new")).unwrap();
        std::fs::write(source.path().join("new/unseen"), "x").unwrap();
        std::fs::rename(source.path().join("in"), source.path().join("out")).unwrap();
        std::fs::write(source.path().join("out/unseen"), "x").unwrap();
        let file = |stage| ChangeEvent::file(path("in/a.jpg"), stage);
        let expected = [
            file(Stage::Created),
            file(Stage::Writing),
            file(Stage::Written),
            ChangeEvent::tree(path("new")),
            ChangeEvent::tree(path("in")),
            ChangeEvent::tree(path("out")),
        ];
        assert_eq!(watches.read().unwrap(), expected);
        assert_eq!(watches.len(), 1);
    }

    #[test]
    fn more_than_the_system_keeps_means_looking_at_everything() {
        let source = tempfile::tempdir().unwrap();
        let watches = Watches::new(source.path().into()).unwrap();
        watches.enter(&path(""));
        let kept = Shortage {
            limit: "fs.inotify.max_queued_events",
        }
        .now()
        .unwrap();
        for n in 0..=kept / 2 {
            let file = source.path().join(n.to_string());
            std::fs::write(&file, "").unwrap();
        }
        let mut last = Vec::new();
        loop {
            let events = watches.read().unwrap();
            if events.is_empty() {
                break;
            }
            last = events;
        }
        assert_eq!(last.last(), Some(&ChangeEvent::tree(path(""))));
    }

    #[test]
    fn a_limit_of_the_system_is_named() {
        let check = |errno: Errno, limit: Option<&str>| {
            let found = shortage_of(&errno.into());
            assert_eq!(found.map(|s| s.limit), limit);
            assert!(found.is_none_or(|s| s.now().is_some()));
        };
        check(Errno::NOSPC, Some("fs.inotify.max_user_watches"));
        check(Errno::MFILE, Some("fs.inotify.max_user_instances"));
        check(Errno::ACCESS, None);
    }
}
