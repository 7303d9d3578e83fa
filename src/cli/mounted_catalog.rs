//! The catalog that a mount shows, as the mount itself and its process tell it.
//!
//! Whoever mounts may say anything: only mounts of this user and of root are asked, and none for longer than a moment.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::UnixStream;

use super::client::Client;
use super::probe::{self, Health};
use super::report::{hinted, plain};
use crate::api::CatalogQuery;
use crate::fuse::mountinfo::{Mount, MountTable};
use crate::vfs::xattr::folders::{CATALOG, ID, SOCKET};

/// How long a mount and its process may take to say what they are.
pub const MOUNT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than any path.
const LONGEST: usize = 8192;

/// A catalog with a process that answers for it.
#[derive(Clone, Debug)]
pub struct MountedCatalog {
    pub source: PathBuf,
    pub file: PathBuf,
    pub socket: PathBuf,
    pub id: String,
    /// Whether the folder at the path of the source is the one that is shown.
    pub in_place: bool,
}

impl MountedCatalog {
    /// Asks a mount of this program.
    ///
    /// # Errors
    /// When it is somebody else's, or doesn't answer.
    pub async fn by(mount: &Mount) -> anyhow::Result<Self> {
        if !is_trusted(mount) {
            return Err(of_another(mount));
        }
        let (socket, id) = socket_and_id(mount).await.map_err(|e| silent(mount, e))?;
        Self::at(mount, socket, id).await
    }

    /// Asks a mount of this program as [`Self::by`] does; nothing for one that nobody serves any more, or whose catalog
    /// isn't known.
    pub async fn if_known(mount: &Mount) -> anyhow::Result<Option<Self>> {
        if !is_trusted(mount) {
            return Err(of_another(mount));
        }
        match socket_and_id(mount).await {
            Err(error) if is_dead(error) || error == Errno::NODATA => Ok(None),
            Err(error) => Err(silent(mount, error)),
            Ok((socket, id)) => Self::at(mount, socket, id).await.map(Some),
        }
    }

    /// Asks the process of a mount.
    async fn at(mount: &Mount, socket: PathBuf, id: String) -> anyhow::Result<Self> {
        let (at, me) = (mount.point.display(), rustix::process::geteuid());
        let connected = tokio::time::timeout(MOUNT_TIMEOUT, UnixStream::connect(&socket));
        match connected
            .await
            .map_err(|_| silent(mount, Errno::TIMEDOUT))?
        {
            Ok(_) => {}
            Err(_) if !me.is_root() && mount.user == Some(0) => return Err(of_another(mount)),
            Err(e) => {
                let message = format!(
                    "{at}: its process doesn't answer at {}: {}",
                    socket.display(),
                    plain(&e)
                );
                return Err(hinted(message, "`kbasefs umount` it, and mount again"));
            }
        }
        let client = Client::of_mount(&socket, &id)?;
        let asked = tokio::time::timeout(MOUNT_TIMEOUT, client.ask(&CatalogQuery {}));
        let told = asked.await.map_err(|_| silent(mount, Errno::TIMEDOUT))??;
        let paths = (told.source_base64.path(), told.index_base64.path());
        let (Some(source), Some(file)) = paths else {
            return Err(silent(mount, Errno::NODATA));
        };
        Ok(Self {
            source,
            file,
            socket,
            id,
            in_place: told.in_place,
        })
    }
}

/// The catalog of a mount, as the mount alone tells it: its process may not answer commands any more. Nothing for one that
/// nobody serves, or that doesn't know.
///
/// # Errors
/// When it is somebody else's, or doesn't answer.
pub async fn file_if_known(mount: &Mount) -> anyhow::Result<Option<PathBuf>> {
    if !is_trusted(mount) {
        return Err(of_another(mount));
    }
    let told = async {
        answers(mount).await?;
        ask(&mount.point, CATALOG).await
    };
    match told.await {
        Ok(file) => Ok(Some(OsString::from_vec(file).into())),
        Err(error) if is_dead(error) || error == Errno::NODATA => Ok(None),
        Err(error) => Err(silent(mount, error)),
    }
}

/// Whether what a mount says can be relied on.
fn is_trusted(mount: &Mount) -> bool {
    let me = rustix::process::geteuid().as_raw();
    mount.user.is_some_and(|user| user == 0 || user == me)
}

