//! From the bytes of a picture file to an upright, colour-correct, bounded picture.
//!
//! One decode serves the models, the colours, the perceptual hash and what is sent to a server. Nothing here knows
//! where the bytes came from or who looks at the result.

mod formats;
mod jpeg;
mod jpeg_outline;
mod limits;
mod orientation;
mod pixels;
mod profile;

use std::panic::{UnwindSafe, catch_unwind};

use image::ImageFormat;

use super::{Failure, Picture};
use crate::catalog::clean;
pub(super) use pixels::{Channels, Pixels};

/// The longest side of a decoded picture. Smaller pictures stay as they are.
pub const LONGEST_SIDE: u32 = 1024;

/// A picture, ready to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// At most [`LONGEST_SIDE`] long.
    pub picture: Picture,
    /// The upright original, in pixels.
    pub width: u32,
    pub height: u32,
}

/// Why a file gives no picture. None of these goes away until the file changes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("file is empty")]
    Empty,
    #[error("content is of no picture format that can be decoded")]
    UnknownFormat,
    #[error("picture of {width} x {height} pixels has nothing to show")]
    NoPixels { width: u32, height: u32 },
    #[error("picture of {width} x {height} pixels is too large")]
    TooLarge { width: u32, height: u32 },
    #[error("picture of {width} x {height} pixels is drawn in too many passes")]
    TooManyPasses { width: u32, height: u32 },
    #[error("picture is of a kind that cannot be decoded: {0}")]
    Unsupported(String),
    #[error("picture is damaged: {0}")]
    Damaged(String),
    #[error("picture breaks its decoder")]
    Panic,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        Self::Permanent {
            reason: clean(&text, 300).unwrap_or(text),
        }
    }
}

/// What a decoder gives: the pixels as they are stored, and how to read them.
struct Raw {
    pixels: Pixels,
    /// Of the stored original.
    width: u32,
    height: u32,
    profile: Option<Vec<u8>>,
    orientation: image::metadata::Orientation,
}

/// Decodes a whole file. The format is what the content says; of an animation, the first frame counts.
/// Transparent parts are shown over white. What the file claims is bounded before memory is taken.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Failure> {
    contained(|| open(bytes))
        .unwrap_or(Err(Error::Panic))
        .map_err(Failure::from)
}

fn open(bytes: &[u8]) -> Result<Decoded, Error> {
    let raw = match format_of(bytes)? {
        ImageFormat::Jpeg => jpeg::read(bytes)?,
        format => formats::read(bytes, format)?,
    };
    let small = raw.pixels.shrunk(LONGEST_SIDE);
    let rgb = profile::to_srgb(small, raw.profile.as_deref());
    let (width, height) = orientation::upright_size(raw.orientation, raw.width, raw.height);
    Ok(Decoded {
        picture: orientation::upright(raw.orientation, rgb),
        width,
        height,
    })
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    image::guess_format(bytes)
        .ok()
        .filter(ImageFormat::reading_enabled)
        .ok_or(Error::UnknownFormat)
}

/// Decoders are others' code on hostile data: a panic in one costs this picture only.
fn contained<T>(work: impl FnOnce() -> T + UnwindSafe) -> Option<T> {
    catch_unwind(work).ok()
}
