//! Taking a mount away: at once, also when it is in use, dead, or served by a process that doesn't answer.
//!
//! None of it asks anything of the mount: its path is looked up to the folder that it is on, and no further. What is taken
//! away is one mount that is known by its number: whatever else lies over it or in it is somebody's, and would go along.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use super::{Mount, MountId, MountTable, at};

/// Takes the topmost mount at a path away, at once, also when it is in use or dead; its last user ends it.
///
/// # Errors
/// When nothing is mounted there, or this user may not unmount it.
pub fn detach(path: &Path) -> io::Result<()> {
    let mount = at(path)?.ok_or(Errno::INVAL)?;
    take_away(&mount.id())
}

/// Takes this mount away, at once, also when it is in use or dead; its last user ends it. One that is gone is away.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] where something else is mounted over it or in it; when this user may not unmount it.
pub fn take_away(mount: &MountId) -> io::Result<()> {
    unmount(mount, How::AlsoInUse)
}

/// Takes this mount away as [`take_away`] does; says whether somebody had something open there.
///
/// # Errors
/// As for [`take_away`].
pub fn take_away_and_tell(mount: &MountId) -> io::Result<bool> {
    if unmount(mount, How::Unused).is_ok() {
        return Ok(false);
    }
    take_away(mount)?;
    Ok(true)
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Unused,
    AlsoInUse,
}

fn unmount(mount: &MountId, how: How) -> io::Result<()> {
    let table = MountTable::read()?;
    let Some(mount) = table.get(mount) else {
        return Ok(());
    };
    if let Some(other) = table.lies_over(mount) {
        let (what, at) = (&other.fstype, other.point.display());
        let said = format!("{what} is mounted on {at}, and goes first");
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, said));
    }
    let mut flags = UnmountFlags::NOFOLLOW;
    flags.set(UnmountFlags::DETACH, how == How::AlsoInUse);
    let taken = match rustix::mount::unmount(&mount.point, flags) {
        Err(Errno::PERM) => fusermount(&mount.point, how),
        result => result.map_err(Into::into),
    };
    // That somebody else did so meanwhile is as good.
    match taken {
        Err(e) if MountTable::read()?.has(mount) => Err(e),
        _ => Ok(()),
    }
}

/// The helper that lets users unmount what they mounted.
fn fusermount(path: &Path, how: How) -> io::Result<()> {
    let mut command = Command::new("fusermount3");
    command.arg("-u");
    if how == How::AlsoInUse {
        command.arg("-z");
    }
    let output = command.arg("--").arg(path).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        text.trim().to_owned(),
    ))
}

/// The kernel's switch that ends its side of one FUSE mount. Device numbers are given to other mounts when one is gone; what
/// was opened while it was there stays that mount's, and does nothing afterwards.
pub struct AbortSwitch(File);

impl AbortSwitch {
    /// Opens it while the mount is known to be the one that is meant.
    ///
    /// # Errors
    /// When this user may not, which is so for users other than root where the file system fusectl isn't mounted.
    pub fn of(device: &str) -> io::Result<Self> {
        let table = MountTable::read()?;
        let control = table.all().find(|m| m.fstype == "fusectl");
        let control = control.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        // Its folders are called by the minor number of the mount.
        let (_, connection) = device.split_once(':').unwrap_or_default();
        let file = control.point.join(connection).join("abort");
        Ok(Self(File::options().write(true).open(file)?))
    }

    /// All who wait for an answer get an error.
    pub fn pull(&self) -> io::Result<()> {
        (&self.0).write_all(b"1")
    }
}

/// Ends the kernel's side of a FUSE mount, whoever still holds the other: all who wait for an answer get an error. It
/// stays where it is, dead.
///
/// # Errors
/// When this user may not, which is so for users other than root where the file system fusectl isn't mounted.
pub fn abort(mount: &Mount) -> io::Result<()> {
    match AbortSwitch::of(&mount.device).and_then(|switch| switch.pull()) {
        Ok(()) => Ok(()),
        Err(e) if !is_on_top(mount)? => Err(e),
        Err(_) => by_force(mount),
    }
}

/// By umount(2), which aborts before it looks whether the mount is in use: `umount_begin` of
/// <https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/fs/fuse/inode.c>.
fn by_force(mount: &Mount) -> io::Result<()> {
    match rustix::mount::unmount(&mount.point, UnmountFlags::FORCE | UnmountFlags::NOFOLLOW) {
        // It is aborted, and in use.
        Ok(()) | Err(Errno::BUSY) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Whether it is this mount that a look at its path finds.
fn is_on_top(mount: &Mount) -> io::Result<bool> {
    let table = MountTable::read()?;
    Ok(table.has(mount) && !table.is_hidden(mount))
}
