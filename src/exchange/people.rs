//! What people and models say of photos, taken in batch by batch.

use crate::catalog::{
    Act, ActId, Actor, Change, Deed, Detail, Edit, Facet, Label, Origin, PhotoId, Role, Text, Trace,
};
use crate::library::Library;
use crate::store::Result;

/// Photos that are changed in one commit: a commit is synced, and holds up the edits of others meanwhile.
const BATCH: usize = 200;

/// What gathers while an import is read: one act of the journal.
pub struct People<'a> {
    library: &'a Library,
    /// What the journal calls it.
    words: String,
    deeds: Vec<Deed>,
    /// What models say.
    learned: Vec<Change>,
    act: Option<ActId>,
}

impl<'a> People<'a> {
    pub fn new(library: &'a Library, words: impl Into<String>) -> Self {
        Self {
            library,
            words: words.into(),
            deeds: Vec::new(),
            learned: Vec::new(),
            act: None,
        }
    }

    /// Takes in edits of a photo; says whether there are any.
    pub fn add(&mut self, id: PhotoId, edits: Vec<Edit>) -> Result<bool> {
        if edits.is_empty() {
            return Ok(false);
        }
        self.deeds.push(Deed::Edit(id, edits));
        self.commit_many()?;
        Ok(true)
    }

    /// Takes in what a sidecar says, if it says anything new; says whether it does.
    pub fn take_sidecar(&mut self, sidecar: Option<Deed>) -> Result<bool> {
        let Some(sidecar) = sidecar else {
            return Ok(false);
        };
        self.deeds.push(sidecar);
        self.commit_many()?;
        Ok(true)
    }

    /// Makes people say what is before each trace, where they say what is after it; says whether there are any.
    pub fn say(&mut self, traces: Vec<Trace>) -> Result<bool> {
        if traces.is_empty() {
            return Ok(false);
        }
        self.deeds.push(Deed::Restore(traces));
        self.commit_many()?;
        Ok(true)
    }

    /// Takes in what models say; says whether there is any.
    pub fn learn(&mut self, changes: Vec<Change>) -> Result<bool> {
        let any = !changes.is_empty();
        self.learned.extend(changes);
        self.commit_many()?;
        Ok(any)
    }

    fn commit_many(&mut self) -> Result<()> {
        match self.deeds.len().max(self.learned.len()) >= BATCH {
            true => self.commit(),
            false => Ok(()),
        }
    }

    /// Commits what has gathered; to be called once more when everything is taken in.
    pub fn commit(&mut self) -> Result<()> {
        self.library.commit(&self.learned)?;
        self.learned.clear();
        let act = Act {
            by: Actor {
                process: "kbasefs".into(),
                pid: std::process::id(),
                uid: rustix::process::getuid().as_raw(),
            },
            words: self.words.clone(),
            role: self.act.map_or(Role::New, Role::Continues),
            deeds: std::mem::take(&mut self.deeds),
        };
        if let Some((act, _)) = self.library.act(act)? {
            self.act = Some(act);
        }
        Ok(())
    }
}

/// What makes these a person's words, where they aren't yet; what else a person said stays.
pub fn restore(known: &Detail, labels: &[Label], texts: &[Text]) -> Vec<Edit> {
    let labels = labels.iter().filter(|l| l.origin == Origin::Human);
    let labels = labels.filter(|l| !known.entry.labels.contains(l));
    let labels = labels.filter_map(|label| match (label.facet, label.is_denial()) {
        (Facet::Tag, false) => Some(Edit::Tag(label.value.clone())),
        (Facet::Tag, true) => Some(Edit::Deny(label.value.clone())),
        (Facet::Rating, false) => Some(Edit::SetRating(label.value.parse().ok()?)),
        // The other ratings are denied with the one that holds.
        _ => None,
    });
    let texts = texts.iter().filter(|t| t.origin == Origin::Human);
    let texts = texts.filter(|t| !known.texts.contains(t));
    let texts = texts.map(|t| Edit::SetText(t.field, t.value.clone()));
    labels.chain(texts).collect()
}
