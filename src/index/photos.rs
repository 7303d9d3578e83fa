//! A compact record of every photo, found by id, by catalog name, by folder and file name, by content, and by what the disk
//! says of its file: inode and size.

use std::hash::BuildHasher;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::hash_table::OccupiedEntry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::alike::Fingerprint;
use super::file_table::FileTable;
use super::owners::{File, Owners};
use super::record_pages::RecordPages;
use super::{FolderId, LabelId, PackedNames, PhotoSnapshot, Traits};
use crate::catalog::{
    ContentHash, FileStat, Format, Photo, PhotoId, SourcePath, Status, WallClock, day,
};

/// What is kept of one photo. Whether a hash is there is said by a flag: an `Option` of eight bytes takes sixteen.
pub struct Record {
    pub folder: FolderId,
    pub packed: PackedNames,
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
    edition: u16,
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
            packed: PackedNames::new(file_name, &photo.name, title_name, labels),
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
            edition: photo.edition,
        }
    }

    /// Bytes of its text file.
    pub fn text_bytes(&self) -> u32 {
        self.text_bytes
    }

    /// When it was taken.
    pub fn date(&self) -> Option<WallClock> {
        self.date
    }

    /// The hash of its content, once it was read as a whole.
    pub fn hash(&self) -> Option<&ContentHash> {
        self.has_hash.then_some(&self.hash)
    }

    /// Whether a person said anything of it.
    pub fn is_edited(&self) -> bool {
        self.edited
    }

    /// What its picture looks like, once it was decoded.
    pub fn perceptual_hash(&self) -> Option<u64> {
        self.has_perceptual_hash.then_some(self.perceptual_hash)
    }

    /// What tells it from photos that are alike.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(self.hash().copied(), self.perceptual_hash())
    }

    /// `duplicate`: whether there is a copy of it, which a record doesn't know.
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

    /// How it looks now; `duplicate` as above.
    pub fn snapshot(&self, duplicate: bool) -> PhotoSnapshot {
        PhotoSnapshot {
            folder: self.folder,
            packed: self.packed.clone(),
            traits: self.traits(duplicate),
        }
    }

    /// The photo of this record, which is in the folder of path `folder`, and what [`Photos::stat`] says of its file.
    pub fn photo(&self, id: PhotoId, folder: Vec<u8>, stat: FileStat) -> Photo {
        let mut path = folder;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(self.packed.file_name());
        Photo {
            id,
            path: SourcePath::new(path),
            name: self.packed.name().into(),
            title_name: self.packed.title_name().map(Into::into),
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
            edition: self.edition,
        }
    }
}

/// The records. The tables hold ids only; what they are found by stays in the records.
#[derive(Default)]
pub struct Photos {
    records: RecordPages,
    owners: Owners,
    /// By catalog name, by folder and file name where that is another one, by the name for the title, by content.
    tables: [HashTable<PhotoId>; KEYS.len()],
    files: FileTable,
    hasher: DefaultHashBuilder,
    /// No file is larger, nor was one.
    largest: u64,
    /// How many records were looked at.
    #[cfg(debug_assertions)]
    visits: AtomicU64,
}

impl Photos {
    /// The record of a photo that is there.
    pub fn get(&self, id: PhotoId) -> Option<&Record> {
        #[cfg(debug_assertions)]
        self.visits.fetch_add(1, Ordering::Relaxed);
        self.records.get(id)
    }

