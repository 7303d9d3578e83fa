//! Groups of photos that are alike: the same bytes, or pictures that look the same, directly or through others.
//!
//! Kept while the catalog changes. Photos that are alone cost four numbers in [`fingerprints`]; only groups cost more.

mod fingerprints;
mod together;

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;

use super::photos::{Photos, Record};
use crate::catalog::PhotoId;
use fingerprints::FingerprintIndex;
pub use fingerprints::{Fingerprint, is_same_picture};
use together::Together;

/// A photo that is in another group than before; `None` for none. A group is known by its oldest photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regrouped {
    /// The photo itself.
    pub photo: PhotoId,
    /// The group that it left.
    pub before: Option<PhotoId>,
    /// The group that it joined, or stayed in when that got another oldest photo.
    pub after: Option<PhotoId>,
}

/// The groups, and what is needed to keep them while photos come, change and go.
#[derive(Default)]
pub struct Alike {
    fingerprints: FingerprintIndex,
    /// Every group of two or more by its oldest photo.
    groups: HashMap<PhotoId, RoaringBitmap>,
    /// The group of every photo that is in one.
    group_of: HashMap<PhotoId, PhotoId>,
    /// The keys of `group_of`, for intersections.
    grouped: RoaringBitmap,
    /// Groups that lost a photo and may fall apart.
    shaken: BTreeSet<PhotoId>,
    /// The groups that photos were in before the changes under way.
    before: HashMap<PhotoId, Option<PhotoId>>,
}

impl Alike {
    /// Takes every photo in at once, when none is yet; of `copies`, the content is there more than once.
    pub fn fill(&mut self, photos: &Photos, copies: &RoaringBitmap) {
        let mut together = Together::default();
        for id in copies.iter().map(PhotoId) {
            let content = photos.get(id).and_then(Record::hash).into_iter();
            let mut same = content.flat_map(|content| photos.with_content(content));
            same.find(|same| *same != id)
                .into_iter()
                .for_each(|same| together.join(same, id));
        }
        self.fingerprints
            .fill(photos, &mut |a, b| together.join(a, b));
        for members in together.groups() {
            self.set_group(members);
        }
        self.before.clear();
    }

    /// Takes a photo in whose record is there.
    pub fn insert(&mut self, id: PhotoId, fingerprint: &Fingerprint, photos: &Photos) {
        let near = self.fingerprints.neighbours(id, fingerprint, photos);
        self.fingerprints.insert(id, fingerprint, photos);
        if near.is_empty() {
            return;
        }
        let groups: BTreeSet<_> = near.iter().filter_map(|n| self.group_of(*n)).collect();
        let mut joining: RoaringBitmap = near.iter().map(|n| n.0).collect();
        joining.insert(id.0);
        joining.retain(|member| self.group_of(PhotoId(member)).is_none());
        self.join(joining, &groups);
    }

    /// Makes photos that are alone and groups one group. Only those of another group than the oldest are touched.
    fn join(&mut self, mut joining: RoaringBitmap, groups: &BTreeSet<PhotoId>) {
        let oldest = joining.min().map(PhotoId).into_iter();
        let Some(oldest) = oldest.chain(groups.first().copied()).min() else {
            return;
        };
        let mut members = self.groups.remove(&oldest).unwrap_or_default();
        for group in groups {
            joining |= self.groups.remove(group).unwrap_or_default();
            if self.shaken.remove(group) {
                self.shaken.insert(oldest);
            }
        }
        for member in &joining {
            self.set(PhotoId(member), Some(oldest));
        }
        members |= joining;
        self.groups.insert(oldest, members);
    }

    /// Takes a photo out whose record is still there.
    pub fn remove(&mut self, id: PhotoId, fingerprint: &Fingerprint, photos: &Photos) {
        self.fingerprints.remove(id, fingerprint, photos);
        let Some(&group) = self.group_of.get(&id) else {
            return;
        };
        self.set(id, None);
        if let Some(members) = self.groups.get_mut(&group) {
            members.remove(id.0);
        }
        self.shaken.insert(group);
    }

    /// Ends the changes under way: groups that lost photos fall into what still holds together.
    pub fn settle(&mut self, photos: &Photos) -> Vec<Regrouped> {
        // All at once: what holds together in one may bear the name of another.
        let shaken = std::mem::take(&mut self.shaken).into_iter();
        let shaken = shaken.filter_map(|group| self.groups.remove(&group));
        let mut left = shaken.fold(RoaringBitmap::new(), |all, members| all | members);
        while let Some(first) = left.min() {
            let together = self.fingerprints.connected(PhotoId(first), photos);
            left -= &together;
            match together.len() {
                1 => self.set(PhotoId(first), None),
                _ => self.set_group(together),
            }
        }
        let before = std::mem::take(&mut self.before).into_iter();
        let changes = before.map(|(photo, before)| Regrouped {
            photo,
            before,
            after: self.group_of.get(&photo).copied(),
        });
        changes.filter(|c| c.before != c.after).collect()
    }

    /// The group that a photo is in.
    pub fn group_of(&self, id: PhotoId) -> Option<PhotoId> {
        self.group_of.get(&id).copied()
    }

    /// The photos of a group.
    pub fn group(&self, oldest: PhotoId) -> Option<&RoaringBitmap> {
        self.groups.get(&oldest)
    }

    /// How much is in its tables.
    #[cfg(debug_assertions)]
    pub fn len(&self) -> usize {
        self.fingerprints.len() + self.groups.len() + self.group_of.len() + self.shaken.len()
    }

    /// Every group.
    pub fn groups(&self) -> impl Iterator<Item = PhotoId> {
        self.groups.keys().copied()
    }

    /// Every photo that is in a group.
    pub fn grouped(&self) -> &RoaringBitmap {
        &self.grouped
    }

    fn set_group(&mut self, members: RoaringBitmap) {
        let Some(oldest) = members.min().map(PhotoId) else {
            return;
        };
        for member in &members {
            self.set(PhotoId(member), Some(oldest));
        }
        self.groups.insert(oldest, members);
    }

    fn set(&mut self, id: PhotoId, group: Option<PhotoId>) {
        let before = match group {
            Some(group) => self.group_of.insert(id, group),
            None => self.group_of.remove(&id),
        };
        match group {
            Some(_) => self.grouped.insert(id.0),
            None => self.grouped.remove(id.0),
        };
        if before != group {
            self.before.entry(id).or_insert(before);
        }
    }
}

#[cfg(test)]
mod tests;
