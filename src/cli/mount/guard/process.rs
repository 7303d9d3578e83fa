//! A process, told from another one that has got its number, and whether it is over.
//!
//! Its end is not that of its files: a thread that the kernel can't stop keeps them open for as long as it waits. Such a
//! process is a zombie, which by its number alone looks alive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// By its number and the time of its start, in ticks since the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub started: u64,
}

impl Process {
    pub fn own() -> io::Result<Self> {
        let stat = std::fs::read("/proc/self/stat")?;
        let known = Stat::parse(&stat).ok_or_else(|| io::Error::other("/proc/self/stat"))?;
        Ok(Self {
            pid: rustix::process::getpid().as_raw_pid(),
            started: known.started,
        })
    }

    /// Waits until nothing of it is left: whether that is so within the limit.
    pub fn wait(self, limit: Option<&Timespec>) -> Result<bool, Errno> {
        wait_for(Pid::from_raw(self.pid).ok_or(Errno::SRCH)?, limit)
    }

    fn is_over_by(self, stat: &[u8]) -> bool {
        let known = Stat::parse(stat);
        known.is_none_or(|s| s.started != self.started || matches!(s.state, b'Z' | b'X'))
    }
}

/// The state of a process, kept open: the kernel keeps the buffer that it writes it into. A guard that asks for a new one
/// while its process is being killed for want of memory is the next to be killed, as what that frees isn't free yet.
pub struct State {
    process: Process,
    /// Absent where the process was over before.
    stat: Option<File>,
}

impl State {
    /// # Errors
    /// When the system doesn't tell.
    pub fn of(process: Process) -> io::Result<Self> {
        let stat = match File::open(format!("/proc/{}/stat", process.pid)) {
            Ok(stat) => Some(stat),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let state = Self { process, stat };
        // The first look makes the buffer.
        state.is_over();
        Ok(state)
    }

    /// Whether the process does nothing any more, even where parts of it are still there.
    pub fn is_over(&self) -> bool {
        let Some(stat) = &self.stat else { return true };
        let mut buffer = [0; LONGEST_STAT];
        match stat.read_at(&mut buffer, 0) {
            Ok(length) => self.process.is_over_by(&buffer[..length]),
            Err(e) => e.raw_os_error() == Some(ESRCH),
        }
    }
}

/// 52 numbers of at most 20 digits, and a name of at most 64 bytes.
const LONGEST_STAT: usize = 2048;

/// Waits until nothing of a process is left: whether that is so within the limit.
///
/// # Errors
/// When there is none of this number, or the kernel can't tell.
pub fn wait_for(pid: Pid, limit: Option<&Timespec>) -> Result<bool, Errno> {
    let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
    let mut end = [PollFd::new(&descriptor, PollFlags::IN)];
    Ok(retry_on_intr(|| poll(&mut end, limit))? > 0)
}

/// It has ended since its file was opened.
const ESRCH: i32 = Errno::SRCH.raw_os_error();

/// Of `/proc/PID/stat`: `pid (name) state ... started ...`.
struct Stat {
    state: u8,
    started: u64,
}

impl Stat {
    fn parse(stat: &[u8]) -> Option<Self> {
        // A name may have anything in it.
        let name_ends = stat.iter().rposition(|&b| b == b')')?;
        let rest = String::from_utf8_lossy(&stat[name_ends + 1..]).into_owned();
        let mut words = rest.split_whitespace();
        let state = *words.next()?.as_bytes().first()?;
        Some(Self {
            state,
            started: words.nth(18)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_over_and_another_of_its_number_is() {
        let is_over = |process| State::of(process).unwrap().is_over();
        let own = Process::own().unwrap();
        assert!(!is_over(own));
        let started = own.started + 1;
        assert!(is_over(Process { started, ..own }));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id().try_into().unwrap();
        child.wait().unwrap();
        assert!(is_over(Process { pid, started }));
    }

    #[test]
    fn the_end_of_a_process_shows_in_a_state_that_was_opened_before() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().try_into().unwrap();
        let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap();
        let started = Stat::parse(&stat).unwrap().started;
        let state = State::of(Process { pid, started }).unwrap();
        assert!(!state.is_over());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(state.is_over());
    }

    #[test]
    fn a_zombie_is_over_whatever_its_name() {
        let check = |stat: &str, expected| {
            let process = Process {
                pid: 7,
                started: 99,
            };
            assert_eq!(process.is_over_by(stat.as_bytes()), expected, "{stat}");
        };
        let rest = "1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 9 0";
        check(&format!("7 (a) Z (b) S {rest} 99 0"), false);
        check(&format!("7 (a) D {rest} 99 0"), false);
        check(&format!("7 (a) Z {rest} 99 0"), true);
        check(&format!("7 (a) S {rest} 98 0"), true);
        check("", true);
    }
}
