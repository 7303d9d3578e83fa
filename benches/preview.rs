//! How long does it take to look at one picture?

mod pictures;

use std::io::Cursor;

use divan::Bencher;
use image::ImageFormat;
use kbasefs::analysis::{colors, phash, preview};
use pictures::{jpeg, photo};

fn main() {
    divan::main();
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
    let bytes = jpeg(&photo(width, height));
    bencher.bench(|| preview::decode(&bytes));
}

#[divan::bench(args = [(4000, 3000)], sample_count = 10, sample_size = 1)]
fn png_of(bencher: Bencher, (width, height): (u32, u32)) {
    let bytes = png(width, height);
    bencher.bench(|| preview::decode(&bytes));
}

#[divan::bench]
fn colours_of_a_preview(bencher: Bencher) {
    let decoded = preview::decode(&jpeg(&photo(1024, 768))).expect("an encoded picture decodes");
    bencher.bench(|| colors::labels(&decoded.picture));
}

#[divan::bench]
fn perceptual_hash_of_a_preview(bencher: Bencher) {
    let decoded = preview::decode(&jpeg(&photo(1024, 768))).expect("an encoded picture decodes");
    bencher.bench(|| phash::hash(&decoded.picture));
}
