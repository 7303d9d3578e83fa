//! What a JPEG's markers say of its cost: its size and how many passes draw it. Knows nothing of pixels.

/// The frame of a JPEG, read without decoding.
#[derive(Debug, Default, PartialEq)]
pub struct Outline {
    pub width: u16,
    pub height: u16,
    pub progressive: bool,
    /// Values of all colour components together, sub-sampling considered.
    pub samples: u64,
    /// Scans, each of which may run over the whole picture.
    pub passes: u64,
}

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Reads the markers up to the end of the image; `None` without a frame header.
/// What follows the image (a second picture, a film) does not count.
pub fn read(bytes: &[u8]) -> Option<Outline> {
    let mut frame = None;
    let mut passes = 0;
    let mut rest = bytes;
    while let Some((marker, after)) = next_marker(rest) {
        if marker == END_OF_IMAGE {
            break;
        }
        let Some((segment, after)) = split_segment(marker, after) else {
            rest = after;
            continue;
        };
        rest = after;
        match marker {
            START_OF_SCAN => passes += 1,
            // Every start of frame but the tables' (DHT, JPG, DAC).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                frame = frame.or_else(|| parse_frame(marker, segment));
            }
            _ => {}
        }
    }
    frame.map(|frame| Outline { passes, ..frame })
}

/// The next marker and what follows it, over entropy-coded data and fill bytes.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|&b| b == 0xff)?;
        let marker = *rest.get(at + 1)?;
        if !matches!(marker, 0x00 | 0xff) {
            return Some((marker, &rest[at + 2..]));
        }
        rest = &rest[at + 1..];
    }
}

/// The body of a marker's segment and what follows it; `None` for markers that stand alone and torn segments.
fn split_segment(marker: u8, after: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(marker, 0x01 | 0xd0..=0xd8) {
        return None;
    }
    let length = u16::from_be_bytes(after.get(..2)?.try_into().ok()?);
    after
        .get(2..)?
        .split_at_checked(usize::from(length).checked_sub(2)?)
}

fn parse_frame(marker: u8, segment: &[u8]) -> Option<Outline> {
    let [_precision, h1, h0, w1, w0, _count, components @ ..] = segment else {
        return None;
    };
    let (width, height) = (
        u16::from_be_bytes([*w1, *w0]),
        u16::from_be_bytes([*h1, *h0]),
    );
    Some(Outline {
        width,
        height,
        progressive: matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce),
        samples: samples(u64::from(width) * u64::from(height), components),
        passes: 0,
    })
}

/// Components are (id, horizontal and vertical sampling in one byte, table).
fn samples(pixels: u64, components: &[u8]) -> u64 {
    let areas = components
        .chunks_exact(3)
        .map(|c| u64::from(c[1] >> 4) * u64::from(c[1] & 15));
    let full = areas.clone().max().unwrap_or(1).max(1);
    pixels * areas.sum::<u64>() / full
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &[u8] = &[0xff, 0xd8];
    const END: &[u8] = &[0xff, 0xd9];
    const SCAN: &[u8] = &[0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd0, 3];
    /// 64 x 32, three components, the first of twice the others' width.
    const FRAME: &[u8] = &[
        0xff, 0xc0, 0, 17, 8, 0, 32, 0, 64, 3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0,
    ];

    fn check(parts: &[&[u8]], expected: Option<(u64, u64)>) {
        let outline = read(&parts.concat());
        assert_eq!(outline.map(|o| (o.samples, o.passes)), expected);
    }

    #[test]
    fn passes_are_counted_up_to_the_end_of_the_image() {
        check(&[START, FRAME, SCAN, END], Some((4096, 1)));
        check(
            &[START, FRAME, SCAN, SCAN, END, SCAN, SCAN],
            Some((4096, 2)),
        );
        check(
            &[START, FRAME, SCAN, &[0xff, 0xff, 0xff], END],
            Some((4096, 1)),
        );
    }

    #[test]
    fn what_looks_like_a_marker_inside_a_segment_does_not_count() {
        let comment = [0xff, 0xfe, 0, 6, 0xff, 0xda, 0, 2];
        check(&[START, &comment, FRAME, SCAN, END], Some((4096, 1)));
    }

    #[test]
    fn torn_files_are_read_as_far_as_they_go() {
        check(&[START, FRAME, &SCAN[..3]], Some((4096, 0)));
        check(&[START, FRAME, SCAN, &[0xff]], Some((4096, 1)));
        check(&[START, &FRAME[..12]], None);
        check(&[START, END, FRAME], None);
        check(&[&[0xff; 100]], None);
        check(&[], None);
    }

    #[test]
    fn progressive_frames_are_known() {
        let mut frame = FRAME.to_vec();
        frame[1] = 0xc2;
        let outline = read(&[START, &frame].concat()).unwrap();
        assert!(outline.progressive);
        assert_eq!((outline.width, outline.height), (64, 32));
    }
}
