//! TIFF directories: what EXIF blocks, TIFF files and most raw files are made of.
//!
//! Walks them where they lie and fetches single values, because the directories of a TIFF or raw file may be
//! anywhere in it; the crates for EXIF want the whole structure in memory, and refuse the raw files' magic numbers.
//! The walk has a fixed depth, so loops in hostile files cannot hold it. Knows structure, not meaning.

use std::io;

use super::pieces::Pieces;
use super::reader::Reader;

/// Of one directory. Cameras write some fifty; the count has 16 bits.
const MOST_ENTRIES: u64 = 1000;
/// Raw files have a handful: the sensor's data and previews of several sizes.
const MOST_SUB_DIRECTORIES: usize = 8;
/// Of texts and numbers that are understood here; what is longer is fetched as a stretch.
const LONGEST_VALUE: u64 = 64 * 1024;

/// Tags of the first directory that lead to the others.
const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;
const SUB_DIRECTORIES: u16 = 0x014a;

/// The directories that say something of the picture. Thumbnails and further pages are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directory {
    /// The first one (IFD0): what the picture is.
    Image,
    /// How it was taken.
    Exif,
    /// Where it was taken.
    Gps,
    /// Further versions of the picture: in raw files the sensor's.
    Sub,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    directory: Directory,
    tag: u16,
    kind: u16,
    count: u64,
    /// From the start of the structure.
    at: u64,
}

impl Entry {
    fn length(&self) -> u64 {
        self.count.saturating_mul(width_of(self.kind))
    }
}

/// Bytes of one value of a type; 0 for unknown types.
fn width_of(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 0,
    }
}

/// A TIFF structure inside a file, its directories known, its values still to be fetched.
pub struct Tiff<'r, 'a> {
    reader: &'r mut Reader<'a>,
    start: u64,
    length: u64,
    big_endian: bool,
    entries: Vec<Entry>,
}

impl<'r, 'a> Tiff<'r, 'a> {
    /// Walks the structure at `start`; `None` when there is none. `root` is what its first directory holds.
    pub fn open(
        reader: &'r mut Reader<'a>,
        start: u64,
        length: u64,
        root: Directory,
    ) -> io::Result<Option<Self>> {
        let mut tiff = Self {
            reader,
            start,
            length,
            big_endian: false,
            entries: Vec::new(),
        };
        let Some(header) = tiff.array::<8>(0)? else {
            return Ok(None);
        };
        tiff.big_endian = match &header[..4] {
            // Olympus writes RO and RS, Panasonic U, where TIFF has 42.
            b"II*\0" | b"IIRO" | b"IIRS" | b"IIU\0" => false,
            b"MM\0*" | b"MMOR" => true,
            _ => return Ok(None),
        };
        let first = tiff.u32([header[4], header[5], header[6], header[7]]);
        tiff.walk(u64::from(first), root)?;
        tiff.follow(EXIF_POINTER, Directory::Exif)?;
        tiff.follow(GPS_POINTER, Directory::Gps)?;
        tiff.follow(SUB_DIRECTORIES, Directory::Sub)?;
        Ok(Some(tiff))
    }

    fn follow(&mut self, pointer: u16, directory: Directory) -> io::Result<()> {
        for offset in self
            .numbers(Directory::Image, pointer)?
            .into_iter()
            .take(MOST_SUB_DIRECTORIES)
        {
            self.walk(offset as u64, directory)?;
        }
        Ok(())
    }

    fn walk(&mut self, at: u64, directory: Directory) -> io::Result<()> {
        let Some(count) = self.array(at)?.map(|bytes| self.u16(bytes)) else {
            return Ok(());
        };
        let count = u64::from(count).min(MOST_ENTRIES);
        let table = self.piece(at + 2, count * 12)?.to_vec();
        for (index, row) in table.chunks_exact(12).enumerate() {
            let entry = self.entry(row, at + 2 + index as u64 * 12, directory);
            self.entries.push(entry);
        }
        Ok(())
    }

