//! The kernel's edge: serves a [`crate::vfs::Tree`] as a mounted file system.
//!
//! Translates and replies; decides nothing about what is shown. Speed means fewer requests, so the kernel may remember
//! everything for an hour and is told what changed: by notifications that wait for nobody, so that a killed process frees
//! all who wait for it.

mod attach;
mod attributes;
mod capabilities;
mod counters;
mod deferred;
mod dentry_cache;
mod edits;
mod errno;
mod filesystem;
mod folders;
mod handles;
mod invalidate;
mod invalidation_throttle;
pub(crate) mod mountinfo;
pub mod mounts;
mod open_files;
mod options;
mod session;
mod spans;
mod xattrs;

use std::io;
use std::path::PathBuf;

pub(crate) use attach::{Detach, attach_by_helper};
pub use counters::{Counters, Request, Timed};

pub use mounts::detach;
pub use options::MountOptions;
pub use session::{MountTarget, Mounted, StopHandle, mount, mountpoint};

/// Why nothing is mounted, or stays so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing is at the path.
    #[error("mountpoint {}: no such folder\nhint: mkdir it first", .0.display())]
    NoMountpoint(PathBuf),
    /// Something else than a folder is at the path, or before its end.
    #[error("mountpoint {}: not a folder\nhint: mount on an empty folder", .0.display())]
    NotAFolder(PathBuf),
    /// A mount would hide what is in the folder.
    #[error("mountpoint {}: not empty\nhint: mount on an empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// Some process serves a mount there. It isn't asked for what: it may be stuck.
    #[error("mountpoint {}: {} is mounted there already\nhint: unmount it first, or use another folder", .0.point.display(), .0.source.display())]
    Taken(Box<mounts::Mount>),
    /// The path can't be looked at.
    #[error("mountpoint {}: {source}", mountpoint.display())]
    Mountpoint {
        /// As it was given.
        mountpoint: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A word after `-o` that neither this program nor mount(8) knows.
    #[error(
        "mount option {0} is unknown\nhint: -o takes what mount(8) takes, and allow_other, allow_root"
    )]
    UnknownOption(String),
    /// The kernel, or fusermount3, refuses.
    #[error("mount on {}: {source}\nhint: this needs /dev/fuse, and fusermount3 for users other than root", mountpoint.display())]
    Mount {
        /// Without links.
        mountpoint: PathBuf,
        /// What the kernel or fusermount3 said.
        source: io::Error,
    },
    /// The mount stays: the system refuses to take it away.
    #[error("unmount {}: {source}", mountpoint.display())]
    Unmount {
        /// Without links.
        mountpoint: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
