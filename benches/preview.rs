//! How long does it take to look at one picture?

use std::io::Cursor;

use divan::Bencher;
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};
use kbasefs::analysis::{colors, phash, preview};

fn main() {
    divan::main();
}

/// Waves and grain: about as hard to decode as a photo.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut grain = 1u32;
    RgbImage::from_fn(width, height, |x, y| {
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = |step: f32| ((x as f32 / step).sin() + (y as f32 / (step + 70.0)).cos()) * 50.0;
        image::Rgb(
            [90.0, 140.0, 210.0].map(|step| (120.0 + wave(step)) as u8 + (grain >> 28) as u8),
        )
    })
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(&photo(width, height))
        .expect("writing to memory does not fail");
    bytes
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    photo(width, height)
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("writing to memory does not fail");
    bytes.into_inner()
}

#[divan::bench(args = [(4000, 3000), (6000, 4000)], sample_count = 10, sample_size = 1)]
fn jpeg_of(bencher: Bencher, (width, height): (u32, u32)) {
    let bytes = jpeg(width, height);
    bencher.bench(|| preview::decode(&bytes));
}

#[divan::bench(args = [(4000, 3000)], sample_count = 10, sample_size = 1)]
fn png_of(bencher: Bencher, (width, height): (u32, u32)) {
    let bytes = png(width, height);
    bencher.bench(|| preview::decode(&bytes));
}

#[divan::bench]
fn colours_of_a_preview(bencher: Bencher) {
    let decoded = preview::decode(&jpeg(1024, 768)).expect("an encoded picture decodes");
    bencher.bench(|| colors::labels(&decoded.picture));
}

#[divan::bench]
fn perceptual_hash_of_a_preview(bencher: Bencher) {
    let decoded = preview::decode(&jpeg(1024, 768)).expect("an encoded picture decodes");
    bencher.bench(|| phash::hash(&decoded.picture));
}
