//! What is known, and how a photo enters everything that mentions it, changes there and leaves it again.

use std::mem;

use roaring::RoaringBitmap;

use super::alike::{Alike, Fingerprint};
use super::copies::Copies;
use super::delta::{Delta, PhotoDelta, PhotoSnapshot};
use super::folders::Folders;
use super::labels::Labels;
use super::photos::{Photos, Record};
use super::saved::Saved;
use crate::catalog::{ContentHash, Entry, Label, Photo, PhotoId, Status};

/// All parts of the index, behind its one lock.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) photos: Photos,
    pub(super) folders: Folders,
    pub(super) labels: Labels,
    pub(super) copies: Copies,
    pub(super) all: RoaringBitmap,
    pub(super) status: [RoaringBitmap; Status::ALL.len()],
    pub(super) recent: RoaringBitmap,
    pub(super) saved: Saved,
    pub(super) titled: RoaringBitmap,
    pub(super) alike: Alike,
    /// Stays set when a change or a load breaks down in the middle: until it is loaded anew, nobody may look.
    pub(super) is_half_changed: bool,
}

impl Inner {
    /// Forgets what nobody had any more after the last change. Whoever was told of that has looked at it by now.
    pub(super) fn sweep(&mut self) {
        self.labels.sweep();
        self.folders.sweep();
    }

    /// Lets go of everything but the numbers of folders, which the kernel may still ask about.
    pub(super) fn begin_anew(&mut self) {
        let folders = mem::take(&mut self.folders).emptied();
        *self = Self {
            folders,
            is_half_changed: true,
            ..Self::default()
        };
    }

    /// Makes a photo look like this, new or not.
    pub(super) fn upsert(&mut self, entry: Entry, delta: &mut Delta) {
        let Entry { photo, labels } = entry;
        let id = photo.id;
        let folder = self.folders.create(photo.path.folder());
        let fingerprint = Fingerprint::new(photo.hash, photo.perceptual_hash);
        let known = self.photos.get(id).map(Record::fingerprint);
        if let Some(old) = known.as_ref().filter(|old| **old != fingerprint) {
            // While the record that it was found by is still there.
            self.alike.remove(id, old, &self.photos);
        }
        let before = self.take(id);
        let was_in = before.as_ref().map(|(record, _)| record.folder);
        if was_in != Some(folder) {
            was_in
                .into_iter()
                .for_each(|old| self.folders.remove(old, id, delta));
            self.folders.insert(folder, id, delta);
        }
        let had = before.as_ref().and_then(|(record, _)| record.hash());
        self.change_content(id, had, photo.hash.as_ref(), delta);
        let labels = Label::effective_by_key(&labels);
        let screenshot = photo.is_screenshot(labels.iter().map(|(key, _)| key));
        let labels = labels.into_iter().map(|(key, label)| {
            let label = self.labels.intern(key, label, delta);
            self.labels.give(label, id);
            label
        });
        let labels = labels.collect();
        let record = self.photos.record(photo, folder, labels, screenshot);
        delta.photos.push(PhotoDelta {
            id,
            before: before.map(|(_, snapshot)| snapshot),
            after: Some(self.snapshot(id, &record)),
        });
        self.enter(id, record);
        if known.as_ref() != Some(&fingerprint) {
            self.alike.insert(id, &fingerprint, &self.photos);
        }
    }

    /// Puts a photo into everything that mentions it, but its labels, its folder and its copies.
    pub(super) fn enter(&mut self, id: PhotoId, record: Record) {
        self.all.insert(id.0);
        if record.packed.title_name().is_some() {
            self.titled.insert(id.0);
        }
        self.status[record.status as usize].insert(id.0);
        self.photos.insert(id, record);
    }

    /// A photo that is in no record just now has another content; whether another one has copies may follow.
    pub(super) fn change_content(
        &mut self,
        id: PhotoId,
        before: Option<&ContentHash>,
        after: Option<&ContentHash>,
        delta: &mut Delta,
    ) {
        if before == after {
            return;
        }
        let (copies, photos) = (&mut self.copies, &self.photos);
        let alone = before.and_then(|hash| copies.remove(id, hash, photos));
        let joined = after.and_then(|hash| copies.insert(id, hash, photos));
        for (other, duplicate) in [(alone, false), (joined, true)] {
            let Some(record) = other.and_then(|id| self.photos.get(id)) else {
                continue;
            };
            delta.photos.extend(other.map(|id| PhotoDelta {
                id,
                before: Some(record.snapshot(!duplicate)),
                after: Some(record.snapshot(duplicate)),
            }));
        }
    }

    /// Takes a photo out of everything.
    pub(super) fn remove(&mut self, id: PhotoId, delta: &mut Delta) {
        if let Some(fingerprint) = self.photos.get(id).map(Record::fingerprint) {
            self.alike.remove(id, &fingerprint, &self.photos);
        }
        let Some((record, snapshot)) = self.take(id) else {
            return;
        };
        self.folders.remove(record.folder, id, delta);
        self.change_content(id, record.hash(), None, delta);
        delta.photos.push(PhotoDelta {
            id,
            before: Some(snapshot),
            after: None,
        });
    }

    /// Takes a photo out of everything that mentions it, but its folder and its copies.
    fn take(&mut self, id: PhotoId) -> Option<(Record, PhotoSnapshot)> {
        let record = self.photos.remove(id)?;
        let snapshot = self.snapshot(id, &record);
        self.all.remove(id.0);
        self.titled.remove(id.0);
        self.status[record.status as usize].remove(id.0);
        for label in record.packed.labels() {
            self.labels.remove(label, id);
        }
        Some((record, snapshot))
    }

    fn snapshot(&self, id: PhotoId, record: &Record) -> PhotoSnapshot {
        record.snapshot(self.copies.all().contains(id.0))
    }

    /// A photo put together from its record.
    pub(super) fn photo_of(&self, id: PhotoId, record: &Record) -> Photo {
        let stat = self.photos.stat(record);
        record.photo(id, self.folders.path(record.folder), stat)
    }
}
