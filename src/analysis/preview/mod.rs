//! What is looked at, and what is shown: pictures decoded as small as they are wanted, and small ones encoded again.
//!
//! One decode serves the models, the colours, the perceptual hash and what is sent to a server.

mod encode;

use super::Failure;
use crate::catalog::clean;
use crate::decoding;
pub use crate::media::decode::Decoded;
use crate::media::decode::{self, Error};
pub use encode::{jpeg, shrunk};

/// The longest side of a picture that is decoded for this program, in pixels: more than twice what the larger network
/// takes. Smaller pictures stay as they are.
pub const LONGEST_SIDE: u32 = 1024;
/// The longest side of a picture that may be decoded for servers.
pub const MOST_FOR_SERVERS: u32 = 2048;

/// None of the reasons why a file gives no picture goes away until the file changes.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Permanent {
            reason: shortened(error.to_string()),
        }
    }
}

impl From<decoding::Error> for Failure {
    fn from(error: decoding::Error) -> Self {
        let reason = shortened(error.to_string());
        match error.is_lasting() {
            true => Self::Permanent { reason },
            false => Self::Transient {
                reason,
                retry_after: None,
            },
        }
    }
}

/// Decoders repeat what stands in a file.
fn shortened(reason: String) -> String {
    clean(&reason, 300).unwrap_or(reason)
}

/// Decodes a whole file, here and now: see [`decoding`] for what may be hostile.
///
/// # Errors
/// Why it gives no picture.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Failure> {
    decode_to(bytes, LONGEST_SIDE)
}

/// Decodes a whole file, with no side longer than `longest`.
///
/// # Errors
/// Why it gives no picture.
pub fn decode_to(bytes: &[u8], longest: u32) -> Result<Decoded, Failure> {
    decode::decode(bytes, longest).map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

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
}
