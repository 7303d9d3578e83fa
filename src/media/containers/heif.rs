//! HEIC and AVIF: the items that a `meta` box lists, and the properties of the primary one.
//!
//! The boxes are those of ISO/IEC 14496-12 (`iinf`, `iloc`, `pitm`) and 23008-12 (`iprp` and what is in it).

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use super::isobmff::{Box, boxes, find};
use crate::media::container::{Block, Container};
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// A photo is cut into tiles, an item each: of 512 x 512 pixels, as phones do, 48 make 12 megapixels and 2,000 make
/// 524.
const MOST_ITEMS: usize = 2000;
/// Encoders write an item in one piece; a list of many is there to be long.
const MOST_EXTENTS: usize = 16;
/// An `iloc` box takes some 16 bytes an item, so that this is more than [`MOST_ITEMS`] need.
const LONGEST_BOX: u64 = 256 * 1024;
/// Metadata that is longer is cut, like that of every other format: see [`Reader`].
const LONGEST_ITEM: usize = 512 * 1024;

/// Stretches of the file.
type Extents = Vec<Range<u64>>;

pub fn read(reader: &mut Reader) -> io::Result<Container> {
    let mut found = Container::default();
    let size = reader.size();
    let top = boxes(reader, 0..size)?;
    let Some(meta) = find(&top, b"meta") else {
        return Ok(found);
    };
    let meta = boxes(reader, meta.inside(4))?;
    let primary = primary(reader, &meta)?;
    properties(reader, &meta, primary, &mut found)?;
    let places = places(reader, &meta)?;
    for (id, kind) in items(reader, &meta)? {
        let Some(extents) = places.get(&id) else {
            continue;
        };
        match kind {
            Kind::Exif => found.exif.push(exif(reader, extents)?),
            Kind::Xmp => found.xmp = Some(join(reader, extents)?),
        }
    }
    Ok(found)
}

/// The block without its first four bytes and what they say to skip: the TIFF structure.
fn exif(reader: &mut Reader, extents: &Extents) -> io::Result<Block> {
    let bytes = join(reader, extents)?.bytes(reader)?;
    let skipped = bytes
        .first_chunk()
        .map_or(0, |skipped| u32::from_be_bytes(*skipped));
    let start = (skipped as usize).saturating_add(4).min(bytes.len());
    Ok(Block::Copy(bytes[start..].to_vec()))
}

fn join(reader: &mut Reader, extents: &Extents) -> io::Result<Block> {
    let mut bytes = Vec::new();
    for extent in extents {
        let length = extent.end.saturating_sub(extent.start);
        bytes.extend_from_slice(reader.piece(extent.start, length)?);
        if bytes.len() > LONGEST_ITEM {
            break;
        }
    }
    Ok(Block::Copy(bytes))
}

enum Kind {
    Exif,
    Xmp,
}

/// The metadata items.
fn items(reader: &mut Reader, meta: &[Box]) -> io::Result<Vec<(u32, Kind)>> {
    let Some(list) = find(meta, b"iinf") else {
        return Ok(Vec::new());
    };
    let version = reader
        .array(list.content.start)?
        .map_or(0, u8::from_be_bytes);
    let header = if version == 0 { 6 } else { 8 };
    let mut items = Vec::new();
    for entry in boxes(reader, list.inside(header))? {
        let bytes = content(reader, &entry)?;
        items.extend(item(&mut Fields(&bytes)));
    }
    Ok(items)
}

fn item(entry: &mut Fields) -> Option<(u32, Kind)> {
    let version = entry.number(1)?;
    entry.skip(3)?;
    let id = entry.number(if version == 2 { 2 } else { 4 })? as u32;
    entry.skip(2)?;
    let kind = match entry.take(4)? {
        b"Exif" => Kind::Exif,
        // A name and a type, each with a NUL behind it.
        b"mime" if entry.0.split(|&b| b == 0).nth(1) == Some(b"application/rdf+xml") => Kind::Xmp,
        _ => return None,
    };
    Some((id, kind))
}

