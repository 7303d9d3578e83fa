//! Raw files: most are TIFF files; Fujifilm's hold a JPEG, Canon's newer ones are ISO media files.
//!
//! Nobody publishes these formats: what is known of them is at <https://libopenraw.freedesktop.org/formats/> and
//! <https://github.com/lclevy/canon_cr3>.

use std::io;

use super::isobmff::{boxes, find};
use super::jpeg;
use super::tiff_file;
use crate::media::container::Container;
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;
use crate::media::tiff::Directory;

/// What every RAF file begins with.
pub const FUJIFILM: &[u8] = b"FUJIFILMCCD-RAW";
/// Where a Fujifilm file says at which byte its JPEG begins.
const FUJIFILM_JPEG: u64 = 84;

/// The `uuid` box in which Canon keeps metadata: `CMT1` is TIFF's first directory, `CMT2` EXIF's, `CMT4` GPS's.
const CANON: [u8; 16] = 0x85c0_b687_820f_11e0_8111_f4ce_462b_6a48_u128.to_be_bytes();

pub fn read(reader: &mut Reader) -> io::Result<Container> {
    let start = reader.piece(0, FUJIFILM.len() as u64)?;
    if start == FUJIFILM {
        let jpeg = reader.array(FUJIFILM_JPEG)?.map_or(0, u32::from_be_bytes);
        return jpeg::read_at(reader, jpeg.into());
    }
    match start.get(4..8) {
        Some(b"ftyp") => read_canon(reader),
        _ => {
            let size = reader.size();
            tiff_file::read(reader, 0..size)
        }
    }
}

fn read_canon(reader: &mut Reader) -> io::Result<Container> {
    let size = reader.size();
    let top = boxes(reader, 0..size)?;
    let movie = find(&top, b"moov").map_or(0..0, |movie| movie.inside(0));
    let mut found = Container::default();
    for part in boxes(reader, movie)? {
        if part.kind == *b"uuid" && reader.array(part.content.start)? == Some(CANON) {
            found = read_parts(reader, part.inside(16))?;
        }
    }
    Ok(found)
}

fn read_parts(reader: &mut Reader, stretch: std::ops::Range<u64>) -> io::Result<Container> {
    let parts = boxes(reader, stretch)?;
    let mut found = match find(&parts, b"CMT1") {
        Some(part) => tiff_file::read(reader, part.inside(0))?,
        None => Container::default(),
    };
    for (kind, directory) in [(b"CMT2", Directory::Exif), (b"CMT4", Directory::Gps)] {
        let part = find(&parts, kind).map(|part| part.block(0));
        found
            .directories
            .extend(part.map(|block| (directory, block)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::containers::isobmff::tests::bytes_of;

    #[test]
    fn canon_keeps_each_directory_in_a_box() {
        let image = b"MM\0*\0\0\0\x08\0\x02\x01\0\0\x03\0\0\0\x01\0\x05\0\0\x01\x01\0\x03\0\0\0\x01\0\x03\0\0";
        let parts = [
            &CANON[..],
            &bytes_of(b"CMT1", image),
            &bytes_of(b"CMT2", b"MM\0*"),
        ]
        .concat();
        let movie = bytes_of(b"moov", &bytes_of(b"uuid", &parts));
        let bytes = [bytes_of(b"ftyp", b"crx \0\0\0\0"), movie].concat();
        let found = read(&mut Reader::of_memory(&bytes)).unwrap();
        assert_eq!((found.width, found.height), (5, 3));
        assert_eq!(found.exif.len(), 1);
        assert_eq!(found.directories[0].0, Directory::Exif);
    }

    #[test]
    fn fujifilm_keeps_a_jpeg() {
        let mut bytes = b"FUJIFILMCCD-RAW".to_vec();
        bytes.resize(84, 0);
        bytes.extend(b"\0\0\0\x58\xff\xd8\xff\xc0\0\x0b\x08\0\x03\0\x05\x01\x01\x11\0");
        let found = read(&mut Reader::of_memory(&bytes)).unwrap();
        assert_eq!((found.width, found.height), (5, 3));
    }
}
