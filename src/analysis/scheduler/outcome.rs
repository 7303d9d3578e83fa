//! How the work on a photo ends.

use super::state::QueueId;
use crate::analysis::Failure;
use crate::catalog::{Change, FileStat, PhotoId, clean};
use crate::panics;

/// How a photo ended, for those who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnalysisResult {
    /// There is an answer, or a copy of the photo had one.
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
pub enum JobOutcome {
    /// There is an answer.
    Analyzed,
    /// Another photo of the same content was or is analysed.
    Copied,
    /// Another server has answered about the content, in place of this one.
    AnsweredBy(QueueId),
    /// The content can't be read or decoded: recorded, and not tried again by anyone until the file changes.
    Failed(String),
    /// Recorded for the analyzer: it isn't asked again about this picture.
    Declined {
        /// Whether the model declined, and not that something failed.
        refused: bool,
        reason: String,
    },
    /// Not recorded: the next access tries again.
    RetryLater(String),
    /// The file doesn't answer. Not recorded: it is read when it does.
    SetAside,
    /// There was nothing to do, or the file isn't what it was.
    Skipped,
}

/// Why there is nothing to show of a file that doesn't answer.
pub const UNRESPONSIVE: &str = "the file does not answer, and is tried again when it does";

/// Characters of a reason that are kept: it is shown as an attribute, in a list and in a log, each of one line.
const LONGEST_REASON: usize = 300;

impl JobOutcome {
    /// How a copy ends when the photo that was analysed for it ended like this.
    pub fn of_duplicate(&self) -> Self {
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

    /// How an analyzer inside the program ended that has no answer. It is asked once: what it can't do now, it can't do
    /// later either, unless it says so.
    pub fn of_analyzer(failure: &Failure) -> Self {
        let reason = reason_of(failure);
        let refused = matches!(failure, Failure::Refused { .. });
        match failure {
            Failure::Permanent { .. } | Failure::Refused { .. } | Failure::Unusable { .. } => {
                Self::Declined { refused, reason }
            }
            Failure::Transient { .. } | Failure::Busy { .. } | Failure::Host { .. } => {
                Self::RetryLater(reason)
            }
        }
    }
}

/// Why something failed, for people.
pub fn reason_of(failure: &Failure) -> String {
    let reason = clean(&failure.to_string(), LONGEST_REASON);
    reason.unwrap_or_else(|| "no reason was given".into())
}

/// Of a picture that can't be decoded.
impl From<Failure> for JobOutcome {
    fn from(failure: Failure) -> Self {
        match Self::of_analyzer(&failure) {
            Self::Declined { reason, .. } => Self::Failed(reason),
            later => later,
        }
    }
}

impl AnalysisResult {
    /// This, or how it ended in another queue: what went wrong counts most, then that something was done.
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

impl From<JobOutcome> for AnalysisResult {
    fn from(outcome: JobOutcome) -> Self {
        match outcome {
            JobOutcome::Analyzed | JobOutcome::Copied | JobOutcome::AnsweredBy(_) => Self::Analyzed,
            JobOutcome::Declined {
                refused: true,
                reason,
            } => Self::Refused(reason),
            JobOutcome::Failed(reason)
            | JobOutcome::Declined { reason, .. }
            | JobOutcome::RetryLater(reason) => Self::Failed(reason),
            JobOutcome::SetAside => Self::Failed(UNRESPONSIVE.into()),
            JobOutcome::Skipped => Self::Skipped,
        }
    }
}

/// A panic over one picture must not cost the others.
pub fn contained<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panics::contained(work).unwrap_or_else(|panic| {
        let reason = format!("the analysis broke down: {}", panics::message(&panic));
        Err(Failure::Permanent { reason })
    })
}
