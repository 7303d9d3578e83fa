//! JPEG: where metadata lies in the segments before the picture data, not what it says.
//!
//! EXIF and XMP have APP1 (0xe1), Photoshop's resources APP13 (0xed), each with a signature of its own.

use std::io;
use std::ops::Range;

use crate::media::container::{Block, Container};
use crate::media::jpeg_markers::{Frame, Marker, Markers, Search};
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// A photo has a few dozen. Fill bytes count as markers too: a header padded with thousands of them is still read.
const MOST_MARKERS: usize = 20_000;

/// Signatures at the start of a segment, with what ends each.
const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// Reads the JPEG that is the whole file.
pub fn read(reader: &mut Reader) -> io::Result<Container> {
    read_at(reader, 0)
}

/// Reads the JPEG that starts at `start`.
pub fn read_at(reader: &mut Reader, start: u64) -> io::Result<Container> {
    let mut found = Container::default();
    let mut markers = Markers::from(start.saturating_add(2), Search::Nothing);
    for _ in 0..MOST_MARKERS {
        match markers.next(reader)? {
            Some(marker) if !marker.ends_header() => take(reader, &marker, &mut found)?,
            _ => break,
        }
    }
    Ok(found)
}

fn take(reader: &mut Reader, marker: &Marker, found: &mut Container) -> io::Result<()> {
    let Some(Range { start: at, end }) = marker.body else {
        return Ok(());
    };
    let length = end - at;
    match marker.code {
        0xe1 => {
            let start = reader.piece(at, length.min(XMP.len() as u64))?;
            if start.starts_with(EXIF) {
                found.exif.push(after(EXIF, at, length));
            } else if start.get(4..) == Some(&XMP[4..]) && found.xmp.is_none() {
                // The first four bytes are damaged in pictures that went through some web services.
                found.xmp = Some(after(XMP, at, length));
            }
        }
        0xed => {
            let start = reader.piece(at, length.min(PHOTOSHOP.len() as u64))?;
            if start == PHOTOSHOP && found.photoshop.is_none() {
                found.photoshop = Some(after(PHOTOSHOP, at, length));
            }
        }
        _ if marker.begins_frame() => {
            if let Some(frame) = Frame::read(reader, marker)? {
                (found.width, found.height) = (frame.width.into(), frame.height.into());
            }
        }
        _ => {}
    }
    Ok(())
}

fn after(header: &[u8], at: u64, length: u64) -> Block {
    let skipped = header.len() as u64;
    Block::Stretch {
        at: at + skipped,
        length: length.saturating_sub(skipped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], content].concat()
    }

    fn check(parts: &[Vec<u8>], expected: Container) {
        let bytes = [&[0xff, 0xd8][..], &parts.concat()].concat();
        assert_eq!(read(&mut Reader::of_memory(&bytes)).unwrap(), expected);
    }

    #[test]
    fn size_and_blocks_are_found_among_other_segments() {
        let size = [8, 0, 3, 0, 5, 1, 1, 0x11, 0];
        let xmp = [XMP, b"<x/>"].concat();
        let parts = [
            segment(0xe0, b"JFIF\0"),
            segment(0xe1, b"Exif\0\0II*\0"),
            vec![0xff, 0xff],
            segment(0xe1, &xmp),
            segment(0xed, b"Photoshop 3.0\x008BIM"),
            segment(0xc2, &size),
            segment(0xda, b""),
            segment(0xe1, b"Exif\0\0MM"),
        ];
        let expected = Container {
            width: 5,
            height: 3,
            exif: vec![Block::Stretch { at: 21, length: 4 }],
            xmp: Some(Block::Stretch { at: 60, length: 4 }),
            photoshop: Some(Block::Stretch { at: 82, length: 4 }),
            ..Container::default()
        };
        check(&parts, expected);
    }

    #[test]
    fn torn_and_senseless_files_end_the_search() {
        check(&[], Container::default());
        check(&[vec![0xff, 0xc0, 0, 17, 8, 0]], Container::default());
        check(&[vec![0xff, 0xe1, 0, 0]], Container::default());
        check(&[vec![0xff; 100_000]], Container::default());
        check(&[b"no marker".to_vec()], Container::default());
    }

    #[test]
    fn a_large_segment_is_skipped_not_read() {
        let large = segment(0xe2, &[0; 65_000]);
        let size = segment(0xc0, &[8, 0, 3, 0, 5, 1, 1, 0x11, 0]);
        let bytes = [&[0xff, 0xd8][..], &large.repeat(10), &size].concat();
        let mut reader = Reader::of_memory(&bytes);
        assert_eq!(read(&mut reader).unwrap().width, 5);
        assert!(reader.bytes_read() < 100_000, "{}", reader.bytes_read());
    }
}
