//! How much a file may ask of the machine, decided from its header alone.

use super::Error;
use super::jpeg_outline::Outline;
use crate::media::png_chunks::{self, Chunk};

/// Memory for the pixels of one picture, the decoder's own buffers included as far as they are known: 89 megapixels of
/// RGB.
pub const MOST_BYTES: u64 = 256 << 20;

/// What a format's decoder may take.
#[derive(Debug)]
pub struct Limits {
    /// Bytes that it may take for itself.
    pub decoder: u64,
    /// How often it holds the decoded pixels.
    pub copies: u64,
}

impl Limits {
    /// For a decoder that holds the pixels once, and takes as much for itself as they may.
    pub const USUAL: Self = Self {
        decoder: MOST_BYTES,
        copies: 1,
    };
}

/// Pixels of one picture, decoded. Formats of less than a byte a pixel reach this before [`MOST_BYTES`].
const MOST_PIXELS: u64 = 200_000_000;

/// A JPEG is scaled while it is decoded, so memory does not bound its sides; this bounds the time.
const MOST_JPEG_PIXELS: u64 = 1_000_000_000;

/// Cameras write up to 14 passes. libjpeg-turbo's own fuzzers stop at 500:
/// <https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/fuzz/decompress.cc>
const MOST_PASSES: u64 = 500;
/// Of all passes together: 30 of a photo of 100 megapixels, or 500 of one of 6.
const MOST_PASSED_PIXELS: u64 = 3_000_000_000;

/// A PNG's data is cut into chunks, each of which costs its decoder some 60 us even when it is empty.
/// libpng writes 8 KiB a chunk: [`MOST_BYTES`] are 32,768 of them.
const MOST_CHUNKS: usize = 50_000;

/// Checks a picture of `bytes` decoded bytes.
pub fn check(width: u32, height: u32, bytes: u64) -> Result<(), Error> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Error::NoPixels { width, height });
    }
    if pixels > MOST_PIXELS || bytes > MOST_BYTES {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}

/// Checks a PNG of known size.
pub fn check_png(png: &[u8], width: u32, height: u32) -> Result<(), Error> {
    if data_chunks(png) > MOST_CHUNKS {
        return Err(Error::TooManyParts { width, height });
    }
    Ok(())
}

fn data_chunks(mut png: &[u8]) -> usize {
    let (mut at, mut count) = (png_chunks::FIRST, 0);
    while let Some(chunk) = Chunk::read(&mut png, at).expect("bytes in memory can be read") {
        count += usize::from(chunk.kind == *b"IDAT");
        at = chunk.end();
    }
    count
}

/// Checks a JPEG before its first pass. How much it is scaled down is not known yet.
pub fn check_jpeg(outline: &Outline) -> Result<(), Error> {
    let frame = &outline.frame;
    let (width, height) = (frame.width.into(), frame.height.into());
    let pixels = u64::from(frame.width) * u64::from(frame.height);
    if pixels == 0 {
        return Err(Error::NoPixels { width, height });
    }
    // A progressive picture is kept as 16-bit coefficients, in full, until its last pass.
    let kept = if frame.progressive {
        frame.samples * 2
    } else {
        0
    };
    if pixels > MOST_JPEG_PIXELS || kept > MOST_BYTES {
        return Err(Error::TooLarge { width, height });
    }
    if outline.passes > MOST_PASSES || outline.passes * pixels > MOST_PASSED_PIXELS {
        return Err(Error::TooManyParts { width, height });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::jpeg_markers::Frame;

    fn check(outline: Outline, refusal: Option<&str>) {
        let result = check_jpeg(&outline).map_err(|e| e.to_string());
        assert_eq!(result.err().as_deref(), refusal);
    }

    fn jpeg(width: u16, height: u16, progressive: bool, passes: u64) -> Outline {
        let samples = u64::from(width) * u64::from(height) * 3 / 2;
        let frame = Frame {
            width,
            height,
            progressive,
            samples,
        };
        Outline { frame, passes }
    }

    #[test]
    fn what_cameras_write_is_let_through() {
        check(jpeg(6000, 4000, false, 1), None);
        check(jpeg(6000, 4000, true, 14), None);
        check(jpeg(16_320, 12_240, false, 1), None);
    }

    #[test]
    fn a_png_of_countless_chunks_is_refused() {
        let check = |chunks: usize, allowed: bool| {
            let png = [
                b"\x89PNG\r\n\x1a\n",
                b"\0\0\0\0IDATsum.".repeat(chunks).as_slice(),
            ]
            .concat();
            assert_eq!(data_chunks(&png), chunks);
            assert_eq!(check_png(&png, 1, 1).is_ok(), allowed);
        };
        check(1, true);
        check(20_000, true);
        check(50_001, false);
        assert_eq!(data_chunks(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"), 1);
    }

    #[test]
    fn what_would_take_too_long_or_too_much_is_refused() {
        check(
            jpeg(65_500, 65_500, false, 1),
            Some("picture of 65500 x 65500 pixels is too large"),
        );
        check(
            jpeg(16_320, 12_240, true, 1),
            Some("picture of 16320 x 12240 pixels is too large"),
        );
        check(
            jpeg(8, 8, true, 501),
            Some("picture of 8 x 8 pixels is stored in too many parts"),
        );
        check(
            jpeg(6000, 4000, true, 400),
            Some("picture of 6000 x 4000 pixels is stored in too many parts"),
        );
        check(
            jpeg(100, 0, false, 1),
            Some("picture of 100 x 0 pixels has nothing to show"),
        );
    }
}
