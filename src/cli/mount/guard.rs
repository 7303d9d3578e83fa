//! A second process that takes the mount away: when the first is killed, nobody else would; when that is sandboxed, it may
//! not.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fuse::{Detach, mounts};

/// Take the mount of a process away when that is killed
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,
}

/// The guard of this process's mount.
pub struct Guard {
    process: Child,
    line: Arc<Mutex<Line>>,
}

/// What the two processes say to each other: each line is a wish for the mount's end, each answer what went wrong.
struct Line {
    wishes: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
}

/// Starts it.
pub fn start(mountpoint: &Path) -> io::Result<Guard> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("guard").arg(mountpoint);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    let mut process = command.spawn()?;
    let line = Line {
        wishes: process.stdin.take(),
        answers: process.stdout.take().map(BufReader::new),
    };
    let line = Arc::new(Mutex::new(line));
    Ok(Guard { process, line })
}

impl Guard {
    /// Has it take its mount away, which is the only one that it knows.
    pub fn detach(&self) -> Detach {
        let line = Arc::clone(&self.line);
        Arc::new(move |_| line.lock().expect(UNBROKEN).ask())
    }

    /// There is nothing to guard any more.
    pub fn end(mut self) {
        drop(self.line.lock().expect(UNBROKEN).wishes.take());
        // One that was killed is over as well.
        let _ = self.process.wait();
    }
}

impl Line {
    fn ask(&mut self) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        writeln!(self.wishes.as_mut().ok_or_else(gone)?, "detach")?;
        let mut answer = String::new();
        let answers = self.answers.as_mut().ok_or_else(gone)?;
        if answers.read_line(&mut answer)? == 0 {
            return Err(gone());
        }
        match answer.trim() {
            "" => Ok(()),
            wrong => Err(io::Error::other(wrong.to_owned())),
        }
    }
}

const UNBROKEN: &str = "nothing panics under this lock";

/// Being it: does what it is asked, and waits for the other process's end, which closes the pipe.
pub fn run(args: &Args) -> anyhow::Result<()> {
    // In a session of its own, no Ctrl-C or logout ends it first.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")?;
    for wish in io::stdin().lock().lines() {
        wish?;
        let wrong = detach(&args.mountpoint).err().map(|e| e.to_string());
        println!("{}", wrong.unwrap_or_default().replace('\n', " "));
    }
    for _ in 0..ATTEMPTS {
        match mounts::at(&args.mountpoint) {
            Some(mount) if mount.fstype != OURS => return Ok(()),
            Some(mount) if mount.dead => return Ok(mounts::detach(&args.mountpoint)?),
            // The pipe closed before the kernel's connection did: nothing tells when that does.
            Some(_) => std::thread::sleep(Duration::from_millis(50)),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// What somebody else has taken away already need not be.
fn detach(mountpoint: &Path) -> io::Result<()> {
    match mounts::at(mountpoint) {
        Some(mount) if mount.fstype == OURS => mounts::detach(mountpoint),
        _ => Ok(()),
    }
}

const OURS: &str = "fuse.kbasefs";

/// Ten seconds of them.
const ATTEMPTS: usize = 200;
