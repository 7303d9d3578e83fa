//! Real photos decode as another program decodes them, and broken files end in a reason.

mod expected;

use expected::Row;
use kbasefs::analysis::preview::{self, LONGEST_SIDE};
use kbasefs::analysis::{Failure, Picture, colors};

/// A frame that lies outside of its screen: the other program shows the frame, this one the screen.
const DISPUTED: &str = "oob.gif";

/// The other program ignores colour profiles; wide ones make this much of a difference.
const PROFILE: i32 = 12;

fn decodable(row: &Row) -> bool {
    let formats = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"];
    row.get("pil_ok") == "1"
        && formats.contains(&row.get("pil_format"))
        && !row.path.ends_with(DISPUTED)
}

fn photos() -> Option<Vec<Row>> {
    let mut rows = expected::rows("photos")?;
    rows.extend(expected::rows("labelled")?);
    rows.retain(decodable);
    Some(rows)
}

fn decode(row: &Row) -> preview::Decoded {
    let bytes = std::fs::read(&row.path).unwrap();
    preview::decode(&bytes).unwrap_or_else(|e| panic!("{}: {e}", row.path.display()))
}

fn mean(picture: &Picture) -> [i32; 3] {
    let (pixels, _) = picture.rgb.as_chunks::<3>();
    [0, 1, 2].map(|c| {
        let sum: u64 = pixels.iter().map(|p| u64::from(p[c])).sum();
        (sum / pixels.len() as u64) as i32
    })
}

/// What `#rrggbb` says.
fn color(text: &str) -> [i32; 3] {
    [1, 3, 5].map(|at| i32::from_str_radix(&text[at..at + 2], 16).unwrap())
}

#[test]
fn photos_have_the_size_and_colour_that_another_program_sees() {
    let Some(rows) = photos() else { return };
    for row in &rows {
        let name = row.path.display();
        let decoded = decode(row);
        let size = (decoded.width.to_string(), decoded.height.to_string());
        let expected = (row.get("oriented_w").into(), row.get("oriented_h").into());
        assert_eq!(size, expected, "{name}");
        assert!(decoded.picture.width.max(decoded.picture.height) <= LONGEST_SIDE);
        // Where there is transparency, the programs differ in what they put behind it.
        if ["RGB", "L", "CMYK"].contains(&row.get("mode")) {
            let (is, should) = (mean(&decoded.picture), color(row.get("mean_rgb")));
            let far = |(a, b): (&i32, &i32)| (a - b).abs() > PROFILE;
            assert!(
                !is.iter().zip(&should).any(far),
                "{name}: {is:?}, not {should:?}"
            );
        }
    }
    assert!(rows.len() > 150, "only {} photos", rows.len());
}

#[test]
fn main_colours_are_mostly_those_that_another_program_names() {
    let Some(rows) = photos() else { return };
    let opaque = rows.iter().filter(|r| r.get("mode") == "RGB");
    let (mut agree, mut all) = (0, 0);
    for row in opaque {
        let named = row.get("colours").split(':').next().unwrap_or_default();
        let labels = colors::labels(&decode(row).picture);
        // The word is not one of the basic terms.
        let named = if named == "cyan" { "blue" } else { named };
        agree += u32::from(labels.first().is_some_and(|l| l.value == named));
        all += 1;
    }
    println!("{agree} of {all} main colours agree");
    assert!(agree * 10 >= all * 7, "{agree} of {all}");
}

#[test]
fn broken_files_end_in_a_picture_or_a_reason() {
    let Some(rows) = expected::rows("bad") else {
        return;
    };
    for row in &rows {
        let name = row.path.display();
        match preview::decode(&std::fs::read(&row.path).unwrap()) {
            Ok(d) => assert_eq!(
                d.picture.rgb.len() as u64,
                u64::from(d.picture.width) * u64::from(d.picture.height) * 3,
                "{name}"
            ),
            Err(Failure::Permanent { reason }) => {
                assert!(reason.starts_with(char::is_lowercase), "{name}: {reason}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
    assert!(rows.len() > 200, "only {} files", rows.len());
}
