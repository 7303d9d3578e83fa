//! Whether a mount answers, asked by another process: one whose own process is stuck never answers, and who asks it can't
//! be killed, so this process doesn't.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::program;
use crate::fuse::mounts::Mount;

/// Say whether a mount answers, once for each line that is read
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,
}

/// How a mount is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Lives,
    /// Nobody serves it any more.
    Dead,
    /// Its process is there, and stopped or stuck.
    Unresponsive,
    /// It is another user's, who alone may look, or has been taken away meanwhile.
    Unknown,
}

/// How long an answer may take that needs no disk.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The process that asks one mount.
pub struct Probe {
    process: Child,
    /// Whether it was asked and hasn't answered.
    is_silent: bool,
}

impl Probe {
    pub fn start(mountpoint: &Path) -> io::Result<Self> {
        let mut command = program::again()?;
        command.arg("probe").arg(mountpoint);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        Ok(Self {
            process: command.spawn()?,
            is_silent: false,
        })
    }

    /// How the mount is doing, known at the latest after [`PROBE_TIMEOUT`]. One that didn't answer may be asked again.
    pub fn ask(&mut self) -> io::Result<Health> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let process = &mut self.process;
        process.stdin.as_mut().ok_or_else(gone)?.write_all(b"\n")?;
        self.is_silent = true;
        let answers = process.stdout.as_mut().ok_or_else(gone)?;
        let until = Instant::now() + PROBE_TIMEOUT;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let rest = Timespec::try_from(rest).map_err(io::Error::other)?;
            let mut pipe = [PollFd::new(answers, PollFlags::IN)];
            match poll(&mut pipe, Some(&rest)) {
                Ok(0) => return Ok(Health::Unresponsive),
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let mut letter = [0];
        answers.read_exact(&mut letter)?;
        self.is_silent = false;
        Ok(match &letter {
            b"l" => Health::Lives,
            b"d" => Health::Dead,
            _ => Health::Unknown,
        })
    }
}

impl Drop for Probe {
    /// One that may be waiting for what never comes ends when it can, and nobody waits for it.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = match self.is_silent {
            true => self.process.try_wait().map(drop),
            false => self.process.wait().map(drop),
        };
    }
}

/// How a mount is doing. Mounts of other programs are none of ours, and aren't asked.
pub fn health(mount: &Mount) -> io::Result<Health> {
    match mount.is_ours() {
        true => Probe::start(&mount.point)?.ask(),
        false => Ok(Health::Unknown),
    }
}

/// Being it. By statfs(2): what stat(2) says may be what the kernel remembers.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut answers = io::stdout();
    for question in io::stdin().lock().lines() {
        question?;
        let letter = match rustix::fs::statfs(&args.mountpoint) {
            Ok(_) => b"l",
            Err(Errno::NOTCONN | Errno::CONNABORTED) => b"d",
            Err(_) => b"u",
        };
        answers.write_all(letter)?;
        answers.flush()?;
    }
    Ok(())
}
