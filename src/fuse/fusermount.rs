//! Mounting by fusermount3 before there is anything to show: the kernel's end of a mount, as a file.
//!
//! That works for every user: it hands the file over a socket. For a process that limits itself before it opens
//! anything, and may neither mount nor unmount from then on.

use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::{Error, MountOptions};

/// Takes a mount away.
pub type Detach = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// A mount that waits for its session.
pub struct Attached {
    pub(super) device: OwnedFd,
    pub(super) mountpoint: PathBuf,
    /// How it is taken away, which the process of the session may not do by itself.
    pub(super) detach: Detach,
}

/// Mounts on a folder. Who looks there waits until the session begins.
///
/// # Errors
/// When fusermount3 isn't there or refuses.
pub fn attach(
    source: &Path,
    mountpoint: &Path,
    options: &MountOptions,
    detach: Detach,
) -> Result<Attached, Error> {
    let list = options.for_fusermount(source);
    let device = mounted(mountpoint, &list).map_err(|source| Error::Mount {
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

fn mounted(mountpoint: &Path, list: &str) -> io::Result<OwnedFd> {
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
