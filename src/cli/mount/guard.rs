//! A second process that takes the mount away: when the first is killed, nobody else would; when that is sandboxed, it may
//! not. Here is the first one's side of it: starts it, keeps it, and asks it.

mod process;
pub mod watch;

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::cli::program;
use crate::fuse::Detach;
use crate::fuse::mounts::{self, MountId};
use process::Process;

/// The guard of this process's mount.
pub struct Guard {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    connection: Mutex<Connection>,
    /// Told when there is nothing to guard any more.
    over: Condvar,
}

/// What the two processes say to each other: each line is a command, each answer to the one for the mount's end is what went
/// wrong.
struct Connection {
    mountpoint: PathBuf,
    /// The mount, once it is there.
    mount: Option<MountId>,
    process: Child,
    commands: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
    /// Answers that didn't come in time, and may still.
    pending_answers: usize,
    is_over: bool,
}

/// How long it may take to do what it is asked. One that is stopped does nothing.
const GUARD_TIMEOUT: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// Starts it.
pub fn start(mountpoint: &Path) -> io::Result<Guard> {
    let connection = Mutex::new(Connection::start(mountpoint.into(), None)?);
    let over = Condvar::new();
    let shared = Arc::new(Shared { connection, over });
    Ok(Guard {
        shared,
        supervisor: None,
    })
}

impl Guard {
    /// Has it take its mount away, which is the only one that it knows.
    pub fn detach(&self) -> Detach {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || shared.lock().ask())
    }

    /// Tells it which mount it is for, and starts another one whenever it is killed, unless this process is in a sandbox: one
    /// that is started there may not unmount either.
    ///
    /// # Errors
    /// When nothing is mounted.
    pub fn keep(&mut self, in_sandbox: bool) -> io::Result<()> {
        let mut connection = self.shared.lock();
        let mount = mounts::ours_at(&connection.mountpoint)?;
        let mount = mount.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        connection.mount = Some(mount.id());
        connection.tell_mount()?;
        drop(connection);
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("kbasefs-guard".into());
        self.supervisor = Some(thread.spawn(move || shared.keep(in_sandbox))?);
        Ok(())
    }

    /// The mount is left to it, which this process couldn't take away: it goes when what lies over it is gone.
    pub fn leave(self) {
        // The other end of its pipe closes with this process, and tells it.
        self.shared.lock().is_over = true;
    }

    /// There is nothing to guard any more. One that is stopped ends when it goes on, and nobody waits for it.
    pub fn end(self) {
        let mut connection = self.shared.lock();
        connection.is_over = true;
        // One that was killed is over as well.
        let _ = connection.send("end");
        connection.commands = None;
        let guard = Pid::from_child(&connection.process);
        drop(connection);
        self.shared.over.notify_all();
        let is_stopped = process::wait_for(guard, Some(&GUARD_TIMEOUT)) == Ok(false);
        match self.supervisor {
            _ if is_stopped => {}
            // A panic has ended the process already.
            Some(supervisor) => drop(supervisor.join()),
            None => drop(self.shared.lock().process.wait()),
        }
    }
}

/// A guard that lasted so long is no reason to wait before the next.
const LASTING: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long to wait before another guard, after so many in a row that ended soon or couldn't be started.
fn pause(in_vain: u32) -> Duration {
    match in_vain.checked_sub(1) {
        None => Duration::ZERO,
        Some(more) => LONGEST_PAUSE.min(FIRST_PAUSE.saturating_mul(2u32.saturating_pow(more))),
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock()
    }

    /// Follows each guard by another one until there is nothing to guard.
    fn keep(&self, in_sandbox: bool) {
        let mut in_vain = 0;
        loop {
            let began = Instant::now();
            self.wait_for_its_end();
            if in_sandbox {
                if !self.lock().is_over {
                    tracing::error!("no guard any more, a killed process will leave its mount");
                }
                return;
            }
            if began.elapsed() > LASTING {
                in_vain = 0;
            }
            while let Some(mut connection) = self.after(pause(in_vain)) {
                in_vain += 1;
                match connection.another() {
                    Ok(()) => {
                        tracing::warn!("the guard of the mount ended: another one is started");
                        break;
                    }
                    Err(e) => tracing::warn!("no guard of the mount for now: {e}"),
                }
            }
            if self.lock().is_over {
                return;
            }
        }
    }

    fn wait_for_its_end(&self) {
        let guard = Pid::from_child(&self.lock().process);
        // Without the lock: who wants the mount's end has it. Whatever fails here is told by the wait below.
        let _ = waitid(
            WaitId::Pid(guard),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        let _ = self.lock().process.wait();
    }

    /// The line, after a while; nothing when all is over by then.
    fn after(&self, pause: Duration) -> Option<MutexGuard<'_, Connection>> {
        let mut connection = self.lock();
        let goes_on = |connection: &mut Connection| !connection.is_over;
        self.over.wait_while_for(&mut connection, goes_on, pause);
        (!connection.is_over).then_some(connection)
    }
}

impl Connection {
    fn start(mountpoint: PathBuf, mount: Option<MountId>) -> io::Result<Self> {
        let own = Process::own()?;
        let mut command = program::again()?;
        command.arg("guard").arg(&mountpoint);
        command.args(["--pid", &own.pid.to_string()]);
        command.args(["--started", &own.started.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn()?;
        Ok(Self {
            mountpoint,
            mount,
            commands: process.stdin.take(),
            answers: process.stdout.take().map(BufReader::new),
            process,
            pending_answers: 0,
            is_over: false,
        })
    }

    fn another(&mut self) -> io::Result<()> {
        *self = Self::start(self.mountpoint.clone(), self.mount.take())?;
        match self.tell_mount() {
            // It was killed before it heard of anything: whoever waits for its end starts the next one.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }

    fn tell_mount(&mut self) -> io::Result<()> {
        match &self.mount {
            Some(mount) => self.send(&format!("mount {mount}")),
            None => Ok(()),
        }
    }

    fn send(&mut self, command: &str) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        writeln!(self.commands.as_mut().ok_or_else(gone)?, "{command}")
    }

    /// # Errors
    /// When it can't take the mount away, is gone, or says nothing for too long. It does it when it goes on.
    fn ask(&mut self) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.send("detach")?;
        self.pending_answers += 1;
        let mut answer = String::new();
        let answers = self.answers.as_mut().ok_or_else(gone)?;
        while self.pending_answers > 0 {
            if answers.buffer().is_empty() && !is_readable(answers.get_ref())? {
                let said = "the guard of the mount doesn't answer";
                return Err(io::Error::new(io::ErrorKind::TimedOut, said));
            }
            answer.clear();
            if answers.read_line(&mut answer)? == 0 {
                return Err(gone());
            }
            self.pending_answers -= 1;
        }
        match answer.trim() {
            "" => Ok(()),
            wrong => Err(io::Error::other(wrong.to_owned())),
        }
    }
}

fn is_readable(pipe: &ChildStdout) -> io::Result<bool> {
    let mut pipe = [PollFd::new(pipe, PollFlags::IN)];
    Ok(retry_on_intr(|| poll(&mut pipe, Some(&GUARD_TIMEOUT)))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_in_vain_are_followed_more_and_more_slowly_and_without_end() {
        let check = |in_vain, millis| assert_eq!(pause(in_vain), Duration::from_millis(millis));
        check(0, 0);
        check(1, 100);
        check(3, 400);
        check(11, 60_000);
        check(u32::MAX, 60_000);
    }
}