/// Where each item lies in the file.
fn places(reader: &mut Reader, meta: &[Box]) -> io::Result<HashMap<u32, Extents>> {
    let Some(list) = find(meta, b"iloc") else {
        return Ok(HashMap::new());
    };
    let data = find(meta, b"idat").map_or(0, |data| data.content.start);
    let bytes = content(reader, &list)?;
    let mut places = HashMap::new();
    let mut fields = Fields(&bytes);
    let Some(layout) = Layout::read(&mut fields) else {
        return Ok(places);
    };
    for _ in 0..layout.items.min(MOST_ITEMS) {
        let Some((id, extents)) = layout.item(&mut fields, data) else {
            break;
        };
        places.insert(id, extents);
    }
    Ok(places)
}

/// How wide the fields of an `iloc` box are, in bytes.
struct Layout {
    version: u64,
    offset: usize,
    length: usize,
    base: usize,
    index: usize,
    items: usize,
}

impl Layout {
    fn read(fields: &mut Fields) -> Option<Self> {
        let version = fields.number(1)?;
        fields.skip(3)?;
        let widths = fields.number(2)? as usize;
        Some(Self {
            version,
            offset: widths >> 12,
            length: widths >> 8 & 15,
            base: widths >> 4 & 15,
            index: if version == 0 { 0 } else { widths & 15 },
            items: fields.number(if version < 2 { 2 } else { 4 })? as usize,
        })
    }

    fn item(&self, fields: &mut Fields, data: u64) -> Option<(u32, Extents)> {
        let id = fields.number(if self.version < 2 { 2 } else { 4 })? as u32;
        let method = if self.version == 0 {
            0
        } else {
            fields.number(2)? & 15
        };
        fields.skip(2)?;
        let base = fields.number(self.base)?;
        // Offsets count from the file's start, or from the `idat` box.
        let base = if method == 1 {
            base.saturating_add(data)
        } else {
            base
        };
        let count = fields.number(2)? as usize;
        let mut extents = Vec::new();
        for _ in 0..count {
            fields.skip(self.index)?;
            let start = base.saturating_add(fields.number(self.offset)?);
            let length = fields.number(self.length)?;
            if extents.len() < MOST_EXTENTS {
                extents.push(start..start.saturating_add(length));
            }
        }
        Some((id, extents))
    }
}

fn primary(reader: &mut Reader, meta: &[Box]) -> io::Result<u32> {
    let Some(found) = find(meta, b"pitm") else {
        return Ok(0);
    };
    let bytes = content(reader, &found)?;
    let mut fields = Fields(&bytes);
    let version = fields.number(1);
    let id = fields
        .skip(3)
        .and_then(|()| fields.number(if version == Some(0) { 2 } else { 4 }));
    Ok(id.unwrap_or(0) as u32)
}

/// The size and the turns of the primary item.
fn properties(
    reader: &mut Reader,
    meta: &[Box],
    primary: u32,
    found: &mut Container,
) -> io::Result<()> {
    let Some(all) = find(meta, b"iprp") else {
        return Ok(());
    };
    let all = boxes(reader, all.inside(0))?;
    let (Some(list), Some(links)) = (find(&all, b"ipco"), find(&all, b"ipma")) else {
        return Ok(());
    };
    let list = boxes(reader, list.inside(0))?;
    let links = content(reader, &links)?;
    let (mut turns, mut mirror) = (0, None);
    for index in linked(&mut Fields(&links), primary).unwrap_or_default() {
        let Some(property) = index.checked_sub(1).and_then(|index| list.get(index)) else {
            continue;
        };
        let start = property.content.start;
        match &property.kind {
            b"ispe" => {
                if let Some([_, _, _, _, w3, w2, w1, w0, h @ ..]) = reader.array::<12>(start)? {
                    found.width = u32::from_be_bytes([w3, w2, w1, w0]);
                    found.height = u32::from_be_bytes(h);
                }
            }
            b"clap" => (found.width, found.height) = aperture(reader, start, found)?,
            b"irot" => turns = reader.array(start)?.map_or(0, u8::from_be_bytes) & 3,
            b"imir" => mirror = reader.array(start)?.map(|axis| u8::from_be_bytes(axis) & 1),
            _ => {}
        }
    }
    found.orientation = Some(orientation(turns, mirror));
    Ok(())
}

