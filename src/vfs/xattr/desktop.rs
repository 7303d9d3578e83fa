//! The attributes that desktop programs know: freedesktop.org's common ones and Baloo's rating.

use std::fmt::{self, Write};

use super::value::{write_tags, write_text};
use super::{Attribute, Reading, set_tags, set_text};
use crate::catalog::{Detail, Edit, Facet, Label, TextField};
use crate::vfs::error::{Error, Result};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.xdg.comment",
        write: |detail, out| write_text(detail, TextField::Description, out),
        set: Some(|value| Ok(set_text(TextField::Description, value))),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.xdg.tags",
        write: write_tags,
        set: Some(|value| Ok(set_tags(value))),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.baloo.rating",
        write: write_rating,
        set: Some(set_rating),
        reading: Reading::Plain,
    },
];

/// Baloo counts half stars: 0 to 10.
fn write_rating(detail: &Detail, out: &mut dyn Write) -> fmt::Result {
    let labels = Label::effective_of(&detail.entry.labels, Facet::Rating);
    let stars = labels.first().and_then(|l| l.value.parse::<u8>().ok());
    stars.map_or(Ok(()), |stars| write!(out, "{}", stars * 2))
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
