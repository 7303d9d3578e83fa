//! The files themselves: links in the way, what killed exports left, mistakes.

use std::fs;

use kbasefs::catalog::SourcePath;
use kbasefs::exchange::Format;

use crate::catalog::{Catalog, no_answers};

#[test]
fn links_in_the_way_are_not_followed() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("trip")).unwrap();
    let report = catalog.export(Format::Xmp, folder.path());
    assert_eq!((report.changed, report.failed.len()), (1, 2), "{report:?}");
    assert_eq!(elsewhere.path().read_dir().unwrap().count(), 0);
}

/// What a killed export left goes with the next one; what another one writes just now, and files of others, stay.
#[test]
fn an_export_takes_away_what_killed_ones_left() {
    let (catalog, folder) = (Catalog::new(), tempfile::tempdir().unwrap());
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let make = |name: &str| {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        file.set_modified(long_ago).unwrap();
        file
    };
    let (_left, _others) = (make(".kbasefs-aB3xY9"), make(".kbasefs-notes.txt"));
    let written_now = make(".kbasefs-cD4zW8");
    written_now.lock().unwrap();
    catalog
        .exchange()
        .export(Format::Json, folder.path())
        .unwrap();
    let is_there = |name: &str| folder.path().join(name).exists();
    assert!(!is_there(".kbasefs-aB3xY9"));
    assert!(is_there(".kbasefs-cD4zW8") && is_there(".kbasefs-notes.txt"));
}

#[test]
fn a_mistake_in_a_file_is_named() {
    let (catalog, folder) = (Catalog::new(), tempfile::tempdir().unwrap());
    let import = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let imported = catalog.exchange().import(&file, None, &no_answers);
        imported.map(|r| r.failed.len()).map_err(|e| e.to_string())
    };
    assert!(
        import("x.json", "{\"path\":")
            .unwrap_err()
            .contains("x.json")
    );
    assert!(import("x.csv", "name\na").unwrap_err().contains("path"));
    assert!(import("x.txt", "").is_err());
    assert_eq!(
        import("y.json", "{\"path\":\"../x\",\"tags\":[\"a\"]}"),
        Ok(1)
    );
    assert_eq!(
        import("z.json", "{\"path\":\"a.jpg\",\"tags\":[\"a\"]}"),
        Ok(0)
    );
    let endless = "a".repeat(17 << 20);
    for (name, text) in [
        ("e.json", format!("{{\"path\":\"{endless}\"}}")),
        ("e.csv", format!("path,title\n\"{endless}")),
    ] {
        let refused = import(name, &text).unwrap_err();
        assert!(refused.contains("longer than 16 MiB"), "{refused}");
    }
    let marked = "\u{feff}{\"path\":\"a.jpg\",\"tags\":[\"marked\"]}\n{\"path\":\"trip/x.jpg\"}";
    assert_eq!(import("m.jsonl", marked), Ok(1));
    let photo = catalog.library.index().by_path(&SourcePath::new(*b"a.jpg"));
    let detail = catalog.library.detail(photo.unwrap()).unwrap().unwrap();
    let mut labels = detail.entry.labels.iter();
    assert!(labels.any(|label| label.value == "marked"), "{detail:?}");
}
