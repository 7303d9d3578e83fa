//! How the work on a photo ends.

use crate::analysis::Failure;
use crate::catalog::{Change, FileStat, PhotoId, clean};

/// How a photo ended, for those who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Analyzed,
    /// Why there is nothing to show; lower case, no full stop.
    Failed(String),
    /// The model declined to look, in its words.
    Refused(String),
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
    /// Recorded for the server: it isn't asked again about this picture.
    Declined {
        refused: bool,
        reason: String,
    },
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

/// Why something failed, for people.
pub fn reason_of(failure: &Failure) -> String {
    let reason = clean(&failure.to_string(), LONGEST_REASON);
    reason.unwrap_or_else(|| "no reason was given".into())
}

/// Of an analyzer inside the program, which is asked once.
impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        let reason = reason_of(&failure);
        match failure {
            Failure::Permanent { .. } | Failure::Refused { .. } | Failure::Unusable { .. } => {
                Self::Failed(reason)
            }
            Failure::Transient { .. } | Failure::Busy { .. } | Failure::Host { .. } => {
                Self::Postponed(reason)
            }
        }
    }
}

impl Ended {
    /// This, or how it ended in another lane: what went wrong counts most, then that something was done.
    pub fn or(self, other: Self) -> Self {
        let weight = |ended: &Self| match ended {
            Self::Skipped => 0,
            Self::Analyzed => 1,
            Self::Refused(_) => 2,
            Self::Failed(_) => 3,
        };
        match weight(&other) > weight(&self) {
            true => other,
            false => self,
        }
    }
}

impl From<Verdict> for Ended {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Analyzed | Verdict::Copied => Self::Analyzed,
            Verdict::Declined {
                refused: true,
                reason,
            } => Self::Refused(reason),
            Verdict::Failed(reason)
            | Verdict::Declined { reason, .. }
            | Verdict::Postponed(reason) => Self::Failed(reason),
            Verdict::Skipped => Self::Skipped,
        }
    }
}
