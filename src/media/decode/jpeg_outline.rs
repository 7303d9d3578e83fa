//! What a JPEG's markers say of its cost: its size and how many passes draw it. Knows nothing of pixels.

use std::io;

use crate::media::jpeg_markers::{Frame, Markers, Search};

/// A JPEG, read without decoding.
#[derive(Debug, Default, PartialEq)]
pub struct Outline {
    pub frame: Frame,
    /// Scans, each of which may run over the whole picture.
    pub passes: u64,
}

/// Reads the markers up to the end of the image; `None` without a frame header.
/// What follows the image (a second picture, a film) does not count.
pub fn read(bytes: &[u8]) -> Option<Outline> {
    walk(bytes).expect("bytes in memory can be read")
}

fn walk(mut bytes: &[u8]) -> io::Result<Option<Outline>> {
    let mut markers = Markers::from(0, Search::Everything);
    let (mut first, mut passes) = (None, 0);
    while let Some(marker) = markers.next(&mut bytes)? {
        if marker.ends_image() {
            break;
        }
        passes += u64::from(marker.begins_scan() && marker.body.is_some());
        if first.is_none() && marker.begins_frame() {
            first = Frame::read(&mut bytes, &marker)?;
        }
    }
    Ok(first.map(|frame| Outline { frame, passes }))
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
        assert_eq!(outline.map(|o| (o.frame.samples, o.passes)), expected);
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
        assert!(outline.frame.progressive);
        assert_eq!((outline.frame.width, outline.frame.height), (64, 32));
    }
}
