//! Finding out what is in a picture: when, in what order, by whom, and never twice.
//!
//! The scheduler decides and loops; analyzers only look. Nothing here knows of FUSE or SQL.

pub mod colors;
mod crawlers;
pub mod phash;
pub mod preview;
pub mod providers;
pub mod scheduler;

pub use crawlers::Crawlers;
pub use scheduler::{Ended, Options as SchedulerOptions, Provider, Scheduler};

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::catalog::{Answer, Facts};

/// A decoded picture: upright, sRGB, 8 bits, 3 channels, row by row without padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

/// What an analyzer is shown.
#[derive(Clone)]
pub struct Subject {
    pub picture: Arc<Picture>,
    /// What the file says of itself; place and date may go into the description.
    pub facts: Arc<Facts>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// May work later.
    #[error("{reason}")]
    Transient {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// Will not work for this picture.
    #[error("{reason}")]
    Permanent { reason: String },
    /// The analyzer is of no use to any picture just now.
    #[error("{reason}")]
    Host { reason: String },
}

/// What kind of access starts an analyzer, the cheapest first: see "What counts as an access".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// A view that would show the photo was opened.
    Listed,
    /// The content was read by a process that is not crawling.
    Read,
    /// The description was asked for on purpose.
    Asked,
}

impl Access {
    /// What the same access counts for when it comes from a crawler.
    pub fn degraded(self) -> Option<Self> {
        match self {
            Self::Listed => None,
            Self::Read => Some(Self::Listed),
            Self::Asked => Some(Self::Read),
        }
    }
}

/// Something that can say what is in a picture.
pub trait Analyzer: Send + Sync {
    /// The configured name, unique among the analyzers.
    fn name(&self) -> &str;

    /// The model behind it, with its version.
    fn model(&self) -> &str;

    /// Whether it is a server (its labels are of origin `remote`) rather than the model inside this program.
    fn is_remote(&self) -> bool;

    /// Looks at one picture. An analyzer that computes may block the thread that polls it.
    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>>;
}
