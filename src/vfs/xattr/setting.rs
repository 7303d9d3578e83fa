//! What setting and removing an attribute mean. A value that can't be meant is refused; every other one reads back as it
//! was set.

use std::collections::HashMap;

use super::{Error, Result};
use crate::catalog::{Edit, TextField, fold};

/// What changing an attribute means.
pub struct Setting {
    /// Fails for a value that can't be meant.
    pub set: fn(&str) -> Result<Edit>,
    pub remove: fn() -> Edit,
}

pub const DESCRIPTION: Setting = Setting {
    set: |text| set_text(TextField::Description, text),
    remove: || Edit::SetText(TextField::Description, String::new()),
};

pub const TITLE: Setting = Setting {
    set: |text| match text.contains('\n') {
        true => Err(Error::Invalid("a title is one line".into())),
        false => set_text(TextField::Title, text),
    },
    remove: || Edit::SetText(TextField::Title, String::new()),
};

pub const TAGS: Setting = Setting {
    set: set_tags,
    remove: || Edit::ClearTags,
};

/// Stars, counted in halves as Baloo does.
pub const RATING: Setting = Setting {
    set: set_rating,
    remove: || Edit::ClearRating,
};

/// The text of a value, which may be any bytes.
pub fn text(value: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(value);
    let text = text.map_err(|_| Error::Invalid("not UTF-8".into()))?;
    match text.contains('\0') {
        true => Err(Error::Invalid("no text has a NUL in it".into())),
        false => Ok(text),
    }
}

fn set_text(field: TextField, text: &str) -> Result<Edit> {
    match !text.is_empty() && text.trim().is_empty() {
        true => Err(Error::Invalid("nothing but blanks".into())),
        false => Ok(Edit::SetText(field, text.to_owned())),
    }
}

/// Makes a comma list the tags of a photo. Blanks around a tag don't count.
fn set_tags(list: &str) -> Result<Edit> {
    if list.is_empty() {
        return Ok(Edit::SetTags(Vec::new()));
    }
    let tags = list.split(',').map(str::trim);
    let mut spellings = HashMap::new();
    for tag in tags.clone() {
        if tag.is_empty() {
            return Err(Error::Invalid("between two commas stands no tag".into()));
        }
        let first = *spellings.entry(fold(tag)).or_insert(tag);
        if first != tag {
            let why = format!("{first:?} and {tag:?} are one tag");
            return Err(Error::Invalid(why));
        }
    }
    Ok(Edit::SetTags(tags.map(str::to_owned).collect()))
}

/// Only whole stars are kept. An empty value takes the stars away, as removing the attribute does.
fn set_rating(value: &str) -> Result<Edit> {
    if value.is_empty() {
        return Ok(Edit::ClearRating);
    }
    let stars = (0..=5u8).find(|stars| (stars * 2).to_string() == value);
    let why = || Error::Invalid(format!("{value:?} is none of 0, 2, 4, 6, 8 and 10"));
    stars.map(Edit::SetRating).ok_or_else(why)
}
