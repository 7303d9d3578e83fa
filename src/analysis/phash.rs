//! The perceptual hash: pictures that look alike differ in few of its 64 bits.
//!
//! The usual DCT hash (<https://www.phash.org/docs/>): 32 x 32 grey pixels, the 8 x 8 lowest frequencies, one bit each
//! for above or below their median.

use std::f32::consts::PI;

use crate::media::decode::{Channels, Picture, Pixels};

/// Pixels a side of what is hashed.
const SIDE: usize = 32;
/// Frequencies a side that are kept: one bit each makes 64.
const KEPT: usize = 8;

/// The hash; its highest bit is the mean brightness, then row by row towards finer detail.
pub fn hash(picture: &Picture) -> u64 {
    let frequencies = low_frequencies(&thumbnail(picture));
    let mut sorted = frequencies;
    sorted.sort_unstable();
    let middle = frequencies.len() / 2;
    // Twice the median, so that it stays a whole number.
    let median = sorted[middle - 1] + sorted[middle];
    frequencies
        .iter()
        .fold(0, |hash, &f| hash << 1 | u64::from(2 * f > median))
}

/// 32 x 32 pixels of luma (ITU-R BT.601).
fn thumbnail(picture: &Picture) -> Vec<u8> {
    let luma = |&[r, g, b]: &[u8; 3]| {
        ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000) as u8
    };
    let (pixels, _) = picture.rgb.as_chunks::<3>();
    let gray = Pixels {
        width: picture.width,
        height: picture.height,
        channels: Channels::Gray,
        bytes: pixels.iter().map(luma).collect(),
    };
    gray.resized(SIDE as u32, SIDE as u32).bytes
}

/// Rounded, so that noise of the arithmetic in an even picture is no detail.
fn low_frequencies(pixels: &[u8]) -> [i64; KEPT * KEPT] {
    let waves = waves();
    let mut rows = [[0.0; KEPT]; SIDE];
    for (row, line) in rows.iter_mut().zip(pixels.chunks_exact(SIDE)) {
        *row = waves.map(|wave| project(&wave, |x| f32::from(line[x])));
    }
    std::array::from_fn(|i| {
        let (vertical, horizontal) = (i / KEPT, i % KEPT);
        project(&waves[vertical], |y| rows[y][horizontal]).round() as i64
    })
}

fn project(wave: &[f32; SIDE], value: impl Fn(usize) -> f32) -> f32 {
    wave.iter().enumerate().map(|(i, w)| w * value(i)).sum()
}

/// The first waves of the DCT-II.
fn waves() -> [[f32; SIDE]; KEPT] {
    let side = SIDE as f32;
    std::array::from_fn(|k| {
        std::array::from_fn(|x| (PI * k as f32 * (2.0 * x as f32 + 1.0) / (2.0 * side)).cos())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, luma: impl Fn(f32, f32) -> f32) -> Picture {
        let at = |i| {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            let value = luma(x / width as f32, y / height as f32);
            [(value * 255.0).clamp(0.0, 255.0) as u8; 3]
        };
        Picture {
            width,
            height,
            rgb: (0..width * height).flat_map(at).collect(),
        }
    }

    fn hills(x: f32, y: f32) -> f32 {
        0.5 + 0.2 * (7.0 * x).sin() + 0.2 * (5.0 * y + 3.0 * x).cos()
    }

    fn check(other: Picture, bits: std::ops::RangeInclusive<u32>) {
        let distance = (hash(&picture(640, 480, hills)) ^ hash(&other)).count_ones();
        assert!(bits.contains(&distance), "{distance} bits differ");
    }

    #[test]
    fn size_and_brightness_hardly_matter() {
        check(picture(640, 480, hills), 0..=0);
        check(picture(200, 150, hills), 0..=8);
        check(picture(640, 480, |x, y| hills(x, y) + 0.05), 0..=8);
    }

    #[test]
    fn another_picture_differs() {
        check(picture(640, 480, |x, y| hills(1.0 - x, y)), 12..=64);
        check(picture(640, 480, |x, y| hills(y, x * 3.0)), 12..=64);
    }

    #[test]
    fn an_even_picture_has_no_detail() {
        assert_eq!(hash(&picture(100, 3, |_, _| 0.5)), 1 << 63);
        assert_eq!(hash(&picture(1, 1, |_, _| 0.0)), 0);
    }
}
