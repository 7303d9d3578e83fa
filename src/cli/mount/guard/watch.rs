//! Being the guard: does what it is asked, and waits for the other process's end.
//!
//! That is told by two: the kernel's descriptor of a process, which stays silent while a thread of it can't be stopped, and
//! a look now and then. The signal of a parent's death comes too early: a process that is killed for want of memory still has
//! its memory then, and a guard that is woken is the next to be killed, for the first page that it asks for. Nothing here
//! follows the mount's path before its connection is aborted: until then even realpath(3) may wait for ever.

use std::fs::{self, File};
use std::io::{self, BufRead};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::setsid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::process::{Process, State};
use crate::cli::probe::{self, Health};
use crate::fuse::mountinfo::MountTable;
use crate::fuse::mounts::{self, AbortSwitch, Mount, MountId};

/// Take the mount of a process away when that is killed
#[derive(clap::Args)]
pub struct Args {
    mountpoint: PathBuf,
    /// The process
    #[arg(long)]
    pid: i32,
    /// When it started, as /proc/PID/stat has it
    #[arg(long)]
    started: u64,
}

/// How often is looked whether the process is over, where nothing tells.
const LOOKS: Duration = Duration::from_millis(500);

/// How long commands are still read when the process is over that gave them: nobody but that has the other end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often it tries to take the mount away where that fails, and how long it waits after the first time; twice as long
/// after each other.
const ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The table of mounts as a file that tells of changes.
const MOUNTS: &str = "/proc/self/mounts";

pub fn run(args: Args) -> anyhow::Result<()> {
    // In a session of its own, no Ctrl-C or logout ends it first.
    let _ = setsid();
    std::env::set_current_dir("/")?;
    // Where memory is short, others are killed first. Only root may ask for that.
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let Args {
        mountpoint,
        pid,
        started,
    } = args;
    let mut guarded = Guarded {
        mountpoint,
        mount: None,
        switch: None,
    };
    let process = Process { pid, started };
    let ended = runtime.block_on(guarded.watch(process))?;
    // What still reads the commands ends with this process.
    runtime.shutdown_background();
    match ended {
        Ended::Well => Ok(()),
        Ended::Killed => Ok(guarded.take_away_at_last(process)?),
    }
}

/// How the other process ended.
enum Ended {
    Well,
    Killed,
}

struct Guarded {
    mountpoint: PathBuf,
    /// The mount, once that is known.
    mount: Option<MountId>,
    /// Ends the mount's connection; opened while the process that serves it is there.
    switch: Option<AbortSwitch>,
}

