//! The attributes of kbasefs itself, `user.kbasefs.*`.

use super::{Attribute, set_tags, set_text, tag_list, tags, text};
use crate::catalog::{Detail, Status, TextField};

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute {
        name: "user.kbasefs.description",
        get: |detail| text(detail, TextField::Description),
        set: Some(|value| set_text(TextField::Description, value)),
        asks: true,
    },
    Attribute {
        name: "user.kbasefs.title",
        get: |detail| text(detail, TextField::Title),
        set: Some(|value| set_text(TextField::Title, value)),
        asks: false,
    },
    Attribute {
        name: "user.kbasefs.tags",
        get: tag_list,
        set: Some(set_tags),
        asks: false,
    },
    read_only("user.kbasefs.status", |detail| Some(status(detail))),
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
        asks: false,
    }
}

/// `analyzed`, `pending`, `failed: <why>` or `unsupported: <what>`.
fn status(detail: &Detail) -> String {
    let photo = &detail.entry.photo;
    let name = photo.status.name();
    match (photo.status, &detail.failure) {
        (Status::Failed, Some(reason)) => format!("{name}: {reason}"),
        (Status::Unsupported, _) => format!("{name}: no decoder for {} yet", photo.format.name()),
        _ => name.to_owned(),
    }
}

/// How sure each tag is: `dog=0.93,beach=0.61`.
fn confidence(detail: &Detail) -> Option<String> {
    let each = tags(detail).into_iter();
    let each = each.map(|t| format!("{}={:.2}", t.value.replace([',', '='], ";"), t.confidence));
    Some(each.collect::<Vec<_>>().join(","))
}
