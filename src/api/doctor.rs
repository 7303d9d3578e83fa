//! What `kbasefs doctor` finds.

use serde::Serialize;

/// Everything looked at.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// Whether nothing is wrong.
    pub well: bool,
    /// In the order in which they were looked at.
    pub findings: Vec<Finding>,
}

/// One thing looked at.
#[derive(Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was looked at: `kernel`, `index`, `provider`.
    pub what: &'static str,
    /// Whether it is as it should be.
    pub state: FindingState,
    /// How it is.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self::new(what, FindingState::Ok, message, None)
    }

    /// It works, with less than there could be.
    pub fn note(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(what, FindingState::Note, message, Some(hint.into()))
    }

    /// It doesn't work.
    pub fn wrong(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(what, FindingState::Wrong, message, Some(hint.into()))
    }

    fn new(
        what: &'static str,
        state: FindingState,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let message = message.into();
        Self {
            what,
            state,
            message,
            hint,
        }
    }
}

/// How a thing is that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// As it should be.
    Ok,
    /// It works, with less than there could be.
    Note,
    /// It doesn't work.
    Wrong,
}
