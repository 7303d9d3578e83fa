//! `kbasefs umount`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::client::Client;
use super::finder::Finder;
use super::mounted_catalog::{self, MountedCatalog};
use super::probe::{self, Health};
use super::report::hinted;
use super::resolved_path::ResolvedPath;
use crate::api::UnkeptQuery;
use crate::app;
use crate::fuse::mountinfo::{Mount, MountTable};
use crate::fuse::mounts;

/// Take a mount away; its process finishes what it is doing and ends
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,

    /// Also where answers are lost that were paid and can't be written: the disk of the catalog is full
    #[arg(short, long)]
    force: bool,
}

/// How long to wait for the process to end.
const EXIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait for those who have files open: most are just closing them, others may stay for days.
const CLOSING_TIMEOUT: Duration = Duration::from_millis(500);
/// How long to wait for a mount that is still there though nobody used it: a busy machine takes seconds to end one, and where
/// it is shown to other programs only, it may stay for days.
const HIDDEN_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<()> {
    let path = &args.mountpoint;
    let resolved = ResolvedPath::of(path).ok();
    let mount = resolved.and_then(|p| p.mount.filter(|m| m.point == p.path));
    let Some(mount) = mount else {
        return Err(not_there(path)?);
    };
    let asked = mount.clone();
    let health = tokio::task::spawn_blocking(move || probe::health(&asked)).await??;
    if health == Health::Unresponsive {
        mounts::take_away(&mount.id())?;
        eprintln!(
            "kbasefs: {} is unmounted; its process doesn't answer, and ends when it goes on or is killed",
            mount.point.display()
        );
        return Ok(());
    }
    if health == Health::Dead {
        // There is no process to wait for.
        return Ok(mounts::take_away(&mount.id())?);
    }
    // What is mounted can't be asked any more afterwards.
    let file = file_of(&mount, &finder).await;
    if !args.force {
        refuse_to_lose(&mount).await?;
    }
    let is_used = mounts::take_away_and_tell(&mount.id())?;
    // Shown at another place as well, it goes on.
    let is_left = MountTable::read()?.all().any(|m| m.device == mount.device);
    let Some(file) = file.filter(|_| !is_left) else {
        return Ok(());
    };
    let patience = match is_used {
        true => CLOSING_TIMEOUT,
        false => HIDDEN_TIMEOUT,
    };
    if let Some(why) = until_free(&file, &mount, patience).await {
        eprintln!(
            "kbasefs: {} is unmounted; its process {why}",
            mount.point.display()
        );
    }
    Ok(())
}

/// Why there is nothing to take away.
fn not_there(path: &Path) -> anyhow::Result<anyhow::Error> {
    let table = MountTable::read()?;
    let below = mounts::ours_at(path)?;
    let over = below.as_ref().and_then(|below| table.lies_over(below));
    let path = path.display();
    Ok(match over {
        Some(other) => hinted(
            format!("{path}: {} is mounted over the kbasefs there", other.fstype),
            format!("`umount {}` takes that away", other.point.display()),
        ),
        None => hinted(
            format!("{path}: no kbasefs is mounted there"),
            "`kbasefs status` shows what is mounted",
        ),
    })
}

/// What servers answered may have been paid for.
async fn refuse_to_lose(mount: &Mount) -> anyhow::Result<()> {
    // Whoever doesn't answer commands has a process that can be unmounted all the same.
    let Ok(Some(served)) = MountedCatalog::if_known(mount).await else {
        return Ok(());
    };
    let client = Client::of_mount(&served.socket, &served.id)?;
    let Ok(status) = client.ask(&UnkeptQuery {}).await else {
        return Ok(());
    };
    let waiting = status.unkept_answers;
    let why = status.unkept.filter(|_| waiting > 0);
    why.map_or(Ok(()), |why| {
        Err(hinted(
            format!(
                "{}: {waiting} answers of servers wait to be written: {why}",
                mount.point.display()
            ),
            "make room first, or give them up: `kbasefs umount --force`",
        ))
    })
}

/// The catalog of what is mounted. One that can't be asked has no process that could be waited for, or is somebody else's.
async fn file_of(mount: &Mount, finder: &Finder) -> Option<PathBuf> {
    match mounted_catalog::file_if_known(mount).await {
        Ok(Some(file)) => Some(file),
        // An older version made it: where this environment would keep the catalog.
        Ok(None) => app::catalog_path(&mount.source, &finder.config).ok(),
        Err(_) => None,
    }
}

/// Waits for the end of a process, whose last act is to let go of the catalog; why it isn't waited for any longer.
async fn until_free(file: &Path, mount: &Mount, patience: Duration) -> Option<&'static str> {
    let began = Instant::now();
    while app::is_in_use(file) {
        let waited = began.elapsed();
        if waited > patience && mount.is_open() {
            return Some("goes on until the last file that is open there is closed");
        }
        if waited > EXIT_TIMEOUT {
            return Some("finishes what it is doing, and ends then");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}
