//! What the system says of this process: memory, processor time, open files, room on a disk.

use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// As of now. `None` where the system doesn't say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    pub resident_bytes: Option<u64>,
    /// The most that it ever was.
    pub peak_bytes: Option<u64>,
    /// Of what is resident, what holds no file's content.
    pub anonymous_bytes: Option<u64>,
    /// Of all threads together.
    pub cpu: Duration,
    pub open_files: Option<u64>,
}

impl Process {
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            resident_bytes: bytes(&status, "VmRSS:"),
            peak_bytes: bytes(&status, "VmHWM:"),
            anonymous_bytes: bytes(&status, "RssAnon:"),
            cpu: cpu(),
            open_files: open_files(),
        }
    }
}

/// Bytes of a process's memory that hold no file's content, by its number.
pub fn anonymous_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    bytes(&status, "RssAnon:")
}

/// A line of such a file, in bytes.
fn bytes(status: &str, line: &str) -> Option<u64> {
    let value = status.lines().find_map(|l| l.strip_prefix(line))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or(0))
}

fn open_files() -> Option<u64> {
    // The folder that is being read is one of them.
    let entries = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some((entries as u64).saturating_sub(1))
}

/// Bytes that are free for this process on the disk of a file.
pub fn free_bytes(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file.parent()?).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_this_process() {
        let first = Process::now();
        assert!(first.resident_bytes.unwrap() > 1 << 20);
        assert!(first.peak_bytes >= first.resident_bytes);
        assert!(first.open_files.unwrap() >= 3 && first.cpu > Duration::ZERO);
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(free_bytes(file.path()).unwrap() > 0);
        assert_eq!(free_bytes(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn a_line_that_is_not_there_is_unknown() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(2 << 20));
        assert_eq!(bytes(status, "VmHWM:"), None);
    }

    #[test]
    fn what_is_held_grows_with_what_is_taken() {
        let held = || anonymous_bytes(std::process::id()).unwrap();
        let before = held();
        // More than all other tests of this process give back meanwhile.
        let taken = vec![1u8; 256 << 20];
        let after = held();
        assert!(after > before + (128 << 20), "{before} {after}");
        drop(taken);
    }
}
