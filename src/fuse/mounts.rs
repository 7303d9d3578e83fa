//! What is mounted where, as the kernel tells it, and how to take a mount away. Knows nothing of sessions.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountInfo {
    /// As in `/proc/self/mountinfo`: `fuse.kbasefs`.
    pub fstype: String,
    /// What is mounted.
    pub source: PathBuf,
    /// Whether nobody serves it any more: "transport endpoint is not connected".
    pub dead: bool,
}

/// The topmost mount at a path. The path need not be reachable: one below a dead mount isn't.
pub fn at(path: &Path) -> Option<MountInfo> {
    let path = absolute(path);
    // A system without this file has no mounts to tell of.
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    let (fstype, source) = find(&table, &path)?;
    let dead = fstype.starts_with("fuse") && is_dead(&path);
    Some(MountInfo {
        fstype,
        source,
        dead,
    })
}

/// Every mount of this program, with its mountpoint.
pub fn all() -> Vec<(PathBuf, MountInfo)> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let ours = lines(&table).filter(|(_, fstype, _)| fstype == "fuse.kbasefs");
    let describe = |(point, fstype, source): (PathBuf, String, PathBuf)| {
        let dead = is_dead(&point);
        let mount = MountInfo {
            fstype,
            source,
            dead,
        };
        (point, mount)
    };
    ours.map(describe).collect()
}

/// Takes the mount at a path away, at once, also when it is in use or dead; its last user ends it.
///
/// # Errors
/// When nothing is mounted there, or this user may not unmount it.
pub fn detach(path: &Path) -> io::Result<()> {
    let path = absolute(path);
    match rustix::mount::unmount(&path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Err(Errno::PERM) => fusermount(&path),
        result => Ok(result?),
    }
}

/// The helper that lets users unmount what they mounted.
fn fusermount(path: &Path) -> io::Result<()> {
    let mut command = Command::new("fusermount3");
    let output = command.args(["-u", "-z", "--"]).arg(path).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        text.trim().to_owned(),
    ))
}

/// By statfs(2): what stat(2) says may be what the kernel remembers.
fn is_dead(path: &Path) -> bool {
    let statfs = rustix::fs::statfs(path);
    matches!(statfs, Err(Errno::NOTCONN | Errno::CONNABORTED))
}

/// The path without links, but for its last component, which may be a dead mount.
fn absolute(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = path.parent().and_then(|p| p.canonicalize().ok());
    let joined = folder.and_then(|folder| Some(folder.join(path.file_name()?)));
    joined.unwrap_or_else(|| std::path::absolute(path).unwrap_or_else(|_| path.into()))
}

/// Type and source of the last mount at a path.
fn find(table: &[u8], path: &Path) -> Option<(String, PathBuf)> {
    let here = lines(table).filter(|(point, ..)| point.as_os_str() == path.as_os_str());
    here.last().map(|(_, fstype, source)| (fstype, source))
}

/// Mountpoint, type and source of each mount in a table like `/proc/self/mountinfo`:
/// `id parent device root MOUNTPOINT options [tags...] - TYPE SOURCE options`.
fn lines(table: &[u8]) -> impl Iterator<Item = (PathBuf, String, PathBuf)> {
    table.split(|&b| b == b'\n').filter_map(|line| {
        let mut words = line.split(|&b| b == b' ');
        let point = unescape(words.nth(4)?);
        let mut after = words.skip_while(|word| *word != b"-").skip(1);
        let fstype = String::from_utf8_lossy(after.next()?).into_owned();
        let source = unescape(after.next()?);
        Some((point.into(), fstype, source.into()))
    })
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
        30 21 0:40 / /mnt/my\\040photos rw,nosuid - fuse.kbasefs /home/a\\134b rw,user_id=0\n\
        31 21 0:41 / /mnt/two rw master:1 - tmpfs none rw\n\
        32 31 0:42 / /mnt/two rw - fuse.kbasefs /photos rw\n";

    #[test]
    fn the_topmost_mount_at_a_path_is_found() {
        let check = |path: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(t, s)| (t.to_owned(), PathBuf::from(s)));
            assert_eq!(find(TABLE, Path::new(path)), expected, "{path}");
        };
        check("/mnt/my photos", Some(("fuse.kbasefs", "/home/a\\b")));
        check("/mnt/two", Some(("fuse.kbasefs", "/photos")));
        check("/", Some(("ext4", "/dev/root")));
        check("/mnt", None);
    }

    #[test]
    fn torn_lines_and_escapes_are_no_mounts() {
        assert_eq!(find(b"1 2 3\n\n \\04", Path::new("/")), None);
        assert_eq!(unescape(b"a\\04"), "a\\04");
    }
}
