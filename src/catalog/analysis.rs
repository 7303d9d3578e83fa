//! What an analysis gives.

use super::{ContentHash, FileStat, Label};

/// A word for something in the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Lower case, singular where English, at most 64 characters.
    pub name: String,
    /// 0 to 1.
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

/// What one full read of a picture gave: everything that is committed together.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub hash: ContentHash,
    /// The file as it was while it was read; the result is attached only to a photo that still looks like this.
    pub stat: FileStat,
    /// Upright pixels of the original.
    pub width: u32,
    pub height: u32,
    /// Main colours, of facet `color` and origin `file`.
    pub colors: Vec<Label>,
    /// 64-bit perceptual hash; near-duplicates differ in few bits.
    pub perceptual_hash: u64,
    /// Who answered: the configured name of the analyzer and its model.
    pub analyzer: String,
    pub model: String,
    /// Of the analyzer: another one might answer otherwise.
    pub version: String,
    /// `true` for a model on a server.
    pub remote: bool,
    pub answer: Answer,
}
