//! GIF and BMP: the two formats that say little more than their size.
//!
//! GIF's is at <https://www.w3.org/Graphics/GIF/spec-gif89a.txt>, BMP's at
//! <https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage>.

use std::io;

use crate::media::container::Container;
use crate::media::pieces::Pieces;
use crate::media::reader::Reader;

/// The logical screen of a GIF.
pub fn read_gif(reader: &mut Reader) -> io::Result<Container> {
    let size = reader.array(6)?.map(|[w0, w1, h0, h1]| {
        let side = |bytes| u32::from(u16::from_le_bytes(bytes));
        (side([w0, w1]), side([h0, h1]))
    });
    Ok(of_size(size))
}

/// `BM` alone begins many a text: the header behind it must have one of the sizes there are.
pub fn is_bmp(start: &[u8]) -> bool {
    let size = start.get(14..18).and_then(|size| size.try_into().ok());
    let size = size.map_or(0, u32::from_le_bytes);
    // OS/2's headers have 12, 16 or 64 bytes, Windows' have 40, 52, 56, 108 or 124.
    start.starts_with(b"BM") && matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)
}

/// A BMP's height is negative where its rows run from top to bottom.
pub fn read_bmp(reader: &mut Reader) -> io::Result<Container> {
    // OS/2's first header counts pixels in 16 bits, all later ones in 32.
    let old = reader.array(14)? == Some(12_u32.to_le_bytes());
    let size = reader.array(18)?.map(|[a, b, c, d, e, f, g, h]| {
        if old {
            let side = |bytes| u32::from(u16::from_le_bytes(bytes));
            (side([a, b]), side([c, d]))
        } else {
            let side = |bytes| i32::from_le_bytes(bytes).unsigned_abs();
            (side([a, b, c, d]), side([e, f, g, h]))
        }
    });
    Ok(of_size(size))
}

fn of_size(size: Option<(u32, u32)>) -> Container {
    let (width, height) = size.unwrap_or_default();
    Container {
        width,
        height,
        ..Container::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_upside_down_and_torn_ones_are_unknown() {
        let check = |found: io::Result<Container>, width, height| {
            let found = found.unwrap();
            assert_eq!((found.width, found.height), (width, height));
        };
        check(
            read_gif(&mut Reader::of_memory(b"GIF89a\x05\0\x03\0")),
            5,
            3,
        );
        check(read_gif(&mut Reader::of_memory(b"GIF89a\x05\0")), 0, 0);
        let bmp = |rest: &[u8]| [&b"BM............"[..], rest].concat();
        let new = bmp(b"\x28\0\0\0\x05\0\0\0\xfd\xff\xff\xff");
        check(read_bmp(&mut Reader::of_memory(&new)), 5, 3);
        let least = bmp(b"\x28\0\0\0\x01\0\0\0\0\0\0\x80");
        check(read_bmp(&mut Reader::of_memory(&least)), 1, 1 << 31);
        let old = bmp(b"\x0c\0\0\0\x05\0\x03\0\x01\0\x18\0");
        check(read_bmp(&mut Reader::of_memory(&old)), 5, 3);
    }
}
