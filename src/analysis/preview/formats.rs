//! Every format that has no cheaper way than to decode it in full.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::limits::{self, MOST_BYTES};
use super::pixels::Pixels;
use super::{Error, Raw, orientation};

/// Reads a picture of a known format in full. The size in its header is checked first.
pub fn read(bytes: &[u8], format: ImageFormat) -> Result<Raw, Error> {
    let mut decoder = open(bytes, format)?;
    let (width, height) = decoder.dimensions();
    limits::check(width, height, working_bytes(format, decoder.total_bytes()))?;
    if format == ImageFormat::Png {
        limits::check_png(bytes, width, height)?;
    }
    let profile = decoder.icc_profile().unwrap_or_default();
    let orientation = match decoder.exif_metadata() {
        Ok(Some(exif)) => orientation::of(Some(&exif)),
        _ => decoder.orientation().map_err(refused)?,
    };
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok(Raw {
        pixels: Pixels::from_image(image)?,
        width,
        height,
        profile,
        orientation,
    })
}

fn open(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder, Error> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder_bytes(format));
    reader.limits(limits);
    reader.into_decoder().map_err(refused)
}

/// What the decoder may take for itself. PNG counts only rows and metadata here, and those inflate.
fn decoder_bytes(format: ImageFormat) -> u64 {
    match format {
        ImageFormat::Png => 16 << 20,
        _ => MOST_BYTES,
    }
}

/// The decoded bytes, and the copy of them that the WebP decoder makes on its way.
fn working_bytes(format: ImageFormat, decoded: u64) -> u64 {
    match format {
        ImageFormat::WebP => decoded.saturating_mul(2),
        _ => decoded,
    }
}

fn refused(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) | ImageError::Limits(_) => Error::Unsupported(error.to_string()),
        error => Error::Damaged(error.to_string()),
    }
}
