//! The process that owns a catalog while `mount` or `serve` runs: it follows the source, and answers the other commands.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::backoff::{Backoff, is_in_use};
use super::program;
use super::report::hinted;
use crate::app::{self, App};
use crate::config::{Config, control_sockets};
use crate::monitor::Instance;
use crate::web::Socket;

/// How long a catalog that is there waits for a quick first scan before it says so.
const FIRST_SCAN: Duration = Duration::from_millis(500);

/// How long the end waits for those who wait for the source or for a disk: they leave nothing half done, and end with the
/// process.
const LAST_ANSWERS: Duration = Duration::from_millis(300);

/// Makes this process the owner of a catalog. Commands that have it for a moment are waited for, and `tell` says so; a mount
/// or a server goes on, and is no reason to wait.
///
/// # Errors
/// When it can't be opened, or others have it for too long.
pub fn begin(source: &Path, config: &Config, tell: impl Fn(&str)) -> anyhow::Result<App> {
    let (mut backoff, decoders) = (Backoff::default(), program::decoders(config));
    loop {
        match App::begin(source, config.clone(), decoders.clone()).map_err(anyhow::Error::from) {
            Err(error) if is_in_use(&error) && !is_served(source, config)? => {
                thread::sleep(backoff.pause(error, &tell)?);
            }
            begun => return begun,
        }
    }
}

/// Whether a mount or a server has the catalog.
fn is_served(source: &Path, config: &Config) -> anyhow::Result<bool> {
    let file = app::catalog_path(source, config)?;
    let mut sockets = control_sockets(&file, &app::env).into_iter();
    Ok(sockets.any(|socket| UnixStream::connect(socket).is_ok()))
}

pub struct Owner {
    follow: JoinHandle<()>,
    /// Disconnected when the following is over.
    followed: mpsc::Receiver<()>,
    observe: JoinHandle<()>,
    stop_observing: mpsc::Sender<()>,
    back_up: JoinHandle<()>,
    stop_backups: mpsc::Sender<()>,
    stop_api: oneshot::Sender<()>,
    api: Api,
}

impl Owner {
    /// Begins, and waits a little for the first scan: a large folder goes on appearing while people look already.
    ///
    /// # Errors
    /// When the index can't be loaded.
    pub fn start(app: &Arc<App>, runtime: &Runtime, socket: Socket) -> anyhow::Result<Self> {
        let (stop_api, stopped) = oneshot::channel();
        let end = async {
            // A sender that is dropped means the end as well.
            let _ = stopped.await;
        };
        let api = runtime.spawn(socket.serve(app.web(), end));
        let (tell, first_scan) = mpsc::channel();
        let (over, followed) = mpsc::channel();
        let follow = {
            let app = Arc::clone(app);
            let thread = thread::Builder::new().name("kbasefs-follow".into());
            thread.spawn(move || {
                follow_source(&app, &tell);
                drop((app, over));
            })?
        };
        let (stop_observing, stopped) = mpsc::channel();
        let observe = {
            let monitor = Arc::clone(app.monitor());
            let thread = thread::Builder::new().name("kbasefs-figures".into());
            thread.spawn(move || monitor.observe(&stopped))?
        };
        let (stop_backups, stopped) = mpsc::channel();
        let back_up = {
            let backups = Arc::clone(app.backups());
            let thread = thread::Builder::new().name("kbasefs-backup".into());
            thread.spawn(move || backups.run(&stopped))?
        };
        if let Ok(Err(broken)) = first_scan.recv_timeout(FIRST_SCAN) {
            return Err(broken.into());
        }
        Ok(Self {
            follow,
            followed,
            observe,
            stop_observing,
            back_up,
            stop_backups,
            stop_api,
            api,
        })
    }

    /// Brings everything to its end.
    pub fn end(self, app: &App, runtime: Runtime) -> anyhow::Result<()> {
        app.stop();
        // A receiver that is gone has stopped already.
        let _ = self.stop_api.send(());
        runtime.block_on(self.api)??;
        drop(self.stop_observing);
        drop(self.stop_backups);
        let mut waits = false;
        let mut threads = vec![(self.observe, "counting"), (self.back_up, "making backups")];
        match self.followed.recv_timeout(LAST_ANSWERS) {
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!(
                    "the source doesn't answer: who waits for it ends with this process"
                );
                waits = true;
            }
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                threads.push((self.follow, "following the source"));
            }
        }
        for (thread, does) in threads {
            if thread.join().is_err() {
                tracing::error!("{does} broke down");
            }
        }
        runtime.shutdown_timeout(LAST_ANSWERS);
        if waits {
            app.let_go();
        }
        Ok(())
    }
}

/// Loads the index, then keeps the catalog in step with the source. Tells of the first scan's end, or of an index
/// that can't be loaded.
fn follow_source(app: &App, tell: &mpsc::Sender<Result<(), app::Error>>) {
    if let Err(broken) = app.load() {
        tracing::error!("{broken}");
        if tell.send(Err(broken)).is_err() {
            // Requests wait for an index that will never be there; the guard takes the mount away.
            std::process::exit(1);
        }
        return;
    }
    app.scanner().follow(|first| {
        if let Ok(report) = first {
            tracing::info!(
                "{} photos: {} files opened, {} bytes read, {:.1} s",
                report.photos,
                report.opened,
                report.bytes_read,
                report.seconds
            );
        }
        // Nobody waits for long.
        let _ = tell.send(Ok(()));
    });
}

type Api = tokio::task::JoinHandle<std::io::Result<()>>;

/// The first place where a socket can be. Commands that come before [`Owner::start`] wait there.
///
/// # Errors
/// When there is none.
pub fn listen(instance: &Instance, runtime: &Runtime) -> anyhow::Result<Socket> {
    let _inside = runtime.enter();
    let mut failed = None;
    for path in control_sockets(instance.catalog_path(), &app::env) {
        match Socket::bind(&path) {
            Ok(socket) => {
                sweep(instance, &path);
                instance.answers_at(socket.path());
                return Ok(socket);
            }
            Err(e) => failed = Some(format!("control socket {}: {e}", path.display())),
        }
    }
    Err(hinted(
        failed.unwrap_or_default(),
        "set XDG_RUNTIME_DIR to a folder of your own",
    ))
}

/// Removes what killed processes left in the folder of all sockets; beside its catalog a socket is alone.
fn sweep(instance: &Instance, socket: &Path) {
    let beside = instance.catalog_path().parent();
    let folder = socket.parent().filter(|folder| Some(*folder) != beside);
    if let Some(Err(e)) = folder.map(Socket::sweep) {
        tracing::warn!("control sockets: {e}");
    }
}