    /// What the disk said of the file of a record.
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
        self.records
            .ids()
            .filter_map(|id| Some((id, self.get(id)?)))
    }

    /// Makes room for so many photos, when none is there yet.
    pub fn expect(&mut self, photos: usize) {
        self.records.reserve(photos);
        for table in [NAME, TITLE, CONTENT] {
            self.tables[table] = HashTable::with_capacity(photos);
        }
        self.files.expect(photos);
    }

    /// Puts a record in, and finds it from now on. The photo must not be there already.
    pub fn insert(&mut self, id: PhotoId, record: Record) {
        self.largest = self.largest.max(record.file.size());
        let places = KEYS.map(|key| key(&self.hasher, &record));
        self.records.insert(id, record);
        let (records, hasher) = (&self.records, &self.hasher);
        let tables = self.tables.iter_mut().zip(KEYS).zip(places);
        for ((table, key), place) in tables {
            let Some(place) = place else { continue };
            let rehash = |id: &PhotoId| {
                records
                    .get(*id)
                    .and_then(|r| key(hasher, r))
                    .unwrap_or_default()
            };
            table.insert_unique(place, id, rehash);
        }
        let file_of = |id: PhotoId| records.get(id).map(|r| &r.file);
        let file = file_of(id).expect("it was just put in");
        self.files.insert(id, file, file_of);
    }

    /// Takes a record out; `None` where there is none.
    pub fn remove(&mut self, id: PhotoId) -> Option<Record> {
        let record = self.records.remove(id)?;
        let places = KEYS.map(|key| key(&self.hasher, &record));
        for (table, place) in self.tables.iter_mut().zip(places) {
            let found = place.and_then(|place| table.find_entry(place, |&other| other == id).ok());
            found.map(OccupiedEntry::remove);
        }
        self.files.remove(id, &record.file);
        self.owners.release(&record.file);
        Some(record)
    }

    /// The photo with this catalog name.
    pub fn by_name(&self, name: &[u8]) -> Option<PhotoId> {
        let hash = self.hasher.hash_one(name);
        self.find(NAME, hash, |r| r.packed.name() == name)
    }

    /// The photo with this name for its title.
    pub fn by_title(&self, name: &[u8]) -> Option<PhotoId> {
        let hash = self.hasher.hash_one(name);
        self.find(TITLE, hash, |r| r.packed.title_name() == Some(name))
    }

    /// The photo of this file name in a folder. Where the catalog name is the file name it is found by that, which
    /// saves a table for most photos.
    pub fn in_folder(&self, folder: FolderId, file_name: &[u8]) -> Option<PhotoId> {
        let here = |r: &Record| r.folder == folder && r.packed.file_name() == file_name;
        let named = self.find(NAME, self.hasher.hash_one(file_name), here);
        named.or_else(|| self.find(PLACE, self.hasher.hash_one((folder, file_name)), here))
    }

    /// Every photo of this content.
    pub fn with_content(&self, content: &ContentHash) -> impl Iterator<Item = PhotoId> {
        let near = self.tables[CONTENT].iter_hash(content_hash(content));
        let is_it = |id: &&PhotoId| self.get(**id).and_then(Record::hash) == Some(content);
        near.filter(is_it).copied()
    }

    /// Every photo whose file has this inode and this size; more than one where there are hard links.
    pub fn with_file(&self, stat: &FileStat) -> impl Iterator<Item = PhotoId> {
        let near = self.files.near_inode(stat.size, stat.ino);
        near.filter(|id| {
            let record = self.get(*id);
            record.is_some_and(|r| r.file.size() == stat.size && self.stat(r).same_inode(stat))
        })
    }

    /// Every photo whose file has so many bytes.
    pub fn of_size(&self, size: u64) -> impl Iterator<Item = PhotoId> {
        let file_of = move |id| self.get(id).map(|record| &record.file);
        self.files.of_size(size, file_of)
    }

    /// Whether some photo is on this device.
    pub fn has_device(&self, dev: u64) -> bool {
        self.owners.has_device(dev)
    }

    /// A size that no file exceeds, in bytes: that of the largest since the start.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// How many records were looked at so far.
    #[cfg(debug_assertions)]
    pub fn visits(&self) -> u64 {
        self.visits.load(Ordering::Relaxed)
    }

    /// What there is room for in each table, or how much is in it.
    #[cfg(debug_assertions)]
    pub fn table_sizes(&self) -> Vec<(&'static str, usize)> {
        let by_key: usize = self.tables.iter().map(HashTable::len).sum();
        let found_by = by_key + self.files.len();
        vec![
            ("records", self.records.room()),
            ("photos by what they are found by", found_by),
            ("owners", self.owners.len()),
        ]
    }

    fn find(&self, table: usize, hash: u64, is_it: impl Fn(&Record) -> bool) -> Option<PhotoId> {
        let is_it = |id: &PhotoId| self.get(*id).is_some_and(&is_it);
        self.tables[table].find(hash, is_it).copied()
    }
}

/// Places of the tables, in the order of [`KEYS`].
const NAME: usize = 0;
const PLACE: usize = 1;
const TITLE: usize = 2;
const CONTENT: usize = 3;

/// Where a record is in each table, if it is there.
const KEYS: [fn(&DefaultHashBuilder, &Record) -> Option<u64>; 4] = [
    |hasher, record| Some(hasher.hash_one(record.packed.name())),
    |hasher, record| {
        let (name, file_name) = (record.packed.name(), record.packed.file_name());
        (name != file_name).then(|| hasher.hash_one((record.folder, file_name)))
    },
    |hasher, record| Some(hasher.hash_one(record.packed.title_name()?)),
    |_, record| record.hash().map(content_hash),
];

/// A hash of the bytes is as even as any hash of it.
fn content_hash(content: &ContentHash) -> u64 {
    let (first, _) = content.0.split_first_chunk().expect("32 bytes have 8");
    u64::from_le_bytes(*first)
}
