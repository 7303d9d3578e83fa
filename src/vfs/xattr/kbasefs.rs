//! The attributes of kbasefs itself, `user.kbasefs.*`.

use super::{Attribute, Reading, set_tags, set_text, tag_list, tags, text};
use crate::analysis::scheduler::Outlook;
use crate::catalog::{Detail, Origin, Status, TextField};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.kbasefs.description",
        get: |detail| text(detail, TextField::Description),
        set: Some(|value| Ok(set_text(TextField::Description, value))),
        reading: Reading::Asks,
    },
    Attribute {
        name: "user.kbasefs.title",
        get: |detail| text(detail, TextField::Title),
        set: Some(|value| Ok(set_text(TextField::Title, value))),
        reading: Reading::Plain,
    },
    Attribute {
        name: "user.kbasefs.tags",
        get: tag_list,
        set: Some(|value| Ok(set_tags(value))),
        reading: Reading::Plain,
    },
    Attribute {
        reading: Reading::Explains,
        ..read_only("user.kbasefs.status", |detail| Some(status(detail)))
    },
    read_only("user.kbasefs.model", |detail| {
        detail.analyses.last().map(|(_, model, _)| model.clone())
    }),
    read_only("user.kbasefs.source", |detail| {
        detail
            .text(TextField::Description)
            .map(|t| t.origin.name().to_owned())
    }),
    read_only("user.kbasefs.hash", |detail| {
        detail.entry.photo.hash.map(|hash| hash.to_string())
    }),
    read_only("user.kbasefs.confidence", confidence),
    read_only("user.kbasefs.analyzed", |detail| {
        let (_, _, at) = detail.analyses.last()?;
        Some(jiff::Timestamp::from_second(*at).ok()?.to_string())
    }),
];

const fn read_only(name: &'static str, get: fn(&Detail) -> Option<String>) -> Attribute {
    Attribute {
        name,
        get,
        set: None,
        reading: Reading::Plain,
    }
}

/// `analyzed`, `pending`, `failed: <why>` or `unsupported: <what>`. Why there is no description yet is added to the first
/// two where it is read.
fn status(detail: &Detail) -> String {
    let photo = &detail.entry.photo;
    let name = photo.status.name();
    match (photo.status, &detail.failure) {
        (Status::Failed, Some(reason)) => format!("{name}: {reason}"),
        (Status::Unsupported, _) => format!("{name}: no decoder for {} yet", photo.format.name()),
        _ if is_removed(detail) => format!("{name}: a person removed the description"),
        _ => name.to_owned(),
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

/// How sure each tag is: `dog=0.93,beach=0.61`.
fn confidence(detail: &Detail) -> Option<String> {
    let each = tags(detail).into_iter();
    let each = each.map(|t| format!("{}={:.2}", t.value.replace([',', '='], ";"), t.confidence));
    Some(each.collect::<Vec<_>>().join(","))
}
