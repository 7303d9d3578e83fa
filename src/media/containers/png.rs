//! PNG: the chunks around the picture data. Unpacks texts, never pixels.
//!
//! The chunks are those of <https://www.w3.org/TR/png-3/#11Chunks>.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::media::container::{Block, Container};
use crate::media::metadata::text::{decode, latin1};
use crate::media::pieces::Pieces;
use crate::media::png_chunks::{self, Chunk};
use crate::media::reader::Reader;

/// Walked over in a file whose picture data is at hand already: a fixed end to the work, whatever the file claims.
const MOST_CHUNKS: usize = 20_000;
/// More texts than any program writes; also how many places near the end are tried as the first one.
const MOST_TEXTS: usize = 100;
/// Longer texts are cut, packed or not.
const LONGEST_TEXT: u64 = 512 * 1024;
/// How far from the end metadata behind the picture data is looked for. A packet of XMP, the longest, has 2 to 10 KiB.
const TAIL: u64 = 64 * 1024;

const XMP: &str = "XML:com.adobe.xmp";

pub fn read(reader: &mut Reader) -> io::Result<Container> {
    let mut found = Container::default();
    let mut at = png_chunks::FIRST;
    for _ in 0..MOST_CHUNKS {
        let Some(chunk) = Chunk::read(reader, at)? else {
            break;
        };
        at = match &chunk.kind {
            b"IEND" => break,
            // Picture data may be thousands of chunks: from the first one on that isn't at hand, on to the end.
            b"IDAT" | b"fdAT" if !reader.has(chunk.end(), 8) => match tail(reader, chunk.end())? {
                Some(tail) => tail,
                None => break,
            },
            _ => {
                take(reader, &chunk, &mut found)?;
                chunk.end()
            }
        };
    }
    Ok(found)
}

/// Where the first metadata chunk near the end of the file begins: one from which chunk after chunk leads
/// exactly to the end of the picture.
fn tail(reader: &mut Reader, after: u64) -> io::Result<Option<u64>> {
    let from = reader.size().saturating_sub(TAIL).max(after);
    let bytes = reader.piece(from, TAIL)?;
    let starts =
        (0..bytes.len().saturating_sub(7)).filter(|&at| is_metadata(&bytes[at + 4..at + 8]));
    for start in starts.take(MOST_TEXTS) {
        if leads_to_end(&bytes[start..])? {
            return Ok(Some(from + start as u64));
        }
    }
    Ok(None)
}

fn is_metadata(kind: &[u8]) -> bool {
    matches!(kind, b"tEXt" | b"iTXt" | b"zTXt" | b"eXIf" | b"tIME")
}

fn leads_to_end(mut bytes: &[u8]) -> io::Result<bool> {
    let mut at = 0;
    while let Some(chunk) = Chunk::read(&mut bytes, at)? {
        if chunk.kind == *b"IEND" {
            return Ok(chunk.length == 0);
        }
        at = chunk.end();
    }
    Ok(false)
}

