//! What is kept of providers beside the catalog: what they had to say on which photo, what they cost, what their
//! servers can do.

use super::Result;
use crate::catalog::{ContentHash, PhotoId};

pub use crate::catalog::{Declined, Spent};

/// What came of a provider's looks at a content so far: nothing where it is pending for it. Both are there where an earlier
/// version answered, which goes on holding, and a later one failed or declined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerState {
    /// The version of the provider that answered.
    pub answered: Option<String>,
    /// The version that failed or declined, and why.
    pub declined: Option<(String, Declined)>,
}

/// What is kept of providers. Calls may block on the disk. What a call made durable stays so, however the process
/// ends.
pub trait ProviderStore: Send + Sync {
    /// Hands over every photo on whose content a provider answered (`true`), or failed or declined (`false`), with the
    /// version that did; a photo may come twice, and one that doesn't is pending for the provider.
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()>;

    /// What came of a provider's looks at a content so far.
    fn answer_state(&self, provider: &str, content: &ContentHash) -> Result<AnswerState>;

    /// Forgets that a provider had no answer on a content: it may be asked again. On the disk when it returns.
    fn reconsider(&self, provider: &str, content: &ContentHash) -> Result<()>;

    /// Adds to what a provider took on a day, `2026-01-31`: by itself, where no answer comes of it. On the disk when it
    /// returns.
    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()>;

    /// What a provider took on all days that begin like this: `2026-01` is a month.
    fn spent(&self, provider: &str, days: &str) -> Result<Spent>;

    /// What was found out about a server, in words of whoever found it out.
    fn learned(&self, server: &str) -> Result<Option<String>>;

    /// Keeps what was found out about a server, in the place of what was known.
    fn learn(&self, server: &str, what: &str) -> Result<()>;

    /// Whether something can be kept now: writes about as much as an answer, and takes it away again.
    fn probe(&self) -> Result<()>;
}
