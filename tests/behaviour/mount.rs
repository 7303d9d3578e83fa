//! A real mount as a surface: everything goes through the kernel.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kbasefs::fuse::{self, MountOptions, MountTarget, Mounted};
use kbasefs::vfs::Tree;
use rustix::fs::{
    AtFlags, CWD, Mode, RenameFlags, Timespec, Timestamps, XattrFlags, fchmod, fsetxattr, futimens,
    getxattr, getxattr_query, listxattr, removexattr, renameat_with, setxattr, utimensat,
};
use rustix::io::Errno;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::can_mount::can_mount;
use crate::fixture::{Fixture, Refusal, Stat, Surface, Writing, content, new_tree};
use crate::suite;

/// How long a change may take to its surface on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A mounted catalog; unmounted when dropped, also by a test that fails.
pub struct Mount {
    // Dropped in this order: the folder goes when nothing is mounted on it any more.
    pub mounted: Option<Mounted>,
    runtime: Runtime,
    folder: TempDir,
}

impl Mount {
    /// `None` where nothing can be mounted.
    pub fn new(fixture: &Fixture) -> Option<Self> {
        Self::with(fixture, &MountOptions::default())
    }

    pub fn with(fixture: &Fixture, options: &MountOptions) -> Option<Self> {
        Self::serving(fixture, new_tree(&fixture.library), options)
    }

    pub fn serving(fixture: &Fixture, tree: Tree, options: &MountOptions) -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let mut mount = Self {
            mounted: None,
            runtime: Runtime::new().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        mount.mounted = Some(mount.mount(fixture, tree, options).unwrap());
        Some(mount)
    }

    fn mount(
        &self,
        fixture: &Fixture,
        tree: Tree,
        options: &MountOptions,
    ) -> Result<Mounted, fuse::Error> {
        fuse::mount(
            Arc::new(tree),
            fixture.library.clone(),
            fixture.source_files.clone(),
            MountTarget::Folder(self.folder.path().into()),
            options,
            self.runtime.handle().clone(),
        )
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    pub fn count(&self, request: fuse::Request) -> u64 {
        self.mounted.as_ref().unwrap().counters().of(request)
    }

    fn unmount(&mut self) {
        self.mounted.take().unwrap().unmount().unwrap();
    }
}

impl Surface for Mount {
    fn list(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let entries = self.path(path).read_dir().map_err(refusal)?.map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, entry.file_type().unwrap().is_dir())
        });
        Ok(suite::shown(entries))
    }

    fn stat(&self, path: &str) -> Result<Stat, Refusal> {
        let stat = self.path(path).symlink_metadata().map_err(refusal)?;
        Ok(Stat {
            inode: stat.ino(),
            is_folder: stat.is_dir(),
            size: stat.size(),
            mtime_ns: stat.mtime() * 1_000_000_000 + stat.mtime_nsec(),
            mode: stat.mode() & 0o7777,
            nlink: stat.nlink(),
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        std::fs::read(self.path(path)).map_err(refusal)
    }

    fn attributes(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let mut list = vec![0; 65_536];
        let length = listxattr(self.path(path), &mut list[..]).map_err(number)?;
        let names = list[..length].split(|&b| b == 0).filter(|n| !n.is_empty());
        Ok(names
            .map(|n| String::from_utf8_lossy(n).into_owned())
            .collect())
    }

    fn get(&self, path: &str, name: &str) -> Result<String, Refusal> {
        let mut value = vec![0; 65_536];
        let length = getxattr(self.path(path), name, &mut value[..]).map_err(number)?;
        Ok(String::from_utf8_lossy(&value[..length]).into_owned())
    }

    fn set(&self, path: &str, name: &str, value: &str) -> Result<(), Refusal> {
        let path = self.path(path);
        setxattr(path, name, value.as_bytes(), XattrFlags::empty()).map_err(number)
    }

    fn remove(&self, path: &str, name: &str) -> Result<(), Refusal> {
        removexattr(self.path(path), name).map_err(number)
    }

    fn make_folder(&self, path: &str) -> Result<(), Refusal> {
        std::fs::create_dir(self.path(path)).map_err(refusal)
    }

    fn remove_folder(&self, path: &str) -> Result<(), Refusal> {
        std::fs::remove_dir(self.path(path)).map_err(refusal)
    }

    fn remove_file(&self, path: &str) -> Result<(), Refusal> {
        std::fs::remove_file(self.path(path)).map_err(refusal)
    }

    fn link(&self, from: &str, to: &str) -> Result<(), Refusal> {
        std::fs::hard_link(self.path(from), self.path(to)).map_err(refusal)
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> Result<(), Refusal> {
        let flags = match replace {
            true => RenameFlags::empty(),
            false => RenameFlags::NOREPLACE,
        };
        renameat_with(CWD, self.path(from), CWD, self.path(to), flags).map_err(number)
    }

    fn create(&self, path: &str) -> Result<Box<dyn Writing + '_>, Refusal> {
        let file = File::create_new(self.path(path)).map_err(refusal)?;
        Ok(Box::new(file))
    }

    fn touch(&self, path: &str) -> Result<(), Refusal> {
        let path = self.path(path);
        let chmod = rustix::fs::chmod(&path, Mode::from_raw_mode(0o640));
        chmod.map_err(number)?;
        utimensat(CWD, path, &LONG_AGO, AtFlags::empty()).map_err(number)
    }

    fn eventually(&self, holds: &mut dyn FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "the change never showed");
            std::thread::yield_now();
        }
    }
}

