//! The attributes of kbasefs itself, `user.kbasefs.*`.

use std::fmt::{self, Write};

use super::setting::{DESCRIPTION, TAGS, TITLE};
use super::value::{WriteValue, write_confidence, write_tags, write_text};
use super::{Attribute, Reading};
use crate::analysis::scheduler::Outlook;
use crate::catalog::{Detail, Origin, Status, TextField};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.kbasefs.description",
        write: |detail, out| write_text(detail, TextField::Description, out),
        setting: Some(DESCRIPTION),
        reading: Reading::Asks,
    },
    Attribute {
        name: "user.kbasefs.title",
        write: |detail, out| write_text(detail, TextField::Title, out),
        setting: Some(TITLE),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.kbasefs.tags",
        write: write_tags,
        setting: Some(TAGS),
        reading: Reading::Plain,
    },
    Attribute {
        reading: Reading::Explains,
        ..read_only("user.kbasefs.status", write_status)
    },
    read_only("user.kbasefs.model", |detail, out| {
        let last = detail.analyses.last();
        last.map_or(Ok(()), |(_, model, _)| out.write_str(model))
    }),
    read_only("user.kbasefs.source", |detail, out| {
        let text = detail.text(TextField::Description);
        text.map_or(Ok(()), |text| out.write_str(text.origin.name()))
    }),
    read_only("user.kbasefs.hash", |detail, out| {
        let hash = detail.entry.photo.hash;
        hash.map_or(Ok(()), |hash| write!(out, "{hash}"))
    }),
    read_only("user.kbasefs.confidence", write_confidence),
    read_only("user.kbasefs.analyzed", |detail, out| {
        let last = detail.analyses.last();
        let at = last.and_then(|(_, _, at)| jiff::Timestamp::from_second(*at).ok());
        at.map_or(Ok(()), |at| write!(out, "{at}"))
    }),
];

const fn read_only(name: &'static str, write: WriteValue) -> Attribute {
    Attribute {
        name,
        write,
        setting: None,
        reading: Reading::Plain,
    }
}

/// `analyzed`, `pending`, `failed: <why>` or `unsupported: <what>`. Why there is no description yet is added to the first
/// two where it is read.
fn write_status(detail: &Detail, out: &mut dyn Write) -> fmt::Result {
    let photo = &detail.entry.photo;
    out.write_str(photo.status.name())?;
    match (photo.status, &detail.failure) {
        (Status::Failed, Some(reason)) => write!(out, ": {reason}"),
        (Status::Unsupported, _) => write!(out, ": no decoder for {} yet", photo.format.name()),
        _ if is_removed(detail) => out.write_str(": a person removed the description"),
        _ => Ok(()),
    }
}

/// The status of a photo that has no description, with the reason. `failed` is also what everybody failed at.
pub fn explained(status: String, outlook: Outlook) -> String {
    match outlook {
        Outlook::Unasked => status,
        Outlook::Open(why) => format!("{status}: {why}"),
        Outlook::Failed(why) => format!("{}: {why}", Status::Failed.name()),
    }
}

fn is_removed(detail: &Detail) -> bool {
    let text = detail.text(TextField::Description);
    text.is_some_and(|text| text.origin == Origin::Human && text.value.is_empty())
}