/// This user's own mounts, each file system once.
///
/// # Errors
/// When the kernel's table can't be read.
pub fn own_mounts() -> io::Result<Vec<Mount>> {
    Ok(own_mounts_of(&MountTable::read()?))
}

/// Those of a table.
pub fn own_mounts_of(table: &MountTable) -> Vec<Mount> {
    let me = rustix::process::geteuid().as_raw();
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in table.all().filter(|m| m.is_ours() && m.user == Some(me)) {
        if mounts.iter().all(|known| known.device != mount.device) {
            mounts.push(mount.clone());
        }
    }
    mounts
}

/// Where the process of a mount answers, and the id of its catalog.
async fn socket_and_id(mount: &Mount) -> Result<(PathBuf, String), Errno> {
    answers(mount).await?;
    let at = &mount.point;
    let socket = OsString::from_vec(ask(at, SOCKET).await?);
    let id = ask(at, ID).await?;
    Ok((socket.into(), String::from_utf8_lossy(&id).into_owned()))
}

/// Whether it answers at all: a thread of this process that waits in vain may keep it from its end.
async fn answers(mount: &Mount) -> Result<(), Errno> {
    let mount = mount.clone();
    let asked = tokio::task::spawn_blocking(move || probe::health(&mount));
    match asked.await.map_err(|_| Errno::AGAIN)? {
        Ok(Health::Unresponsive) => Err(Errno::TIMEDOUT),
        Ok(Health::Dead) => Err(Errno::NOTCONN),
        Ok(Health::Lives | Health::Unknown) => Ok(()),
        Err(e) => Err(Errno::from_io_error(&e).unwrap_or(Errno::IO)),
    }
}

/// An attribute of what may be dead, or never answer. A thread that waits in vain ends with the process.
async fn ask(path: &Path, name: &'static str) -> Result<Vec<u8>, Errno> {
    let path = path.to_owned();
    within(MOUNT_TIMEOUT, move || {
        let mut value = vec![0; LONGEST];
        let length = rustix::fs::getxattr(&path, name, &mut value)?;
        value.truncate(length);
        Ok(value)
    })
    .await
}

/// Does what may block for good, but doesn't wait for it any longer than that.
pub async fn within<T: Send + 'static, E: From<Errno> + Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let (tell, told) = tokio::sync::oneshot::channel();
    // Nobody may wait for the answer any more.
    let asking = move || drop(tell.send(work()));
    let thread = std::thread::Builder::new().name("kbasefs-ask".into());
    thread.spawn(asking).map_err(|_| Errno::AGAIN)?;
    match tokio::time::timeout(limit, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(Errno::TIMEDOUT.into()),
    }
}

/// Whether nobody serves a mount any more.
pub fn is_dead(error: Errno) -> bool {
    matches!(error, Errno::NOTCONN | Errno::CONNABORTED)
}

fn silent(mount: &Mount, error: Errno) -> anyhow::Error {
    let at = mount.point.display();
    match error {
        Errno::NODATA | Errno::NOTSUP => hinted(
            format!("{at}: this mount doesn't say which catalog it shows"),
            "an older kbasefs made it: `kbasefs umount` it, and mount again",
        ),
        Errno::ACCESS | Errno::PERM => of_another(mount),
        error if is_dead(error) => hinted(
            format!("{at}: nobody serves this mount any more"),
            format!("kbasefs umount {at}, and mount again"),
        ),
        Errno::TIMEDOUT => hinted(
            format!("{at}: this mount doesn't answer"),
            "`kbasefs doctor` tells which mounts are stuck",
        ),
        error => hinted(
            format!("{at}: {}", plain(&error.into())),
            "`kbasefs doctor` checks mounts",
        ),
    }
}

fn of_another(mount: &Mount) -> anyhow::Error {
    let whose = match mount.user {
        Some(0) => "root".to_owned(),
        Some(user) => format!("the user with number {user}"),
        None => "somebody else".to_owned(),
    };
    hinted(
        format!(
            "{}: this mount shows a catalog of {whose}",
            mount.point.display()
        ),
        "`getfattr -d PHOTO` tells what is known of a photo there; only its owner can ask for more",
    )
}
