//! The markers of a JPEG, one after the other: for the metadata before the picture, and for what the picture will cost.
//!
//! Knows nothing of what segments hold, but for the header of the frame. The markers are those of ITU-T T.81, annex B:
//! <https://www.w3.org/Graphics/JPEG/itu-t81.pdf>.

use std::io;
use std::ops::Range;

use super::pieces::Pieces;

/// Where a marker is looked for that isn't where the last segment ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Search {
    /// Nowhere: what lies between segments is damage, and whoever looks for metadata doesn't read on for it.
    Nothing,
    /// Over entropy-coded data and over damage, as decoders do: what they would find has to be found.
    Everything,
}

/// A marker and the body of its segment.
#[derive(Debug, PartialEq)]
pub struct Marker {
    /// The byte behind 0xff.
    pub code: u8,
    /// Where the body lies. Markers that stand alone have none, nor has a torn segment.
    pub body: Option<Range<u64>>,
}

impl Marker {
    /// Whether no segment can be behind it that says something of the picture before its data.
    pub fn ends_header(&self) -> bool {
        let is_torn = self.body.is_none() && !matches!(self.code, 0x01 | 0xd0..=0xd8 | 0xff);
        self.ends_image() || self.begins_scan() || is_torn
    }

    /// EOI.
    pub fn ends_image(&self) -> bool {
        self.code == 0xd9
    }

    /// SOS: entropy-coded data follows its segment.
    pub fn begins_scan(&self) -> bool {
        self.code == 0xda
    }

    /// Every start of frame; the tables among them (DHT, JPG, DAC) are none.
    pub fn begins_frame(&self) -> bool {
        matches!(self.code, 0xc0..=0xcf) && !matches!(self.code, 0xc4 | 0xc8 | 0xcc)
    }
}

/// Goes from marker to marker.
pub struct Markers {
    at: u64,
    search: Search,
}

impl Markers {
    /// Begins at a byte of the file, which need not be the start: a raw file has a JPEG inside.
    pub fn from(at: u64, search: Search) -> Self {
        Self { at, search }
    }

    /// The next marker, or `None` where there is none. A fill byte is a marker of code 0xff.
    ///
    /// # Errors
    /// When the disk does not give the file's content.
    pub fn next(&mut self, from: &mut impl Pieces) -> io::Result<Option<Marker>> {
        let code = match self.search {
            Search::Nothing => match from.array(self.at)? {
                Some([0xff, code]) => code,
                _ => return Ok(None),
            },
            Search::Everything => match self.find(from)? {
                Some(code) => code,
                None => return Ok(None),
            },
        };
        let body = match code {
            0x01 | 0xd0..=0xd9 | 0xff => None,
            _ => self.body(from)?,
        };
        self.at = match &body {
            Some(body) => body.end,
            None if code == 0xff => self.at + 1,
            None => self.at + 2,
        };
        Ok(Some(Marker { code, body }))
    }

    /// The body of the segment here; `None` where its length makes no sense. Who looks for everything goes on inside of
    /// a segment that is longer than the file.
    fn body(&self, from: &mut impl Pieces) -> io::Result<Option<Range<u64>>> {
        let length = from.array(self.at + 2)?.map_or(0, u16::from_be_bytes);
        let Some(length) = u64::from(length).checked_sub(2) else {
            return Ok(None);
        };
        let start = self.at + 4;
        let is_whole =
            self.search == Search::Nothing || from.piece(start, length)?.len() as u64 == length;
        Ok(is_whole.then_some(start..start + length))
    }

    /// Goes to the next 0xff with something other than 0 or 0xff behind it.
    fn find(&mut self, from: &mut impl Pieces) -> io::Result<Option<u8>> {
        loop {
            let bytes = from.piece(self.at, u64::MAX)?;
            match bytes.iter().position(|&b| b == 0xff) {
                None if bytes.is_empty() => return Ok(None),
                None => self.at += bytes.len() as u64,
                Some(skipped) => {
                    self.at += skipped as u64;
                    match bytes.get(skipped + 1) {
                        Some(0x00 | 0xff) => self.at += 1,
                        Some(&code) => return Ok(Some(code)),
                        None if skipped == 0 => return Ok(None),
                        None => {}
                    }
                }
            }
        }
    }
}

/// What the header of a frame says.
#[derive(Debug, Default, PartialEq)]
pub struct Frame {
    /// Pixels across.
    pub width: u16,
    /// Pixels from top to bottom; 0 where only a DNL segment behind the first scan says it.
    pub height: u16,
    /// Whether the picture comes in several passes, each over all of it.
    pub progressive: bool,
    /// Values of all colour components together, sub-sampling considered.
    pub samples: u64,
}

impl Frame {
    /// # Errors
    /// When the disk does not give the file's content.
    pub fn read(from: &mut impl Pieces, marker: &Marker) -> io::Result<Option<Self>> {
        match &marker.body {
            Some(body) => {
                let bytes = from.piece(body.start, body.end - body.start)?;
                Ok(Self::parse(marker.code, bytes))
            }
            None => Ok(None),
        }
    }

    fn parse(code: u8, body: &[u8]) -> Option<Self> {
        let [_precision, h1, h0, w1, w0, rest @ ..] = body else {
            return None;
        };
        let width = u16::from_be_bytes([*w1, *w0]);
        let height = u16::from_be_bytes([*h1, *h0]);
        let components = rest.get(1..).unwrap_or_default();
        Some(Self {
            width,
            height,
            progressive: matches!(code, 0xc2 | 0xc6 | 0xca | 0xce),
            samples: samples(u64::from(width) * u64::from(height), components),
        })
    }
}

/// Components are (id, horizontal and vertical sampling in one byte, table).
fn samples(pixels: u64, components: &[u8]) -> u64 {
    let areas = components
        .chunks_exact(3)
        .map(|c| u64::from(c[1] >> 4) * u64::from(c[1] & 15));
    let full = areas.clone().max().unwrap_or(1).max(1);
    pixels * areas.sum::<u64>() / full
}
