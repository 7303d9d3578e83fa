//! A second process that takes the mount away when the first is killed: nobody else would.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fuse::mounts;

/// Take the mount of a process away when that is killed
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,
}

/// The guard of this process's mount.
pub struct Guard(Child);

/// Starts it.
pub fn start(mountpoint: &Path) -> io::Result<Guard> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("guard").arg(mountpoint);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Guard(command.spawn()?))
}

impl Guard {
    /// There is nothing to guard any more.
    pub fn end(mut self) {
        drop(self.0.stdin.take());
        // One that was killed is over as well.
        let _ = self.0.wait();
    }
}

/// Being it: waits for the other process's end, which closes the pipe.
pub fn run(args: &Args) -> anyhow::Result<()> {
    // In a session of its own, no Ctrl-C or logout ends it first.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    for _ in 0..ATTEMPTS {
        match mounts::at(&args.mountpoint) {
            Some(mount) if mount.fstype != "fuse.kbasefs" => return Ok(()),
            Some(mount) if mount.dead => return Ok(mounts::detach(&args.mountpoint)?),
            // The pipe closed before the kernel's connection did: nothing tells when that does.
            Some(_) => std::thread::sleep(Duration::from_millis(50)),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Ten seconds of them.
const ATTEMPTS: usize = 200;
