//! What a form says, against what stood in it when somebody began to edit: only the difference is the edit.
//!
//! Whatever was said meanwhile, by another browser or a model, is none of it. A text that both changed is a conflict.

use axum::http::StatusCode;

use super::super::failure::Failure;
use super::details;
use super::page::visible;
use crate::catalog::{Detail, Edit, Facet, LabelKey, TextField, clean};

/// Characters.
const LONGEST_TITLE: usize = 500;
const LONGEST_DESCRIPTION: usize = 10_000;
pub const LONGEST_TAG: usize = 200;

/// A text that somebody changed.
pub struct TextEdit {
    field: TextField,
    /// What stood in the form.
    base: String,
    /// What it is to be.
    text: String,
}

impl TextEdit {
    /// `None` where nothing was changed.
    pub fn new(field: TextField, base: &str, text: &str) -> Option<Self> {
        let [base, text] = [base, text].map(|text| cleaned(field, text));
        (base != text).then_some(Self { field, base, text })
    }

    /// What makes it hold; nothing where it does.
    ///
    /// # Errors
    /// When somebody else said something else meanwhile.
    pub fn edit(&self, detail: &Detail) -> Result<Option<Edit>, Failure> {
        let said = detail.text(self.field);
        let now = said.map_or("", |text| &text.value);
        if now == self.text {
            return Ok(None);
        }
        // What a model said meanwhile, a person may always say otherwise.
        let is_a_persons = !said.is_some_and(|text| text.origin.is_model());
        if is_a_persons && cleaned(self.field, &visible(now)) != self.base {
            return Err(self.conflict(now));
        }
        Ok(Some(Edit::ReplaceText {
            field: self.field,
            from: now.to_owned(),
            to: self.text.clone(),
        }))
    }

    pub fn words(&self) -> String {
        format!("set {}", self.field.name())
    }

    fn conflict(&self, now: &str) -> Failure {
        let name = self.field.name();
        let quoted = |text: &str| match text {
            "" => "nothing".to_owned(),
            text => format!("\u{201c}{}\u{201d}", visible(text)),
        };
        let (now, text) = (quoted(now), quoted(&self.text));
        let error =
            format!("the {name} was changed meanwhile: it says {now} now, and you wrote {text}");
        let hint = "load the photo again, and write what holds";
        Failure::refused(StatusCode::CONFLICT, &error, hint)
    }
}

fn cleaned(field: TextField, text: &str) -> String {
    let longest = match field {
        TextField::Title => LONGEST_TITLE,
        TextField::Description => LONGEST_DESCRIPTION,
    };
    clean(text, longest).unwrap_or_default()
}

/// What somebody added to a list of tags and took from it, between commas both, and words for it.
pub fn tag_edits(detail: &Detail, base: &str, list: &str) -> (Vec<Edit>, Vec<String>) {
    let (base, list) = (listed(base), listed(list));
    let is_in = |list: &[String], tag: &str| list.iter().any(|t| key(t) == key(tag));
    let added: Vec<_> = list
        .iter()
        .filter(|tag| !base.contains(tag))
        .cloned()
        .collect();
    // By what it is called, which a list may not be able to write.
    let has = details::tags(detail).into_iter().map(|tag| &tag.value);
    let removed = has.filter(|tag| is_in(&base, tag) && !is_in(&list, tag));
    let removed: Vec<_> = removed.cloned().collect();
    let words = [("tag", &added), ("untag", &removed)].into_iter();
    let words = words.filter(|(_, tags)| !tags.is_empty());
    let words = words.map(|(verb, tags)| {
        let tags = tags.iter().filter_map(|tag| clean(tag, LONGEST_TAG));
        format!("{verb} {}", tags.collect::<Vec<_>>().join(" and "))
    });
    let words = words.collect();
    let edits = added.into_iter().map(Edit::Tag);
    let edits = edits.chain(removed.into_iter().map(Edit::Untag));
    (edits.collect(), words)
}

fn listed(list: &str) -> Vec<String> {
    let tags = list.split(',');
    tags.filter_map(|tag| clean(tag, LONGEST_TAG)).collect()
}

/// What a tag is in a list, however it is written there.
fn key(tag: &str) -> LabelKey {
    let written = clean(&tag.replace(',', ";"), LONGEST_TAG).unwrap_or_default();
    LabelKey::new(Facet::Tag, &written)
}
