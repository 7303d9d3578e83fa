//! From the bytes of a picture file to an upright, colour-correct, bounded picture.
//!
//! The format's decoder gives pixels as they are stored; what follows is the same for all. What a file claims is bounded
//! before memory is taken. Nothing here knows where the bytes came from or who looks at the result.

pub mod jpeg;
mod jpeg_outline;
pub mod limits;
mod orientation;
mod pixels;
mod profile;
pub mod whole;

use image::metadata::Orientation;

use self::limits::Limits;
pub use self::pixels::{Channels, Pixels};
use super::{formats, sniffer};
use crate::panics;

/// A decoded picture: upright, sRGB, 8 bits, 3 channels, row by row without padding.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

/// A picture, ready to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// With no side longer than was asked for.
    pub picture: Picture,
    /// The upright original, in pixels.
    pub width: u32,
    /// Pixels from top to bottom, likewise.
    pub height: u32,
}

/// What decodes a format, and how much it may take for that.
pub struct Decoder {
    /// Decodes a whole file. The longest side that is asked for may save it work.
    pub decode: fn(&[u8], &Limits, u32) -> Result<Stored, Error>,
    /// What is checked, and handed to the decoder, before it takes memory.
    pub limits: Limits,
}

/// Why a file gives no picture. None of these goes away until the file changes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no bytes at all: a copy that was never written, mostly.
    #[error("file is empty")]
    Empty,
    /// The first bytes are those of no format with a decoder, whatever the file's name says.
    #[error("content is of no picture format that can be decoded")]
    UnknownFormat,
    /// One of its sides is 0.
    #[error("picture of {width} x {height} pixels has nothing to show")]
    NoPixels { width: u32, height: u32 },
    /// It would take more memory or time than [`limits`] allow.
    #[error("picture of {width} x {height} pixels is too large")]
    TooLarge { width: u32, height: u32 },
    /// It is cut into so many passes or chunks that decoding it would take unduly long, however small it is.
    #[error("picture of {width} x {height} pixels is stored in too many parts")]
    TooManyParts { width: u32, height: u32 },
    /// Its format has variants that the decoder does not know; the decoder says which.
    #[error("picture is of a kind that cannot be decoded: {0}")]
    Unsupported(String),
    /// It ends too early or contradicts itself; the decoder says how.
    #[error("picture is damaged: {0}")]
    Damaged(String),
    /// The decoder panicked, and so did the more lenient one if there is one.
    #[error("picture breaks its decoder")]
    Panic,
}

/// What a decoder gives: the pixels as they are stored, and how to read them.
pub struct Stored {
    /// No larger than was asked for, where the decoder can shrink; in the colour space of the file.
    pub pixels: Pixels,
    /// Pixels across, of the stored original: not turned, not shrunk.
    pub width: u32,
    /// Pixels from top to bottom, likewise.
    pub height: u32,
    /// An ICC profile, unread: <https://www.color.org/specification/ICC.1-2022-05.pdf>.
    pub profile: Option<Vec<u8>>,
    /// How the stored pixels are to be turned to be upright.
    pub orientation: Orientation,
}

/// Decodes a whole file, with no side longer than `longest`. The format is what the content says; of an animation, the
/// first frame counts. Transparent parts are shown over white.
///
/// # Errors
/// Why the file gives no picture.
pub fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, Error> {
    contained(|| open(bytes, longest)).unwrap_or(Err(Error::Panic))
}

fn open(bytes: &[u8], longest: u32) -> Result<Decoded, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let format = sniffer::of_content(bytes).and_then(formats::of);
    let decoder = format.and_then(|format| format.decoder.as_ref());
    let decoder = decoder.ok_or(Error::UnknownFormat)?;
    let stored = (decoder.decode)(bytes, &decoder.limits, longest)?;
    let small = stored.pixels.shrunk(longest);
    let rgb = profile::to_srgb(small, stored.profile.as_deref());
    let (width, height) =
        orientation::upright_size(stored.orientation, stored.width, stored.height);
    Ok(Decoded {
        picture: orientation::upright(stored.orientation, rgb),
        width,
        height,
    })
}

/// Decoders are others' code on hostile data: a panic in one costs this picture only.
fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    panics::contained(work).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_one_picture() {
        assert_eq!(contained(|| 7), Some(7));
        assert_eq!(contained(|| panic!("as a decoder might")), None::<()>);
    }
}
