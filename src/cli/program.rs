//! This program, started once more for a part of its work.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use crate::config::Config;
use crate::decoding::{Decoders, Limits};

/// The same file that runs now. An upgrade may have replaced the one by its name, which may say other words than this one:
/// then by the kernel's link to it, which shows as another name in the list of processes.
pub fn again() -> io::Result<Command> {
    let file = std::env::current_exe()?;
    if file.exists() {
        return Ok(Command::new(file));
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg0("kbasefs");
    Ok(command)
}

/// What decodes pictures: this program in processes of its own.
pub fn decoders(config: &Config) -> Decoders {
    let limits = Limits {
        time: Duration::from_secs_f64(config.decode_time_s),
        file_bytes: config.max_file_size_mb << 20,
    };
    Decoders::in_workers(Box::new(again), limits)
}
