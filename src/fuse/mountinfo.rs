//! The kernel's table of mounts, and where a path leads in it. Reads text (proc_pid_mountinfo(5)), and touches no
//! mount.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    id: u64,
    parent: u64,
    /// Of the file system, `major:minor`: the same for every mount of it.
    pub device: String,
    /// What of the file system is shown.
    pub root: PathBuf,
    /// Where it is shown, as this process sees it.
    pub point: PathBuf,
    /// As `fuse.kbasefs`.
    pub fstype: String,
    /// What is mounted, in the words of who did: a device, a server, for this program the photo folder.
    pub source: PathBuf,
    /// Who mounted it, where FUSE tells.
    pub user: Option<u32>,
}

/// What tells a mount from all others that are there: the kernel gives both numbers away again when it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountId {
    id: u64,
    device: String,
}

impl fmt::Display for MountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.device)
    }
}

impl MountId {
    /// The file system, `major:minor`.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// As it is displayed.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, device) = text.split_once(' ')?;
        let (id, device) = (id.parse().ok()?, device.to_owned());
        Some(Self { id, device })
    }
}

impl Mount {
    /// What tells it from all others.
    pub fn id(&self) -> MountId {
        MountId {
            id: self.id,
            device: self.device.clone(),
        }
    }

    /// Whether it is of this program, as far as its name tells.
    pub fn is_ours(&self) -> bool {
        self.fstype == "fuse.kbasefs"
    }

    /// Whether some process serves it, which may be stuck.
    pub fn is_served(&self) -> bool {
        self.fstype == "fuse" || self.fstype == "fuseblk" || self.fstype.starts_with("fuse.")
    }

    /// Whether the kernel has its file system still: one that was taken away stays for those who have files open there. It
    /// lists each that may write back, see Documentation/ABI/testing/sysfs-class-bdi.
    pub fn is_open(&self) -> bool {
        Path::new("/sys/class/bdi").join(&self.device).exists()
    }
}

/// All mounts, in the order in which they were made.
pub struct MountTable(Vec<Mount>);

impl MountTable {
    /// As it is now.
    ///
    /// # Errors
    /// When it can't be read, as where memory is short: that says nothing of what is mounted.
    pub fn read() -> io::Result<Self> {
        match std::fs::read("/proc/self/mountinfo") {
            Ok(text) => Ok(Self::of(&text)),
            // A system without this file has no mounts to tell of.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self(Vec::new())),
            Err(e) => Err(e),
        }
    }

    fn of(text: &[u8]) -> Self {
        Self(text.split(|&b| b == b'\n').filter_map(mount).collect())
    }

    /// In the order in which they were made: a later one may hide an earlier one.
    pub fn all(&self) -> impl Iterator<Item = &Mount> {
        self.0.iter()
    }

    /// The mount that whoever goes on from `inside` to `path` comes into: the topmost one there, if there is one.
    pub fn entered<'a>(&'a self, inside: Option<&'a Mount>, path: &Path) -> Option<&'a Mount> {
        let mut found = None;
        while let Some(next) = self.on(found.or(inside), path) {
            found = Some(next);
        }
        found
    }

    /// Whether a mount is still there.
    pub fn has(&self, mount: &Mount) -> bool {
        self.get(&mount.id()).is_some()
    }

    /// A mount as it is now, if it is still there.
    pub fn get(&self, id: &MountId) -> Option<&Mount> {
        self.0
            .iter()
            .find(|m| m.id == id.id && m.device == id.device)
    }

    /// Whether something else is mounted over a mount, so that its path leads elsewhere.
    pub fn is_hidden(&self, mount: &Mount) -> bool {
        let lies_on_it = |m: &Mount| m.parent == mount.id && m.point == mount.point;
        self.others(mount)
            .any(|m| lies_on_it(m) || lies_above(m, mount))
    }

    /// Something that is mounted over a mount or in it, and that would go along with it.
    pub fn lies_over(&self, mount: &Mount) -> Option<&Mount> {
        self.others(mount)
            .find(|m| m.parent == mount.id || lies_above(m, mount))
    }

    fn others(&self, mount: &Mount) -> impl Iterator<Item = &Mount> {
        let others = self.0.iter().filter(|m| m.id != mount.id);
        others.filter(|m| m.id != m.parent)
    }

    fn on(&self, below: Option<&Mount>, path: &Path) -> Option<&Mount> {
        let is_known = |id: u64| self.0.iter().any(|m| m.id == id);
        let is_on = |m: &Mount| match below {
            Some(below) => m.parent == below.id && m.id != below.id,
            None => !is_known(m.parent) || m.parent == m.id,
        };
        self.0.iter().find(|m| m.point == path && is_on(m))
    }

    /// Other names of a path in a mount: the same file system may be mounted elsewhere as well, or parts of it.
    pub fn other_names(&self, inside: &Mount, path: &Path) -> Vec<PathBuf> {
        let Ok(below) = path.strip_prefix(&inside.point) else {
            return Vec::new();
        };
        let place = joined(&inside.root, below);
        let others = self.0.iter().filter(|m| m.device == inside.device);
        let names =
            others.filter_map(|m| Some(joined(&m.point, place.strip_prefix(&m.root).ok()?)));
        names.filter(|name| name != path).collect()
    }
}

