//! The source folder: what is in it and what its files say of themselves. Reads, never writes.
//!
//! [`Sync`] keeps the catalog in step with the folder: it walks, compares with the index, opens what is new, and
//! commits what happened; [`Follower`] has it do so whenever something happens there; a `Scanner` is both, for one source.
//! Knows nothing of views, pictures' content or who looks at them.

mod batch;
mod debouncer;
mod decision;
mod disks;
mod effective_permissions;
mod error;
pub mod facts;
mod folder_rules;
mod follow;
mod hashing;
mod missing;
mod moves;
mod non_pictures;
mod report;
mod rereading;
mod returned;
mod samples;
mod scan;
mod scan_scope;
mod scanner;
mod suspects;
mod sync;
mod walk;
mod watch;

pub use error::Error;
pub(crate) use follow::Following;
pub use follow::{Follower, Mode, Watching};
pub(crate) use report::Progress;
pub use report::Report;
pub(crate) use scanner::{At, Scanner};
pub use sync::{Options, Sync};
