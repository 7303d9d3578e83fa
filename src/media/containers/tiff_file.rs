//! TIFF files and the raw files built like them: size, and the blocks that TIFF's tags hold.

use std::io;
use std::ops::Range;

use crate::media::container::{Block, Container};
use crate::media::reader::Reader;
use crate::media::tiff::{Directory, Tiff};

/// Tags, as they are called in TIFF 6.0 (ImageWidth, ImageLength), XMP (XMLPacket), Photoshop (IPTC-NAA,
/// ImageResources) and EXIF (PixelXDimension, PixelYDimension).
const WIDTH: u16 = 0x0100;
const HEIGHT: u16 = 0x0101;
const XMP: u16 = 0x02bc;
const IPTC: u16 = 0x83bb;
const PHOTOSHOP: u16 = 0x8649;
const EXIF_WIDTH: u16 = 0xa002;
const EXIF_HEIGHT: u16 = 0xa003;

/// Reads the structure that lies in a stretch of the file.
pub fn read(reader: &mut Reader, stretch: Range<u64>) -> io::Result<Container> {
    let mut found = Container::default();
    let (at, length) = (stretch.start, stretch.end.saturating_sub(stretch.start));
    let Some(mut tiff) = Tiff::open(reader, at, length, Directory::Image)? else {
        return Ok(found);
    };
    (found.width, found.height) = largest(&mut tiff)?;
    found.xmp = block(&tiff, XMP);
    found.photoshop = block(&tiff, PHOTOSHOP).or_else(|| block(&tiff, IPTC));
    found.exif.push(Block::Stretch { at, length });
    Ok(found)
}

fn block(tiff: &Tiff, tag: u16) -> Option<Block> {
    let (at, length) = tiff.stretch(Directory::Image, tag)?;
    Some(Block::Stretch { at, length })
}

/// The size of the largest version of the picture: the first directory of a raw file is often a thumbnail's.
fn largest(tiff: &mut Tiff) -> io::Result<(u32, u32)> {
    let places = [
        (Directory::Image, WIDTH, HEIGHT),
        (Directory::Sub, WIDTH, HEIGHT),
        (Directory::Exif, EXIF_WIDTH, EXIF_HEIGHT),
    ];
    let mut sizes = Vec::new();
    for (directory, width, height) in places {
        let widths = tiff.each(directory, width)?;
        sizes.extend(widths.into_iter().zip(tiff.each(directory, height)?));
    }
    let sizes = sizes
        .into_iter()
        .map(|(width, height)| (width as u32, height as u32));
    let area = |&(width, height): &(u32, u32)| u64::from(width) * u64::from(height);
    Ok(sizes.max_by_key(area).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u16, value: u32) -> Vec<u8> {
        let [t1, t0] = tag.to_be_bytes();
        [&[t1, t0, 0, 4, 0, 0, 0, 1], &value.to_be_bytes()[..]].concat()
    }

    #[test]
    fn the_largest_version_of_a_raw_picture_counts() {
        let thumbnail = [entry(WIDTH, 160), entry(HEIGHT, 120), entry(0x014a, 50)].concat();
        let sensor = [entry(WIDTH, 6000), entry(HEIGHT, 4000)].concat();
        let bytes = [
            b"MM\0*\0\0\0\x08\0\x03",
            &thumbnail[..],
            b"\0\0\0\0\0\x02",
            &sensor,
        ]
        .concat();
        let found = read(&mut Reader::of_memory(&bytes), 0..bytes.len() as u64).unwrap();
        assert_eq!((found.width, found.height), (6000, 4000));
    }
}
