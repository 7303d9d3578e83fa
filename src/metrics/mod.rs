//! What is counted while the program works, and how it is told: as Prometheus wants it, and as people read it.
//!
//! Who works adds to a [`Histogram`] or a number of its own, which is a few additions; all else happens when
//! somebody reads. [`Figures`] are what was counted up to a moment, an [`Hour`] keeps what they were like lately, a
//! [`Pulse`] is what both say about now. Knows nothing of who counts, or of who reads.

mod exposition;
mod families;
mod figures;
mod histogram;
mod hour;
pub mod process;
mod pulse;
mod traffic;

pub use families::exposition;
pub use figures::{Bill, CacheUse, Ends, Figures, HostUse, Requests};
pub use histogram::{Histogram, Times};
pub use hour::{Hour, Sample};
pub use process::Process;
pub use pulse::{Count, Latency, Pulse, Share, Trouble};
pub use traffic::{Route, Traffic};
