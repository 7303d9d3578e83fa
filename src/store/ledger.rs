//! What is kept of providers beside the catalog: what they had to say on which photo, what they cost, what their
//! servers can do.

use super::Result;
use crate::catalog::{ContentHash, PhotoId};

/// What a provider had to say on a content so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The version of the provider that answered.
    pub answered: Option<String>,
    /// The version that had no answer, and why.
    pub declined: Option<(String, Declined)>,
}

/// Why there is no answer, and won't be from the same version of the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Declined {
    /// Whether the model didn't want to look, rather than failed.
    pub refused: bool,
    /// For people: lower case, no full stop.
    pub reason: String,
}

/// What requests took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of the requests whose price is known.
    pub cost: f64,
    /// Requests whose price isn't known.
    pub unpriced: u64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.input_tokens += more.input_tokens;
        self.output_tokens += more.output_tokens;
        self.cost += more.cost;
        self.unpriced += more.unpriced;
    }
}

/// Calls may block on the disk. What a call made durable stays so, however the process ends.
pub trait Ledger: Send + Sync {
    /// Hands over every photo that a provider answered (`true`) or declined, with the version that did; a photo may
    /// come twice.
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()>;

    fn standing(&self, provider: &str, content: &ContentHash) -> Result<Standing>;

    /// Records that there is no answer.
    fn decline(
        &self,
        provider: &str,
        content: &ContentHash,
        version: &str,
        why: &Declined,
    ) -> Result<()>;

    /// Adds to what a provider took on a day, `2026-01-31`.
    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()>;

    /// What a provider took on all days that begin like this: `2026-01` is a month.
    fn spent(&self, provider: &str, days: &str) -> Result<Spent>;

    /// What was found out about a server, in words of whoever found it out.
    fn learned(&self, server: &str) -> Result<Option<String>>;

    fn learn(&self, server: &str, what: &str) -> Result<()>;
}
