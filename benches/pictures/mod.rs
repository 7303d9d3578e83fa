//! Pictures made for the benches.

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// Waves and grain: about as hard to decode as a photo.
pub fn photo(width: u32, height: u32) -> RgbImage {
    let mut grain = 1u32;
    RgbImage::from_fn(width, height, |x, y| {
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = |step: f32| ((x as f32 / step).sin() + (y as f32 / (step + 70.0)).cos()) * 50.0;
        image::Rgb(
            [90.0, 140.0, 210.0].map(|step| (120.0 + wave(step)) as u8 + (grain >> 28) as u8),
        )
    })
}

pub fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(picture)
        .expect("writing to memory does not fail");
    bytes
}
