//! The picture as it is sent to a server: a small JPEG that says nothing but what is to be seen.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::LONGEST_SIDE;
use crate::media::decode::{Channels, Picture, Pixels};

/// Tried in turn until the file is small enough; most pictures are at the first.
const QUALITIES: [u8; 5] = [85, 75, 60, 45, 30];

/// Bytes. As base64 in a request it stays below 0.2 MB.
const LARGEST: usize = 140_000;

/// Whoever asks for more than the usual detail gets the bytes for it.
fn largest(longest: u32) -> usize {
    match longest > LONGEST_SIDE {
        true => LARGEST * (longest as usize).pow(2) / (LONGEST_SIDE as usize).pow(2),
        false => LARGEST,
    }
}

/// A JPEG with no side longer than `longest`, sRGB, without metadata.
pub fn jpeg(picture: &Picture, longest: u32) -> Vec<u8> {
    let own = picture.width.max(picture.height);
    let mut side = longest.min(own);
    let most = largest(side);
    loop {
        let small = match own <= side {
            true => encode_within(most, picture.width, picture.height, &picture.rgb),
            false => {
                let small = shrunk(picture, side);
                encode_within(most, small.width, small.height, &small.rgb)
            }
        };
        match small {
            Some(bytes) => return bytes,
            // Noise, or text on noise: fewer pixels at a quality that shows something.
            None => side = (side * 3 / 4).max(1),
        }
    }
}

/// A picture made smaller, with no side longer than `side` pixels; one that is small enough stays as it is.
pub fn shrunk(picture: &Picture, side: u32) -> Picture {
    let pixels = Pixels {
        width: picture.width,
        height: picture.height,
        channels: Channels::Rgb,
        bytes: picture.rgb.clone(),
    };
    let pixels = pixels.shrunk(side);
    Picture {
        width: pixels.width,
        height: pixels.height,
        rgb: pixels.bytes,
    }
}

/// `None` where no quality makes it small enough: noise does that.
fn encode_within(most: usize, width: u32, height: u32, rgb: &[u8]) -> Option<Vec<u8>> {
    let encoded = QUALITIES.iter().map(|&q| encode(width, height, rgb, q));
    let mut small = encoded.filter(|bytes| bytes.len() <= most);
    small.next()
}

fn encode(width: u32, height: u32, rgb: &[u8], quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(rgb, width, height, ExtendedColorType::Rgb8)
        .expect("a decoded picture has three bytes for each of its pixels, and memory takes them");
    // Whoever keeps it pays for what it holds.
    bytes.shrink_to_fit();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::preview;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
        let at = |i| pixel(i % width, i / width);
        Picture {
            width,
            height,
            rgb: (0..width * height).flat_map(at).collect(),
        }
    }

    #[test]
    fn it_is_no_longer_than_asked_and_never_enlarged() {
        let check = |size: (u32, u32), expected: (u32, u32)| {
            let picture = picture(size.0, size.1, |x, y| [x as u8, y as u8, 77]);
            let decoded = preview::decode(&jpeg(&picture, 768)).unwrap();
            assert_eq!((decoded.width, decoded.height), expected);
        };
        check((1000, 750), (768, 576));
        check((300, 1000), (230, 768));
        check((40, 30), (40, 30));
    }

    #[test]
    fn it_takes_no_more_memory_than_it_has_bytes() {
        let small = jpeg(&picture(40, 30, |_, _| [9, 9, 9]), 768);
        assert!(small.capacity() < 2 * small.len(), "{}", small.capacity());
    }

    #[test]
    fn noise_stays_small_too() {
        let noise = |x: u32, y: u32| {
            let n = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519))
                .wrapping_mul(3_266_489_917);
            [(n >> 8) as u8, (n >> 16) as u8, (n >> 24) as u8]
        };
        let bytes = jpeg(&picture(1024, 1024, noise), 1024);
        assert!(bytes.len() <= LARGEST, "{}", bytes.len());
        let bytes = jpeg(&picture(2048, 1024, noise), 2048);
        assert!(
            (LARGEST..=4 * LARGEST).contains(&bytes.len()),
            "{}",
            bytes.len()
        );
    }

    #[test]
    fn it_carries_no_metadata() {
        let bytes = jpeg(&picture(64, 64, |_, _| [9, 9, 9]), 768);
        // Application segments other than JFIF's, and comments.
        let marker = |m: &&[u8]| m[0] == 0xff && ((0xe1..=0xef).contains(&m[1]) || m[1] == 0xfe);
        assert_eq!(bytes.windows(2).find(marker), None);
    }
}
