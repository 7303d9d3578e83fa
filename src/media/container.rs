//! Where a picture file keeps its metadata: what every container format is reduced to.

use std::io;

use super::pieces::Pieces;
use super::reader::Reader;
use super::tiff::Directory;

/// A block of metadata inside a file.
#[derive(Debug, PartialEq)]
pub enum Block {
    /// As it lies in the file.
    Stretch { at: u64, length: u64 },
    /// Put together or unpacked.
    Copy(Vec<u8>),
}

impl Block {
    /// The content, as much of it as may be read.
    pub fn bytes(self, reader: &mut Reader) -> io::Result<Vec<u8>> {
        match self {
            Self::Stretch { at, length } => Ok(reader.piece(at, length)?.to_vec()),
            Self::Copy(bytes) => Ok(bytes),
        }
    }
}

/// What a container says without its metadata being understood.
#[derive(Debug, Default, PartialEq)]
pub struct Container {
    /// Pixels as stored. 0 where unknown.
    pub width: u32,
    /// Pixels as stored. 0 where unknown.
    pub height: u32,
    /// The container's own word on orientation, 1 to 8. Where it has one, EXIF's does not count.
    pub orientation: Option<u8>,
    /// TIFF structures; the first one that says something counts.
    pub exif: Vec<Block>,
    /// EXIF's directories where each is a TIFF structure of its own.
    pub directories: Vec<(Directory, Block)>,
    /// A packet of XMP, which [`xmp::read`](super::xmp::read) understands.
    pub xmp: Option<Block>,
    /// Photoshop resources with IPTC records in them.
    pub photoshop: Option<Block>,
    /// PNG's texts: keyword and text.
    pub texts: Vec<(String, String)>,
}

impl Container {
    /// The first text under a keyword.
    pub fn text(&self, keyword: &str) -> Option<String> {
        let mut texts = self.texts.iter();
        texts
            .find(|(k, _)| k == keyword)
            .map(|(_, text)| text.clone())
    }
}
