//! A compact record of every photo, found by id, by catalog name, and by folder and file name.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::alike::Look;
use super::owners::{File, Owners};
use super::{Card, Face, FolderId, LabelId, Traits};
use crate::catalog::{
    ContentHash, FileStat, Format, Photo, PhotoId, SourcePath, Status, WallClock, day,
};

pub struct Record {
    pub folder: FolderId,
    pub card: Card,
    text_bytes: u32,
    file: File,
    format: Format,
    pub status: Status,
    date: Option<WallClock>,
    /// Zeros where [`Self::has_hash`] isn't set.
    hash: ContentHash,
    width: u32,
    height: u32,
    /// 0 where [`Self::has_perceptual_hash`] isn't set.
    perceptual_hash: u64,
    has_hash: bool,
    has_perceptual_hash: bool,
    edited: bool,
    screenshot: bool,
}

impl Record {
    fn new(
        photo: Photo,
        file: File,
        folder: FolderId,
        labels: Vec<LabelId>,
        screenshot: bool,
    ) -> Self {
        let (file_name, title_name) = (photo.path.file_name(), photo.title_name.as_deref());
        Self {
            folder,
            card: Card::new(file_name, &photo.name, title_name, labels),
            text_bytes: photo.text_bytes,
            file,
            format: photo.format,
            status: photo.status,
            date: photo.date,
            hash: photo.hash.unwrap_or(ContentHash([0; 32])),
            has_hash: photo.hash.is_some(),
            width: photo.width,
            height: photo.height,
            perceptual_hash: photo.perceptual_hash.unwrap_or_default(),
            has_perceptual_hash: photo.perceptual_hash.is_some(),
            edited: photo.edited,
            screenshot,
        }
    }

    pub fn date(&self) -> Option<WallClock> {
        self.date
    }

    pub fn hash(&self) -> Option<&ContentHash> {
        self.has_hash.then_some(&self.hash)
    }

    pub fn perceptual_hash(&self) -> Option<u64> {
        self.has_perceptual_hash.then_some(self.perceptual_hash)
    }

    pub fn look(&self) -> Look {
        Look::new(self.hash().copied(), self.perceptual_hash())
    }

    pub fn traits(&self, duplicate: bool) -> Traits {
        Traits {
            status: self.status,
            day: self.date.as_ref().map(day),
            size: self.file.size(),
            width: self.width,
            height: self.height,
            edited: self.edited,
            screenshot: self.screenshot,
            duplicate,
        }
    }

    pub fn face(&self, duplicate: bool) -> Face {
        Face {
            folder: self.folder,
            card: self.card.clone(),
            traits: self.traits(duplicate),
        }
    }

    /// The photo of this record, which is in the folder of path `folder`, and what [`Photos::stat`] says of its file.
    pub fn photo(&self, id: PhotoId, folder: Vec<u8>, stat: FileStat) -> Photo {
        let mut path = folder;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(self.card.file_name());
        Photo {
            id,
            path: SourcePath::new(path),
            name: self.card.name().into(),
            title_name: self.card.title_name().map(Into::into),
            text_bytes: self.text_bytes,
            stat,
            format: self.format,
            status: self.status,
            date: self.date,
            hash: self.hash().copied(),
            width: self.width,
            height: self.height,
            perceptual_hash: self.perceptual_hash(),
            edited: self.edited,
        }
    }
}

/// The records. The tables hold ids only; the names they are found by stay in the records.
#[derive(Default)]
pub struct Photos {
    records: Vec<Option<Record>>,
    owners: Owners,
    by_name: HashTable<PhotoId>,
    by_place: HashTable<PhotoId>,
    by_title: HashTable<PhotoId>,
    hasher: DefaultHashBuilder,
}

impl Photos {
    pub fn get(&self, id: PhotoId) -> Option<&Record> {
        self.records.get(id.0 as usize)?.as_ref()
    }

    pub fn stat(&self, record: &Record) -> FileStat {
        self.owners.join(&record.file)
    }