    fn entry(&self, row: &[u8], at: u64, directory: Directory) -> Entry {
        let mut entry = Entry {
            directory,
            tag: self.u16([row[0], row[1]]),
            kind: self.u16([row[2], row[3]]),
            count: self.u32([row[4], row[5], row[6], row[7]]).into(),
            at: at + 8,
        };
        if entry.length() > 4 {
            entry.at = self.u32([row[8], row[9], row[10], row[11]]).into();
        }
        entry
    }

    /// Whether the directory has the tag at all.
    pub fn has(&self, directory: Directory, tag: u16) -> bool {
        self.find(directory, tag).is_some()
    }

    fn find(&self, directory: Directory, tag: u16) -> Option<Entry> {
        let mut entries = self.entries.iter();
        entries
            .find(|e| e.directory == directory && e.tag == tag)
            .copied()
    }

    /// Where a value lies in the file, and its length.
    pub fn stretch(&self, directory: Directory, tag: u16) -> Option<(u64, u64)> {
        let entry = self.find(directory, tag)?;
        let left = self.length.checked_sub(entry.at)?;
        Some((self.start + entry.at, entry.length().min(left)))
    }

    /// The bytes of a value.
    pub fn bytes(&mut self, directory: Directory, tag: u16) -> io::Result<Option<Vec<u8>>> {
        match self.find(directory, tag) {
            Some(entry) => self.value(entry).map(Some),
            None => Ok(None),
        }
    }

    /// The numbers of a value; empty when it isn't there, isn't numeric or lies outside the file.
    pub fn numbers(&mut self, directory: Directory, tag: u16) -> io::Result<Vec<f64>> {
        match self.find(directory, tag) {
            Some(entry) => self.numbers_of(entry),
            None => Ok(Vec::new()),
        }
    }

    /// The first number of every such value, in the order of the directories.
    pub fn each(&mut self, directory: Directory, tag: u16) -> io::Result<Vec<f64>> {
        let wanted: Vec<Entry> = self
            .entries
            .iter()
            .filter(|e| e.directory == directory && e.tag == tag)
            .copied()
            .collect();
        let firsts = wanted.into_iter().map(|entry| self.numbers_of(entry));
        let firsts: io::Result<Vec<_>> = firsts.collect();
        Ok(firsts?.iter().filter_map(|n| n.first().copied()).collect())
    }

    fn numbers_of(&mut self, entry: Entry) -> io::Result<Vec<f64>> {
        let bytes = self.value(entry)?;
        let width = width_of(entry.kind).max(1) as usize;
        let values = bytes.chunks_exact(width);
        Ok(values.filter_map(|v| self.number(entry.kind, v)).collect())
    }

    fn value(&mut self, entry: Entry) -> io::Result<Vec<u8>> {
        let length = entry.length().min(LONGEST_VALUE);
        Ok(self.piece(entry.at, length)?.to_vec())
    }

    fn number(&self, kind: u16, value: &[u8]) -> Option<f64> {
        let whole = |at: usize| Some(self.u32(value.get(at..at + 4)?.try_into().ok()?));
        Some(match kind {
            1 | 7 => value[0].into(),
            6 => value[0].cast_signed().into(),
            3 => self.u16(value.try_into().ok()?).into(),
            8 => self.u16(value.try_into().ok()?).cast_signed().into(),
            4 | 13 => whole(0)?.into(),
            9 => whole(0)?.cast_signed().into(),
            5 => f64::from(whole(0)?) / f64::from(whole(4)?),
            10 => f64::from(whole(0)?.cast_signed()) / f64::from(whole(4)?.cast_signed()),
            11 => f32::from_bits(whole(0)?).into(),
            12 if self.big_endian => f64::from_be_bytes(value.try_into().ok()?),
            12 => f64::from_le_bytes(value.try_into().ok()?),
            _ => return None,
        })
    }

    fn piece(&mut self, at: u64, length: u64) -> io::Result<&[u8]> {
        let length = length.min(self.length.saturating_sub(at));
        self.reader.piece(self.start.saturating_add(at), length)
    }

    fn array<const N: usize>(&mut self, at: u64) -> io::Result<Option<[u8; N]>> {
        Ok(self.piece(at, N as u64)?.try_into().ok())
    }

    fn u16(&self, bytes: [u8; 2]) -> u16 {
        match self.big_endian {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        match self.big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        }
    }
}
