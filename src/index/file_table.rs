//! Photos found by the size of their file, and by its inode, in one table.
//!
//! Who looks for copies wants all files of a size, who comes upon a file wants the photo of its inode. Most sizes have one
//! file or a few, which are in one place. Raw files of one camera, scans and screenshots come in one size by the
//! thousand: those are in several places, by their inode, and in more when they become more, so that none has more than
//! a few. Knows nothing of what else is in a record.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::hash_table::OccupiedEntry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::owners::File;
use crate::catalog::PhotoId;

/// The files of one size that are in one place, on average, before they get more places.
const ROOM: u64 = 4;
/// As many times more places they get then: moving them costs each file a third of a move.
const GROWTH: u64 = 4;

/// Holds ids only: whoever calls says which file a photo has.
#[derive(Default)]
pub struct FileTable {
    table: HashTable<PhotoId>,
    places: Places,
}

/// Where the files of a size and an inode are.
#[derive(Default)]
struct Places {
    hasher: DefaultHashBuilder,
    /// The sizes whose files are in more than one place.
    crowds: HashMap<u64, Crowd>,
}

/// Many files of one size.
struct Crowd {
    places: u64,
    files: u64,
}

impl Places {
    /// How many there are for the files of a size.
    fn count(&self, size: u64) -> u64 {
        self.crowds.get(&size).map_or(1, |crowd| crowd.places)
    }

    fn of(&self, size: u64, ino: u64) -> u64 {
        match self.count(size) {
            1 => self.numbered(size, 0),
            places => self.numbered(size, self.hasher.hash_one(ino) % places),
        }
    }

    fn numbered(&self, size: u64, number: u64) -> u64 {
        self.hasher.hash_one((size, number))
    }
}

impl FileTable {
    /// Makes room for so many photos, when none is there yet.
    pub fn expect(&mut self, photos: usize) {
        self.table = HashTable::with_capacity(photos);
    }

    /// Puts a photo in that isn't there; `file_of` knows the file of each.
    pub fn insert<'a>(
        &mut self,
        id: PhotoId,
        file: &File,
        file_of: impl Fn(PhotoId) -> Option<&'a File>,
    ) {
        self.make_room(file.size(), &file_of);
        if let Some(crowd) = self.places.crowds.get_mut(&file.size()) {
            crowd.files += 1;
        }
        self.put(id, file, &file_of);
    }

    /// Takes a photo out whose file was this.
    pub fn remove(&mut self, id: PhotoId, file: &File) {
        self.take(id, file);
        if let Some(crowd) = self.places.crowds.get_mut(&file.size()) {
            crowd.files -= 1;
            if crowd.files == 0 {
                self.places.crowds.remove(&file.size());
            }
        }
    }

    /// Every photo of a size, once: the table also gives what is elsewhere, now and then.
    pub fn of_size<'a>(
        &self,
        size: u64,
        file_of: impl Fn(PhotoId) -> Option<&'a File>,
    ) -> impl Iterator<Item = PhotoId> {
        let places = (0..self.places.count(size)).map(move |n| self.places.numbered(size, n));
        let near = places.flat_map(|place| self.table.iter_hash(place).map(move |&id| (id, place)));
        near.filter_map(move |(id, place)| {
            let file = file_of(id).filter(|file| file.size() == size)?;
            (self.places.of(size, file.ino()) == place).then_some(id)
        })
    }

    /// Every photo of a size and an inode, and a few others.
    pub fn near_inode(&self, size: u64, ino: u64) -> impl Iterator<Item = PhotoId> {
        self.table.iter_hash(self.places.of(size, ino)).copied()
    }

    /// How much is in it.
    #[cfg(any(test, debug_assertions))]
    pub fn len(&self) -> usize {
        self.table.len() + self.places.crowds.len()
    }

    /// Gives the files of a size more places when another one makes them too many.
    fn make_room<'a>(&mut self, size: u64, file_of: &impl Fn(PhotoId) -> Option<&'a File>) {
        let files = match self.places.crowds.get(&size) {
            Some(crowd) => crowd.files,
            None => self.of_size(size, file_of).count() as u64,
        };
        let places = self.places.count(size);
        if files < places * ROOM {
            return;
        }
        let all: Vec<_> = self.of_size(size, file_of).collect();
        let all = || all.iter().filter_map(|&id| Some((id, file_of(id)?)));
        all().for_each(|(id, file)| self.take(id, file));
        let places = places * GROWTH;
        self.places.crowds.insert(size, Crowd { places, files });
        all().for_each(|(id, file)| self.put(id, file, file_of));
    }

    fn put<'a>(
        &mut self,
        id: PhotoId,
        file: &File,
        file_of: &impl Fn(PhotoId) -> Option<&'a File>,
    ) {
        let places = &self.places;
        let place = |file: &File| places.of(file.size(), file.ino());
        let rehash = |id: &PhotoId| file_of(*id).map(place).unwrap_or_default();
        self.table.insert_unique(place(file), id, rehash);
    }

    fn take(&mut self, id: PhotoId, file: &File) {
        let place = self.places.of(file.size(), file.ino());
        let found = self.table.find_entry(place, |&other| other == id).ok();
        found.map(OccupiedEntry::remove);
    }
}

#[cfg(test)]
mod tests {
    use super::super::owners::Owners;
    use super::*;
    use crate::catalog::FileStat;

    const SIZE: u64 = 25_000_000;

    /// Files of one size, by the number of their photo, with every `step`th inode.
    fn files(count: u32, step: u64) -> Vec<File> {
        let mut owners = Owners::default();
        let stat = |number: u32| FileStat {
            ino: u64::from(number) * step,
            size: SIZE,
            ..FileStat::default()
        };
        (0..count)
            .map(|number| owners.split(&stat(number)))
            .collect()
    }

    fn table_of(files: &[File]) -> FileTable {
        let mut table = FileTable::default();
        table.expect(files.len());
        for (number, file) in (0..).zip(files) {
            table.insert(PhotoId(number), file, |id| files.get(id.0 as usize));
        }
        table
    }

    #[test]
    fn an_inode_has_few_neighbours_however_many_files_have_its_size() {
        for step in [1, 64, 1 << 20] {
            let files = files(100_000, step);
            let table = table_of(&files);
            for (number, file) in (0..).zip(&files) {
                let near: Vec<_> = table.near_inode(SIZE, file.ino()).collect();
                assert!(near.contains(&PhotoId(number)) && near.len() <= 32);
            }
            let file_of = |id: PhotoId| files.get(id.0 as usize);
            let mut all: Vec<_> = table.of_size(SIZE, file_of).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq((0..100_000).map(PhotoId)), "{step}");
        }
    }

    /// A table of hashes that is between half and full, with a byte of each hash.
    #[test]
    fn a_photo_takes_no_more_than_ten_bytes() {
        let table = table_of(&files(100_000, 1));
        let bytes = table.table.allocation_size();
        println!("{:.1} bytes a photo", bytes as f64 / 100_000.0);
        assert!(bytes <= 10 * 100_000);
        assert_eq!(table.places.crowds.len(), 1);
    }

    #[test]
    fn what_came_and_went_leaves_nothing() {
        let files = files(1000, 1);
        let mut table = table_of(&files);
        for (number, file) in (0..).zip(&files) {
            table.remove(PhotoId(number), file);
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn links_of_one_file_stay_together() {
        let files = files(1000, 0);
        let table = table_of(&files);
        assert_eq!(table.near_inode(SIZE, 0).count(), 1000);
    }
}