fn take(reader: &mut Reader, chunk: &Chunk, found: &mut Container) -> io::Result<()> {
    let (at, length) = (chunk.at, chunk.length);
    match &chunk.kind {
        b"IHDR" => {
            if let Some([w3, w2, w1, w0, h @ ..]) = reader.array::<8>(at)? {
                found.width = u32::from_be_bytes([w3, w2, w1, w0]);
                found.height = u32::from_be_bytes(h);
            }
        }
        b"eXIf" => found.exif.push(Block::Stretch { at, length }),
        b"tIME" => {
            if let Some([y1, y0, month, day, hour, minute, second]) = reader.array(at)? {
                let year = u16::from_be_bytes([y1, y0]);
                let time =
                    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
                found.texts.push(("tIME".to_owned(), time));
            }
        }
        b"tEXt" | b"zTXt" | b"iTXt" if found.texts.len() < MOST_TEXTS => {
            let bytes = reader.piece(at, length)?;
            if let Some((keyword, text)) = text(&chunk.kind, bytes) {
                keep(keyword, text, found);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The keyword and the text of a chunk, unpacked.
fn text(kind: &[u8], bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    let (keyword, rest) = split(bytes)?;
    let text = match (kind, rest) {
        (b"tEXt", text) => latin1_as_utf8(text),
        (b"zTXt", [0, packed @ ..]) => latin1_as_utf8(&unpack(packed)),
        (b"iTXt", [packed, 0, rest @ ..]) => {
            let (_language, rest) = split(rest)?;
            let (_translated, text) = split(rest)?;
            if *packed == 0 {
                text.to_vec()
            } else {
                unpack(text)
            }
        }
        _ => return None,
    };
    Some((latin1(keyword), text))
}

/// Programs write UTF-8 where only Latin-1 is allowed.
fn latin1_as_utf8(bytes: &[u8]) -> Vec<u8> {
    decode(bytes).into_bytes()
}

/// What is before and after the first NUL.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let nul = bytes.iter().position(|&b| b == 0)?;
    Some((&bytes[..nul], &bytes[nul + 1..]))
}

/// As much as unpacks, up to a limit.
fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match ZlibDecoder::new(packed)
        .take(LONGEST_TEXT)
        .read_to_end(&mut bytes)
    {
        Ok(_) => bytes,
        // What came before the damage is as good as a torn file's start.
        Err(_) => bytes,
    }
}

fn keep(keyword: String, text: Vec<u8>, found: &mut Container) {
    match keyword.as_str() {
        XMP => found.xmp = found.xmp.take().or(Some(Block::Copy(text))),
        "Raw profile type exif" | "Raw profile type APP1" => {
            if let Some(profile) = profile(&text, b"Exif\0\0") {
                found.exif.push(Block::Copy(profile));
            }
        }
        "Raw profile type iptc" => {
            found.photoshop = profile(&text, b"").map(Block::Copy);
        }
        "Raw profile type xmp" => found.xmp = profile(&text, b"").map(Block::Copy),
        _ => found.texts.push((keyword, decode(&text))),
    }
}

/// ImageMagick's way to keep other formats' blocks: a name, a length and hexadecimal digits on lines.
fn profile(text: &[u8], header: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.trim_ascii_start().splitn(3, |&b| b == b'\n');
    let (_name, _length, digits) = (lines.next()?, lines.next()?, lines.next()?);
    let digits: Vec<u8> = digits
        .iter()
        .filter_map(|&b| Some(char::from(b).to_digit(16)? as u8))
        .collect();
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    Some(
        bytes
            .strip_prefix(header)
            .map(<[u8]>::to_vec)
            .unwrap_or(bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], kind, content, b"crc!"].concat()
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        let size = chunk(b"IHDR", &[0, 0, 0, 5, 0, 0, 0, 3, 8, 2, 0, 0, 0]);
        [
            b"\x89PNG\r\n\x1a\n",
            &size[..],
            &chunks.concat(),
            &chunk(b"IEND", b""),
        ]
        .concat()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn found(bytes: &[u8]) -> Container {
        let mut reader = Reader::of_memory(bytes);
        let found = read(&mut reader).unwrap();
        assert_eq!((found.width, found.height), (5, 3));
        assert!(reader.bytes_read() < 150_000, "{}", reader.bytes_read());
        found
    }

    #[test]
    fn texts_are_found_packed_or_not() {
        let ztxt = [b"Title\0\0", &packed(b"caf\xe9")[..]].concat();
        let found = found(&png(&[
            chunk(b"tEXt", b"Author\0me"),
            chunk(b"zTXt", &ztxt),
            chunk(b"iTXt", "Comment\0\0\0en\0\0né".as_bytes()),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
            chunk(
                b"tEXt",
                b"Raw profile type exif\0\nexif\n  8\n4578696600004d4d\n002a\n",
            ),
            chunk(b"tIME", &[7, 228, 1, 2, 3, 4, 5]),
        ]));
        let texts: Vec<_> = found
            .texts
            .iter()
            .map(|(k, t)| (k.as_str(), t.as_str()))
            .collect();
        let expected = [
            ("Author", "me"),
            ("Title", "café"),
            ("Comment", "né"),
            ("tIME", "2020-01-02 03:04:05"),
        ];
        assert_eq!(texts, expected);
        assert_eq!(found.xmp, Some(Block::Copy(b"<x/>".to_vec())));
        assert_eq!(found.exif, [Block::Copy(b"MM\0*".to_vec())]);
    }

    #[test]
    fn texts_behind_a_large_picture_are_found_without_reading_it() {
        let data = chunk(b"IDAT", &[7; 8000]).repeat(200);
        let found = found(&png(&[
            data,
            chunk(b"tEXt", b"a\0b"),
            chunk(b"eXIf", b"MM\0*"),
        ]));
        assert_eq!(found.texts, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(found.exif.len(), 1);
    }

    #[test]
    fn a_text_that_unpacks_to_much_is_cut() {
        let bomb = [b"Title\0\0", &packed(&vec![b'x'; 20_000_000])[..]].concat();
        let found = found(&png(&[chunk(b"zTXt", &bomb)]));
        assert_eq!(found.texts[0].1.len() as u64, LONGEST_TEXT);
    }

    #[test]
    fn torn_chunks_end_the_search() {
        let whole = png(&[
            chunk(b"tEXt", b"a\0b"),
            chunk(b"iTXt", b"a\0"),
            chunk(b"zTXt", b""),
        ]);
        for length in 33..whole.len() {
            assert_eq!(found(&whole[..length]).width, 5);
        }
    }
}
