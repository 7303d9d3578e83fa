//! Being a worker: decodes what comes by standard input, one file after the other, until nobody asks any more.
//!
//! It has no file, makes no connection and starts nothing: see `confinement`. It ends with whoever started it.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::process::{Signal, set_parent_process_death_signal};

use super::confinement;
use super::message::{self, Question, READY};
use crate::faults;
use crate::media::decode::{self, limits};

/// What the program is called with to be one.
pub const COMMAND: &str = "decode-worker";

/// Bytes that one may hold beside the program and the file: pixels as stored, in 8 bits, shrunk, and in other colours, and what
/// the C library reserves for the threads on which a JPEG is decoded.
pub const MOST_MEMORY: u64 = 6 * limits::MOST_BYTES;

/// A buffer larger than this is given back after use: most photos fit.
const LARGEST_KEPT_BUFFER: usize = 32 << 20;

/// Works until the other end of standard input, a socket, is closed. `memory`: bytes that it may hold.
///
/// # Errors
/// When it can't be confined, or the connection breaks.
pub fn run(memory: u64) -> io::Result<()> {
    // Of a parent that ended before, the socket tells.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A decoder that panics costs its picture, which is told by the answer.
    std::panic::set_hook(Box::new(|_| ()));
    let mut parent = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    confinement::enter(memory)?;
    parent.write_all(&READY)?;
    let mut file = Vec::new();
    while let Some(question) = Question::receive(&mut parent)? {
        read(&mut parent, question.length, &mut file)?;
        misbehave(&file);
        let decoded = decode::decode(&file, question.longest);
        message::send(&decoded.map_err(|e| e.to_string()), &mut parent)?;
        file.clear();
        file.shrink_to(LARGEST_KEPT_BUFFER);
    }
    Ok(())
}

fn read(from: &mut UnixStream, length: u64, file: &mut Vec<u8>) -> io::Result<()> {
    file.reserve_exact(usize::try_from(length).map_err(io::Error::other)?);
    match from.take(length).read_to_end(file)? as u64 {
        read if read == length => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// What a picture of a test does to its decoder, as its last bytes ask.
fn misbehave(file: &[u8]) {
    if !faults::is_asked("hostile-pictures") {
        return;
    }
    if file.ends_with(b"never ends") {
        loop {
            std::hint::spin_loop();
        }
    }
    if file.ends_with(b"takes all memory") {
        let mut all = Vec::new();
        loop {
            all.push(std::hint::black_box(Vec::<u8>::with_capacity(64 << 20)));
        }
    }
}
