//! What people say of a photo, and take back.

use std::collections::BTreeMap;

use super::Record;
use crate::catalog::{
    Edit, Event, Facet, Label, LabelKey, Origin, Said, Slot, Text, TextField, Trace, said,
    said_by_sidecar,
};

impl Record {
    /// A person changes what is said of it.
    pub fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Tag(name) => self.put_label(Label::sure(Facet::Tag, name, Origin::Human)),
            Edit::Untag(name) => {
                self.open_list_with(name);
                self.untag(name);
            }
            Edit::Rename(from, to) => {
                self.untag(from);
                self.put_label(Label::sure(Facet::Tag, to, Origin::Human));
            }
            Edit::Deny(name) => self.put_label(Label::new(Facet::Tag, name, Origin::Human, 0.0)),
            Edit::SetTags(names) => self.set_tags(names),
            Edit::CloseList => self.put_label(Label::closed_list()),
            Edit::ClearTags => self.drop_human(Facet::Tag),
            Edit::SetText(field, value) => self.put_text(Text::new(*field, Origin::Human, value)),
            Edit::ReplaceText { field, from, to } => {
                let said = Text::effective(&self.texts, *field);
                let is_as_known = said.map_or("", |t| &t.value) == from;
                if is_as_known || said.is_some_and(|text| text.origin.is_model()) {
                    self.put_text(Text::new(*field, Origin::Human, to));
                }
            }
            Edit::ClearText(field) => {
                let is_it = |t: &Text| t.field == *field && t.origin == Origin::Human;
                self.texts.retain(|t| !is_it(t));
            }
            Edit::SetRating(stars) => {
                // A photo has one rating: the others are denied, whoever gives them and whenever.
                for n in 0..=5 {
                    let confidence = if n == *stars { 1.0 } else { 0.0 };
                    let value = n.to_string();
                    self.put_label(Label::new(Facet::Rating, value, Origin::Human, confidence));
                }
            }
            Edit::ClearRating => self.drop_human(Facet::Rating),
        }
    }

    /// Whether a person said that the photo has not this label.
    pub fn is_denied(&self, key: &LabelKey) -> bool {
        let mut denials = self.labels.iter().filter(|l| l.is_denial());
        denials.any(|l| l.key() == *key)
    }

    /// Lets models add tags again, if the list has this one.
    fn open_list_with(&mut self, name: &str) {
        let tags = Label::effective_of(&self.labels, Facet::Tag);
        let key = LabelKey::new(Facet::Tag, name);
        if tags.into_iter().any(|tag| tag.key() == key) {
            self.labels.retain(|l| !l.closes_list());
        }
    }

    fn untag(&mut self, name: &str) {
        let key = LabelKey::new(Facet::Tag, name);
        self.labels
            .retain(|l| l.origin.survives(Event::Untagged) || l.key() != key);
        if self.labels.iter().any(|l| l.key() == key) {
            self.put_label(Label::new(Facet::Tag, name, Origin::Human, 0.0));
        }
    }

    fn set_tags(&mut self, names: &[String]) {
        let in_list = |value: &str| LabelKey::new(Facet::Tag, &value.replace(',', ";"));
        let wanted: Vec<_> = names.iter().map(|name| in_list(name)).collect();
        let tags = Label::effective_of(&self.labels, Facet::Tag).into_iter();
        let have: Vec<_> = tags.map(|l| (in_list(&l.value), l.value.clone())).collect();
        for (key, value) in &have {
            if !wanted.contains(key) {
                self.untag(value);
            }
        }
        for (name, key) in names.iter().zip(&wanted) {
            // What a list can't write is kept as it is.
            let mut have = have
                .iter()
                .filter(|(k, value)| k == key && value.contains(','));
            let written = have.next().map_or(name, |(_, value)| value);
            self.put_label(Label::sure(Facet::Tag, written, Origin::Human));
        }
        self.put_label(Label::closed_list());
    }

    fn drop_human(&mut self, facet: Facet) {
        self.labels
            .retain(|l| l.origin != Origin::Human || l.facet != facet);
    }

    /// All that people say of it, and its sidecar.
    pub fn said(&self) -> BTreeMap<Slot, Said> {
        let mut all = said(&self.labels, &self.texts);
        all.extend(said_by_sidecar(&self.labels, &self.texts));
        all
    }

    /// Makes people, or its sidecar, say this, or nothing.
    pub fn put_said(&mut self, slot: &Slot, said: Option<&Said>) {
        match slot {
            Slot::Label(key) => self.put_said_label(key, Origin::Human, said),
            Slot::SidecarLabel(key) => self.put_said_label(key, Origin::Xmp, said),
            Slot::Text(field) => self.put_said_text(*field, Origin::Human, said),
            Slot::SidecarText(field) => self.put_said_text(*field, Origin::Xmp, said),
            // Said of the catalog, not of a photo.
            Slot::Saved(_) | Slot::Renamed(_) => {}
        }
    }

    fn put_said_label(&mut self, key: &LabelKey, origin: Origin, said: Option<&Said>) {
        self.labels
            .retain(|l| l.origin != origin || l.key() != *key);
        if let Some(said) = said {
            let confidence = if said.holds { 1.0 } else { 0.0 };
            self.put_label(Label::new(key.facet, &said.value, origin, confidence));
        }
    }

    fn put_said_text(&mut self, field: TextField, origin: Origin, said: Option<&Said>) {
        self.texts
            .retain(|t| (t.field, t.origin) != (field, origin));
        if let Some(said) = said {
            self.put_text(Text::new(field, origin, &said.value));
        }
    }

    /// Takes over what people and sidecars say of another photo. Where both say something, the other one is right.
    pub fn take_words(&mut self, other: &Self) {
        for (slot, said) in other.said() {
            self.put_said(&slot, Some(&said));
        }
    }

    /// Takes over what people and its sidecar say of a photo that is gone. What people say here already is right, and so
    /// is a sidecar, as a whole.
    pub fn inherit_words(&mut self, gone: &Self) {
        let own = said(&self.labels, &self.texts);
        let mut words = said(&gone.labels, &gone.texts);
        words.retain(|slot, _| !own.contains_key(slot));
        if said_by_sidecar(&self.labels, &self.texts).is_empty() {
            words.extend(said_by_sidecar(&gone.labels, &gone.texts));
        }
        for (slot, word) in words {
            self.put_said(&slot, Some(&word));
        }
    }

    /// Forgets what people and its sidecar say of it.
    pub fn drop_words(&mut self) {
        let is_word = |origin| matches!(origin, Origin::Human | Origin::Xmp);
        self.labels.retain(|label| !is_word(label.origin));
        self.texts.retain(|text| !is_word(text.origin));
    }

    /// Takes back what an act changed, unless it was changed again since.
    pub fn reverse(&mut self, trace: &Trace) {
        if self.said().get(&trace.slot) == trace.after.as_ref() {
            self.put_said(&trace.slot, trace.before.as_ref());
        }
    }
}
