//! The facts of real photos beside what exiftool says of them. Reads the folder that KBASEFS_TESTDATA names.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use kbasefs::catalog::{Facts, SourcePath};
use kbasefs::source::facts::{self, Reading};
use kbasefs::source_files::SourceFiles;

/// What must agree, in these formats, to 99 %.
const ASSERTED: [&str; 3] = ["date", "model", "position"];
const FORMATS: [&str; 6] = ["JPEG", "TIFF", "PNG", "WEBP", "Extended WEBP", "HEIC"];

type Row = HashMap<String, String>;

fn testdata() -> Option<PathBuf> {
    let folder = std::env::var_os("KBASEFS_TESTDATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: KBASEFS_TESTDATA is not set");
    }
    folder
}

fn rows(table: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(table).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let names: Vec<String> = lines.next().unwrap().collect();
    let row = |values| names.iter().cloned().zip(values).collect();
    lines.map(row).collect()
}

/// Undoes the table's `\n`, `\t`, `\\` and `\xNN`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (&kind, after) = rest.split_first().unwrap();
        rest = after;
        bytes.push(match kind {
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let (digits, after) = rest.split_at(2);
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

/// `None` for files that this copy of the photos lacks.
fn read(source_files: &SourceFiles, path: &SourcePath) -> Option<Reading> {
    source_files.stat(path).unwrap()?;
    let (file, stat) = source_files
        .read(path)
        .unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let reading = facts::read(&file, &stat, path).unwrap();
    Some(reading.unwrap_or_else(|| panic!("{path} is a picture")))
}

/// Each field as exiftool's table has it and as we say it; only those that exiftool knows.
fn compare<'a>(row: &'a Row, facts: &Facts) -> Vec<(&'static str, &'a str, String)> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |n: u32| n.to_string();
    let position = facts
        .position
        .map(|p| format!("{:.4} {:.4}", p.latitude, p.longitude));
    let from_file = facts.date_source != Some(kbasefs::catalog::DateSource::FileTime);
    let date = facts
        .date
        .filter(|_| from_file)
        .map(|d| d.to_string().replace('T', " "));
    let mut fields = vec![
        ("date", "date", date.unwrap_or_default()),
        ("make", "make", text(&facts.make)),
        ("model", "model", text(&facts.model)),
        ("lens", "lens", text(&facts.lens)),
        ("position", "lat", position.unwrap_or_default()),
        ("orientation", "orientation", facts.orientation.to_string()),
        ("width", "oriented_w", number(facts.width)),
        ("height", "oriented_h", number(facts.height)),
        ("title", "title", text(&facts.title)),
        ("description", "description", text(&facts.description)),
        ("keywords", "keywords", facts.keywords.join("|")),
        (
            "rating",
            "rating",
            facts.rating.map(|r| r.to_string()).unwrap_or_default(),
        ),
        ("city", "near_city", text(&facts.city)),
    ];
    fields.retain(|(_, column, _)| !row[*column].trim().is_empty());
    let expected = fields
        .into_iter()
        .map(|(field, column, found)| (field, row[column].as_str(), found));
    expected.collect()
}

fn agrees(field: &str, row: &Row, expected: &str, found: &str) -> bool {
    match field {
        // Coordinates of 0/0 are no position; seconds may be left out by exiftool where they are zero.
        "position" => {
            let side = |name: &str| row[name].parse::<f64>().unwrap();
            let (latitude, longitude) = (side("lat"), side("lon"));
            let near = |found: &str| {
                let sides: Vec<f64> = found.split(' ').filter_map(|n| n.parse().ok()).collect();
                sides.len() == 2
                    && (sides[0] - latitude).abs() < 0.001
                    && (sides[1] - longitude).abs() < 0.001
            };
            if (latitude, longitude) == (0.0, 0.0) {
                found.is_empty()
            } else {
                near(found)
            }
        }
        "date" => found.starts_with(expected),
        "keywords" => {
            let sorted = |text: &str| {
                let mut words: Vec<String> = text
                    .split('|')
                    .map(|word| word.trim().to_lowercase())
                    .collect();
                words.sort();
                words.dedup();
                words
            };
            sorted(expected) == sorted(found)
        }
        _ => squeezed(expected) == squeezed(found),
    }
}

/// Without the differences that cleaning makes.
fn squeezed(text: &str) -> String {
    let text = text.replace("\\n", " ").replace("\\t", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Agreement {
    known: usize,
    agreed: usize,
}

#[test]
fn facts_agree_with_exiftool() {
    let Some(folder) = testdata() else {
        return;
    };
    let mut fields = BTreeMap::<(bool, &str), Agreement>::new();
    let mut costs = Vec::new();
    for set in ["photos", "labelled"] {
        let source_files = SourceFiles::open(&folder.join(set)).unwrap();
        for row in rows(&folder.join(format!("{set}.expect.tsv"))) {
            let path = SourcePath::new(unescape(&row["path"]));
            let Some(reading) = read(&source_files, &path) else {
                continue;
            };
            let counted = FORMATS.contains(&row["filetype"].as_str());
            if row["filetype"] == "JPEG" {
                costs.push(reading.bytes_read);
            }
            for (field, expected, found) in compare(&row, &reading.facts) {
                let agreement = fields.entry((counted, field)).or_default();
                agreement.known += 1;
                if agrees(field, &row, expected, &found) {
                    agreement.agreed += 1;
                } else {
                    eprintln!(
                        "{path} ({}): {field} is {expected:?}, not {found:?}",
                        row["filetype"]
                    );
                }
            }
        }
    }
    costs.sort_unstable();
    let median = costs[costs.len() / 2];
    eprintln!(
        "bytes read of a JPEG: median {median}, most {}",
        costs[costs.len() - 1]
    );
    for ((counted, field), agreement) in &fields {
        let Agreement { known, agreed } = agreement;
        let formats = if *counted {
            "counted formats"
        } else {
            "other formats"
        };
        eprintln!("{formats:16} {field:12} {agreed:4} of {known:4}");
    }
    for field in ASSERTED {
        let Agreement { known, agreed } = fields[&(true, field)];
        assert!(
            agreed * 100 >= known * 99,
            "{field}: {agreed} of {known} agree"
        );
    }
    assert!(median <= 64 * 1024, "{median}");
}
