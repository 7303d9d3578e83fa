//! Which way up a picture is.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use super::Picture;
use crate::media::metadata::exif;

/// What raw EXIF data (without `Exif\0\0`) says; as stored when it says nothing that can be understood.
pub fn of(exif: Option<&[u8]>) -> Orientation {
    let value = exif.and_then(exif::orientation);
    let orientation = value.and_then(Orientation::from_exif);
    orientation.unwrap_or(Orientation::NoTransforms)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF with one field, the orientation.
    fn exif(kind: u8, value: u8) -> Vec<u8> {
        let mut bytes = b"II*\0\x08\0\0\0\x01\0\x12\x01".to_vec();
        bytes.extend([kind, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn orientation_is_read_leniently() {
        let check = |exif: &[u8], expected| assert_eq!(of(Some(exif)).to_exif(), expected);
        let (short, long) = (3, 4);
        check(&exif(short, 6), 6);
        check(&exif(long, 8), 8);
        check(&exif(short, 0), 1);
        check(&exif(short, 9), 1);
        check(b"junk", 1);
        assert_eq!(of(None), Orientation::NoTransforms);
    }

    #[test]
    fn the_first_stored_pixel_ends_where_the_orientation_says() {
        let check = |value: u8, (width, height): (u32, u32), at: usize| {
            let orientation = Orientation::from_exif(value).unwrap();
            let mut rgb = vec![0; 3 * 2 * 3];
            rgb[0] = 255;
            let stored = Picture {
                width: 3,
                height: 2,
                rgb,
            };
            let turned = upright(orientation, stored);
            assert_eq!((turned.width, turned.height), (width, height));
            assert_eq!(upright_size(orientation, 3, 2), (width, height));
            let found = turned.rgb.iter().position(|&v| v == 255).unwrap() / 3;
            assert_eq!(found, at, "orientation {value}");
        };
        check(1, (3, 2), 0);
        check(2, (3, 2), 2);
        check(3, (3, 2), 5);
        check(4, (3, 2), 3);
        check(5, (2, 3), 0);
        check(6, (2, 3), 1);
        check(7, (2, 3), 5);
        check(8, (2, 3), 4);
    }
}
