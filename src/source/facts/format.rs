//! Which picture format a file has: by its content, its name only where the content leaves a doubt.

use std::io;

use super::reader::Reader;
use super::tiff::{Directory, Tiff};
use crate::catalog::Format;

const NAMES: [&str; 18] = [
    "jpg", "jpeg", "jpe", "jfif", "jif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff", "heic",
    "heif", "hif", "avif", "jxl", "mpo",
];

/// Raw formats whose extension means nothing else.
const RAW_NAMES: [&str; 25] = [
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "gpr", "iiq", "k25", "kdc", "mef",
    "mrw", "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];

/// How many bytes tell all formats apart.
const ENOUGH: u64 = 64;

/// The format of a file, or `None` when neither its content nor its name says that it is a picture.
pub fn detect(reader: &mut Reader, file_name: &[u8]) -> io::Result<Option<Format>> {
    let extension = extension(file_name);
    let is_raw_name = RAW_NAMES.contains(&extension.as_str());
    let is_named = is_raw_name || NAMES.contains(&extension.as_str());
    let start = reader.piece(0, ENOUGH)?;
    Ok(match by_content(start, is_named) {
        Some(Format::Tiff) if is_raw_name || is_raw(reader)? => Some(Format::Raw),
        None if is_named => Some(Format::Unknown),
        format => format,
    })
}

/// In lower case; empty where there is none.
fn extension(file_name: &[u8]) -> String {
    let dot = file_name.iter().rposition(|&b| b == b'.');
    let extension = dot.map_or(&[][..], |dot| &file_name[dot + 1..]);
    String::from_utf8_lossy(extension).to_ascii_lowercase()
}

fn by_content(start: &[u8], is_named: bool) -> Option<Format> {
    Some(match start {
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Format::WebP,
        [b'B', b'M', ..] if is_bitmap(start) => Format::Bmp,
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Format::Jxl,
        // Two bytes are too few to believe without the name.
        [0xff, 0x0a, ..] if is_named => Format::Jxl,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return by_brand(start),
        _ if is_raw_start(start) => Format::Raw,
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Format::Tiff,
        _ => return None,
    })
}

/// `BM` alone begins many a text: the header behind it must have one of the sizes there are.
fn is_bitmap(start: &[u8]) -> bool {
    let size = start.get(14..18).and_then(|size| size.try_into().ok());
    let size = size.map_or(0, u32::from_le_bytes);
    matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)
}

fn is_raw_start(start: &[u8]) -> bool {
    let magics: [&[u8]; 8] = [
        b"FUJIFILMCCD-RAW",
        b"IIRO",
        b"IIRS",
        b"MMOR",
        b"IIU\0",
        b"\0MRM",
        b"FOVb",
        b"II\x1a\0\0\0HEAPCCDR",
    ];
    magics.iter().any(|magic| start.starts_with(magic)) || start.get(8..11) == Some(b"CR\x02")
}

/// The brands of an ISO media file: the major one, else the first compatible one that is a picture's.
fn by_brand(start: &[u8]) -> Option<Format> {
    let size = start
        .first_chunk()
        .map_or(0, |size| u32::from_be_bytes(*size)) as usize;
    let brands = start.get(8..size.min(start.len()))?;
    let brands = brands
        .chunks_exact(4)
        .enumerate()
        .filter(|(index, _)| *index != 1);
    let formats = brands.filter_map(|(_, brand)| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Some(Format::Heic)
        }
        b"crx " => Some(Format::Raw),
        _ => None,
    });
    let formats: Vec<_> = formats.collect();
    // `mif1` is any still picture; a brand beside it says which.
    let precise = formats.iter().find(|format| **format != Format::Heic);
    precise.or(formats.first()).copied()
}

/// Whether a TIFF file is a camera's raw file under another name.
fn is_raw(reader: &mut Reader) -> io::Result<bool> {
    const DNG_VERSION: u16 = 0xc612;
    const COLOR_FILTER_ARRAY: f64 = 32803.0;
    let size = reader.size();
    let Some(mut tiff) = Tiff::open(reader, 0, size, Directory::Image)? else {
        return Ok(false);
    };
    let first = tiff.numbers(Directory::Image, 0x0106)?;
    let subs = tiff.each(Directory::Sub, 0x0106)?;
    Ok(tiff.has(Directory::Image, DNG_VERSION)
        || first.iter().chain(&subs).any(|&n| n == COLOR_FILTER_ARRAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], name: &str, expected: Option<Format>) {
        let found = detect(&mut Reader::of_memory(content), name.as_bytes()).unwrap();
        assert_eq!(found, expected, "{name} {}", content.escape_ascii());
    }

    #[test]
    fn the_content_decides_not_the_name() {
        check(b"\xff\xd8\xff\xe0", "a.png", Some(Format::Jpeg));
        check(b"\x89PNG\r\n\x1a\n", "a", Some(Format::Png));
        check(b"RIFF....WEBPVP8 ", "a.txt", Some(Format::WebP));
        check(b"GIF89a", "a.gif", Some(Format::Gif));
        check(b"BM............\x28\0\0\0", "a", Some(Format::Bmp));
        check(
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif",
            "a",
            Some(Format::Avif),
        );
        check(
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
            "a",
            Some(Format::Heic),
        );
        check(
            b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
            "a",
            Some(Format::Raw),
        );
        check(b"\0\0\0\x0cJXL \r\n\x87\n", "a", Some(Format::Jxl));
        check(b"II*\0\x10\0\0\0CR\x02\0", "a", Some(Format::Raw));
        check(b"FUJIFILMCCD-RAW 0201", "a", Some(Format::Raw));
        check(b"MM\0*\0\0\0\x08", "a", Some(Format::Tiff));
    }

    #[test]
    fn the_name_settles_doubts() {
        check(b"II*\0\x08\0\0\0", "a.NEF", Some(Format::Raw));
        check(b"\xff\x0a\0", "a.jxl", Some(Format::Jxl));
        check(b"\xff\x0a\0", "a.bin", None);
    }

    #[test]
    fn junk_with_a_picture_name_is_unknown_and_without_one_is_no_picture() {
        check(b"", "a.jpg", Some(Format::Unknown));
        check(b"\xff\xd8", "a.JPG", Some(Format::Unknown));
        check(b"This is a text", "a.jpeg", Some(Format::Unknown));
        check(b"This is a text", "a.txt", None);
        check(b"BM is how this text begins", "a.txt", None);
        check(b"\0\0\0\x18ftypisom\0\0\0\0mp41mp42", "a.mp4", None);
        check(b"", "jpg", None);
    }
}
