//! What is counted while the program works, and how it is told: as Prometheus wants it, and as people read it.
//!
//! Who works adds to a [`Histogram`] or a number of its own, which is a few additions; all else happens when
//! somebody reads. [`Counters`] are what was counted up to a moment, a [`History`] keeps what they were like lately, a
//! [`Snapshot`] is what both say about now. Knows nothing of who counts, or of who reads.

mod counters;
mod exposition;
mod families;
mod histogram;
mod history;
pub mod process;
mod snapshot;
mod traffic;

pub use counters::{CacheUse, Counters, Requests, WorkerProcesses};
pub use exposition::CONTENT_TYPE;
pub use families::exposition;
pub use histogram::{Histogram, Times};
pub use history::{History, Sample};
pub use process::Process;
pub use traffic::{Route, Traffic};
