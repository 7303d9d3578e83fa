//! `kbasefs mount`

mod daemon;
pub mod guard;
pub mod helper;
mod sandbox;
mod service;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use guard::Guard;
use sandbox::Reach;
use service::Service;

use super::backoff::to_terminal;
use super::log::Log;
use super::owner::{self, Owner};
use super::page::{self, PageOptions};
use super::probe::{self, Health};
use super::report::hinted;
use super::resolved_path::ResolvedPath;
use super::{Common, log, memory_limits};
use crate::app;
use crate::config::{self, Config, control_sockets};
use crate::fuse::{self, MountOptions, StopHandle, mounts};
use crate::web::Site;

/// Show a photo folder arranged by what is in the pictures
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos; it is never written to
    source: PathBuf,
    /// Empty folder to mount on
    mountpoint: PathBuf,
    /// Stay in the foreground, and log to the terminal
    #[arg(short, long)]
    foreground: bool,
    /// Mount options, as mount(8) takes them
    #[arg(short, value_name = "OPTIONS")]
    options: Vec<String>,
    /// Let the process reach the photo folder for reading, its own folders and its servers, and nothing else (Landlock)
    #[arg(long)]
    sandbox: bool,
    /// Show the catalog as a web page as well; at 127.0.0.1:8080 if nothing else is said
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, value_parser = page::address)]
    web: Option<Option<SocketAddr>>,
    /// File with the token that opens the page; without one, an address for one browser is printed where a token is needed
    #[arg(long, value_name = "FILE", requires = "web")]
    token_file: Option<PathBuf>,
    /// Be the process that a mount in the background leaves behind
    #[arg(long, hide = true)]
    stay_behind: bool,
    /// What happens anyway: scripts of before say it
    #[arg(long, hide = true, conflicts_with = "foreground")]
    daemon: bool,
}

/// What is logged when nobody asks for more: the library complains of every mount that somebody else has taken away.
const LOGGED: &str = "warn,kbasefs=info,fuser=error";