pub const LONG_AGO: Timestamps = Timestamps {
    last_access: SECOND,
    last_modification: SECOND,
};
const SECOND: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

impl Writing for File {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        io::Write::write_all(self, bytes).map_err(refusal)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        fsetxattr(self, name, value.as_bytes(), XattrFlags::empty()).map_err(number)
    }

    fn touch(&mut self) -> Result<(), Refusal> {
        fchmod(&*self, Mode::from_raw_mode(0o640)).map_err(number)?;
        futimens(self, &LONG_AGO).map_err(number)
    }

    fn size(&self) -> u64 {
        self.metadata().unwrap().size()
    }

    fn close(self: Box<Self>) -> Result<(), Refusal> {
        nix::unistd::close(*self).map_err(|e| refusal(e.into()))
    }
}

pub fn options(passthrough: bool) -> MountOptions {
    let mut options = MountOptions::default();
    options.passthrough = passthrough;
    options
}

fn number(errno: Errno) -> Refusal {
    refusal(errno.into())
}

fn refusal(error: io::Error) -> Refusal {
    let name = match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => "ENOENT",
        Some(Errno::NOTDIR) => "ENOTDIR",
        Some(Errno::NODATA) => "ENODATA",
        Some(Errno::OPNOTSUPP) => "ENOTSUP",
        Some(Errno::PERM) => "EPERM",
        Some(Errno::EXIST) => "EEXIST",
        Some(Errno::NOTEMPTY) => "ENOTEMPTY",
        Some(Errno::ISDIR) => "EISDIR",
        Some(Errno::INVAL) => "EINVAL",
        Some(Errno::ROFS) => "EROFS",
        Some(Errno::RANGE) => "ERANGE",
        _ => return error.to_string(),
    };
    name.into()
}

fn check_refused<T>(result: io::Result<T>, expected: &str) {
    assert_eq!(result.map(|_| ()).map_err(refusal), Err(expected.into()));
}

