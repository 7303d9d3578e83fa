//! What a file says of itself, read from its metadata without decoding the picture.
//!
//! What EXIF, XMP and IPTC say in it is `media`'s; here one of them wins where several speak: EXIF on cameras, dates and
//! places, XMP on what people wrote.

mod camera;
mod date;
mod place;

use std::collections::HashSet;
use std::io::{self, Read, Seek};

use crate::catalog::{DateSource, Facet, Facts, FileStat, Format, LabelKey, SourcePath, clean};
use crate::media::xmp::Xmp;
use crate::media::{
    self, Container, Exif, Iptc, LONGEST_DESCRIPTION, LONGEST_TAG, LONGEST_TITLE, MOST_TAGS,
    Metadata, Reader,
};
use crate::panics;

/// Characters of a maker, model or lens; the longest lenses have some sixty.
const LONGEST_NAME: usize = 100;

/// The facts of one file, and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What the file says of itself, at least its format.
    pub facts: Facts,
    /// How much of the file was read.
    pub bytes_read: u64,
}

/// Reads what a file says of itself. `None` when it is no picture.
///
/// A picture that is torn or that lies says less; a file that only its name calls a picture is
/// [`Format::Unknown`]. Without a date in the file its modification time counts.
///
/// The file stands at its start, as whoever opens one has it.
///
/// # Errors
/// When the disk does not give the file's content.
pub fn read(
    file: impl Read + Seek,
    stat: &FileStat,
    path: &SourcePath,
) -> io::Result<Option<Reading>> {
    let mut reader = Reader::new(file, stat.size);
    let Some(format) = media::detect(&mut reader, path.file_name())? else {
        return Ok(None);
    };
    let mut facts = contained(format, path, || {
        let metadata = media::metadata(&mut reader, format)?;
        Ok(merge(format, metadata))
    })?;
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

fn merge(format: Format, metadata: Metadata) -> Facts {
    let Metadata {
        container,
        exif,
        xmp,
        iptc,
    } = metadata;
    let mut facts = Facts::of(format);
    facts.orientation = container.orientation.or(exif.orientation).unwrap_or(1);
    (facts.width, facts.height) = match facts.orientation {
        5..=8 => (container.height, container.width),
        _ => (container.width, container.height),
    };
    facts.position = exif.position.or(xmp.position);
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
    facts.rating = xmp.rating.or(exif.rating);
    facts.keywords = keywords([&xmp.tags, &iptc.keywords, &exif.keywords]);
    let best = dates(&container, exif, xmp, iptc).best();
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

/// All keywords, each once, whatever its case.
fn keywords(sources: [&Vec<String>; 3]) -> Vec<String> {
    let mut seen = HashSet::new();
    let all = sources.into_iter().flatten();
    all.filter_map(|keyword| clean(keyword, LONGEST_TAG))
        .filter(|keyword| seen.insert(LabelKey::new(Facet::Tag, keyword)))
        .take(MOST_TAGS)
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
        original: exif.original,
        digitized: exif.digitized,
        modified: exif.modified,
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
