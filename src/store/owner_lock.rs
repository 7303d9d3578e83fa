//! One process owns a catalog: a lock beside its file, which the kernel drops however the process ends.
//!
//! The lock's file can be removed. So the owner also has a name among the sockets that are in no folder, and the store a
//! lock on the file itself: the name holds whatever is removed, the lock in the file for whoever is in another network
//! namespace and doesn't see the name.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::net::Shutdown;
use rustix::net::sockopt::socket_peercred;

use super::{Error, sqlite};

/// Held by the process that owns a catalog.
pub struct OwnerLock {
    file: File,
    /// `None` where somebody else has the name, who can't own the catalog.
    name: Option<UnixListener>,
}

impl OwnerLock {
    /// Makes this process the owner of a catalog, whose folder is made where it is not there.
    ///
    /// # Errors
    /// [`Error::InUse`] where another process owns the catalog; [`Error::Lock`] where none can be had beside the catalog.
    pub fn take(catalog: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Lock {
            path: catalog.into(),
            source,
        };
        let in_use = || Error::InUse {
            path: catalog.into(),
        };
        let file = open(catalog).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use()),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let address = address(catalog).map_err(failed)?;
        let name = match UnixListener::bind_addr(&address) {
            Ok(name) => Some(name),
            Err(e) if e.kind() == ErrorKind::AddrInUse && is_owner(&address) => {
                return Err(in_use());
            }
            // The other locks hold.
            Err(_) => None,
        };
        Ok(Self { file, name })
    }
}

impl Drop for OwnerLock {
    fn drop(&mut self) {
        // A program that is just being started has both open for a moment longer. Where that can't be told, it ends soon.
        let _ = self.file.unlock();
        if let Some(name) = &self.name {
            let _ = rustix::net::shutdown(name, Shutdown::Both);
        }
    }
}

/// Whether a process owns a catalog, as far as this user can tell.
pub fn is_taken(catalog: &Path) -> bool {
    let file = File::open(catalog.with_extension("lock"));
    let is_locked = |file: File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    file.is_ok_and(is_locked)
        || address(catalog).is_ok_and(|address| is_owner(&address))
        || sqlite::is_locked(catalog)
}

/// The name of whoever owns a catalog: of the folder and of the file in it, however its path is written.
fn address(catalog: &Path) -> io::Result<SocketAddr> {
    let folder = match catalog.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = folder.metadata()?;
    let file = catalog.file_name().unwrap_or_default().as_bytes();
    let file = blake3::hash(file).to_hex();
    let name = format!("kbasefs-{}-{}-{file}", folder.dev(), folder.ino());
    SocketAddr::from_abstract_name(name)
}

/// Whether the name is taken by a process that may own the catalog: one of this user, or of root.
fn is_owner(address: &SocketAddr) -> bool {
    let peer = UnixStream::connect_addr(address);
    let peer = peer.and_then(|peer| Ok(socket_peercred(peer)?.uid));
    let me = rustix::process::geteuid();
    peer.is_ok_and(|peer| peer == me || peer.is_root())
}

fn open(catalog: &Path) -> io::Result<File> {
    if let Some(folder) = catalog.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    // A link would lead to another file, and a pipe would wait for a reader.
    let how = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(how.bits().cast_signed());
    options.open(catalog.with_extension("lock"))
}
