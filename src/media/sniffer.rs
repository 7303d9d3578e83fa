//! Which format a file has: by its content, its name only where the content leaves a doubt.

use std::io;

use super::formats::FORMATS;
use super::pieces::Pieces;
use super::reader::Reader;
use super::tiff::{Directory, Tiff};
use crate::catalog::Format;

/// How many bytes tell all formats apart.
const ENOUGH: u64 = 64;

/// The format of a file, or `None` when neither its content nor its name says that it is a picture.
///
/// # Errors
/// When the disk does not give the file's content.
pub fn detect(reader: &mut Reader, file_name: &[u8]) -> io::Result<Option<Format>> {
    let named = by_name(file_name);
    let start = reader.piece(0, ENOUGH)?;
    Ok(match by_start(start, named.is_some()) {
        Some(Format::Tiff) if named == Some(Format::Raw) || is_raw(reader)? => Some(Format::Raw),
        None if named.is_some() => Some(Format::Unknown),
        format => format,
    })
}

/// The format of a file's content as far as its first bytes tell. A raw file that is also a TIFF file is one.
pub fn of_content(bytes: &[u8]) -> Option<Format> {
    by_start(&bytes[..bytes.len().min(ENOUGH as usize)], false)
}

/// The format that files of such a name have.
fn by_name(file_name: &[u8]) -> Option<Format> {
    let dot = file_name.iter().rposition(|&b| b == b'.')?;
    let extension = file_name[dot + 1..].to_ascii_lowercase();
    let mut formats = FORMATS.iter();
    let is_meant = |known: &&str| known.as_bytes() == extension;
    let found = formats.find(|entry| entry.extensions.iter().any(is_meant));
    found.map(|entry| entry.format)
}

fn by_start(start: &[u8], is_named: bool) -> Option<Format> {
    let mut formats = FORMATS.iter();
    let found = formats.find(|entry| entry.magic.iter().any(|m| m.fits(start, is_named)));
    found.map(|entry| entry.format)
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
