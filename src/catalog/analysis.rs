//! What an analysis gives.

use super::{ContentHash, FileStat};

/// A word for something in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// In lower case, singular where it is English, at most 64 characters.
    pub name: String,
    /// How sure the analyzer is, 0 to 1.
    pub confidence: f32,
}

/// What one analyzer says of one picture. Texts are validated: NFC, no control or bidi-override characters, bounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// At most 120 characters.
    pub title: Option<String>,
    /// At most 4,000 characters.
    pub description: Option<String>,
    /// Most confident first, at most 32.
    pub tags: Vec<Tag>,
}

/// An answer with all that it is kept under. What is measured in the picture is kept apart: see
/// [`Measured`](super::Measured).
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The content that was looked at: the answer holds for every photo that has it.
    pub hash: ContentHash,
    /// The file as it was while it was read; the result is attached only to a photo that still looks like this.
    pub stat: FileStat,
    /// Who answered: the configured name of the analyzer and its model.
    pub analyzer: String,
    /// The model that the analyzer asked, as its configuration names it.
    pub model: String,
    /// The analyzer's version. Another one might answer otherwise, so what an earlier one said is asked for again.
    pub version: String,
    /// `true` for a model on a server.
    pub remote: bool,
    /// What the analyzer said; empty where it looked and had nothing to say.
    pub answer: Answer,
}
