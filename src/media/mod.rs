//! Pictures in files: which format a file has, where it keeps metadata, what that says, and how its pixels are had.
//!
//! `formats::FORMATS` is the one list of formats; sniffing, reading and decoding go by it. One walk of JPEG's markers
//! and one of PNG's chunks serve metadata and limits alike; one reader a language of metadata (EXIF, XMP, IPTC) serves
//! whoever asks.
//! Knows of bytes that somebody opened, not of paths, of the catalog's rows, nor of what a photo's facts are in the end:
//! which of several dates counts, or where a place is, is decided in `source`.

mod container;
mod containers;
pub(crate) mod decode;
pub(crate) mod formats;
mod jpeg_markers;
mod magic;
mod metadata;
mod pieces;
mod png_chunks;
mod reader;
mod sniffer;
mod tiff;

use std::io;

use self::container::Block;
pub(crate) use self::container::Container;
pub(crate) use self::formats::is_decodable;
pub(crate) use self::metadata::exif::Exif;
pub(crate) use self::metadata::iptc::Iptc;
pub use self::metadata::xmp;
pub(crate) use self::reader::Reader;
pub(crate) use self::sniffer::detect;
use self::tiff::Directory;
use self::xmp::Xmp;
use crate::catalog::Format;

/// Characters of a title that are taken from a file, wherever it stands in it: words that somebody wrote for people.
pub(crate) const LONGEST_TITLE: usize = 1000;
/// Characters of a description, likewise.
pub const LONGEST_DESCRIPTION: usize = 10_000;
/// Characters of a tag: as a folder it is called like this, and Linux's names have at most 255 bytes.
pub const LONGEST_TAG: usize = 250;
/// More tags than anyone gives to a photo: a file that claims more costs no more.
pub const MOST_TAGS: usize = 1000;

/// What a file says of itself, by whom.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// The file itself: the size of its picture, and texts without a language of their own.
    pub container: Container,
    /// EXIF, all of its blocks together.
    pub exif: Exif,
    /// XMP, of the first packet.
    pub xmp: Xmp,
    /// IPTC, of the first block.
    pub iptc: Iptc,
}

/// Reads what a file of a format says of itself. One that is torn or lies says less.
///
/// # Errors
/// When the disk does not give the file's content.
pub(crate) fn metadata(reader: &mut Reader, format: Format) -> io::Result<Metadata> {
    let Some(format) = formats::of(format) else {
        return Ok(Metadata::default());
    };
    let mut container = (format.metadata)(reader)?;
    let mut exif = Exif::default();
    for block in container.exif.drain(..) {
        exif.read(reader, block, Directory::Image)?;
    }
    for (directory, block) in container.directories.drain(..) {
        exif.read(reader, block, directory)?;
    }
    let mut content = |block: Option<Block>| match block {
        Some(block) => block.bytes(reader).map(Some),
        None => Ok(None),
    };
    let xmp = content(container.xmp.take())?;
    let iptc = content(container.photoshop.take())?;
    Ok(Metadata {
        exif,
        xmp: xmp.map(|bytes| xmp::read(&bytes)).unwrap_or_default(),
        iptc: iptc.map(|bytes| Iptc::of(&bytes)).unwrap_or_default(),
        container,
    })
}
