//! Which process a thread belongs to, and what it is called.
//!
//! The kernel tells a file system the id of the thread that asks, not that of its process (`task_pid` in
//! <https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/fs/fuse/dev.c>), and a program that looks
//! at photos does so on many threads.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::known;
use crate::catalog::clean;

/// A process for good: ids are used again, but not with the same start.
pub type Key = (u32, u64);

/// A process that asks for something.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its number and its start.
    pub key: Key,
    /// At most 15 characters; empty where it has none that prints.
    pub name: String,
}

/// How long an answer is taken for true: a thread id is hardly used again that soon.
const FRESH: Duration = Duration::from_secs(3);

/// Threads remembered. What is old goes first, then all: to look one up anew takes two small files of `/proc`.
const MOST: usize = 1024;

/// Helpers that start one another: a sandbox is two processes, and starts a loader.
const MOST_HELPERS: usize = 4;

/// Bytes that such a file of `/proc` has at most, as a rule.
const LARGEST: usize = 4096;

/// The first process of a system takes those in whose parents have ended; they don't work for it.
const FIRST: u32 = 1;

/// Processes by thread, remembered for a while.
pub struct Processes {
    proc: PathBuf,
    known: HashMap<u32, (Instant, Option<Process>)>,
}

struct Found {
    process: Process,
    parent: u32,
}

impl Default for Processes {
    fn default() -> Self {
        Self::new("/proc".into())
    }
}

impl Processes {
    pub fn new(proc: PathBuf) -> Self {
        Self {
            proc,
            known: HashMap::new(),
        }
    }

    /// The process of a thread. `None` for the kernel's 0, and for what isn't there or can't be seen from here.
    pub fn of_thread(&mut self, thread: u32, now: Instant) -> Option<Process> {
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < FRESH;
        if let Some((_, process)) = self.known.get(&thread).filter(|(at, _)| is_fresh(*at)) {
            return process.clone();
        }
        if self.known.len() >= MOST {
            self.known.retain(|_, (at, _)| is_fresh(*at));
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let process = self.look_up(thread).map(|found| found.process);
        self.known.insert(thread, (now, process.clone()));
        process
    }

    /// The process that a thread works for now: whoever started it, where it is a helper. Nothing of that is remembered:
    /// a shell that starts a program in its own place has another name within the same moment.
    pub fn behind(&self, thread: u32) -> Option<Process> {
        let mut found = self.look_up(thread)?;
        for _ in 0..MOST_HELPERS {
            if !known::is_helper(&found.process.name) || found.parent <= FIRST {
                break;
            }
            found = match self.look_up(found.parent) {
                Some(parent) => parent,
                None => break,
            };
        }
        Some(found.process)
    }

    fn look_up(&self, thread: u32) -> Option<Found> {
        if thread == 0 {
            return None;
        }
        let status = self.read(thread, "status")?;
        let id = number(&status, "Tgid:")?;
        let (name, start) = name_and_start(&self.read(id, "stat")?)?;
        let name = clean(&name, 15).unwrap_or_default();
        Some(Found {
            process: Process {
                key: (id, start),
                name,
            },
            parent: number(&status, "PPid:")?,
        })
    }

    fn read(&self, id: u32, file: &str) -> Option<String> {
        let path = self.proc.join(id.to_string()).join(file);
        // These files have no size: without room for the whole, reading one takes seven calls instead of two.
        let mut bytes = Vec::with_capacity(LARGEST);
        File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn number(status: &str, field: &str) -> Option<u32> {
    let line = status.lines().find_map(|l| l.strip_prefix(field))?;
    line.trim().parse().ok()
}

/// The name stands in parentheses and may hold some itself; the start is field 22, see proc_pid_stat(5).
fn name_and_start(stat: &str) -> Option<(String, u64)> {
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once(" (")?;
    let start = after.split(' ').nth(19)?.trim().parse().ok()?;
    Some((name.to_owned(), start))
}
