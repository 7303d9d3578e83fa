//! A mount from its beginning to its end.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fuser::Session;
use parking_lot::{Condvar, Mutex};
use rustix::io::Errno;
use tokio::runtime::Handle;

use super::attach::{Attached, Detach, attach};
use super::counters::Counters;
use super::deferred::DeferredReply;
use super::edits::EditRequests;
use super::filesystem::Filesystem;
use super::folders::Folders;
use super::handles::Handles;
use super::invalidate::{self, InvalidationQueue};
use super::open_files::drafts::DraftRequests;
use super::open_files::fd_cache::{self, FdCache};
use super::open_files::{Files, OpenFile};
use super::spans::Runtime;
use super::xattrs::Xattrs;
use super::{Error, MountOptions, mounts};
use crate::library::Library;
use crate::source_files::SourceFiles;
use crate::vfs::{Content, Tree};

/// How long unmounting waits for the last user of a busy mount: long enough for one that is just closing its files;
/// others may stay for days, and the mount ends with them.
const UNMOUNT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a tree is to be shown.
pub enum MountTarget {
    /// On an empty folder, where it is mounted now.
    Folder(PathBuf),
    /// Where fusermount3 mounted already, and the kernel waits.
    Attached(Attached),
}

/// A live mount. Dropping it unmounts.
pub struct Mounted {
    mountpoint: PathBuf,
    counters: Arc<Counters>,
    detach: Detach,
    lifecycle: Arc<Lifecycle>,
    threads: Vec<JoinHandle<()>>,
}

/// How far the end of a session is.
#[derive(Default)]
struct Lifecycle {
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd)]
enum Stage {
    #[default]
    Serving,
    /// This process is to end, whoever still has files open.
    Stopping,
    Over,
}

impl Lifecycle {
    fn announce(&self, stage: Stage) {
        let mut now = self.stage.lock();
        if *now < stage {
            *now = stage;
        }
        self.changed.notify_all();
    }

    fn wait(&self) {
        let mut stage = self.stage.lock();
        self.changed
            .wait_while(&mut stage, |s| *s == Stage::Serving);
    }

    fn is_over(&self) -> bool {
        self.wait_for(Duration::ZERO)
    }

    /// Whether it was over within this time.
    fn wait_for(&self, timeout: Duration) -> bool {
        let mut stage = self.stage.lock();
        self.changed
            .wait_while_for(&mut stage, |s| *s != Stage::Over, timeout);
        *stage == Stage::Over
    }
}

/// Lets another thread end a mount.
#[derive(Clone)]
pub struct StopHandle {
    detach: Detach,
    lifecycle: Arc<Lifecycle>,
}

impl StopHandle {
    /// Takes the mount away at once, and has [`Mounted::wait`] return though somebody may still have files open there.
    ///
    /// # Errors
    /// When something else lies over it, or the system refuses; the wait ends all the same.
    pub fn stop(&self) -> std::io::Result<()> {
        let detached = (self.detach)();
        self.lifecycle.announce(Stage::Stopping);
        detached
    }
}

/// Shows a tree. It is live when this returns.
///
/// # Errors
/// When a folder isn't there, isn't empty or can't be mounted on.
pub fn mount(
    tree: Arc<Tree>,
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    target: MountTarget,
    options: &MountOptions,
    runtime: Handle,
) -> Result<Mounted, Error> {
    let Attached {
        device,
        mountpoint,
        detach,
    } = match target {
        MountTarget::Folder(folder) => attach(source_files.root(), &mountpoint(&folder)?, options)?,
        MountTarget::Attached(attached) => attached,
    };
    let failed = |source| Error::Mount {
        mountpoint: mountpoint.clone(),
        source,
    };
    let runtime = Runtime::from(runtime);
    let (invalidations, stale) = InvalidationQueue::new();
    let open = Arc::new(Handles::default());
    let folders = Folders::new(
        tree.clone(),
        invalidations.clone(),
        Arc::clone(&open),
        options.overrides,
    );
    let counters = Arc::<Counters>::default();
    let config = options.config(source_files.root());
    let filesystem = filesystem(
        &tree,
        source_files,
        options,
        runtime,
        &counters,
        &invalidations,
        folders,
    );
    let acl = config.acl;
    let session = Session::from_fd(filesystem, device, acl, config).map_err(failed)?;
    let device = session.as_fd().try_clone_to_owned().map_err(failed)?;
    let notifier = session.notifier();
    if options.epochs {
        invalidations.dentries.enable_epochs(File::from(device));
    }
    invalidate::subscribe(&library, &tree, &invalidations);
    let notify = invalidate::start(notifier, &invalidations, stale, open).map_err(failed)?;
    let lifecycle = Arc::<Lifecycle>::default();
    let serve = serve(session, lifecycle.clone()).map_err(failed)?;
    Ok(Mounted {
        counters,
        detach,
        lifecycle,
        threads: vec![serve, notify],
        mountpoint,
    })
}

