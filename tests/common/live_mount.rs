//! A process that mounts in the foreground, waited for.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// Starts a mount and waits until it is live: the process, and its whole log once it has ended. Somebody has to read the
/// log, or the process would wait for a reader one day.
///
/// # Errors
/// What it said, when it ended without a mount.
pub fn start(command: &mut Command) -> Result<(Child, JoinHandle<String>), String> {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("is mounted on") {
        if log.read_line(&mut text).unwrap() == 0 {
            child.wait().unwrap();
            return Err(text);
        }
    }
    let log = std::thread::spawn(move || {
        log.read_to_string(&mut text).unwrap();
        text
    });
    Ok((child, log))
}
