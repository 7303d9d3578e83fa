//! How the work on a photo ends.

use crate::analysis::Failure;
use crate::catalog::{Change, FileStat, PhotoId, clean};

/// How a photo ended, for those who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Analyzed,
    /// Why there is nothing to show; lower case, no full stop.
    Failed(String),
    /// There was nothing to do, or the file isn't what it was and the scan is to look first.
    Skipped,
}

/// How a photo ended, for the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Analyzed,
    /// Another photo of the same content was or is analysed.
    Copied,
    /// Recorded, and not tried again until the file changes.
    Failed(String),
    /// Not recorded: the next access tries again.
    Postponed(String),
    Skipped,
}

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 300;

impl Verdict {
    /// How a copy ends when the photo that was analysed for it ended like this.
    pub fn of_follower(&self) -> Self {
        match self {
            Self::Analyzed => Self::Copied,
            other => other.clone(),
        }
    }

    /// What is to be recorded of it, besides answers.
    pub fn change(&self, id: PhotoId, stat: FileStat) -> Option<Change> {
        match self {
            Self::Failed(reason) => Some(Change::Failed {
                id,
                stat,
                reason: reason.clone(),
            }),
            _ => None,
        }
    }

    /// This, or how another analyzer ended: an answer counts most, then what may still come, then a failure.
    pub fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Skipped | Self::Failed(_), Self::Analyzed | Self::Postponed(_)) => other,
            (Self::Skipped, _) | (Self::Postponed(_), Self::Analyzed) => other,
            _ => self,
        }
    }
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        let reason = clean(&failure.to_string(), LONGEST_REASON);
        let reason = reason.unwrap_or_else(|| "no reason was given".into());
        match failure {
            Failure::Permanent { .. } => Self::Failed(reason),
            Failure::Transient { .. } | Failure::Host { .. } => Self::Postponed(reason),
        }
    }
}

impl From<Verdict> for Ended {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Analyzed | Verdict::Copied => Self::Analyzed,
            Verdict::Failed(reason) | Verdict::Postponed(reason) => Self::Failed(reason),
            Verdict::Skipped => Self::Skipped,
        }
    }
}
