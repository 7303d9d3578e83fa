//! The attributes that desktop programs know: freedesktop.org's common ones and Baloo's rating.

use std::fmt::{self, Write};

use super::setting::{DESCRIPTION, RATING, TAGS};
use super::value::{write_tags, write_text};
use super::{Attribute, Reading};
use crate::catalog::{Detail, Facet, Label, TextField};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.xdg.comment",
        write: |detail, out| write_text(detail, TextField::Description, out),
        setting: Some(DESCRIPTION),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.xdg.tags",
        write: write_tags,
        setting: Some(TAGS),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.baloo.rating",
        write: write_rating,
        setting: Some(RATING),
        reading: Reading::Plain,
    },
];

/// Baloo counts half stars: 0 to 10.
fn write_rating(detail: &Detail, out: &mut dyn Write) -> fmt::Result {
    let labels = Label::effective_of(&detail.entry.labels, Facet::Rating);
    let stars = labels.first().and_then(|l| l.value.parse::<u8>().ok());
    stars.map_or(Ok(()), |stars| write!(out, "{}", stars * 2))
}
