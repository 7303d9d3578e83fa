//! Everything that was counted up to a moment, as plain values.

use std::time::Duration;

use super::{Process, Route, Times};
use crate::api::HostUse;

#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub version: &'static str,
    /// Seconds since 1970.
    pub started: f64,
    pub uptime: Duration,
    /// No analysis is begun until somebody says so.
    pub paused: bool,
    /// By state; `None` while the index is being loaded.
    pub photos: Option<Vec<(&'static str, u64)>>,
    /// Photos in the queues, by how much they are wanted, the most first.
    pub waiting: Vec<(&'static str, u64)>,
    /// The model inside the program first, then servers in the order in which they are asked.
    pub hosts: Vec<HostUse>,
    pub stages: Vec<(&'static str, Times)>,
    /// What went wrong, by kind.
    pub errors: Vec<(&'static str, u64)>,
    pub caches: Vec<CacheUse>,
    pub decode_workers: WorkerProcesses,
    pub process: Process,
    /// Bytes that the settings allow the process.
    pub memory_limit: u64,
    /// What the kernel asked; empty without a mount.
    pub requests: Vec<Requests>,
    /// What the web page was asked.
    pub routes: Vec<Route>,
    /// Bytes of the index, and those that are free on its disk.
    pub index_bytes: Option<u64>,
    pub index_free_bytes: Option<u64>,
    /// Nothing can be kept now, and so nothing is analysed.
    pub unkept: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    pub name: &'static str,
    pub hits: u64,
    pub misses: u64,
}

/// Processes that work for this one, each at one thing at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerProcesses {
    /// Those that are there.
    pub running: u64,
    /// Those that were ever started.
    pub started: u64,
    /// Those that are gone, by what ended them.
    pub ended: Vec<(&'static str, u64)>,
}

/// Requests of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub kind: &'static str,
    /// Those that have come, answered or not.
    pub begun: u64,
    /// From the request to its answer.
    pub times: Times,
}

impl Counters {
    /// Photos that were looked at, by whomever.
    pub fn analyzed(&self) -> u64 {
        self.hosts.iter().map(|host| host.ends.analyzed).sum()
    }

    pub fn queued(&self) -> u64 {
        self.waiting.iter().map(|(_, photos)| photos).sum()
    }

    pub fn error_count(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }

    pub fn request_count(&self) -> u64 {
        self.requests.iter().map(|kind| kind.begun).sum()
    }
}
