//! Every label with the photos that have it.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::Delta;
use crate::catalog::{Facet, Label, LabelKey, Origin, PhotoId};

/// A label, for as long as it is there. Another one may have it after that, but not before a change that comes later than
/// the one that made it vanish: whoever is told of a change may ask for what it mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelId(pub u32);

/// A label as a folder: what it is called, and how many of the photos in question have it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFolder {
    /// The number that photos keep of it.
    pub id: LabelId,
    /// By what it is found, however it is written.
    pub key: LabelKey,
    /// As a person or a file wrote it first; words of models in lower case. Outside data.
    pub shown: String,
    /// How many photos in question have it.
    pub photos: u64,
}

/// One label, for as long as its number is its own.
struct Kept {
    key: LabelKey,
    own: Spelling,
    /// How a person wrote it who made it: it is there then even where no photo has it.
    made: Option<String>,
    photos: RoaringBitmap,
}

/// How a label is written by those who say it of photos: by the first of those who count most.
struct Spelling {
    text: String,
    by: Writer,
}

/// Who writes a label, from those who count least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    /// No photo ever had it.
    Nobody,
    Model,
    /// Or a file.
    Person,
}

impl Spelling {
    fn of(label: &Label) -> Self {
        match label.origin {
            Origin::Embedded | Origin::Remote => Self {
                text: label.value.to_lowercase(),
                by: Writer::Model,
            },
            Origin::Human | Origin::Xmp | Origin::File => Self {
                text: label.value.clone(),
                by: Writer::Person,
            },
        }
    }
}

impl Kept {
    fn shown(&self) -> &str {
        self.made.as_ref().unwrap_or(&self.own.text)
    }

    /// Changes something that may decide how it is shown.
    fn respell(&mut self, delta: &mut Delta, change: impl FnOnce(&mut Self)) {
        let old = self.shown().to_owned();
        change(self);
        if old != self.shown() {
            delta.renamed.push((self.key.facet, old));
            delta
                .renamed
                .push((self.key.facet, self.shown().to_owned()));
        }
    }

    fn is_there(&self) -> bool {
        self.made.is_some() || !self.photos.is_empty()
    }
}

/// All labels. A number is given again once its label is swept.
#[derive(Default)]
pub struct Labels {
    kept: Vec<Kept>,
    by_key: HashMap<LabelKey, LabelId>,
    /// The numbers of the labels of each facet.
    by_facet: [RoaringBitmap; Facet::ALL.len()],
    /// The labels of facet `day` in order of time, for the photos taken last.
    days: BTreeMap<String, LabelId>,
    /// Labels that were lost by their last photo, or by who made them, and may have come back since.
    emptied: Vec<LabelId>,
    /// Places for others.
    free: Vec<LabelId>,
}

impl Labels {
    /// Gives a photo a label.
    pub fn give(&mut self, id: LabelId, photo: PhotoId) {
        self.kept[id.0 as usize].photos.insert(photo.0);
    }

    /// Takes a label from a photo. It goes with the next sweep, when no other photo has it.
    pub fn remove(&mut self, id: LabelId, photo: PhotoId) {
        let kept = &mut self.kept[id.0 as usize];
        kept.photos.remove(photo.0);
        if !kept.is_there() {
            self.emptied.push(id);
        }
    }

    /// Forgets the labels that no photo has any more, and that nobody made. To be called before a change.
    pub fn sweep(&mut self) {
        for id in std::mem::take(&mut self.emptied) {
            let kept = &mut self.kept[id.0 as usize];
            // It may stand there twice, or have come back.
            if kept.is_there() || self.by_key.get(&kept.key) != Some(&id) {
                continue;
            }
            self.by_key.remove(&kept.key);
            self.by_facet[kept.key.facet as usize].remove(id.0);
            if kept.key.facet == Facet::Day {
                self.days.remove(&kept.key.folded);
            }
            kept.photos = RoaringBitmap::new();
            self.free.push(id);
        }
    }

    /// Gives back the room that bitmaps keep to grow into.
    pub fn trim(&mut self) {
        for kept in &mut self.kept {
            kept.photos.optimize();
            // A clone has no room to grow.
            kept.photos = kept.photos.clone();
        }
    }

    /// The label that somebody says of a photo; made where it isn't there yet.
    pub fn intern(&mut self, key: LabelKey, label: &Label, delta: &mut Delta) -> LabelId {
        let said = Spelling::of(label);
        let Some(&id) = self.by_key.get(&key) else {
            return self.add(key, said);
        };
        let kept = &mut self.kept[id.0 as usize];
        if kept.own.by < said.by {
            kept.respell(delta, |kept| kept.own = said);
        }
        id
    }