impl Guarded {
    async fn watch(&mut self, process: Process) -> anyhow::Result<Ended> {
        // They are meant for the other process, and are no reason to end before it.
        let _passed_over = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::terminate())?,
        ];
        let state = State::of(process)?;
        let mut end = end_of(process);
        let mut commands = commands();
        let mut ended = false;
        let mut looks = tokio::time::interval(LOOKS);
        while !state.is_over() {
            tokio::select! {
                Some(command) = commands.recv() => {
                    if command == "end" {
                        return Ok(Ended::Well);
                    }
                    self.execute(&command);
                }
                None = end.recv(), if !ended => ended = true,
                _ = looks.tick() => {}
            }
        }
        // One that was stopped itself may not have heard yet how it ended.
        while let Ok(Some(command)) = timeout(LAST_WORDS, commands.recv()).await {
            match command.as_str() {
                "end" => return Ok(Ended::Well),
                "detach" => match self.detach_dead() {
                    // It is tried until that is gone.
                    Err(e) if e.kind() == io::ErrorKind::ResourceBusy => {}
                    detached => detached?,
                },
                _ => {}
            }
        }
        Ok(Ended::Killed)
    }

    fn execute(&mut self, command: &str) {
        if let Some(mount) = command.strip_prefix("mount ").and_then(MountId::parse) {
            // A user may not where fusectl isn't mounted.
            self.switch = AbortSwitch::of(mount.device()).ok();
            self.mount = Some(mount);
        } else {
            let wrong = self.detach().err().map(|e| e.to_string());
            println!("{}", wrong.unwrap_or_default().replace('\n', " "));
        }
    }

    /// What somebody else has taken away already need not be.
    fn detach(&self) -> io::Result<()> {
        match self.there()? {
            Some(mount) => mounts::take_away(&mount.id()),
            None => Ok(()),
        }
    }

    /// The mount, if it is still there. Another one by the same path is left alone.
    fn there(&self) -> io::Result<Option<Mount>> {
        match &self.mount {
            Some(id) => Ok(MountTable::read()?.get(id).filter(|m| m.is_ours()).cloned()),
            None => mounts::ours_at(&self.mountpoint),
        }
    }

    /// Tries again where the system has no memory left for it, which it has soon when the other process is gone, and when
    /// what is mounted changes, where something lies over it.
    fn take_away_at_last(&self, process: Process) -> io::Result<()> {
        let table = File::open(MOUNTS)?;
        let mut pauses = (0..ATTEMPTS).map(|n| FIRST_PAUSE * 2u32.pow(n));
        loop {
            match (self.take_away(process), pauses.next()) {
                (Err(e), _) if e.kind() == io::ErrorKind::ResourceBusy => until_changed(&table)?,
                (Err(_), Some(pause)) => std::thread::sleep(pause),
                (taken, _) => return taken,
            }
        }
    }

    /// Frees all who wait for an answer, and takes the mount away: as the last of the process, so that whoever sees it gone
    /// may mount again.
    fn take_away(&self, process: Process) -> io::Result<()> {
        let Some(mount) = &self.mount else {
            return self.take_unknown_away();
        };
        // What nothing holds is gone in a moment. Not to be told of it is no reason to wait.
        let _ = process.wait(Some(&seconds(1)));
        let aborted = match &self.switch {
            Some(switch) => switch.pull(),
            None => abort_unless_it_lives(mount.device()),
        };
        match aborted {
            // For want of memory a thread may still hold the connection: another try is worth it.
            Err(e) if e.kind() == io::ErrorKind::OutOfMemory => return Err(e),
            // A user may not where fusectl isn't mounted. Then the connection ended with the process.
            _ => {}
        }
        let _ = process.wait(Some(&seconds(5)));
        self.detach_dead()
    }

    /// The numbers are another mount's by now if that answers: nobody is there who could serve this one.
    fn detach_dead(&self) -> io::Result<()> {
        match self.there()? {
            Some(mount) if is_covered(&mount)? || probe::health(&mount)? != Health::Lives => {
                mounts::take_away(&mount.id())
            }
            _ => Ok(()),
        }
    }

    /// The process ended before it could tell what it mounted: whatever is dead there is of no use to anybody.
    fn take_unknown_away(&self) -> io::Result<()> {
        match self.there()? {
            Some(mount) if probe::health(&mount)? == Health::Dead => mounts::take_away(&mount.id()),
            _ => Ok(()),
        }
    }
}

/// Whether something lies over a mount, so that who asks at its path asks that; it isn't taken away then.
fn is_covered(mount: &Mount) -> io::Result<bool> {
    Ok(MountTable::read()?.lies_over(mount).is_some())
}

/// Waits until something is mounted or unmounted since this file was opened, or was waited for: proc_pid_mounts(5).
fn until_changed(table: &File) -> io::Result<()> {
    let mut changes = [PollFd::new(table, PollFlags::PRI)];
    retry_on_intr(|| poll(&mut changes, None))?;
    Ok(())
}

/// The device number may be another mount's by now, and that one answers.
fn abort_unless_it_lives(device: &str) -> io::Result<()> {
    match mounts::of_device(device)? {
        Some(mount) if probe::health(&mount)? != Health::Lives => mounts::abort(&mount),
        _ => Ok(()),
    }
}

/// The lines that the other process writes, as they come.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        // Nobody listens any more when the guard ends.
        lines
            .map_while(|line| sender.send(line).ok())
            .for_each(drop);
    });
    receiver
}

/// A channel that closes when the process has ended; which stays open where the kernel can't tell.
fn end_of(process: Process) -> mpsc::Receiver<()> {
    let (open, end) = mpsc::channel(1);
    std::thread::spawn(move || match process.wait(None) {
        Ok(_) => drop(open),
        Err(_) => std::mem::forget(open),
    });
    end
}

fn seconds(tv_sec: i64) -> Timespec {
    Timespec { tv_sec, tv_nsec: 0 }
}