/// The size of the part that is shown, or the whole where that makes no sense.
fn aperture(reader: &mut Reader, at: u64, whole: &Container) -> io::Result<(u32, u32)> {
    let side = |at, whole: u32, reader: &mut Reader| {
        let [n3, n2, n1, n0, d @ ..] = reader.array::<8>(at)?.unwrap_or_default();
        let shown = u32::from_be_bytes([n3, n2, n1, n0]).checked_div(u32::from_be_bytes(d));
        io::Result::Ok(
            shown
                .filter(|shown| (1..=whole).contains(shown))
                .unwrap_or(whole),
        )
    };
    Ok((
        side(at, whole.width, reader)?,
        side(at + 8, whole.height, reader)?,
    ))
}

/// The indices, from 1, of an item's properties.
fn linked(links: &mut Fields, item: u32) -> Option<Vec<usize>> {
    let version = links.number(1)?;
    let wide = links.number(3)? & 1 == 1;
    let count = links.number(4)? as usize;
    for _ in 0..count.min(MOST_ITEMS) {
        let id = links.number(if version == 0 { 2 } else { 4 })? as u32;
        let count = links.number(1)?;
        let mut indices = Vec::new();
        for _ in 0..count {
            // The top bit says that a reader must understand the property.
            let index = match wide {
                true => links.number(2)? & 0x7fff,
                false => links.number(1)? & 0x7f,
            };
            indices.push(index as usize);
        }
        if id == item {
            return Some(indices);
        }
    }
    None
}

/// EXIF's number for quarter turns to the left, then a mirroring: 0 upside down, 1 left to right.
fn orientation(turns: u8, mirror: Option<u8>) -> u8 {
    match (turns, mirror) {
        (0, None) => 1,
        (1, None) => 8,
        (2, None) => 3,
        (_, None) => 6,
        (0, Some(1)) | (2, Some(0)) => 2,
        (0 | 2, _) => 4,
        (1, Some(1)) | (3, Some(0)) => 7,
        _ => 5,
    }
}

fn content(reader: &mut Reader, found: &Box) -> io::Result<Vec<u8>> {
    let length = found.content.end - found.content.start;
    Ok(reader
        .piece(found.content.start, length.min(LONGEST_BOX))?
        .to_vec())
}

/// Big-endian numbers one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, width: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(width)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, width: usize) -> Option<()> {
        self.take(width).map(|_| ())
    }

    /// 0 where the field has no width.
    fn number(&mut self, width: usize) -> Option<u64> {
        let bytes = self.take(width)?;
        Some(
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::containers::isobmff::tests::bytes_of;

    /// A file with one picture item, 1, and one EXIF item, 2, of 8 bytes at the end of the file.
    fn heic(turn: u8) -> Vec<u8> {
        let item = |id: u8, kind: &[u8]| {
            bytes_of(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind, b"\0"].concat())
        };
        let list = [b"\0\0\0\0\0\x02", &item(1, b"hvc1")[..], &item(2, b"Exif")].concat();
        let properties = [
            bytes_of(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 3]),
            bytes_of(b"irot", &[turn]),
        ]
        .concat();
        let links = bytes_of(b"ipma", &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 0x81, 0x82]);
        let properties = bytes_of(b"iprp", &[bytes_of(b"ipco", &properties), links].concat());
        let build = |at: u8| {
            let place = [
                0, 0, 0, 0, 0x44, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, at, 0, 0, 0, 12,
            ];
            let meta = [
                b"\0\0\0\0".to_vec(),
                bytes_of(b"pitm", &[0, 0, 0, 0, 0, 1]),
                bytes_of(b"iinf", &list),
                bytes_of(b"iloc", &place),
                properties.clone(),
            ];
            [
                bytes_of(b"ftyp", b"heic\0\0\0\0"),
                bytes_of(b"meta", &meta.concat()),
            ]
            .concat()
        };
        let at = u8::try_from(build(0).len() + 8).unwrap();
        [build(at), bytes_of(b"mdat", b"\0\0\0\x04....MM\0*")].concat()
    }

    #[test]
    fn items_and_the_primary_picture_are_found() {
        let found = read(&mut Reader::of_memory(&heic(3))).unwrap();
        assert_eq!(
            (found.width, found.height, found.orientation),
            (5, 3, Some(6))
        );
        assert_eq!(found.exif, [Block::Copy(b"MM\0*".to_vec())]);
    }

    #[test]
    fn torn_files_say_less() {
        let whole = heic(0);
        for length in 0..whole.len() {
            read(&mut Reader::of_memory(&whole[..length])).unwrap();
        }
    }
}
