//! The table "to change, go to" in `src/lib.rs` leads somewhere: to few places, and to those that are there.

use std::collections::BTreeSet;
use std::path::Path;

use super::sources;

/// A row: what is to be changed, and where, as it is written.
fn rows() -> Vec<(String, String)> {
    let map = sources::map();
    let rows = map.lines().filter_map(|line| line.strip_prefix("//! | "));
    let rows = rows.filter(|row| !row.starts_with("to change |") && !row.starts_with("---"));
    let cells = rows.map(|row| row.trim_end_matches('|').split_once(" | ").unwrap());
    cells
        .map(|(what, place)| (what.trim().to_owned(), place.trim().to_owned()))
        .collect()
}

/// What stands between backticks and is a path: `vfs/path.rs`, or a folder, `vfs/views/`.
fn places(cell: &str) -> Vec<&str> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.contains(['/', '.'])).collect()
}

#[test]
fn every_place_is_there_and_a_row_names_three_at_most() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rows = rows();
    assert!(rows.len() > 20, "{rows:?}");
    for (what, cell) in &rows {
        let places = places(cell);
        assert!((1..=3).contains(&places.len()), "{what}: {places:?}");
        for place in places {
            let path = match place {
                "templates/" => source.with_file_name("templates"),
                place => source.join(place),
            };
            let is_there = match place.ends_with('/') {
                true => path.is_dir(),
                false => path.is_file(),
            };
            assert!(is_there, "{what}: there is no {place}");
        }
    }
}

#[test]
fn no_row_stands_twice() {
    let (mut questions, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for (what, cell) in rows() {
        assert!(questions.insert(what.clone()), "{what} stands twice");
        assert!(answers.insert(cell.clone()), "{cell} is two rows");
    }
}
