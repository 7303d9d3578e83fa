//! The index filled from a store: no photo is there before, nobody looks meanwhile, and nothing is said of what changed.

use std::collections::HashMap;

use parking_lot::RwLockWriteGuard;

use super::{Delta, Index, Inner, LabelId};
use crate::catalog::{Label, LabelKey, Photo, Stored};

/// An index that is being filled; whoever asks it waits until this is dropped.
pub struct Loading<'a> {
    inner: RwLockWriteGuard<'a, Inner>,
    /// The labels by the numbers that the store gave them.
    labels: Vec<Known>,
    keys: HashMap<LabelKey, u32>,
    /// What holds for one photo: the number of its key, and the label's own.
    said: Vec<(u32, u32)>,
}

/// A label as the store handed it over.
struct Known {
    label: Label,
    key: LabelKey,
    /// Labels of one key have one number.
    key_number: u32,
    /// Its label in the index, once it holds for a photo: who says it first of a photo decides how it is written.
    id: Option<LabelId>,
}

impl Index {
    /// Starts to fill the index, whatever was in it. Until that is finished, nobody may look.
    pub fn loading(&self) -> Loading<'_> {
        let mut inner = self.inner.write();
        inner.begin_anew();
        Loading {
            inner,
            labels: Vec::new(),
            keys: HashMap::new(),
            said: Vec::new(),
        }
    }
}

impl Loading<'_> {
    /// Takes in what the store hands over next, in the order that [`Store::load`](crate::store::Store::load) promises.
    pub fn take(&mut self, stored: Stored) {
        match stored {
            Stored::Anew => self.begin_anew(),
            Stored::AtMost(photos) => self.inner.photos.expect(photos as usize),
            Stored::Made { tag, written } => {
                let made = &mut self.inner.labels;
                made.make(tag, Some(written), &mut Delta::default());
            }
            Stored::Saved { name, query } => self.inner.saved.put(&name, Some(query)),
            Stored::Label(label) => self.know(label),
            Stored::Photo(photo, labels) => self.add(photo, &labels),
        }
    }

    fn begin_anew(&mut self) {
        self.inner.begin_anew();
        self.labels.clear();
        self.keys.clear();
    }

    /// Works out what takes all photos together.
    pub fn finish(mut self) {
        let inner = &mut *self.inner;
        inner.labels.trim();
        inner.settle_recent(&mut Delta::default());
        inner.alike.fill(&inner.photos, inner.copies.all());
        inner.is_half_changed = false;
    }

    fn know(&mut self, label: Label) {
        let key = label.key();
        let next = u32::try_from(self.keys.len()).expect("fewer labels than 2^32");
        let key_number = *self.keys.entry(key.clone()).or_insert(next);
        self.labels.push(Known {
            label,
            key,
            key_number,
            id: None,
        });
    }

    fn add(&mut self, photo: Photo, labels: &[u32]) {
        let known = |number: u32| &self.labels[number as usize];
        let said = labels.iter().map(|&n| (known(n).key_number, n));
        self.said.clear();
        self.said.extend(said);
        Label::keep_effective(&mut self.said, |&(_, number)| &known(number).label);
        let keys = self.said.iter().map(|&(_, number)| &known(number).key);
        let screenshot = photo.is_screenshot(keys);
        let (inner, delta) = (&mut *self.inner, &mut Delta::default());
        let ids = self.said.iter().map(|&(_, number)| {
            let known = &mut self.labels[number as usize];
            let labels = &mut inner.labels;
            let intern = || labels.intern(known.key.clone(), &known.label, delta);
            let id = *known.id.get_or_insert_with(intern);
            inner.labels.give(id, photo.id);
            id
        });
        let ids = ids.collect();
        let (id, folder) = (photo.id, inner.folders.create(photo.path.folder()));
        inner.folders.insert(folder, id, delta);
        inner.change_content(id, None, photo.hash.as_ref(), delta);
        let record = inner.photos.record(photo, folder, ids, screenshot);
        inner.enter(id, record);
    }
}
