//! A second process that takes the mount away: when the first is killed, nobody else would; when that is sandboxed, it may
//! not. Here is the first one's side of it: starts it, keeps it, and asks it.

mod process;
pub mod watch;

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::fuse::{Detach, mounts};
use process::Process;

/// The guard of this process's mount.
pub struct Guard {
    line: Arc<Mutex<Line>>,
    keeper: Option<JoinHandle<()>>,
}

/// What the two processes say to each other: each line is a wish, each answer to the one for the mount's end is what went
/// wrong.
struct Line {
    mountpoint: PathBuf,
    /// Of the mount, once it is there.
    device: Option<String>,
    process: Child,
    wishes: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
    is_over: bool,
}

/// Starts it.
pub fn start(mountpoint: &Path) -> io::Result<Guard> {
    let line = Line::start(mountpoint.into(), None)?;
    let line = Arc::new(Mutex::new(line));
    Ok(Guard { line, keeper: None })
}

impl Guard {
    /// Has it take its mount away, which is the only one that it knows.
    pub fn detach(&self) -> Detach {
        let line = Arc::clone(&self.line);
        Arc::new(move |_| lock(&line).ask())
    }

    /// Tells it which mount it is for, and starts another one whenever it is killed, where this process still may.
    ///
    /// # Errors
    /// When nothing is mounted.
    pub fn keep(&mut self) -> io::Result<()> {
        let mut line = lock(&self.line);
        let mount = mounts::at(&line.mountpoint).filter(mounts::Mount::is_ours);
        let mount = mount.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        line.device = Some(mount.device);
        line.tell_device()?;
        drop(line);
        let line = Arc::clone(&self.line);
        let thread = thread::Builder::new().name("kbasefs-guard".into());
        self.keeper = Some(thread.spawn(move || keep(&line))?);
        Ok(())
    }

    /// There is nothing to guard any more.
    pub fn end(self) {
        let mut line = lock(&self.line);
        line.is_over = true;
        // One that was killed is over as well.
        let _ = line.wish("end");
        line.wishes = None;
        if self.keeper.is_none() {
            let _ = line.process.wait();
        }
        drop(line);
        if let Some(keeper) = self.keeper {
            // A panic has ended the process already.
            let _ = keeper.join();
        }
    }
}

/// Guards that ended so soon, one after the other, will go on doing so.
const SOON: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 5;

fn keep(line: &Mutex<Line>) {
    let mut early = 0;
    loop {
        let began = Instant::now();
        let guard = Pid::from_child(&lock(line).process);
        // Without the lock: who wants the mount's end has it.
        let ended = waitid(
            WaitId::Pid(guard),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        let mut line = lock(line);
        let _ = line.process.wait();
        if line.is_over {
            return;
        }
        early = if began.elapsed() < SOON { early + 1 } else { 0 };
        let another = match early {
            ATTEMPTS.. => Err(io::Error::other("it ends again and again")),
            _ => ended.map_err(io::Error::from).and_then(|_| line.another()),
        };
        match another {
            Ok(()) => tracing::warn!("the guard of the mount ended: another one is started"),
            Err(e) => {
                tracing::error!("no guard any more, a killed process will leave its mount: {e}");
                return;
            }
        }
    }
}

impl Line {
    fn start(mountpoint: PathBuf, device: Option<String>) -> io::Result<Self> {
        let own = Process::own()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("guard").arg(&mountpoint);
        command.args(["--pid", &own.pid.to_string()]);
        command.args(["--started", &own.started.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn()?;
        Ok(Self {
            mountpoint,
            device,
            wishes: process.stdin.take(),
            answers: process.stdout.take().map(BufReader::new),
            process,
            is_over: false,
        })
    }

    fn another(&mut self) -> io::Result<()> {
        *self = Self::start(self.mountpoint.clone(), self.device.take())?;
        match self.tell_device() {
            // It was killed before it heard of anything: whoever waits for its end starts the next one.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }

    fn tell_device(&mut self) -> io::Result<()> {
        match &self.device {
            Some(device) => self.wish(&format!("device {device}")),
            None => Ok(()),
        }
    }

    fn wish(&mut self, wish: &str) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        writeln!(self.wishes.as_mut().ok_or_else(gone)?, "{wish}")
    }

    fn ask(&mut self) -> io::Result<()> {
        self.wish("detach")?;
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
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

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().expect("nothing panics under this lock")
}
