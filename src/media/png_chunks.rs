//! The chunks of a PNG, one after the other: for the metadata around the picture, and for what the picture will cost.

use std::io;

use super::pieces::Pieces;

/// Where the first chunk begins, behind the signature.
pub const FIRST: u64 = 8;

/// The header of a chunk.
#[derive(Debug, PartialEq)]
pub struct Chunk {
    /// Four letters; a small first one says that a reader may pass over it.
    pub kind: [u8; 4],
    /// Where the content lies; it may reach beyond the end of a torn file.
    pub at: u64,
    /// Bytes of the content, as the header claims.
    pub length: u64,
}

impl Chunk {
    /// The chunk whose length stands at `at`; `None` where the file ends before it says its kind.
    ///
    /// # Errors
    /// When the disk does not give the file's content.
    pub fn read(from: &mut impl Pieces, at: u64) -> io::Result<Option<Self>> {
        let Some([l3, l2, l1, l0, kind @ ..]) = from.array::<8>(at)? else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([l3, l2, l1, l0]).into();
        let at = at + 8;
        Ok(Some(Self { kind, at, length }))
    }

    /// Where the next chunk begins, behind the checksum.
    pub fn end(&self) -> u64 {
        self.at + self.length + 4
    }
}