    fn add(&mut self, key: LabelKey, own: Spelling) -> LabelId {
        let next = || LabelId(u32::try_from(self.kept.len()).expect("fewer labels than 2^32"));
        let id = self.free.pop().unwrap_or_else(next);
        self.by_key.insert(key.clone(), id);
        self.by_facet[key.facet as usize].insert(id.0);
        if key.facet == Facet::Day {
            self.days.insert(key.folded.clone(), id);
        }
        let kept = Kept {
            key,
            own,
            made: None,
            photos: RoaringBitmap::new(),
        };
        match self.kept.get_mut(id.0 as usize) {
            Some(place) => *place = kept,
            None => self.kept.push(kept),
        }
        id
    }

    /// A person made a label, and wrote it like this; or it is there only for its photos now, as they write it.
    pub fn make(&mut self, key: LabelKey, written: Option<String>, delta: &mut Delta) {
        delta.made.push(key.clone());
        let id = match (self.by_key.get(&key), &written) {
            (Some(&id), _) => id,
            (None, Some(text)) => {
                let (text, by) = (text.clone(), Writer::Nobody);
                self.add(key, Spelling { text, by })
            }
            (None, None) => return,
        };
        let kept = &mut self.kept[id.0 as usize];
        kept.respell(delta, |kept| kept.made = written);
        if !kept.is_there() {
            self.emptied.push(id);
        }
    }

    /// The labels of a facet that are there though no photo has them.
    pub fn empty(&self, facet: Facet) -> Vec<LabelFolder> {
        let empty = self.of_facet(facet).filter(|id| {
            let kept = &self.kept[id.0 as usize];
            kept.made.is_some() && kept.photos.is_empty()
        });
        empty.map(|id| self.describe(id, |_| 0)).collect()
    }

    /// The labels of a facet, in order of id.
    fn of_facet(&self, facet: Facet) -> impl Iterator<Item = LabelId> {
        self.by_facet[facet as usize].iter().map(LabelId)
    }

    /// Whether a person made the label.
    pub fn is_made(&self, key: &LabelKey) -> bool {
        let id = self.by_key.get(key);
        id.is_some_and(|id| self.kept[id.0 as usize].made.is_some())
    }

    /// The photos that have a label.
    pub fn photos(&self, key: &LabelKey) -> Option<&RoaringBitmap> {
        self.by_key
            .get(key)
            .map(|id| &self.kept[id.0 as usize].photos)
    }

