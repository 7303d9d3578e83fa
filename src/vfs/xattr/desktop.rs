//! The attributes that desktop programs know: freedesktop.org's common ones and Baloo's rating.

use super::{Attribute, Reading, set_tags, set_text, tag_list, text};
use crate::catalog::{Detail, Edit, Facet, Label, TextField};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.xdg.comment",
        get: |detail| text(detail, TextField::Description),
        set: Some(|value| set_text(TextField::Description, value)),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.xdg.tags",
        get: tag_list,
        set: Some(set_tags),
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

fn set_rating(value: &str) -> Edit {
    match value.trim().parse::<u8>() {
        Ok(halves) => Edit::SetRating(halves.min(10).div_ceil(2)),
        Err(_) => Edit::ClearRating,
    }
}
