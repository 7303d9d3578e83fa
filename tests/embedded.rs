//! The models inside the program, held to what onnxruntime says of the same pictures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kbasefs::analysis::providers::embedded::Embedded;
use kbasefs::analysis::{Picture, Subject, preview};
use kbasefs::catalog::{Answer, Facts, Format};

const REFERENCE: &str = include_str!("../contrib/models/reference.tsv");

fn testdata() -> Option<PathBuf> {
    let folder = std::env::var_os("KBASEFS_TESTDATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: KBASEFS_TESTDATA is not set");
    }
    folder
}

fn subject(picture: Picture) -> Subject {
    let facts = Arc::new(Facts::of(Format::Jpeg));
    Subject::of(Arc::new(picture), facts)
}

fn decode(path: &Path) -> Option<Picture> {
    let bytes = std::fs::read(path).ok()?;
    let decoded = preview::decode(&bytes).map_err(|e| eprintln!("{}: {e}", path.display()));
    Some(decoded.ok()?.picture)
}

/// A picture with something in it: rings of changing colour.
fn rings(width: u32, height: u32) -> Picture {
    let pixel = |n: u32| {
        let (x, y) = (n % width, n / width);
        let ring = ((x * x + y * y) / 97) as u8;
        [ring, ring.wrapping_mul(3), 255 - ring]
    };
    Picture {
        width,
        height,
        rgb: (0..width * height).flat_map(pixel).collect(),
    }
}

fn assert_bounded(answer: &Answer) {
    assert!(answer.tags.len() <= 32);
    for tag in &answer.tags {
        assert!((0.0..=1.0).contains(&tag.confidence), "{tag:?}");
        assert!(tag.name.chars().count() <= 64);
    }
    let confidences: Vec<f32> = answer.tags.iter().map(|t| t.confidence).collect();
    assert!(confidences.is_sorted_by(|a, b| a >= b), "{confidences:?}");
    assert!(
        answer
            .title
            .as_ref()
            .is_none_or(|t| t.chars().count() <= 120)
    );
}

#[test]
fn answers_are_bounded_and_the_same_every_time_whatever_the_shape() {
    let models = Embedded::load().unwrap();
    for (width, height) in [(1, 1), (1, 900), (900, 3), (260, 260), (640, 480)] {
        let subject = subject(rings(width, height));
        let answer = models.look(&subject).unwrap();
        assert_bounded(&answer);
        assert_eq!(models.look(&subject).unwrap(), answer, "{width} x {height}");
    }
}

#[test]
fn a_picture_that_is_not_as_large_as_it_says_is_a_failure() {
    let models = Embedded::load().unwrap();
    let mut picture = rings(20, 20);
    picture.rgb.truncate(100);
    assert!(models.look(&subject(picture)).is_err());
}

#[test]
fn the_top_class_is_the_one_that_onnxruntime_finds() {
    let Some(testdata) = testdata() else { return };
    let models = Embedded::load().unwrap();
    let (mut same, mut all) = (0, 0);
    for line in REFERENCE.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let Some(picture) = decode(&testdata.join(cells[0])) else {
            continue;
        };
        let classes = models.classes(&picture).unwrap();
        let best = (0..classes.len())
            .max_by(|a, b| classes[*a].total_cmp(&classes[*b]))
            .unwrap();
        all += 1;
        if best.to_string() == cells[1] {
            same += 1;
        } else {
            eprintln!(
                "{}: {best} at {:.4}, not {} at {}",
                cells[0], classes[best], cells[1], cells[2]
            );
        }
    }
    let share = f64::from(same) / f64::from(all);
    println!(
        "top-1 agreement: {same} of {all} pictures, {:.1} %",
        share * 100.0
    );
    assert!(all > 150, "only {all} pictures could be decoded");
    assert!(share >= 0.98, "{share}");
}

#[test]
fn tags_of_labelled_pictures_are_mostly_right() {
    let Some(testdata) = testdata() else { return };
    let models = Embedded::load().unwrap();
    let labelled = testdata.join("labelled");
    let table = std::fs::read_to_string(labelled.join("labels.tsv")).unwrap();
    let objects = known_objects();
    let (mut right, mut wrong, mut missed) = (0, 0, 0);
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let Some(picture) = decode(&labelled.join(cells[0])) else {
            continue;
        };
        let shown: Vec<String> = cells[3]
            .split('|')
            .filter_map(|l| Some(our_word(l.split_once(':')?.0)))
            .collect();
        let answer = models.look(&subject(picture)).unwrap();
        let said: Vec<&str> = answer
            .tags
            .iter()
            .map(|t| t.name.as_str())
            .filter(|t| objects.contains(t))
            .collect();
        let good = said
            .iter()
            .filter(|tag| shown.iter().any(|s| s == *tag))
            .count();
        right += good;
        wrong += said.len() - good;
        missed += shown.iter().filter(|s| !said.contains(&s.as_str())).count();
    }
    let precision = right as f64 / (right + wrong) as f64;
    let recall = right as f64 / (right + missed) as f64;
    println!("tags that name COCO's objects: precision {precision:.2}, recall {recall:.2}");
    assert!(precision >= 0.8, "{precision}");
}

/// The words for COCO's objects.
fn known_objects() -> Vec<&'static str> {
    let labels = include_str!("../contrib/models/labels.tsv").lines();
    let objects = labels.filter(|line| line.starts_with("object\t"));
    objects.filter_map(|line| line.split('\t').nth(2)).collect()
}

/// Our word for a name of COCO's where it is another.
fn our_word(coco: &str) -> String {
    let word = match coco {
        "skis" => "ski",
        "sports ball" => "ball",
        "dining table" => "table",
        "tv" => "screen",
        "mouse" => "computer mouse",
        "remote" => "remote control",
        "cell phone" => "mobile phone",
        "hair drier" => "hair dryer",
        other => other,
    };
    word.to_owned()
}