/// Whether it is on a folder above another mount: one that was there first would be the parent.
fn lies_above(m: &Mount, mount: &Mount) -> bool {
    m.parent == mount.parent && mount.point.starts_with(&m.point)
}

/// Without a slash at the end where nothing is added.
fn joined(path: &Path, below: &Path) -> PathBuf {
    match below.as_os_str().is_empty() {
        true => path.into(),
        false => path.join(below),
    }
}

/// `id parent device root POINT options [tags...] - TYPE SOURCE options`
fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|&b| b == b' ');
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let (id, parent) = (number(words.next()?)?, number(words.next()?)?);
    let device = text(words.next()?);
    let (root, point) = (unescape(words.next()?), unescape(words.next()?));
    let mut after = words.skip_while(|word| *word != b"-").skip(1);
    let (fstype, source) = (text(after.next()?), unescape(after.next()?));
    let options = after.next().unwrap_or_default();
    let user = options
        .split(|&b| b == b',')
        .find_map(|o| o.strip_prefix(b"user_id="));
    Some(Mount {
        id,
        parent,
        device,
        root: root.into(),
        point: point.into(),
        fstype,
        source: source.into(),
        user: user.and_then(number),
    })
}

fn number<N: std::str::FromStr>(word: &[u8]) -> Option<N> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Spaces, tabs, line breaks and backslashes stand there as `\040` and so on.
fn unescape(word: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|d| std::str::from_utf8(d).ok());
        let code = digits.and_then(|d| u8::from_str_radix(d, 8).ok());
        match code.filter(|_| first == b'\\') {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"21 1 254:0 / / rw shared:1 - ext4 /dev/root rw\n\
        30 21 0:40 / /mnt/my\\040photos rw,nosuid - fuse.kbasefs /home/a\\134b rw,user_id=1000,group_id=0\n\
        31 21 0:41 / /mnt/two rw master:1 - tmpfs none rw\n\
        32 31 0:42 / /mnt/two rw - fuse.kbasefs /photos rw,user_id=0\n\
        33 21 254:0 /home/a/Pictures /srv/p rw - ext4 /dev/root rw\n\
        34 21 0:43 / /hidden rw - tmpfs none rw\n";

    #[test]
    fn the_topmost_mount_on_the_way_is_entered() {
        let table = MountTable::of(TABLE);
        let top = table.entered(None, Path::new("/")).unwrap();
        let check = |path: &str, expected: Option<(&str, Option<u32>)>| {
            let found = table.entered(Some(top), Path::new(path));
            let found = found.map(|m| (m.source.to_str().unwrap(), m.user));
            assert_eq!(found, expected, "{path}");
        };
        assert_eq!(top.fstype, "ext4");
        check("/mnt/my photos", Some(("/home/a\\b", Some(1000))));
        check("/mnt/two", Some(("/photos", Some(0))));
        check("/mnt", None);
        let hidden = table.entered(Some(top), Path::new("/hidden"));
        assert_eq!(table.entered(hidden, Path::new("/mnt/two")), None);
    }

    #[test]
    fn a_path_has_the_names_that_other_mounts_give_it() {
        let table = MountTable::of(TABLE);
        let top = table.entered(None, Path::new("/")).unwrap();
        let names = |inside: &Mount, path: &str| table.other_names(inside, Path::new(path));
        assert_eq!(names(top, "/home/a/Pictures/x"), [Path::new("/srv/p/x")]);
        let bound = table.entered(Some(top), Path::new("/srv/p")).unwrap();
        assert_eq!(names(bound, "/srv/p"), [Path::new("/home/a/Pictures")]);
        assert!(names(top, "/home/b").is_empty());
    }

    #[test]
    fn what_lies_over_a_mount_is_known() {
        let line = |id: u64, parent: u64, point: &str, fstype: &str| {
            format!("{id} {parent} 0:{id} / {point} rw - {fstype} x rw\n")
        };
        let ours = line(30, 21, "/mnt/p", "fuse.kbasefs");
        let check = |other: String, over: Option<&str>, hidden: bool| {
            let table = MountTable::of([ours.clone(), other].concat().as_bytes());
            let mount = table.get(&MountId::parse("30 0:30").unwrap()).unwrap();
            let found = table.lies_over(mount).map(|m| m.fstype.as_str());
            assert_eq!((found, table.is_hidden(mount)), (over, hidden));
        };
        check(line(31, 30, "/mnt/p", "tmpfs"), Some("tmpfs"), true);
        check(line(31, 30, "/mnt/p/all", "tmpfs"), Some("tmpfs"), false);
        check(line(31, 21, "/mnt", "tmpfs"), Some("tmpfs"), true);
        check(line(31, 21, "/mnt/other", "tmpfs"), None, false);
        check(line(31, 21, "/mnt/pp", "tmpfs"), None, false);
    }

    #[test]
    fn torn_lines_and_escapes_are_no_mounts() {
        assert_eq!(MountTable::of(b"1 2 3\n\n \\04").all().count(), 0);
        assert_eq!(unescape(b"a\\04"), "a\\04");
    }
}
