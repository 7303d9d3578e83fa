//! Every format that has no cheaper way than to decode it in full.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::limits::{self, Limits};
use super::pixels::Pixels;
use super::{Error, Stored, orientation};

/// Reads a picture in full. The size in its header is checked first.
pub fn read(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Stored, Error> {
    read_checked(bytes, format, limits, |_, _| Ok(()))
}

/// Reads a PNG in full; its chunks are counted first.
pub fn read_png(bytes: &[u8], limits: &Limits) -> Result<Stored, Error> {
    read_checked(bytes, ImageFormat::Png, limits, |width, height| {
        limits::check_png(bytes, width, height)
    })
}

fn read_checked(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
    check: impl FnOnce(u32, u32) -> Result<(), Error>,
) -> Result<Stored, Error> {
    let mut decoder = open(bytes, format, limits)?;
    let (width, height) = decoder.dimensions();
    let working = decoder.total_bytes().saturating_mul(limits.copies);
    limits::check(width, height, working)?;
    check(width, height)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    let orientation = match decoder.exif_metadata() {
        Ok(Some(exif)) => orientation::of(Some(&exif)),
        _ => decoder.orientation().map_err(refused)?,
    };
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok(Stored {
        pixels: Pixels::from_image(image)?,
        width,
        height,
        profile,
        orientation,
    })
}

fn open(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<impl ImageDecoder, Error> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut own = image::Limits::default();
    own.max_alloc = Some(limits.decoder);
    reader.limits(own);
    reader.into_decoder().map_err(refused)
}

fn refused(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) | ImageError::Limits(_) => Error::Unsupported(error.to_string()),
        error => Error::Damaged(error.to_string()),
    }
}
