//! Which way up a picture is.

use exif::{In, Tag};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::analysis::Picture;

/// What raw EXIF data (without `Exif\0\0`) says; as stored when it says nothing that can be understood.
pub fn of(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(read).unwrap_or(Orientation::NoTransforms)
}

fn read(exif: &[u8]) -> Option<Orientation> {
    let parsed = exif::Reader::new()
        .continue_on_error(true)
        .read_raw(exif.to_vec())
        .or_else(|error| error.distill_partial_result(|_| {}))
        .ok()?;
    let value = parsed
        .get_field(Tag::Orientation, In::PRIMARY)?
        .value
        .get_uint(0)?;
    Orientation::from_exif(u8::try_from(value).ok()?)
}

/// The size of a stored `width` x `height` once it is upright.
pub fn upright_size(orientation: Orientation, width: u32, height: u32) -> (u32, u32) {
    use Orientation as O;
    match orientation {
        O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH => (height, width),
        O::NoTransforms | O::Rotate180 | O::FlipHorizontal | O::FlipVertical => (width, height),
    }
}

/// Turns a stored picture upright.
pub fn upright(orientation: Orientation, stored: Picture) -> Picture {
    if orientation == Orientation::NoTransforms {
        return stored;
    }
    let image = RgbImage::from_raw(stored.width, stored.height, stored.rgb)
        .expect("a picture has three bytes for every pixel");
    let mut image = DynamicImage::from(image);
    image.apply_orientation(orientation);
    Picture {
        width: image.width(),
        height: image.height(),
        rgb: image.into_rgb8().into_raw(),
    }
}
