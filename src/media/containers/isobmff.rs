//! The boxes of ISO media files: HEIC, AVIF, JPEG XL's container and Canon's CR3.
//!
//! One level at a time: whoever looks inside a box asks again, so the depth is fixed. The format is ISO/IEC 14496-12.

use std::io;
use std::ops::Range;

use crate::media::container::Block;
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// `iinf` holds a box an item: a HEIC photo of 12 megapixels has some 60, one of 48 megapixels some 200.
const MOST_BOXES: usize = 300;

/// A box: its kind, and where its content lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Box {
    /// Four letters, mostly ASCII.
    pub kind: [u8; 4],
    /// What is behind the box's header, up to where the box, or what it is in, ends.
    pub content: Range<u64>,
}

impl Box {
    /// What the box contains after the first `skipped` bytes, as metadata to be read.
    pub fn block(&self, skipped: u64) -> Block {
        let length = self.content.end - self.content.start;
        Block::Stretch {
            at: self.content.start + skipped.min(length),
            length: length.saturating_sub(skipped),
        }
    }

    /// What the box contains after the first `skipped` bytes.
    pub fn inside(&self, skipped: u64) -> Range<u64> {
        let start = self.content.start.saturating_add(skipped);
        start.min(self.content.end)..self.content.end
    }
}

/// The boxes in a stretch of the file.
pub fn boxes(reader: &mut Reader, stretch: Range<u64>) -> io::Result<Vec<Box>> {
    let mut boxes = Vec::new();
    let mut at = stretch.start;
    while boxes.len() < MOST_BOXES && at < stretch.end {
        let Some(found) = next(reader, at, stretch.end)? else {
            break;
        };
        at = found.content.end;
        boxes.push(found);
    }
    Ok(boxes)
}

fn next(reader: &mut Reader, at: u64, end: u64) -> io::Result<Option<Box>> {
    let Some([s3, s2, s1, s0, kind @ ..]) = reader.array::<8>(at)? else {
        return Ok(None);
    };
    let (header, size) = match u32::from_be_bytes([s3, s2, s1, s0]) {
        // A box of size 0 goes on to the end of what it is in; one of size 1 says its size in 64 bits.
        0 => (8, end - at),
        1 => (16, reader.array(at + 8)?.map_or(0, u64::from_be_bytes)),
        size => (8, size.into()),
    };
    let content = at.saturating_add(header)..at.saturating_add(size).min(end);
    Ok((content.start <= content.end).then_some(Box { kind, content }))
}

/// The content of the first box of a kind.
pub fn find(boxes: &[Box], kind: &[u8; 4]) -> Option<Box> {
    boxes.iter().find(|b| b.kind == *kind).cloned()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn bytes_of(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, content].concat()
    }

    #[test]
    fn senseless_sizes_end_the_walk() {
        let check = |bytes: &[u8], expected: usize| {
            let mut reader = Reader::of_memory(bytes);
            let found = boxes(&mut reader, 0..bytes.len() as u64).unwrap();
            assert_eq!(found.len(), expected, "{}", bytes.escape_ascii());
        };
        check(b"\0\0\0\0mdat", 1);
        check(b"\0\0\0\x07mdat", 0);
        check(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff", 1);
        check(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x01", 0);
        check(&b"\0\0\0\x08free".repeat(1000), MOST_BOXES);
    }
}