/// What answers the kernel's requests.
fn filesystem(
    tree: &Arc<Tree>,
    source_files: Arc<SourceFiles>,
    options: &MountOptions,
    runtime: Runtime,
    counters: &Arc<Counters>,
    invalidations: &Arc<InvalidationQueue>,
    folders: Folders,
) -> Filesystem {
    let overrides = options.overrides;
    let deferred = DeferredReply {
        tree: tree.clone(),
        runtime: runtime.clone(),
        invalidations: invalidations.clone(),
    };
    let files = Arc::<Handles<OpenFile>>::default();
    Filesystem {
        tree: tree.clone(),
        runtime: runtime.clone(),
        counters: counters.clone(),
        invalidations: invalidations.clone(),
        deferred: deferred.clone(),
        drafts: DraftRequests {
            deferred,
            source_files: source_files.clone(),
            open: files.clone(),
            overrides,
        },
        xattrs: Xattrs {
            attributes: tree.attributes.clone(),
            runtime: runtime.clone(),
        },
        folders: Arc::new(folders),
        edits: EditRequests::new(
            tree.editor.clone(),
            invalidations.clone(),
            runtime.clone(),
            overrides,
        ),
        overrides,
        files: Files {
            tree: tree.clone(),
            fd_cache: Arc::new(fd_cache(tree.clone(), source_files.clone())),
            source_files,
            runtime,
            open: files,
            open_modes: Arc::default(),
            passthrough: options.passthrough,
        },
    }
}

/// The originals of the photos of a tree; a photo may have moved since it was opened.
fn fd_cache(tree: Arc<Tree>, source_files: Arc<SourceFiles>) -> FdCache {
    FdCache::new(fd_cache::raise_limit(), move |inode| {
        match tree.open(inode) {
            Ok(Content::Original { path, .. }) => Ok(source_files.read(&path)?.0),
            _ => Err(Errno::STALE.into()),
        }
    })
}

fn serve(
    session: Session<Filesystem>,
    lifecycle: Arc<Lifecycle>,
) -> std::io::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name("kbasefs-mount".into());
    thread.spawn(move || {
        if let Err(e) = session.run() {
            tracing::error!("mount: {e}");
        }
        lifecycle.announce(Stage::Over);
    })
}

/// The mountpoint without links, if it can be one.
///
/// # Errors
/// When it isn't there, is no folder, isn't empty, or some process serves it already, which isn't asked.
pub fn mountpoint(path: &Path) -> Result<PathBuf, Error> {
    let named = || path.to_path_buf();
    let unusable =
        |source: std::io::Error| match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT) => Error::NoMountpoint(named()),
            Some(Errno::NOTDIR) => Error::NotAFolder(named()),
            _ => Error::Mountpoint {
                mountpoint: named(),
                source,
            },
        };
    if let Some(taken) = mounts::at(path)
        .map_err(unusable)?
        .filter(mounts::Mount::is_served)
    {
        return Err(Error::Taken(taken.into()));
    }
    let absolute = path.canonicalize().map_err(unusable)?;
    let mut entries = absolute.read_dir().map_err(unusable)?;
    match entries.next() {
        Some(_) => Err(Error::NotEmpty(named())),
        None => Ok(absolute),
    }
}

impl Mounted {
    /// Where it is mounted, without links.
    pub fn mountpoint(&self) -> &Path {
        &self.mountpoint
    }

    /// What the kernel asked so far.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// What ends it from elsewhere.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            detach: self.detach.clone(),
            lifecycle: self.lifecycle.clone(),
        }
    }

    /// Waits until it is unmounted, by whomever, or [`StopHandle::stop`] is called.
    pub fn wait(&self) {
        self.lifecycle.wait();
    }

    /// Unmounts. A mount in use leaves the tree of folders at once and ends with its last user.
    ///
    /// # Errors
    /// When something else lies over it, or the system refuses: it stays, and answers for as long as this process is there.
    pub fn unmount(mut self) -> Result<(), Error> {
        let ended = self.end();
        // It was tried.
        self.threads.clear();
        ended
    }

    /// What is over already has another's number, maybe.
    fn detach_unless_over(&self) -> std::io::Result<()> {
        match self.lifecycle.is_over() {
            true => Ok(()),
            false => (self.detach)(),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        let unmounted = self.detach_unless_over();
        unmounted.map_err(|source| Error::Unmount {
            mountpoint: self.mountpoint.clone(),
            source,
        })?;
        if !self.lifecycle.wait_for(UNMOUNT_TIMEOUT) {
            tracing::info!("{} is still in use", self.mountpoint.display());
            return Ok(());
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the mount panicked");
            }
        }
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !self.threads.is_empty()
            && let Err(e) = self.end()
        {
            tracing::error!("{e}");
        }
    }
}
