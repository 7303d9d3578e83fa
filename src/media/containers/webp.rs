//! WebP: the chunks of a RIFF file. Knows where metadata lies, not what it says.
//!
//! The format is RFC 9649: <https://www.rfc-editor.org/rfc/rfc9649#section-2>.

use std::io;

use crate::media::container::{Block, Container};
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// Animations have a chunk a frame, and metadata behind the last one.
const MOST_CHUNKS: usize = 500;

pub fn read(reader: &mut Reader) -> io::Result<Container> {
    let mut found = Container::default();
    // Behind `RIFF`, the length of the file, and `WEBP`.
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let Some([k3, k2, k1, k0, length @ ..]) = reader.array::<8>(at)? else {
            break;
        };
        let length = u64::from(u32::from_le_bytes(length));
        let content = at + 8;
        match &[k3, k2, k1, k0] {
            b"EXIF" => found.exif.push(exif(reader, content, length)?),
            b"XMP " => {
                found.xmp = Some(Block::Stretch {
                    at: content,
                    length,
                })
            }
            kind if found.width == 0 => {
                let header = reader.piece(content, 10)?;
                (found.width, found.height) = size(kind, header).unwrap_or_default();
            }
            _ => {}
        }
        // Chunks are padded to even.
        at = content + length + length % 2;
    }
    Ok(found)
}

/// Some programs keep JPEG's header before the TIFF structure.
fn exif(reader: &mut Reader, at: u64, length: u64) -> io::Result<Block> {
    let skipped = match reader.array(at)? {
        Some([b'E', b'x', b'i', b'f', 0, 0]) => 6,
        _ => 0,
    };
    Ok(Block::Stretch {
        at: at + skipped,
        length: length.saturating_sub(skipped),
    })
}

/// Width and height from the start of a VP8X, VP8 or VP8L chunk.
fn size(kind: &[u8], header: &[u8]) -> Option<(u32, u32)> {
    let header: [u8; 10] = header.try_into().ok()?;
    Some(match (kind, header) {
        (b"VP8X", [_, _, _, _, w0, w1, w2, h0, h1, h2]) => (
            u32::from_le_bytes([w0, w1, w2, 0]) + 1,
            u32::from_le_bytes([h0, h1, h2, 0]) + 1,
        ),
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]) => (
            u32::from(u16::from_le_bytes([w0, w1]) & 0x3fff),
            u32::from(u16::from_le_bytes([h0, h1]) & 0x3fff),
        ),
        (b"VP8L", [0x2f, b0, b1, b2, b3, ..]) => {
            let bits = u32::from_le_bytes([b0, b1, b2, b3]);
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&[u8]], width: u32, height: u32, exif: &[Block]) {
        let bytes = [b"RIFF\0\0\0\0WEBP", &chunks.concat()[..]].concat();
        let found = read(&mut Reader::of_memory(&bytes)).unwrap();
        assert_eq!((found.width, found.height), (width, height));
        assert_eq!(found.exif, exif);
    }

    #[test]
    fn each_kind_of_picture_says_its_size() {
        check(&[b"VP8X\x0a\0\0\0\0\0\0\0\x04\0\0\x02\0\0"], 5, 3, &[]);
        check(
            &[b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x05\0\x03\0"],
            5,
            3,
            &[],
        );
        check(&[b"VP8L\x0a\0\0\0\x2f\x04\x80\0\0\0\0\0\0\0"], 5, 3, &[]);
        check(&[b"VP8 \x0a\0\0\0\0\0\0"], 0, 0, &[]);
    }

    #[test]
    fn exif_is_found_behind_the_picture() {
        let picture = b"VP8 \x0b\0\0\0\0\0\0\x9d\x01\x2a\x05\0\x03\0\0\0";
        let exif = b"EXIF\x0a\0\0\0Exif\0\0II*\0";
        check(
            &[picture, exif],
            5,
            3,
            &[Block::Stretch { at: 46, length: 4 }],
        );
    }
}
