//! From the bytes of a picture file to an upright, colour-correct, bounded picture.
//!
//! One decode serves the models, the colours, the perceptual hash and what is sent to a server. Nothing here knows
//! where the bytes came from or who looks at the result.

mod encode;
mod formats;
mod jpeg;
mod jpeg_outline;
mod limits;
mod orientation;
mod pixels;
mod profile;

use image::ImageFormat;

use super::{Failure, Picture};
use crate::catalog::clean;
use crate::panics;
pub use encode::{jpeg, shrunk};
pub(super) use pixels::{Channels, Pixels};

/// The longest side of a picture that is decoded for this program. Smaller pictures stay as they are.
pub const LONGEST_SIDE: u32 = 1024;
/// The longest side of a picture that may be decoded for servers.
pub const MOST_FOR_SERVERS: u32 = 2048;

/// A picture, ready to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// With no side longer than was asked for.
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
    #[error("picture of {width} x {height} pixels is stored in too many parts")]
    TooManyParts { width: u32, height: u32 },
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
    decode_to(bytes, LONGEST_SIDE)
}

/// The same, with no side longer than `longest`.
pub fn decode_to(bytes: &[u8], longest: u32) -> Result<Decoded, Failure> {
    contained(|| open(bytes, longest))
        .unwrap_or(Err(Error::Panic))
        .map_err(Failure::from)
}

fn open(bytes: &[u8], longest: u32) -> Result<Decoded, Error> {
    let raw = match format_of(bytes)? {
        ImageFormat::Jpeg => jpeg::read(bytes, longest)?,
        format => formats::read(bytes, format)?,
    };
    let small = raw.pixels.shrunk(longest);
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
fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    panics::contained(work).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;

    const ORANGE: [u8; 3] = [250, 150, 50];

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = RgbImage::from_pixel(width, height, Rgb(ORANGE));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(image)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    /// Decoded sizes: of the original, and of the picture. The colour survives.
    fn check(bytes: &[u8], original: (u32, u32), shown: (u32, u32)) {
        let decoded = decode(bytes).unwrap();
        assert_eq!((decoded.width, decoded.height), original);
        assert_eq!((decoded.picture.width, decoded.picture.height), shown);
        let (pixels, _) = decoded.picture.rgb.as_chunks::<3>();
        assert_eq!(pixels.len() as u32, shown.0 * shown.1);
        let near = pixels[0].iter().zip(ORANGE).all(|(a, b)| a.abs_diff(b) < 8);
        assert!(near, "{:?}", pixels[0]);
    }

    fn check_refused(bytes: &[u8], expected: &str) {
        let Err(Failure::Permanent { reason }) = decode(bytes) else {
            panic!("not refused: {expected}");
        };
        assert!(reason.starts_with(expected), "{reason}");
    }

    #[test]
    fn every_format_decodes_and_large_pictures_shrink() {
        use ImageFormat as F;
        for format in [F::Jpeg, F::Png, F::WebP, F::Gif, F::Bmp, F::Tiff] {
            check(&encoded(60, 40, format), (60, 40), (60, 40));
            check(&encoded(1500, 500, format), (1500, 500), (1024, 341));
        }
        check(&encoded(9000, 50, F::Jpeg), (9000, 50), (1024, 6));
        check(&encoded(4000, 80, F::Jpeg), (4000, 80), (1000, 20));
    }

    #[test]
    fn a_server_may_be_shown_more() {
        let decoded = decode_to(&encoded(4000, 3000, ImageFormat::Jpeg), MOST_FOR_SERVERS).unwrap();
        assert_eq!(
            (decoded.picture.width, decoded.picture.height),
            (2000, 1500)
        );
        let decoded = decode_to(&encoded(6000, 40, ImageFormat::Png), MOST_FOR_SERVERS).unwrap();
        assert_eq!((decoded.picture.width, decoded.width), (2048, 6000));
    }

    #[test]
    fn a_torn_jpeg_shows_what_is_left() {
        let whole = encoded(600, 400, ImageFormat::Jpeg);
        check(&whole[..whole.len() * 2 / 3], (600, 400), (600, 400));
    }

    #[test]
    fn what_gives_no_picture_says_why() {
        check_refused(b"", "file is empty");
        check_refused(b"just text", "content is of no picture format");
        check_refused(b"\xff\xd8\xff", "picture is damaged: a jpeg without");
        let png = encoded(60, 40, ImageFormat::Png);
        check_refused(&png[..png.len() / 2], "picture is damaged: ");
    }

    #[test]
    fn what_a_header_promises_is_not_believed() {
        let mut gif = encoded(60, 40, ImageFormat::Gif);
        gif[6..10].fill(0xff);
        check_refused(&gif, "picture of 65535 x 65535 pixels is too large");

        let mut jpeg = encoded(60, 40, ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|m| m == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].fill(0xff);
        check_refused(&jpeg, "picture of 65535 x 65535 pixels is too large");
    }

    #[test]
    fn a_jpeg_of_endless_passes_is_refused() {
        let jpeg = encoded(60, 40, ImageFormat::Jpeg);
        let scan = jpeg.windows(2).position(|m| m == [0xff, 0xda]).unwrap();
        let passes = jpeg[scan..jpeg.len() - 2].repeat(600);
        let bomb = [&jpeg[..scan], &passes, b"\xff\xd9"].concat();
        check_refused(
            &bomb,
            "picture of 60 x 40 pixels is stored in too many parts",
        );
    }

    #[test]
    fn a_panic_costs_one_picture() {
        assert_eq!(contained(|| 7), Some(7));
        assert_eq!(contained(|| panic!("as a decoder might")), None::<()>);
    }
}
