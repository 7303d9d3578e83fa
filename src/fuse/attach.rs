//! Mounting before there is anything to show: the kernel's end of a mount, as a file.
//!
//! By mount(2), which only root may, or by fusermount3, which works for every user: it hands the file over a socket. For a
//! process that limits itself before it opens anything and may neither mount nor unmount from then on, and for all others:
//! fuser takes what it mounted away by its path, whatever lies there by then.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::mounts::{self, MountId};
use super::{Error, MountOptions};

/// Takes a mount away.
pub type Detach = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// A mount that waits for its session.
pub struct Attached {
    pub(super) device: OwnedFd,
    pub(super) mountpoint: PathBuf,
    /// How it is taken away, where the process of the session may not do so by itself.
    pub(super) detach: Detach,
}

/// Mounts on a folder, and takes no other mount away than that.
///
/// # Errors
/// When nothing can be mounted.
pub(super) fn attach(
    source: &Path,
    mountpoint: &Path,
    options: &MountOptions,
) -> Result<Attached, Error> {
    let failed = |source| Error::Mount {
        mountpoint: mountpoint.into(),
        source,
    };
    let device = match by_system_call(source, mountpoint, options) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            by_helper(mountpoint, &options.for_fusermount(source))
        }
        device => device,
    };
    let device = device.map_err(failed)?;
    // Nobody else mounts this program there at the same moment.
    let id = mounts::ours_at(mountpoint).map_err(failed)?;
    let id = id.map(|mount| mount.id());
    Ok(Attached {
        device,
        mountpoint: mountpoint.into(),
        detach: Arc::new(move || take_away(id.as_ref())),
    })
}

/// What was away before its number was known is no more.
fn take_away(id: Option<&MountId>) -> io::Result<()> {
    id.map_or(Ok(()), mounts::take_away)
}

/// Mounts on a folder by the helper that users need. Who looks there waits until the session begins.
///
/// # Errors
/// When fusermount3 isn't there or refuses.
pub fn attach_by_helper(
    source: &Path,
    mountpoint: &Path,
    options: &MountOptions,
    detach: Detach,
) -> Result<Attached, Error> {
    let list = options.for_fusermount(source);
    let device = by_helper(mountpoint, &list).map_err(|source| Error::Mount {
        mountpoint: mountpoint.into(),
        source,
    })?;
    let mountpoint = mountpoint.into();
    Ok(Attached {
        device,
        mountpoint,
        detach,
    })
}

/// What the kernel wants to know is in Documentation/filesystems/fuse.rst.
fn by_system_call(source: &Path, mountpoint: &Path, options: &MountOptions) -> io::Result<OwnedFd> {
    let device = File::options().read(true).write(true).open("/dev/fuse")?;
    let mode = mountpoint.metadata()?.mode();
    let user = (rustix::process::getuid(), rustix::process::getgid());
    let (flags, words) = options.for_kernel(source);
    let data = format!(
        "fd={},rootmode={mode:o},user_id={},group_id={}{words}",
        device.as_raw_fd(),
        user.0.as_raw(),
        user.1.as_raw()
    );
    let data = CString::new(data)?;
    rustix::mount::mount(source, mountpoint, "fuse.kbasefs", flags, &*data)?;
    Ok(device.into())
}

fn by_helper(mountpoint: &Path, list: &str) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("fusermount3");
    command.args(["-o", list, "--"]).arg(mountpoint);
    // The socket is its standard input: that needs no descriptor that others would inherit.
    command
        .env("_FUSE_COMMFD", "0")
        .stdin(OwnedFd::from(theirs));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|e| io::Error::new(e.kind(), format!("fusermount3: {e}")))?;
    // Its end of the socket is to be open in the child only.
    drop(command);
    let received = receive(&ours);
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    child.wait()?;
    received?.ok_or_else(|| io::Error::other(said.trim().to_owned()))
}

/// The file that comes along with one byte; nothing when the socket is closed before.
fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut messages = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut into = [IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut into, &mut messages, RecvFlags::CMSG_CLOEXEC)?;
    let files = messages.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    Ok(files.last())
}
