//! JPEG: decoded at the smallest scale that is still large enough, which costs a third of a full decode.

use image::ImageFormat;
use jpeg_decoder::{Decoder, PixelFormat};

use super::limits::{Limits, MOST_BYTES};
use super::pixels::{Channels, Pixels};
use super::{Error, Stored, contained, jpeg_outline, limits, orientation, whole};

/// The longer side that is asked of the decoder for one that may be so long. Of 1,024, a quarter of a 12 megapixel
/// photo's 4,000 will do, at half the cost of the next scale; what is larger shrinks later.
fn least_side(longest: u32) -> u16 {
    u16::try_from(longest - longest / 16).unwrap_or(u16::MAX)
}

/// Reads a JPEG. What the scaling decoder refuses (a torn file, rare encodings) goes to one that is more lenient.
pub fn read(bytes: &[u8], limits: &Limits, longest: u32) -> Result<Stored, Error> {
    let outline = jpeg_outline::read(bytes)
        .ok_or_else(|| Error::Damaged("a jpeg without a frame header".into()))?;
    limits::check_jpeg(&outline)?;
    let side = least_side(longest);
    match contained(|| read_scaled(bytes, side)).unwrap_or(Err(Error::Panic)) {
        Err(refused @ (Error::Damaged(_) | Error::Unsupported(_) | Error::Panic)) => {
            whole::read(bytes, ImageFormat::Jpeg, limits).map_err(|_| refused)
        }
        decided => decided,
    }
}

fn read_scaled(bytes: &[u8], side: u16) -> Result<Stored, Error> {
    let mut decoder = Decoder::new(bytes);
    decoder.read_info().map_err(refused)?;
    let full = decoder.info().ok_or(Error::Panic)?;
    decoder.scale(side, side).map_err(refused)?;
    let scaled = decoder.info().ok_or(Error::Panic)?;
    let channels = channels(scaled.pixel_format)?;
    let (width, height) = (scaled.width.into(), scaled.height.into());
    // Once as planes, once interleaved.
    let bytes = u64::from(width) * u64::from(height) * channels as u64 * 2;
    limits::check(width, height, bytes).map_err(|_| Error::TooLarge {
        width: full.width.into(),
        height: full.height.into(),
    })?;
    decoder.set_max_decoding_buffer_size(MOST_BYTES as usize);
    let pixels = decoder.decode().map_err(refused)?;
    Ok(Stored {
        pixels: Pixels::new(width, height, channels, pixels)?,
        width: full.width.into(),
        height: full.height.into(),
        profile: decoder.icc_profile(),
        orientation: orientation::of(decoder.exif_data()),
    })
}

fn channels(format: PixelFormat) -> Result<Channels, Error> {
    match format {
        PixelFormat::L8 => Ok(Channels::Gray),
        PixelFormat::RGB24 => Ok(Channels::Rgb),
        PixelFormat::CMYK32 => Ok(Channels::Cmyk),
        PixelFormat::L16 => Err(Error::Unsupported("lossless 16-bit jpeg".into())),
    }
}

fn refused(error: jpeg_decoder::Error) -> Error {
    match error {
        // Bytes in memory fail to be read only where they end.
        jpeg_decoder::Error::Io(_) => Error::Damaged("it ends too early".into()),
        jpeg_decoder::Error::Unsupported(_) => Error::Unsupported(error.to_string()),
        error => Error::Damaged(error.to_string()),
    }
}
