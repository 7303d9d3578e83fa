//! What a file says of itself, read from its metadata without decoding the picture.
//!
//! The format says where metadata lies (`container`); EXIF, XMP and IPTC say what it means; here one
//! of them wins where several speak: EXIF on cameras, dates and places, XMP on what people wrote.

mod bitmap;
mod camera;
mod container;
mod date;
mod exif;
mod format;
mod heif;
mod iptc;
mod isobmff;
mod jpeg;
mod jxl;
mod place;
mod png;
mod raw;
mod reader;
mod text;
mod tiff;
mod tiff_file;
mod webp;
mod xmp;

use std::collections::HashSet;
use std::fs::File;
use std::io;

use self::container::Container;
use self::exif::Exif;
use self::iptc::Iptc;
use self::reader::Reader;
use self::tiff::Directory;
use self::xmp::Xmp;
use crate::catalog::{DateSource, Facet, Facts, FileStat, Format, LabelKey, SourcePath, clean};
use crate::panics;

const LONGEST_NAME: usize = 100;
const LONGEST_TITLE: usize = 300;
const LONGEST_DESCRIPTION: usize = 4000;
const MOST_KEYWORDS: usize = 200;

/// The facts of one file, and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub facts: Facts,
    /// How much of the file was read.
    pub bytes_read: u64,
}

/// Reads what a file says of itself. `None` when it is no picture.
///
/// A picture that is torn or that lies says less; a file that only its name calls a picture is
/// [`Format::Unknown`]. Without a date in the file its modification time counts.
///
/// # Errors
/// When the disk does not give the file's content.
pub fn read(file: &File, stat: &FileStat, path: &SourcePath) -> io::Result<Option<Reading>> {
    let mut reader = Reader::of_file(file, stat.size);
    let Some(format) = format::detect(&mut reader, path.file_name())? else {
        return Ok(None);
    };
    let mut facts = contained(format, path, || facts(&mut reader, format))?;
    if facts.date.is_none() {
        facts.date = date::of_file(stat.mtime_ns);
        facts.date_source = facts.date.map(|_| DateSource::FileTime);
    }
    let bytes_read = reader.bytes_read();
    Ok(Some(Reading { facts, bytes_read }))
}

/// A reader that breaks down over one file must not cost the others: such a file says no more than its format.
fn contained(
    format: Format,
    path: &SourcePath,
    read: impl FnOnce() -> io::Result<Facts>,
) -> io::Result<Facts> {
    panics::contained(read).unwrap_or_else(|_| {
        tracing::error!(%path, "its metadata broke the reader");
        Ok(Facts::of(format))
    })
}

fn facts(reader: &mut Reader, format: Format) -> io::Result<Facts> {
    let mut container = container(reader, format)?;
    let mut exif = Exif::default();
    for block in container.exif.drain(..) {
        exif::read(reader, block, Directory::Image, &mut exif)?;
    }
    for (directory, block) in container.directories.drain(..) {
        exif::read(reader, block, directory, &mut exif)?;
    }
    let xmp = match container.xmp.take() {
        Some(block) => xmp::read(&block.bytes(reader)?),
        None => Xmp::default(),
    };
    let iptc = match container.photoshop.take() {
        Some(block) => iptc::read(&block.bytes(reader)?),
        None => Iptc::default(),
    };
    Ok(merge(format, &container, exif, xmp, iptc))
}

fn container(reader: &mut Reader, format: Format) -> io::Result<Container> {
    match format {
        Format::Jpeg => jpeg::read(reader, 0),
        Format::Png => png::read(reader),
        Format::WebP => webp::read(reader),
        Format::Gif => bitmap::read_gif(reader),
        Format::Bmp => bitmap::read_bmp(reader),
        Format::Tiff | Format::Raw => raw::read(reader),
        Format::Heic | Format::Avif => heif::read(reader),
        Format::Jxl => jxl::read(reader),
        Format::Unknown => Ok(Container::default()),
    }
}

fn merge(format: Format, container: &Container, exif: Exif, xmp: Xmp, iptc: Iptc) -> Facts {
    let mut facts = Facts::of(format);
    facts.orientation = container.orientation.or(exif.orientation).unwrap_or(1);
    (facts.width, facts.height) = match facts.orientation {
        5..=8 => (container.height, container.width),
        _ => (container.width, container.height),
    };
    facts.position = exif.position.or_else(|| xmp.position());
    if let Some(position) = facts.position {
        let place = place::of(position);
        (facts.country, facts.city) = (place.country, place.city);
    }
    facts.make = first([&exif.make, &xmp.make], LONGEST_NAME);
    facts.model = first([&exif.model, &xmp.model], LONGEST_NAME);
    facts.lens = first([&exif.lens, &xmp.lens], LONGEST_NAME);
    facts.camera = camera::name(facts.make.as_deref(), facts.model.as_deref());
    let texts = [
        &xmp.title,
        &iptc.title,
        &container.text("Title"),
        &exif.title,
    ];
    facts.title = first(texts, LONGEST_TITLE);
    let texts = [
        &xmp.description,
        &iptc.description,
        &exif.description,
        &container.text("Description"),
    ];
    facts.description = first(texts, LONGEST_DESCRIPTION);
    facts.rating = xmp
        .rating
        .as_ref()
        .and_then(|text| rating(text))
        .or(exif.rating);
    facts.keywords = keywords([&xmp.keywords, &iptc.keywords, &exif.keywords]);
    let best = dates(container, exif, xmp, iptc).best();
    (facts.date, facts.date_source) = best.unzip();
    facts
}

/// The first text of which something is left when it is clean.
fn first<const N: usize>(texts: [&Option<String>; N], longest: usize) -> Option<String> {
    texts
        .into_iter()
        .flatten()
        .find_map(|text| clean(text, longest))
}

fn rating(text: &str) -> Option<u8> {
    text.trim().parse().ok().filter(|&rating| rating <= 5)
}

/// All keywords, each once, whatever its case.
fn keywords(sources: [&Vec<String>; 3]) -> Vec<String> {
    let mut seen = HashSet::new();
    let all = sources.into_iter().flatten();
    all.filter_map(|keyword| clean(keyword, LONGEST_NAME))
        .filter(|keyword| seen.insert(LabelKey::new(Facet::Tag, keyword)))
        .take(MOST_KEYWORDS)
        .collect()
}

/// IPTC's date of creation counts like EXIF's original one when it has a time; a bare day says less than any
/// other date.
fn dates(container: &Container, exif: Exif, xmp: Xmp, iptc: Iptc) -> date::Dates {
    let has_time = |date: &String| date.len() > "2024-07-14".len();
    let (moment, day) = match iptc.created {
        Some(date) if has_time(&date) => (Some(date), None),
        day => (None, day),
    };
    let png = ["Creation Time", "tIME"];
    let png = png
        .into_iter()
        .filter_map(|keyword| container.text(keyword));
    date::Dates {
        embedded_original: xmp.original.or(moment),
        embedded_created: xmp.created,
        embedded_other: day.into_iter().chain(xmp.other_dates).chain(png).collect(),
        ..exif.dates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_breaks_down_costs_only_its_file() {
        let path = SourcePath::new(*b"a.jpg");
        let broken = || panic!("read past the end");
        let facts = contained(Format::Jpeg, &path, broken).unwrap();
        assert_eq!(facts, Facts::of(Format::Jpeg));
    }
}
