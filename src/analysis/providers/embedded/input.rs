//! From a picture to the numbers that a network takes: cut, resized, colour by colour.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::network::permanent;
use crate::analysis::{Failure, Picture};

/// A square of `side` pixels: the middle of the picture, or all of it stretched.
pub(super) struct Square {
    pub side: u32,
    pub filter: FilterType,
    /// Side of the middle square as a fraction of the shorter side; `None` stretches the whole picture.
    pub middle: Option<f64>,
}

/// How bytes become numbers: `(byte - mean) / deviation`, for each plane of the network the colour it takes.
pub(super) struct Scale {
    /// Of the network's planes in turn: 0 red, 1 green, 2 blue.
    pub colors: [usize; 3],
    pub mean: [f32; 3],
    pub deviation: [f32; 3],
}

/// The numbers of the three planes one after the other, row by row, as the networks were exported.
pub(super) fn planes(
    picture: &Picture,
    square: &Square,
    scale: &Scale,
) -> Result<Vec<f32>, Failure> {
    let pixels = resized(picture, square)?;
    let plane = |n: usize| {
        let (color, mean, deviation) = (scale.colors[n], scale.mean[n], scale.deviation[n]);
        let bytes = pixels.chunks_exact(3).map(move |pixel| pixel[color]);
        bytes.map(move |byte| (f32::from(byte) - mean) / deviation)
    };
    Ok((0..3).flat_map(plane).collect())
}

fn resized(picture: &Picture, square: &Square) -> Result<Vec<u8>, Failure> {
    let source = ImageRef::new(picture.width, picture.height, &picture.rgb, PixelType::U8x3)
        .map_err(|e| permanent(e.to_string()))?;
    let mut target = Image::new(square.side, square.side, PixelType::U8x3);
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(square.filter));
    if let Some(part) = square.middle {
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let side = width.min(height) * part;
        options = options.crop((width - side) / 2.0, (height - side) / 2.0, side, side);
    }
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|e| permanent(e.to_string()))?;
    Ok(target.into_vec())
}
