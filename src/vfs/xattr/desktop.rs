//! The attributes that desktop programs know: freedesktop.org's common ones and Baloo's rating.

use super::{Attribute, Reading, set_tags, set_text, tag_list, text};
use crate::catalog::{Detail, Edit, Facet, Label, TextField};
use crate::vfs::error::{Error, Result};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.xdg.comment",
        get: |detail| text(detail, TextField::Description),
        set: Some(|value| Ok(set_text(TextField::Description, value))),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.xdg.tags",
        get: tag_list,
        set: Some(|value| Ok(set_tags(value))),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.baloo.rating",
        get: rating,
        set: Some(set_rating),
        reading: Reading::Plain,
    },
];

/// Baloo counts half stars: 0 to 10.
fn rating(detail: &Detail) -> Option<String> {
    let labels = Label::effective_of(&detail.entry.labels, Facet::Rating);
    let rating = labels.first()?;
    let stars: u8 = rating.value.parse().ok()?;
    Some((stars * 2).to_string())
}

/// Halves count as the next whole star. Nothing takes the stars away, as removing the attribute does.
fn set_rating(value: &str) -> Result<Edit> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(Edit::ClearRating);
    }
    match value.parse::<u8>() {
        Ok(halves @ 0..=10) => Ok(Edit::SetRating(halves.div_ceil(2))),
        _ => Err(Error::Invalid(format!(
            "{value:?} is no number from 0 to 10"
        ))),
    }
}