    /// A record that is still to be inserted.
    pub fn record(
        &mut self,
        photo: Photo,
        folder: FolderId,
        labels: Vec<LabelId>,
        screenshot: bool,
    ) -> Record {
        let file = self.owners.split(&photo.stat);
        Record::new(photo, file, folder, labels, screenshot)
    }

    /// Every photo in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (PhotoId, &Record)> {
        let records = (0..).map(PhotoId).zip(&self.records);
        records.filter_map(|(id, record)| Some((id, record.as_ref()?)))
    }

    /// Makes room for so many photos, when none is there yet.
    pub fn expect(&mut self, photos: usize) {
        self.records.reserve_exact(photos + 1);
        for table in [&mut self.by_name, &mut self.by_place, &mut self.by_title] {
            *table = HashTable::with_capacity(photos);
        }
    }

    /// The photo must not be there already.
    pub fn insert(&mut self, id: PhotoId, record: Record) {
        let slot = id.0 as usize;
        if self.records.len() <= slot {
            self.records.resize_with(slot + 1, || None);
        }
        let (name, place, title) = self.hashes(&record);
        self.records[slot] = Some(record);
        let (records, hasher) = (&self.records, &self.hasher);
        let rehash = |of: fn(&DefaultHashBuilder, &Record) -> u64| {
            move |id: &PhotoId| records[id.0 as usize].as_ref().map_or(0, |r| of(hasher, r))
        };
        if let Some(title) = title {
            let of =
                |hasher: &DefaultHashBuilder, r: &Record| title_hash(hasher, r).unwrap_or_default();
            self.by_title.insert_unique(title, id, rehash(of));
        }
        self.by_name.insert_unique(name, id, rehash(name_hash));
        self.by_place.insert_unique(place, id, rehash(place_hash));
    }

    pub fn remove(&mut self, id: PhotoId) -> Option<Record> {
        let record = self.records.get_mut(id.0 as usize)?.take()?;
        let (name, place, title) = self.hashes(&record);
        let named = [(&mut self.by_name, name), (&mut self.by_place, place)].into_iter();
        let titled = title.map(|title| (&mut self.by_title, title));
        for (table, hash) in named.chain(titled) {
            if let Ok(found) = table.find_entry(hash, |&other| other == id) {
                found.remove();
            }
        }
        Some(record)
    }

    pub fn by_name(&self, name: &[u8]) -> Option<PhotoId> {
        let is_it = |id: &PhotoId| self.get(*id).is_some_and(|r| r.card.name() == name);
        self.by_name
            .find(self.hasher.hash_one(name), is_it)
            .copied()
    }

    pub fn by_title(&self, name: &[u8]) -> Option<PhotoId> {
        let named = |r: &Record| r.card.title_name() == Some(name);
        let is_it = |id: &PhotoId| self.get(*id).is_some_and(named);
        self.by_title
            .find(self.hasher.hash_one(name), is_it)
            .copied()
    }

    pub fn in_folder(&self, folder: FolderId, file_name: &[u8]) -> Option<PhotoId> {
        let here = |r: &Record| r.folder == folder && r.card.file_name() == file_name;
        let is_it = |id: &PhotoId| self.get(*id).is_some_and(here);
        let hash = self.hasher.hash_one((folder, file_name));
        self.by_place.find(hash, is_it).copied()
    }

    /// Of the name, of the place, of the title's name.
    fn hashes(&self, record: &Record) -> (u64, u64, Option<u64>) {
        (
            name_hash(&self.hasher, record),
            place_hash(&self.hasher, record),
            title_hash(&self.hasher, record),
        )
    }
}

fn name_hash(hasher: &DefaultHashBuilder, record: &Record) -> u64 {
    hasher.hash_one(record.card.name())
}

fn place_hash(hasher: &DefaultHashBuilder, record: &Record) -> u64 {
    hasher.hash_one((record.folder, record.card.file_name()))
}

fn title_hash(hasher: &DefaultHashBuilder, record: &Record) -> Option<u64> {
    Some(hasher.hash_one(record.card.title_name()?))
}