/// Content and stat of every file below a folder.
fn snapshot(folder: &Path) -> Vec<(PathBuf, blake3::Hash, [i64; 7])> {
    let mut files = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let s = path.symlink_metadata().unwrap();
        if s.is_dir() {
            files.extend(snapshot(&path));
        }
        let bytes = if s.is_dir() {
            Vec::new()
        } else {
            std::fs::read(&path).unwrap()
        };
        let (inode, size) = (s.ino() as i64, s.size() as i64);
        let stat = [
            inode,
            size,
            s.mode().into(),
            s.mtime(),
            s.mtime_nsec(),
            s.ctime(),
            s.ctime_nsec(),
        ];
        files.push((path, blake3::hash(&bytes), stat));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

#[test]
fn a_mount_behaves_and_leaves_the_source_alone() {
    for (passthrough, epochs) in [(true, true), (false, true), (true, false)] {
        let fixture = Fixture::new(suite::PHOTOS);
        // Those that the suite adds.
        fixture.place("trip/f.jpg");
        fixture.place("other/a.jpg");
        let before = snapshot(fixture.source.path());
        let mut options = options(passthrough);
        options.epochs = epochs;
        let Some(mut mount) = Mount::with(&fixture, &options) else {
            return;
        };
        suite::run(&fixture, &mount);
        mount.unmount();
        assert!(before == snapshot(fixture.source.path()));
    }
}

#[test]
fn writing_is_refused() {
    let fixture = Fixture::new(suite::PHOTOS);
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let (photo, new) = (mount.path("all/a.jpg"), mount.path("all/new"));
    check_refused(OpenOptions::new().write(true).open(&photo), "EROFS");
    check_refused(OpenOptions::new().append(true).open(&photo), "EROFS");
    check_refused(File::create(&new), "EROFS");
    check_refused(std::fs::create_dir(&new), "EPERM");
    check_refused(std::fs::create_dir(mount.path(".Trash-0")), "EPERM");
    check_refused(std::fs::remove_file(&photo), "EPERM");
    check_refused(std::fs::remove_dir(mount.path("by-type/jpeg")), "EPERM");
    check_refused(std::fs::rename(&photo, &new), "EPERM");
    check_refused(std::fs::hard_link(&photo, &new), "EPERM");
    check_refused(std::os::unix::fs::symlink("x", &new), "EPERM");
    let mode = photo.metadata().unwrap().permissions();
    check_refused(std::fs::set_permissions(&photo, mode), "EPERM");
    assert_eq!(mount.read("all/a.jpg"), Ok(content("a.jpg")));
}

#[test]
fn values_are_measured_before_they_are_fetched() {
    let fixture = Fixture::new("a.jpg beach");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let photo = mount.path("all/a.jpg");
    let length = getxattr_query(&photo, "user.xdg.tags");
    assert_eq!(length, Ok("beach".len()));
    let short = getxattr(&photo, "user.xdg.tags", &mut [0; 3][..]);
    assert_eq!(short, Err(Errno::RANGE));
    assert_eq!(listxattr(&photo, &mut [0; 3][..]), Err(Errno::RANGE));
    let create = setxattr(&photo, "user.xdg.tags", b"x", XattrFlags::CREATE);
    assert_eq!(create, Err(Errno::EXIST));
    let replace = setxattr(&photo, "user.xdg.comment", b"x", XattrFlags::REPLACE);
    assert_eq!(replace, Err(Errno::NODATA));
}

#[test]
fn numbers_are_the_same_after_a_remount() {
    let fixture = Fixture::new(suite::PHOTOS);
    let paths = [
        "/",
        "/tags",
        "/tags/beach/dog",
        "/tags/dog/c.jpg",
        "/all/trip/deep",
        "/README.txt",
    ];
    let Some(mut mount) = Mount::new(&fixture) else {
        return;
    };
    let inodes = |mount: &Mount| paths.map(|p| mount.stat(p).unwrap().inode);
    let before = inodes(&mount);
    mount.unmount();
    mount.mounted = Some(
        mount
            .mount(
                &fixture,
                new_tree(&fixture.library),
                &MountOptions::default(),
            )
            .unwrap(),
    );
    assert_eq!(inodes(&mount), before);
}

/// As programs do that map whatever they read: ENODEV without it.
#[test]
fn generated_files_can_be_mapped() {
    let fixture = Fixture::new(suite::PHOTOS);
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let map = "import mmap, sys\nfile = open(sys.argv[1], 'rb')\n\
        text = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ)[:]\n\
        sys.exit(text != file.read())";
    let mut python = std::process::Command::new("python3");
    python
        .args(["-c", map])
        .arg(mount.folder.path().join("README.txt"));
    match python.status() {
        Ok(status) => assert!(status.success()),
        Err(e) => eprintln!("skipped: python3: {e}"),
    }
}

#[test]
fn an_unmounted_folder_is_as_it_was() {
    let fixture = Fixture::new("a.jpg");
    let Some(mut mount) = Mount::new(&fixture) else {
        return;
    };
    let found = fuse::mounts::at(mount.folder.path()).unwrap().unwrap();
    assert!(found.is_ours());
    assert_eq!(found.source, fixture.source_files.root());
    let twice = mount.mount(
        &fixture,
        new_tree(&fixture.library),
        &MountOptions::default(),
    );
    assert!(matches!(twice, Err(fuse::Error::Taken(_))));
    let mounted = mount.mounted.take().unwrap();
    // Somebody else unmounts it: umount(8).
    fuse::detach(mount.folder.path()).unwrap();
    mounted.wait();
    mounted.unmount().unwrap();
    assert_eq!(fuse::mounts::at(mount.folder.path()).unwrap(), None);
    assert_eq!(mount.folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_busy_mount_goes_at_once_and_ends_with_its_last_user() {
    let fixture = Fixture::new("a.jpg");
    let Some(mut mount) = Mount::new(&fixture) else {
        return;
    };
    let mut file = File::open(mount.path("all/a.jpg")).unwrap();
    mount.unmount();
    assert_eq!(fuse::mounts::at(mount.folder.path()).unwrap(), None);
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    assert!(bytes == content("a.jpg"));
}

#[test]
fn thousands_of_changes_at_once_show_like_one() {
    let photos: String = (0..1500).map(|n| format!("{n}.jpg beach;")).collect();
    let fixture = Fixture::new(&photos);
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    assert_eq!(mount.list("/tags/beach").map(|names| names.len()), Ok(1500));
    assert!(mount.stat("/tags/beach/7.jpg").is_ok());
    assert!(mount.stat("/tags/beach/late.jpg").is_err());
    let gone = (0..1500).map(|n| fixture.id(&format!("{n}.jpg")));
    let gone: Vec<_> = gone
        .map(|id| kbasefs::catalog::Change::Gone { id })
        .collect();
    fixture.library.commit(&gone).unwrap();
    fixture.add("late.jpg beach");
    mount.eventually(&mut || {
        mount.stat("/tags/beach/7.jpg").is_err()
            && mount.stat("/tags/beach/late.jpg").is_ok()
            && mount
                .list("/tags/beach")
                .is_ok_and(|names| names == ["late.jpg"])
    });
}
