//! What a person changes.

use super::TextField;

/// One change that a person makes to one photo. Stored with origin `human`.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The photo has this tag.
    Tag(String),
    /// The photo has not this tag, whoever says so.
    Untag(String),
    /// Forget what people said about tags; what others say shows again.
    ClearTags,
    /// Replace a text.
    SetText(TextField, String),
    /// Forget the person's text; what others say shows again.
    ClearText(TextField),
    /// 0 to 5.
    SetRating(u8),
    ClearRating,
}
