//! What EXIF's tags mean.

use std::io;

use super::container::Block;
use super::date::Dates;
use super::place;
use super::reader::Reader;
use super::text;
use super::tiff::{Directory, Tiff};
use crate::catalog::Position;

/// Descriptions that cameras write into every picture.
const STOCK_DESCRIPTIONS: [&str; 6] = [
    "SONY DSC",
    "OLYMPUS DIGITAL CAMERA",
    "KONICA MINOLTA DIGITAL CAMERA",
    "MINOLTA DIGITAL CAMERA",
    "DIGITAL CAMERA",
    "Exif_JPEG_PICTURE",
];

/// What one EXIF structure says. Texts are as written.
#[derive(Debug, Default)]
pub struct Exif {
    pub orientation: Option<u8>,
    pub dates: Dates,
    pub make: Option<String>,
    pub model: Option<String>,
    pub lens: Option<String>,
    pub position: Option<Position>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    pub rating: Option<u8>,
}

/// Adds what a block says to what earlier blocks said; a block that is no EXIF says nothing.
pub fn read(reader: &mut Reader, block: Block, root: Directory, exif: &mut Exif) -> io::Result<()> {
    match block {
        Block::Stretch { at, length } => read_at(reader, at, length, root, exif),
        Block::Copy(bytes) => {
            let length = bytes.len() as u64;
            read_at(&mut Reader::of_memory(&bytes), 0, length, root, exif)
        }
    }
}

fn read_at(
    reader: &mut Reader,
    at: u64,
    length: u64,
    root: Directory,
    exif: &mut Exif,
) -> io::Result<()> {
    match Tiff::open(reader, at, length, root)? {
        Some(mut tiff) => exif.add(&mut tiff),
        None => Ok(()),
    }
}

impl Exif {
    pub fn add(&mut self, tiff: &mut Tiff) -> io::Result<()> {
        use Directory::{Exif, Image};
        fill(&mut self.make, text(tiff, Image, 0x010f)?);
        fill(&mut self.model, text(tiff, Image, 0x0110)?);
        fill(&mut self.lens, text(tiff, Exif, 0xa434)?);
        fill(&mut self.dates.original, text(tiff, Exif, 0x9003)?);
        fill(&mut self.dates.digitized, text(tiff, Exif, 0x9004)?);
        fill(&mut self.dates.modified, text(tiff, Image, 0x0132)?);
        let description = text(tiff, Image, 0x010e)?.filter(|text| !is_stock(text));
        fill(&mut self.description, description);
        fill(&mut self.title, wide_text(tiff, 0x9c9b)?);
        let keywords = wide_text(tiff, 0x9c9e)?.unwrap_or_default();
        self.keywords.extend(keywords.split(';').map(str::to_owned));
        let orientation = small(tiff, 0x0112)?.filter(|n| (1..=8).contains(n));
        fill(&mut self.orientation, orientation);
        fill(&mut self.rating, small(tiff, 0x4746)?.filter(|&n| n <= 5));
        fill(&mut self.position, position(tiff)?);
        Ok(())
    }
}

fn fill<T>(slot: &mut Option<T>, found: Option<T>) {
    *slot = slot.take().or(found);
}

fn is_stock(description: &str) -> bool {
    STOCK_DESCRIPTIONS.contains(&description.trim())
}

fn text(tiff: &mut Tiff, directory: Directory, tag: u16) -> io::Result<Option<String>> {
    let bytes = tiff.bytes(directory, tag)?;
    let text = bytes.map(|bytes| text::decode(&bytes));
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Windows' own tags are UTF-16.
fn wide_text(tiff: &mut Tiff, tag: u16) -> io::Result<Option<String>> {
    let bytes = tiff.bytes(Directory::Image, tag)?;
    Ok(bytes.map(|bytes| text::utf16(&bytes)))
}

fn small(tiff: &mut Tiff, tag: u16) -> io::Result<Option<u8>> {
    let number = tiff.numbers(Directory::Image, tag)?.first().copied();
    Ok(number.filter(|n| (0.0..256.0).contains(n)).map(|n| n as u8))
}

fn position(tiff: &mut Tiff) -> io::Result<Option<Position>> {
    let latitude = degrees(tiff, 2, 1, 'S')?;
    let longitude = degrees(tiff, 4, 3, 'W')?;
    Ok(latitude
        .zip(longitude)
        .and_then(|(latitude, longitude)| place::position(latitude, longitude)))
}

/// Degrees, minutes and seconds as one number, negative where the reference says so.
fn degrees(tiff: &mut Tiff, tag: u16, reference: u16, negative: char) -> io::Result<Option<f64>> {
    let parts = tiff.numbers(Directory::Gps, tag)?;
    let reference = tiff.bytes(Directory::Gps, reference)?.unwrap_or_default();
    let sign = match reference.first() {
        Some(&first) if char::from(first).to_ascii_uppercase() == negative => -1.0,
        _ => 1.0,
    };
    // Phones leave unused minutes and seconds as 0/0.
    let part = |index: usize| {
        parts
            .get(index)
            .copied()
            .filter(|n| n.is_finite())
            .unwrap_or(0.0)
    };
    let whole = parts.first().copied().filter(|n| n.is_finite());
    Ok(whole.map(|whole| sign * (whole + part(1) / 60.0 + part(2) / 3600.0)))
}