    /// The photos of each day, in order of time.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = &RoaringBitmap> {
        self.days
            .values()
            .map(|id| &self.kept[id.0 as usize].photos)
    }

    /// All photos that have a label of a facet that is `wanted`.
    pub fn photos_where(&self, facet: Facet, wanted: impl Fn(&LabelKey) -> bool) -> RoaringBitmap {
        let kept = self.of_facet(facet).map(|id| &self.kept[id.0 as usize]);
        let wanted = kept.filter(|kept| !kept.photos.is_empty() && wanted(&kept.key));
        wanted.fold(RoaringBitmap::new(), |all, kept| all | &kept.photos)
    }

    /// The labels of a facet that some photo of `within` has, with how many do.
    pub fn within(&self, facet: Facet, within: &RoaringBitmap) -> Vec<LabelFolder> {
        let ids = self.of_facet(facet);
        let counted = ids.map(|id| self.describe(id, |photos| photos.intersection_len(within)));
        counted.filter(|label| label.photos > 0).collect()
    }

    /// A label of a facet with its count in `within`, which may be 0; `None` for a label of another facet.
    pub fn within_one(
        &self,
        id: LabelId,
        facet: Facet,
        within: &RoaringBitmap,
    ) -> Option<LabelFolder> {
        let is_of_facet = self.kept[id.0 as usize].key.facet == facet;
        is_of_facet.then(|| self.describe(id, |photos| photos.intersection_len(within)))
    }

    /// The number of a label that is there, or was and is not swept yet.
    pub fn id(&self, key: &LabelKey) -> Option<LabelId> {
        self.by_key.get(key).copied()
    }

    /// What a number stands for.
    pub fn key(&self, id: LabelId) -> &LabelKey {
        &self.kept[id.0 as usize].key
    }

    /// A label that some photo has, or that a person made.
    pub fn folder(&self, key: &LabelKey) -> Option<LabelFolder> {
        let id = *self.by_key.get(key)?;
        let is_there = self.kept[id.0 as usize].is_there();
        is_there.then(|| self.describe(id, RoaringBitmap::len))
    }

    /// The first label of a facet whose shown value is wanted: a walk over the facet.
    pub fn find(&self, facet: Facet, wanted: impl Fn(&str) -> bool) -> Option<LabelFolder> {
        let id = self.of_facet(facet).find(|id| {
            let kept = &self.kept[id.0 as usize];
            kept.is_there() && wanted(kept.shown())
        })?;
        Some(self.describe(id, RoaringBitmap::len))
    }

    /// The facet of a label, and how it is written.
    pub fn shown(&self, id: LabelId) -> (Facet, String) {
        let kept = &self.kept[id.0 as usize];
        (kept.key.facet, kept.shown().to_owned())
    }

    /// How many labels some photo has.
    pub fn count(&self) -> usize {
        self.kept.iter().filter(|k| !k.photos.is_empty()).count()
    }

    /// How many there are, those included that nobody has any more.
    #[cfg(debug_assertions)]
    pub fn len(&self) -> usize {
        self.by_key.len() + self.emptied.len()
    }

    fn describe(&self, id: LabelId, count: impl Fn(&RoaringBitmap) -> u64) -> LabelFolder {
        let kept = &self.kept[id.0 as usize];
        LabelFolder {
            id,
            key: kept.key.clone(),
            shown: kept.shown().to_owned(),
            photos: count(&kept.photos),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_come_and_go_leave_nothing_behind() {
        let (mut labels, mut delta) = (Labels::default(), Delta::default());
        let mut say = |labels: &mut Labels, facet, value: &str| {
            let label = Label::sure(facet, value, Origin::Human);
            let id = labels.intern(label.key(), &label, &mut delta);
            labels.give(id, PhotoId(1));
            id
        };
        let stays = say(&mut labels, Facet::Tag, "stays");
        for n in 0..10_000 {
            labels.sweep();
            let tag = say(&mut labels, Facet::Tag, &format!("tag {n}"));
            let day = say(&mut labels, Facet::Day, &format!("2024-{n}"));
            labels.make(
                LabelKey::new(Facet::Tag, "made"),
                Some("Made".into()),
                &mut Delta::default(),
            );
            for id in [tag, day] {
                labels.remove(id, PhotoId(1));
                assert!(
                    labels.shown(id).1.ends_with(&n.to_string()),
                    "it is still told of"
                );
            }
            labels.make(
                LabelKey::new(Facet::Tag, "made"),
                None,
                &mut Delta::default(),
            );
        }
        labels.sweep();
        let rows = [labels.by_key.len(), labels.days.len(), labels.emptied.len()];
        assert_eq!(rows, [1, 0, 0]);
        assert_eq!(
            labels.by_facet.iter().map(RoaringBitmap::len).sum::<u64>(),
            1
        );
        assert!(labels.kept.len() <= 4 && labels.free.len() < labels.kept.len());
        assert_eq!(labels.id(&LabelKey::new(Facet::Tag, "stays")), Some(stays));
    }

    #[test]
    fn a_label_that_comes_back_before_it_is_forgotten_stays_itself() {
        let (mut labels, mut delta) = (Labels::default(), Delta::default());
        let label = Label::sure(Facet::Tag, "Dog", Origin::Human);
        let id = labels.intern(label.key(), &label, &mut delta);
        labels.give(id, PhotoId(1));
        labels.remove(id, PhotoId(1));
        labels.give(id, PhotoId(2));
        labels.remove(id, PhotoId(2));
        labels.give(id, PhotoId(3));
        labels.sweep();
        assert_eq!(labels.id(&label.key()), Some(id));
        assert_eq!(
            labels.folder(&label.key()).map(|folder| folder.photos),
            Some(1)
        );
    }

    #[test]
    fn a_label_is_shown_as_a_person_wrote_it_and_again_as_before_when_that_is_undone() {
        let (mut labels, mut delta) = (Labels::default(), Delta::default());
        let key = LabelKey::new(Facet::Tag, "dog");
        let mut check = |by: Option<Origin>, made: Option<&str>, value: &str, expected: &str| {
            match by {
                Some(origin) => {
                    let label = Label::sure(Facet::Tag, value, origin);
                    let id = labels.intern(key.clone(), &label, &mut delta);
                    labels.give(id, PhotoId(1));
                }
                None => labels.make(key.clone(), made.map(str::to_owned), &mut delta),
            }
            let id = labels.id(&key).unwrap();
            assert_eq!(labels.shown(id).1, expected);
            !std::mem::take(&mut delta.renamed).is_empty()
        };
        assert!(!check(None, Some("DoG"), "", "DoG"));
        assert!(!check(None, None, "", "DoG"));
        assert!(check(Some(Origin::Embedded), None, "Dog", "dog"));
        assert!(check(None, Some("DOG"), "", "DOG"));
        assert!(!check(Some(Origin::File), None, "Dog", "DOG"));
        assert!(!check(Some(Origin::Human), None, "dog", "DOG"));
        assert!(check(None, None, "", "Dog"));
    }
}
