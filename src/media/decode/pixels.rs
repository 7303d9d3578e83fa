//! Decoded pixels on their way to a picture: 8 bits a channel, opaque, in whatever colour space the file uses.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use super::Error;

/// The value is the number of bytes a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Channels {
    /// Brightness alone.
    Gray = 1,
    /// Red, green and blue, of whatever colour space the profile says.
    Rgb = 3,
    /// 255 is full ink.
    Cmyk = 4,
}

/// Row by row without padding.
#[derive(Debug)]
pub struct Pixels {
    /// Pixels across.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// What the bytes of a pixel are.
    pub channels: Channels,
    /// `width * height` times the bytes of a pixel.
    pub bytes: Vec<u8>,
}

impl Pixels {
    /// Refuses a decoder's output that is not of the size that its header promised.
    pub fn new(width: u32, height: u32, channels: Channels, bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() as u64 != u64::from(width) * u64::from(height) * channels as u64 {
            return Err(Error::Damaged("not all of its pixels are there".into()));
        }
        Ok(Self {
            width,
            height,
            channels,
            bytes,
        })
    }

    /// Whatever the decoder gives becomes grey or RGB of 8 bits, over white where it is transparent.
    pub fn from_image(image: DynamicImage) -> Result<Self, Error> {
        use DynamicImage as D;
        let (width, height) = (image.width(), image.height());
        let (channels, bytes) = match image {
            D::ImageLuma8(_) | D::ImageLuma16(_) => (Channels::Gray, image.into_luma8().into_raw()),
            D::ImageLumaA8(_) | D::ImageLumaA16(_) => {
                let bytes = image.into_luma_alpha8().into_raw();
                (Channels::Gray, over_white::<1>(bytes))
            }
            D::ImageRgba8(_) | D::ImageRgba16(_) | D::ImageRgba32F(_) => {
                let bytes = image.into_rgba8().into_raw();
                (Channels::Rgb, over_white::<3>(bytes))
            }
            _ => (Channels::Rgb, image.into_rgb8().into_raw()),
        };
        Self::new(width, height, channels, bytes)
    }

    /// These pixels with no side longer than `longest`.
    pub fn shrunk(self, longest: u32) -> Self {
        if self.width.max(self.height) <= longest {
            return self;
        }
        let (width, height) = fitted(self.width, self.height, longest);
        self.resized(width, height)
    }

    /// These pixels at another size; every source pixel counts.
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let kind = match self.channels {
            Channels::Gray => PixelType::U8,
            Channels::Rgb => PixelType::U8x3,
            Channels::Cmyk => PixelType::U8x4,
        };
        let source = ImageRef::new(self.width, self.height, &self.bytes, kind)
            .expect("pixels are as many as their size says");
        let mut target = Image::new(width, height, kind);
        // The fourth channel is black ink, not opacity.
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .use_alpha(false);
        Resizer::new()
            .resize(&source, &mut target, &options)
            .expect("source and target are of one kind");
        Self {
            width,
            height,
            channels: self.channels,
            bytes: target.into_vec(),
        }
    }
}

/// The size at which the longer side is `longest`. No side vanishes.
fn fitted(width: u32, height: u32, longest: u32) -> (u32, u32) {
    let side = width.max(height);
    let fit = |length: u32| {
        let scaled =
            (u64::from(length) * u64::from(longest) + u64::from(side) / 2) / u64::from(side);
        u32::try_from(scaled).unwrap_or(longest).max(1)
    };
    (fit(width), fit(height))
}

/// `COLORS` channels and opacity become `COLORS` channels, in place: a large picture is not held twice.
fn over_white<const COLORS: usize>(mut bytes: Vec<u8>) -> Vec<u8> {
    let pixels = bytes.len() / (COLORS + 1);
    for pixel in 0..pixels {
        let from = pixel * (COLORS + 1);
        let opacity = u32::from(bytes[from + COLORS]);
        for channel in 0..COLORS {
            let value = u32::from(bytes[from + channel]);
            let mixed = (value * opacity + 255 * (255 - opacity) + 127) / 255;
            bytes[pixel * COLORS + channel] = mixed as u8;
        }
    }
    bytes.truncate(pixels * COLORS);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayAlphaImage, Rgba, RgbaImage};

    #[test]
    fn no_side_vanishes() {
        let check = |size: (u32, u32), expected| {
            assert_eq!(fitted(size.0, size.1, 1024), expected);
        };
        check((6000, 4000), (1024, 683));
        check((4000, 6000), (683, 1024));
        check((65_535, 1), (1024, 1));
        check((u32::MAX, u32::MAX), (1024, 1024));
    }

    #[test]
    fn transparency_shows_white() {
        let check = |image: DynamicImage, expected: &[u8]| {
            assert_eq!(Pixels::from_image(image).unwrap().bytes, expected);
        };
        let pixel = |alpha| RgbaImage::from_pixel(2, 1, Rgba([0, 100, 200, alpha]));
        check(pixel(255).into(), &[0, 100, 200, 0, 100, 200]);
        check(pixel(0).into(), &[255; 6]);
        check(pixel(128).into(), &[127, 177, 227, 127, 177, 227]);
        let gray = GrayAlphaImage::from_raw(2, 1, vec![10, 255, 10, 0]).unwrap();
        check(gray.into(), &[10, 255]);
    }

    #[test]
    fn a_decoder_that_gives_too_little_is_refused() {
        assert!(Pixels::new(2, 2, Channels::Rgb, vec![0; 12]).is_ok());
        assert!(Pixels::new(2, 2, Channels::Rgb, vec![0; 11]).is_err());
    }
}
