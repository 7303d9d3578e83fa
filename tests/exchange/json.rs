//! Everything as JSON, which loses nothing, and as a table for spreadsheets.

use std::fs;

use kbasefs::catalog::{Detail, Edit, TextField};
use kbasefs::exchange::Format;

use crate::catalog::{Catalog, names, tags};

#[test]
fn json_loses_nothing() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    assert_eq!(catalog.export(Format::Json, folder.path()).photos, 5);
    let other = catalog.another();
    let report = other.import(folder.path());
    assert_eq!((report.photos, report.changed), (5, 3), "{report:?}");
    assert_eq!(report.failed, []);
    for name in names() {
        let (was, is) = (catalog.detail(name), other.detail(name));
        assert_eq!(is, was, "{}", name.escape_ascii());
    }
    assert_eq!(other.import(folder.path()).changed, 0);
}

#[test]
fn exports_of_earlier_versions_lose_nothing_either() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    catalog.export(Format::Json, folder.path());
    let file = folder.path().join("catalog.jsonl");
    let lines = fs::read_to_string(&file).unwrap();
    // What was measured stood with every answer, and nobody said which analyzer a label was of.
    let earlier = lines.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let measured = line.as_object_mut().unwrap().remove("measured");
        for said in ["labels", "texts"] {
            for said in line[said].as_array_mut().unwrap() {
                said.as_object_mut().unwrap().remove("analyzer");
            }
        }
        for analysis in line["analyses"].as_array_mut().unwrap() {
            let measured = measured.clone().unwrap();
            let analysis = analysis.as_object_mut().unwrap();
            analysis.extend(measured.as_object().unwrap().clone());
        }
        line.to_string() + "\n"
    });
    let earlier: String = earlier.collect();
    assert!(lines.contains("\"measured\"") && !earlier.contains("\"measured\""));
    fs::write(&file, earlier).unwrap();
    let other = catalog.another();
    let report = other.import(folder.path());
    assert_eq!((report.changed, report.failed), (3, vec![]));
    for name in names() {
        let (was, is) = (catalog.detail(name), other.detail(name));
        assert_eq!(is, was, "{}", name.escape_ascii());
    }
}

#[test]
fn a_denial_comes_back_though_nobody_says_so_just_then() {
    let (catalog, folder) = (Catalog::new(), tempfile::tempdir().unwrap());
    catalog.analyze(b"a.jpg", &["owl"]);
    catalog.edit(b"a.jpg", &[Edit::Untag("owl".into())]);
    catalog.analyze(b"a.jpg", &["dog"]);
    catalog.export(Format::Json, folder.path());
    let other = catalog.another();
    assert_eq!(other.import(folder.path()).changed, 1);
    assert_eq!(other.detail(b"a.jpg"), catalog.detail(b"a.jpg"));
    other.analyze(b"a.jpg", &["dog", "owl"]);
    assert_eq!(tags(&other.detail(b"a.jpg")), ["dog".to_owned()].into());
}

#[test]
fn a_closed_list_goes_along_in_json_and_csv_only_adds() {
    let (catalog, folder) = (Catalog::new(), tempfile::tempdir().unwrap());
    catalog.edit(b"a.jpg", &[Edit::SetTags(vec!["mine".into()])]);
    catalog.edit(b"-rf.jpg", &[Edit::Tag("mine".into())]);
    let of = |format, file: &str| {
        catalog.export(format, folder.path());
        let other = catalog.another();
        other.import(&folder.path().join(file));
        for name in [&b"a.jpg"[..], b"-rf.jpg"] {
            other.analyze(name, &["giraffe"]);
        }
        [&b"a.jpg"[..], b"-rf.jpg"].map(|name| Vec::from_iter(tags(&other.detail(name))).join(" "))
    };
    assert_eq!(of(Format::Json, "catalog.jsonl"), ["mine", "giraffe mine"]);
    assert_eq!(
        of(Format::Csv, "catalog.csv"),
        ["giraffe mine", "giraffe mine"]
    );
}

#[test]
fn an_answer_is_taken_only_for_the_content_that_it_is_about() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    catalog.export(Format::Json, folder.path());
    fs::write(catalog.source.path().join("a.jpg"), "other").unwrap();
    let other = catalog.another();
    other.import(folder.path());
    assert!(other.detail(b"a.jpg").analyses.is_empty());
    assert!(tags(&other.detail(b"a.jpg")).contains("Rex; the dog"));
}

#[test]
fn csv_brings_back_what_a_spreadsheet_shows() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    catalog.export(Format::Csv, folder.path());
    let text = fs::read_to_string(folder.path().join("catalog.csv")).unwrap();
    assert!(text.contains("'=1+1") && !text.contains(",=1+1"), "{text}");
    assert_eq!(catalog.import(folder.path()).changed, 0, "nothing is new");
    let other = catalog.another();
    let report = other.import(folder.path());
    assert_eq!((report.photos, report.changed), (5, 3), "{report:?}");
    for name in names() {
        let (was, is) = (catalog.detail(name), other.detail(name));
        assert_eq!(tags(&is), tags(&was));
        for field in TextField::ALL {
            let value = |d: &Detail| d.text(field).map(|t| t.value.clone());
            assert_eq!(value(&is), value(&was));
        }
    }
    let foreign = folder.path().join("mine.csv");
    fs::write(
        &foreign,
        "tags,path,rating\nowl,../../etc/passwd,\n,a.jpg,9\nowl,-rf.jpg,5\n",
    )
    .unwrap();
    let report = other.import(&foreign);
    assert_eq!((report.changed, report.failed.len()), (1, 2), "{report:?}");
    assert!(tags(&other.detail(b"-rf.jpg")).contains("owl"));
}
