//! Where the time of an analysis goes.

use std::time::{Duration, Instant};

use crate::metrics::{Histogram, Times};

/// A part of an analysis.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Reading the file and hashing it.
    Read,
    /// From the bytes to the picture, its colours and its perceptual hash.
    Decode,
    /// The analyzers inside the program.
    Infer,
    /// A request to a server, until its answer is there.
    Request,
    /// Making results durable and visible.
    Commit,
}

/// How long each stage took, of all threads together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// From the disk or its cache, with the hash.
    pub read: Times,
    /// With the colours and the perceptual hash.
    pub decode: Times,
    /// Of all analyzers inside the program.
    pub infer: Times,
    /// Of all servers; waiting for leave to send isn't in it.
    pub request: Times,
    /// Of a batch, not of a photo.
    pub commit: Times,
}

impl Stages {
    /// Each with its name, in the order in which a photo goes through them.
    pub fn named(&self) -> [(&'static str, Times); 5] {
        [
            ("read", self.read),
            ("decode", self.decode),
            ("infer", self.infer),
            ("request", self.request),
            ("commit", self.commit),
        ]
    }
}

/// Counts the times as they pass.
#[derive(Default)]
pub struct Stopwatch {
    stages: [Histogram; 5],
}

impl Stopwatch {
    pub fn add(&self, stage: Stage, spent: Duration) {
        self.stages[stage as usize].add(spent);
    }

    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    pub fn stages(&self) -> Stages {
        let spent = |stage: Stage| self.stages[stage as usize].read();
        Stages {
            read: spent(Stage::Read),
            decode: spent(Stage::Decode),
            infer: spent(Stage::Infer),
            request: spent(Stage::Request),
            commit: spent(Stage::Commit),
        }
    }
}
