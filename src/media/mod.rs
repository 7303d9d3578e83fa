//! Pictures in files: which format a file has, where it keeps metadata, what that says, and how its pixels are had.
//!
//! [`FORMATS`] is the one list of formats; sniffing, reading and decoding go by it. One walk of JPEG's markers and one of
//! PNG's chunks serve metadata and limits alike; one reader a language of metadata (EXIF, XMP, IPTC) serves whoever asks.
//! Knows of bytes that somebody opened, not of paths, of the catalog's rows, nor of what a photo's facts are in the end:
//! which of several dates counts, or where a place is, is decided in `source`.

mod container;
mod containers;
pub mod decode;
pub mod formats;
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
pub use self::container::Container;
pub use self::formats::{FORMATS, is_decodable};
pub use self::metadata::exif::Exif;
pub use self::metadata::iptc::Iptc;
pub use self::metadata::xmp;
pub use self::reader::Reader;
pub use self::sniffer::detect;
use self::tiff::Directory;
use self::xmp::Xmp;
use crate::catalog::Format;

/// Characters of what is taken from a file, wherever it stands in it. A title or a description is words that somebody
/// wrote for people; the name of a tag must leave room for others in a folder's name.
pub const LONGEST_TITLE: usize = 1000;
pub const LONGEST_DESCRIPTION: usize = 10_000;
pub const LONGEST_TAG: usize = 250;
/// More tags than anyone gives to a photo: a file that claims more costs no more.
pub const MOST_TAGS: usize = 1000;

/// What a file says of itself, by whom.
#[derive(Debug, Default)]
pub struct Metadata {
    pub container: Container,
    pub exif: Exif,
    pub xmp: Xmp,
    pub iptc: Iptc,
}

/// Reads what a file of a format says of itself. One that is torn or lies says less.
///
/// # Errors
/// When the disk does not give the file's content.
pub fn metadata(reader: &mut Reader, format: Format) -> io::Result<Metadata> {
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
