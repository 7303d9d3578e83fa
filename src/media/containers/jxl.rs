//! JPEG XL: the size from the codestream's header, metadata from the container's boxes.
//!
//! The header is that of ISO/IEC 18181-1, the boxes (packed ones, too) of ISO/IEC 18181-2.

use std::io::{self, Read};
use std::ops::Range;

use brotli_decompressor::Decompressor;

use super::isobmff::{self, Box};
use crate::media::container::{Block, Container};
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// What every codestream begins with, bare or in a container.
pub const CODESTREAM: [u8; 2] = [0xff, 0x0a];
/// Enough for all of the header that is understood here.
const HEADER: u64 = 32;
/// Longer metadata is cut.
const LONGEST_UNPACKED: u64 = 512 * 1024;

pub fn read(reader: &mut Reader) -> io::Result<Container> {
    let mut found = Container::default();
    if reader.array(0)? == Some(CODESTREAM) {
        let size = reader.size();
        take_header(reader, 0..size, &mut found)?;
        return Ok(found);
    }
    let size = reader.size();
    for part in isobmff::boxes(reader, 0..size)? {
        match &part.kind {
            b"jxlc" => take_header(reader, part.content, &mut found)?,
            // Four bytes number the parts of a codestream.
            b"jxlp" if found.width == 0 => take_header(reader, part.inside(4), &mut found)?,
            // Four bytes say where in the block TIFF's header begins.
            b"Exif" => found.exif.push(part.block(4)),
            b"xml " => found.xmp = Some(part.block(0)),
            b"brob" => take_packed(reader, &part, &mut found)?,
            _ => {}
        }
    }
    Ok(found)
}

/// A packed box: the kind of what is in it, and that as Brotli.
fn take_packed(reader: &mut Reader, part: &Box, found: &mut Container) -> io::Result<()> {
    match reader.array::<4>(part.content.start)?.as_ref() {
        Some(b"Exif") => {
            let block = unpack(&part.block(4).bytes(reader)?);
            found
                .exif
                .push(Block::Copy(block.get(4..).unwrap_or_default().to_vec()));
        }
        Some(b"xml ") => {
            let block = unpack(&part.block(4).bytes(reader)?);
            found.xmp = Some(Block::Copy(block));
        }
        _ => {}
    }
    Ok(())
}

/// As much as unpacks, up to a limit.
fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let unpacked = Decompressor::new(packed, 4096);
    match unpacked.take(LONGEST_UNPACKED).read_to_end(&mut bytes) {
        Ok(_) => bytes,
        // What came before the damage is as good as a torn file's start.
        Err(_) => bytes,
    }
}

