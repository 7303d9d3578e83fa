//! Finding out what is in a picture: when, in what order, by whom, and never twice.
//!
//! The scheduler decides and loops; analyzers only look. Nothing here knows of FUSE or SQL.

pub mod budget;
pub mod colors;
mod crawlers;
pub mod parse;
pub mod phash;
pub mod preview;
pub mod previews;
pub mod prompt;
pub mod providers;
mod retry;
pub mod scheduler;
mod singular;
pub mod tag_normalizer;

pub use crawlers::Crawlers;
pub(crate) use crawlers::Process;
pub(crate) use retry::Retry;
pub use scheduler::{AnalysisResult, Options as SchedulerOptions, Provider, Scheduler};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::catalog::{Answer, Facts};
pub use crate::media::decode::Picture;

/// What an analyzer is shown.
#[derive(Clone)]
pub struct Subject {
    /// Whichever form is at hand; the other is made of it when it is asked for.
    pub shown: Shown,
    /// What the file says of itself; place and date may go into the description.
    pub facts: Arc<Facts>,
}

/// A picture in one of two forms: as pixels, or as the small JPEG that goes to servers.
#[derive(Clone)]
pub enum Shown {
    /// What analyzers inside the program look at: upright and sRGB.
    Pixels(Arc<Picture>),
    /// What a server is sent: about 100 KB, without metadata. See [`preview::jpeg`].
    Jpeg(Bytes),
}

impl Subject {
    /// A picture that is decoded already.
    pub fn of(picture: Arc<Picture>, facts: Arc<Facts>) -> Self {
        let shown = Shown::Pixels(picture);
        Self { shown, facts }
    }

    /// The pixels; those of a JPEG are decoded.
    pub fn picture(&self) -> Result<Arc<Picture>, Failure> {
        match &self.shown {
            Shown::Pixels(picture) => Ok(Arc::clone(picture)),
            Shown::Jpeg(jpeg) => Ok(Arc::new(preview::decode(jpeg)?.picture)),
        }
    }

    /// The JPEG; pixels are encoded, with no side longer than `longest`.
    pub fn jpeg(&self, longest: u32) -> Bytes {
        match &self.shown {
            Shown::Pixels(picture) => preview::jpeg(picture, longest).into(),
            Shown::Jpeg(jpeg) => jpeg.clone(),
        }
    }
}

/// Why there is no answer. Said by analyzers; what follows from it is the scheduler's.
///
/// Each has a reason for people: lower case, no full stop, with the provider's name and, where the server said
/// something, its own words.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The way to the server or the server itself is in trouble: may work later.
    #[error("{reason}")]
    Transient {
        /// What broke on the way.
        reason: String,
        /// What the server asked for; `None` where it leaves that to whoever repeats.
        retry_after: Option<Duration>,
    },
    /// The server has too much to do: will work later.
    #[error("{reason}")]
    Busy {
        /// What the server, or the budget of this minute, said.
        reason: String,
        /// When there will be room again; `None` where nobody knows.
        retry_after: Option<Duration>,
    },
    /// There was an answer, and it makes no sense; another may.
    #[error("{reason}")]
    Unusable {
        /// What is wrong with the answer.
        reason: String,
    },
    /// The model declines to look at this picture.
    #[error("{reason}")]
    Refused {
        /// In the model's words.
        reason: String,
    },
    /// Will not work for this picture.
    #[error("{reason}")]
    Permanent {
        /// What it is about this picture.
        reason: String,
    },
    /// The analyzer is of no use to any picture just now.
    #[error("{reason}")]
    Host {
        /// What the server or the system said.
        reason: String,
        /// Whether that passes by itself.
        outage: Outage,
    },
}

/// What makes an analyzer useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Nobody answers; that passes by itself.
    Unreachable,
    /// The key, the account or the model: a person has to do something.
    Denied,
    /// The budget of a day or a month is spent.
    Spent {
        /// When the next day or month begins, in seconds since 1970.
        until: i64,
    },
}

/// What kind of access starts an analyzer, the cheapest first: see "What counts as an access".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// None: the photo is there, that is all.
    Always,
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
            Self::Always | Self::Listed => None,
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

    /// Changes whenever its answers would come out different.
    fn version(&self) -> &str {
        self.model()
    }

    /// Whether it is a server (its labels are of origin `remote`) rather than the model inside this program.
    fn is_remote(&self) -> bool;

    /// Looks at one picture. An analyzer that computes may block the thread that polls it.
    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>>;
}
