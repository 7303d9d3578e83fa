//! How much a file may ask of the machine, decided from its header alone.

use super::Error;
use super::jpeg_outline::Outline;

/// Memory for the pixels of one picture, the decoder's own buffers included as far as they are known.
pub const MOST_BYTES: u64 = 256 << 20;

/// Pixels of one picture, decoded. Formats of less than a byte a pixel reach this before [`MOST_BYTES`].
const MOST_PIXELS: u64 = 200_000_000;

/// A JPEG is scaled while it is decoded, so memory does not bound its sides; this bounds the time.
const MOST_JPEG_PIXELS: u64 = 1_000_000_000;

/// Cameras write up to 14 passes. libjpeg-turbo's own fuzzers stop at 500:
/// <https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/fuzz/decompress.cc>
const MOST_PASSES: u64 = 500;
const MOST_PASSED_PIXELS: u64 = 3_000_000_000;

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

/// Checks a JPEG before its first pass. How much it is scaled down is not known yet.
pub fn check_jpeg(outline: &Outline) -> Result<(), Error> {
    let (width, height) = (outline.width.into(), outline.height.into());
    let pixels = u64::from(outline.width) * u64::from(outline.height);
    if pixels == 0 {
        return Err(Error::NoPixels { width, height });
    }
    // A progressive picture is kept as 16-bit coefficients, in full, until its last pass.
    let kept = if outline.progressive {
        outline.samples * 2
    } else {
        0
    };
    if pixels > MOST_JPEG_PIXELS || kept > MOST_BYTES {
        return Err(Error::TooLarge { width, height });
    }
    if outline.passes > MOST_PASSES || outline.passes * pixels > MOST_PASSED_PIXELS {
        return Err(Error::TooManyPasses { width, height });
    }
    Ok(())
}
