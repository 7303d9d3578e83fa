//! `kbasefs umount`

use std::path::PathBuf;
use std::time::Duration;

use super::report::hinted;
use super::{Common, on_runtime, target};
use crate::app;
use crate::fuse::mounts;

/// Take a mount away; its process finishes what it is doing and ends
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,
}

/// How long to wait for the process to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn run(args: &Args, common: &Common) -> anyhow::Result<()> {
    let path = &args.mountpoint;
    let Some((source, mountpoint)) = target::mount_of(path).filter(|(_, at)| is_same(path, at))
    else {
        let message = format!("{}: no kbasefs is mounted there", path.display());
        return Err(hinted(message, "`kbasefs status` shows what is mounted"));
    };
    mounts::detach(&mountpoint)?;
    let config = common.load()?;
    on_runtime(async {
        let ended = async {
            // Its last act is to let go of the catalog.
            while app::is_in_use(&source, &config)? {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, ended).await {
            Ok(result) => result,
            // It is unmounted; the process ends when the last open file is closed.
            Err(_) => Ok(()),
        }
    })
}

fn is_same(path: &std::path::Path, mountpoint: &std::path::Path) -> bool {
    let path = path
        .canonicalize()
        .ok()
        .or_else(|| std::path::absolute(path).ok());
    path.as_deref() == Some(mountpoint)
}