fn take_header(reader: &mut Reader, stretch: Range<u64>, found: &mut Container) -> io::Result<()> {
    let length = HEADER.min(stretch.end - stretch.start);
    let bytes = reader.piece(stretch.start, length)?;
    if let Some(header) = bytes.strip_prefix(&CODESTREAM).and_then(header) {
        (found.width, found.height) = (header.width, header.height);
        found.orientation = Some(header.orientation);
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Header {
    width: u32,
    height: u32,
    orientation: u8,
}

/// The size of the picture, and the orientation where the metadata of the image says more than the defaults.
fn header(bytes: &[u8]) -> Option<Header> {
    let mut bits = Bits { bytes, next: 0 };
    let small = bits.flag()?;
    let height = dimension(&mut bits, small)?;
    let width = match bits.take(3)? {
        0 => dimension(&mut bits, small)?,
        1 => height,
        2 => scaled(height, 12, 10)?,
        3 => scaled(height, 4, 3)?,
        4 => scaled(height, 3, 2)?,
        5 => scaled(height, 16, 9)?,
        6 => scaled(height, 5, 4)?,
        _ => scaled(height, 2, 1)?,
    };
    let all_default = bits.flag()?;
    let orientation = match !all_default && bits.flag()? {
        true => bits.take(3)? + 1,
        false => 1,
    };
    Some(Header {
        width,
        height,
        orientation: u8::try_from(orientation).ok()?,
    })
}

/// ISO/IEC 18181-1 has two ways to write a length: five bits for a multiple of eight, or one of four widths.
fn dimension(bits: &mut Bits, small: bool) -> Option<u32> {
    if small {
        return Some((bits.take(5)? + 1) * 8);
    }
    let width = [9, 13, 18, 30][bits.take(2)? as usize];
    Some(bits.take(width)? + 1)
}

/// A width that is said as a ratio to the height, rounded down as the standard has it.
fn scaled(height: u32, times: u64, by: u64) -> Option<u32> {
    u32::try_from(u64::from(height) * times / by).ok()
}

/// Bits from the least significant of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for at in 0..count {
            let byte = self.bytes.get((self.next + at) / 8)?;
            value |= u32::from(byte >> ((self.next + at) % 8) & 1) << at;
        }
        self.next += count;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::containers::isobmff::tests::bytes_of;

    #[test]
    fn blocks_are_found_behind_the_picture() {
        let bytes = [
            bytes_of(b"JXL ", b"\r\n\x87\n"),
            bytes_of(b"jxlc", &[0; 100_000]),
            bytes_of(b"Exif", b"\0\0\0\0II*\0"),
            bytes_of(b"xml ", b"<x/>"),
        ]
        .concat();
        let mut reader = Reader::of_memory(&bytes);
        let found = read(&mut reader).unwrap();
        let stretch = |at| Block::Stretch { at, length: 4 };
        assert_eq!(found.exif, [stretch(100_032)]);
        assert_eq!(found.xmp, Some(stretch(100_044)));
        assert!(reader.bytes_read() < 50_000);
    }

    #[test]
    fn packed_blocks_are_unpacked_and_torn_ones_say_less() {
        // `II*\0` after four zero bytes, `<x/>`, and nothing that unpacks.
        let exif = b"Exif\x8b\x03\x80\0\0\0\0II*\0\x03";
        let bytes = [
            bytes_of(b"JXL ", b"\r\n\x87\n"),
            bytes_of(b"brob", exif),
            bytes_of(b"brob", b"xml \x8b\x01\x80<x/>\x03"),
            bytes_of(b"brob", b"Exif\xff\xff"),
            bytes_of(b"brob", b"jumb"),
        ]
        .concat();
        let found = read(&mut Reader::of_memory(&bytes)).unwrap();
        assert_eq!(found.exif[0], Block::Copy(b"II*\0".to_vec()));
        assert_eq!(found.exif[1..], [Block::Copy(Vec::new())]);
        assert_eq!(found.xmp, Some(Block::Copy(b"<x/>".to_vec())));
    }

    #[test]
    fn the_header_says_size_and_orientation() {
        let check = |bits: &str, expected: Option<(u32, u32, u8)>| {
            let bits: Vec<_> = bits.bytes().filter(|b| *b != b' ').collect();
            let byte = |bits: &[u8]| {
                let set = bits.iter().enumerate().filter(|(_, b)| **b == b'1');
                set.fold(0, |byte, (at, _)| byte | 1u8 << at)
            };
            let bytes: Vec<_> = bits.chunks(8).map(byte).collect();
            let found = header(&bytes).map(|h| (h.width, h.height, h.orientation));
            assert_eq!(found, expected);
        };
        // Least significant bit first: small, 5 bits of height, ratio 1:1, all default.
        check("1 00000 100 1", Some((8, 8, 1)));
        // 9 bits each: height 300, no ratio, width 400; not all default, extra fields, orientation 6.
        let size = "0 00 110101001 000 00 111100011";
        check(&format!("{size} 0 1 101"), Some((400, 300, 6)));
        check("0 00 110101001 110", None);
        check("", None);
    }
}
