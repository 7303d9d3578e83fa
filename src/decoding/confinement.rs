//! What a worker gives up before its first picture: files, connections, programs, and more memory than a picture needs.
//!
//! Landlock and seccomp say the same twice: where a kernel lacks one, or a container refuses it, the other holds. None of it
//! can be taken back. Knows nothing of pictures.

use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, Scope};
use rustix::param::page_size;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Confines this process, of one thread still, to what it has open. It may take so many more bytes of memory.
///
/// # Errors
/// When the system refuses a limit.
pub fn enter(memory: u64) -> io::Result<()> {
    // Where memory is short, a picture goes before the catalog. Without `/proc` nothing is lost.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let mapped = mapped_bytes();
    close_files().map_err(io::Error::other)?;
    limit(Resource::As, mapped.saturating_add(memory))?;
    for none in [Resource::Core, Resource::Fsize, Resource::Nofile] {
        limit(none, 0)?;
    }
    // For other processors there is no list of calls.
    #[cfg(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    ))]
    super::calls::close().map_err(io::Error::other)?;
    Ok(())
}

/// What the program itself takes.
fn mapped_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    // Without `/proc`: more than it has.
    pages.map_or(1 << 30, |pages| pages * page_size() as u64)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let most = Some(most);
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    Ok(setrlimit(resource, limit)?)
}

/// No path leads anywhere, no port is open, and no other process gets a signal: as far as the kernel knows of these.
fn close_files() -> Result<(), RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::{fs, thread};

    use rustix::process::{Pid, getppid, test_kill_process};

    use super::*;

    /// This test, run as a process of its own, is the one that is confined.
    const OF_ITS_OWN: &str = "KBASEFS_TEST_IS_CONFINED";

    /// What each try came to.
    fn tries(parent: Pid) -> Vec<(&'static str, bool)> {
        vec![
            ("reads a file", fs::read("/etc/passwd").is_ok()),
            ("reads of itself", fs::read("/proc/self/status").is_ok()),
            ("lists a folder", fs::read_dir("/").is_ok()),
            ("writes a file", fs::write("/dev/null", "x").is_ok()),
            ("listens", TcpListener::bind("127.0.0.1:0").is_ok()),
            ("has a socket", UnixDatagram::unbound().is_ok()),
            (
                "starts a program",
                Command::new("/bin/true").status().is_ok(),
            ),
            ("sends a signal", test_kill_process(parent).is_ok()),
            ("lifts a limit", limit(Resource::Core, 0).is_ok()),
        ]
    }

    #[test]
    fn who_is_confined_reaches_nothing() {
        let parent = getppid().unwrap();
        if std::env::var_os(OF_ITS_OWN).is_some() {
            enter(1 << 30).unwrap();
            let done: Vec<_> = tries(parent).into_iter().filter(|(_, is)| *is).collect();
            let memory = thread::Builder::new().spawn(|| vec![1u8; 64 << 20].len());
            println!("confined: {done:?}, {}", memory.unwrap().join().unwrap());
            std::process::exit(0);
        }
        // What it is to be kept from is possible here.
        let refused: Vec<_> = tries(parent).into_iter().filter(|(_, is)| !*is).collect();
        assert_eq!(refused, []);
        let name = "decoding::confinement::tests::who_is_confined_reaches_nothing";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(OF_ITS_OWN, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("confined: [], 67108864"), "{output:?}");
    }
}
