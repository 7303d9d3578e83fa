//! Where the time of an analysis goes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of an analysis.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Reading the file and hashing it.
    Read,
    /// From the bytes to the picture, its colours and its perceptual hash.
    Decode,
    /// The analyzers.
    Infer,
    /// Making results durable and visible.
    Commit,
}

/// Time spent in each stage, summed over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    pub read: Duration,
    pub decode: Duration,
    pub infer: Duration,
    pub commit: Duration,
}

/// Adds the times up as they pass.
#[derive(Default)]
pub struct Stopwatch {
    nanos: [AtomicU64; 4],
}

impl Stopwatch {
    pub fn add(&self, stage: Stage, spent: Duration) {
        let nanos = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.nanos[stage as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    pub fn stages(&self) -> Stages {
        let spent =
            |stage: Stage| Duration::from_nanos(self.nanos[stage as usize].load(Ordering::Relaxed));
        Stages {
            read: spent(Stage::Read),
            decode: spent(Stage::Decode),
            infer: spent(Stage::Infer),
            commit: spent(Stage::Commit),
        }
    }
}
