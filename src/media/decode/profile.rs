//! Colours as the file means them become sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::Picture;
use super::contained;
use super::pixels::{Channels, Pixels};

/// Converts by the embedded ICC profile. A profile that is broken or of other channels than the picture
/// counts as none, and a picture without a profile as sRGB.
pub fn to_srgb(pixels: Pixels, profile: Option<&[u8]>) -> Picture {
    let (width, height) = (pixels.width, pixels.height);
    let converted = profile.and_then(|p| contained(|| convert(&pixels, p))?);
    let rgb = converted.unwrap_or_else(|| without_profile(pixels));
    Picture { width, height, rgb }
}

fn convert(pixels: &Pixels, profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let (space, layout) = match pixels.channels {
        Channels::Gray => (DataColorSpace::Gray, Layout::Gray),
        Channels::Rgb => (DataColorSpace::Rgb, Layout::Rgb),
        // moxcms has one layout for all four-channel pixels.
        Channels::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba),
    };
    if profile.color_space != space {
        return None;
    }
    let options = TransformOptions::default();
    let transform = profile
        .create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options)
        .ok()?;
    let mut rgb = vec![0; pixels.width as usize * pixels.height as usize * 3];
    transform.transform(&pixels.bytes, &mut rgb).ok()?;
    Some(rgb)
}

fn without_profile(pixels: Pixels) -> Vec<u8> {
    match pixels.channels {
        Channels::Rgb => pixels.bytes,
        Channels::Gray => pixels.bytes.iter().flat_map(|&v| [v; 3]).collect(),
        Channels::Cmyk => pixels.bytes.chunks_exact(4).flat_map(ink_to_rgb).collect(),
    }
}

/// Inks as perfect filters.
fn ink_to_rgb(cmyk: &[u8]) -> [u8; 3] {
    let light = |ink: u8| 255 - u16::from(ink);
    [0, 1, 2].map(|i| ((light(cmyk[i]) * light(cmyk[3]) + 127) / 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile that counts as none leaves the pixel as it is without one.
    fn check(channels: Channels, pixel: &[u8], profile: Option<&[u8]>, expected: [u8; 3]) {
        let pixels = Pixels::new(1, 1, channels, pixel.to_vec()).unwrap();
        assert_eq!(to_srgb(pixels, profile).rgb, expected);
    }

    #[test]
    fn a_wide_profile_makes_colours_stronger() {
        let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        check(Channels::Rgb, &[150, 100, 50], Some(&adobe), [167, 100, 42]);
        check(
            Channels::Rgb,
            &[128, 128, 128],
            Some(&adobe),
            [129, 129, 129],
        );
    }

    #[test]
    fn grey_has_profiles_too() {
        let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        check(Channels::Gray, &[55], Some(&linear), [128; 3]);
        check(Channels::Gray, &[55], None, [55; 3]);
    }

    #[test]
    fn a_broken_profile_or_one_of_other_channels_counts_as_none() {
        let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        check(
            Channels::Rgb,
            &[150, 100, 50],
            Some(b"not a profile"),
            [150, 100, 50],
        );
        check(
            Channels::Rgb,
            &[150, 100, 50],
            Some(&adobe[..200]),
            [150, 100, 50],
        );
        check(Channels::Gray, &[55], Some(&adobe), [55; 3]);
    }

    #[test]
    fn ink_takes_light_away() {
        check(Channels::Cmyk, &[0, 0, 0, 0], None, [255, 255, 255]);
        check(Channels::Cmyk, &[255, 0, 0, 0], None, [0, 255, 255]);
        check(Channels::Cmyk, &[0, 0, 0, 255], None, [0, 0, 0]);
    }
}