pub fn run(args: Args, common: &Common) -> anyhow::Result<ExitCode> {
    memory_limits::check()?;
    let finder = common.finder()?;
    let leaves_daemon = args.daemon || !(args.foreground || args.stay_behind);
    // What is found on the way to the catalog is said as well.
    let log = log::start(&finder.config, if leaves_daemon { "warn" } else { LOGGED });
    let words = [
        args.options,
        args.sandbox
            .then(|| "sandbox".to_owned())
            .into_iter()
            .collect(),
    ]
    .concat();
    let options = MountOptions::parse(&words.join(",")).map_err(app::Error::Mount)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let catalog = runtime.block_on(finder.to_mount(&args.source))?;
    // A sandbox begins before there is any thread.
    drop(runtime);
    let source = source(&catalog.source)?;
    let config = catalog.settings(&finder.config);
    refuse_nesting(&source, &args.mountpoint)?;
    refuse_own_files(&source, &args.mountpoint, &config)?;
    let mountpoint = mountpoint(&args.mountpoint)?;
    let page = args.web.map(|address| PageOptions {
        address: address.unwrap_or(page::USUAL),
        token_file: args.token_file,
    });
    if leaves_daemon {
        return daemon::start(&source, &mountpoint, &words, page.as_ref(), common);
    }
    let daemon = args.stay_behind.then_some(&log);
    serve(
        &source,
        &mountpoint,
        &options,
        config,
        page.as_ref(),
        daemon,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn source(path: &Path) -> anyhow::Result<PathBuf> {
    let failed = |source| app::Error::Source {
        path: path.into(),
        source,
    };
    let source = path.canonicalize().map_err(failed)?;
    source.read_dir().map_err(failed)?;
    Ok(source)
}

/// The mountpoint without links. What an ended process of ours left there is taken away.
fn mountpoint(path: &Path) -> anyhow::Result<PathBuf> {
    let resolved = ResolvedPath::of(path);
    let there = resolved
        .as_ref()
        .ok()
        .and_then(|resolved| resolved.mount.clone());
    let Some(mount) = there else {
        return Ok(fuse::mountpoint(path).map_err(app::Error::Mount)?);
    };
    let refused = |what: &str, hint: &str| {
        let (point, source) = (mount.point.display(), mount.source.display());
        Err(hinted(format!("{point}: {source} {what}"), hint))
    };
    match probe::health(&mount)? {
        Health::Dead => {
            mounts::take_away(&mount.id())?;
            tracing::info!("took a dead mount away from {}", path.display());
            mountpoint(path)
        }
        Health::Lives | Health::Unknown => refused(
            "is mounted there already",
            "`kbasefs umount` it first, or use another folder",
        ),
        Health::Unresponsive => refused(
            "is mounted there, by a process that doesn't answer",
            "`kbasefs umount` takes it away all the same",
        ),
    }
}

fn refuse_nesting(source: &Path, mountpoint: &Path) -> anyhow::Result<()> {
    // A mount that may be there already is not asked.
    let (Ok(source), Ok(mountpoint)) = (ResolvedPath::of(source), ResolvedPath::of(mountpoint))
    else {
        return Ok(());
    };
    let points = mountpoint.names();
    for source in source.names() {
        let nested = |point: &&&Path| source.starts_with(point) || point.starts_with(source);
        if let Some(point) = points.iter().find(nested) {
            return Err(hinted(
                format!(
                    "{} and {} contain each other",
                    source.display(),
                    point.display()
                ),
                "mount outside the photo folder, and not above it",
            ));
        }
    }
    Ok(())
}

/// A process that reads or writes a file in its own mount waits for itself.
fn refuse_own_files(source: &Path, mountpoint: &Path, config: &Config) -> anyhow::Result<()> {
    let file = app::catalog_path(source, config)?;
    let sockets = control_sockets(&file, &app::env);
    let folders = [
        config::previews_folder(&app::env),
        config::copies_folder(&app::env),
        config::thumbnails_folder(&app::env),
        Some(std::env::temp_dir()),
    ];
    let Ok(ResolvedPath {
        path: mountpoint, ..
    }) = ResolvedPath::of(mountpoint)
    else {
        return Ok(());
    };
    // What isn't there yet would be made in the last folder that is.
    let leads_there = |path: &PathBuf| {
        let mut there = path
            .ancestors()
            .filter_map(|folder| ResolvedPath::of(folder).ok());
        there
            .next()
            .is_some_and(|resolved| resolved.path.starts_with(&mountpoint))
    };
    let own = [file].into_iter().chain(sockets);
    let mut own = own.chain(folders.into_iter().flatten());
    match own.find(leads_there) {
        None => Ok(()),
        Some(path) => Err(hinted(
            format!("{} would be in {}", path.display(), mountpoint.display()),
            "mount somewhere else, or keep it elsewhere: the mount shows photos, and keeps no files",
        )),
    }
}

/// Mounts, and returns when it is unmounted.
fn serve(
    source: &Path,
    mountpoint: &Path,
    options: &MountOptions,
    config: Config,
    page: Option<&PageOptions>,
    daemon: Option<&Log>,
) -> anyhow::Result<()> {
    let site = page.map(PageOptions::bind).transpose()?;
    let url = site.as_ref().map(Site::url);
    let mut guard = guard::start(mountpoint)?;
    let service = Service::of(mountpoint)?;
    let place = match options.sandbox {
        true => confined(source, mountpoint, options, &config, &guard)?,
        false => fuse::MountTarget::Folder(mountpoint.into()),
    };
    let tell = |words: &str| match daemon {
        Some(_) => daemon::warn(words),
        None => to_terminal(words),
    };
    let app = Arc::new(owner::begin(source, &config, tell)?);
    let runtime = Runtime::new()?;
    let socket = owner::listen(app.instance(), &runtime)?;
    let mounted = app.mount(place, options, runtime.handle().clone())?;
    guard.keep(options.sandbox)?;
    unmount_on_signal(&runtime, mounted.stop_handle())?;
    let owner = Owner::start(&app, &runtime, socket)?;
    if let Some(site) = site {
        page::open(&runtime, site, app.web());
    }
    match (daemon, &url) {
        (Some(log), url) => daemon::ready(log, app.instance().catalog_path(), url.as_deref())?,
        (None, Some(url)) => super::terminal::say(format_args!("the page is at {url}"))?,
        (None, None) => {}
    }
    tracing::info!(
        "{} is mounted on {}",
        source.display(),
        mountpoint.display()
    );
    let service = service.ready(&runtime);
    mounted.wait();
    service.stopping();
    let unmounted = mounted.unmount();
    match &unmounted {
        Ok(()) => tracing::info!("unmounted"),
        Err(e) => tracing::error!("{e}"),
    }
    owner.end(&app, runtime)?;
    match unmounted {
        Ok(()) => guard.end(),
        Err(_) => guard.leave(),
    }
    Ok(())
}

/// Mounts, and limits this process to what it needs from then on.
fn confined(
    source: &Path,
    mountpoint: &Path,
    options: &MountOptions,
    config: &Config,
    guard: &Guard,
) -> anyhow::Result<fuse::MountTarget> {
    let reach = Reach::of(source, config)?;
    let attached = fuse::attach_by_helper(source, mountpoint, options, guard.detach());
    let attached = attached.map_err(app::Error::Mount)?;
    reach.enter()?;
    Ok(fuse::MountTarget::Attached(attached))
}

/// Ctrl-C and a service's end unmount; what is running is finished.
fn unmount_on_signal(runtime: &Runtime, stop_handle: StopHandle) -> anyhow::Result<()> {
    let _inside = runtime.enter();
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind)?;
        let stop_handle = stop_handle.clone();
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                let stop_handle = stop_handle.clone();
                let detached = tokio::task::spawn_blocking(move || stop_handle.stop());
                // What lies over the mount is told when its process has ended.
                if let Ok(Err(e)) = detached.await
                    && e.kind() != ErrorKind::ResourceBusy
                {
                    tracing::error!("unmount: {e}");
                }
            }
        });
    }
    Ok(())
}
