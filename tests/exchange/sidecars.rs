//! XMP sidecars, which photo programs share.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use kbasefs::catalog::{Actor, Change, Edit, Facts, Label, Origin};
use kbasefs::exchange::Format;
use kbasefs::library::Which;

use crate::catalog::{Catalog, no_answers, tags};

/// What a command prints; `None` where it isn't installed.
fn output(program: &str, arguments: &[&OsStr]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        eprintln!("skipped: {program} is not installed");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn sidecars_are_read_by_other_programs() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    let report = catalog.export(Format::Xmp, folder.path());
    assert_eq!((report.changed, report.failed), (3, vec![]));
    let sidecar = folder.path().join("a.jpg.xmp");
    let arguments = ["-s3", "-sep", "|"].map(OsStr::new);
    let fields = [
        "-XMP-dc:Subject",
        "-XMP-lr:HierarchicalSubject",
        "-XMP-digiKam:TagsList",
    ];
    let fields = fields
        .into_iter()
        .chain(["-XMP-xmp:Rating", "-XMP-dc:Title"]);
    let all: Vec<_> = arguments
        .into_iter()
        .chain(fields.map(OsStr::new))
        .chain([sidecar.as_os_str()])
        .collect();
    if let Some(read) = output("exiftool", &all) {
        let tags = "dog|Rex; the dog";
        assert_eq!(read, format!("{tags}\n{tags}\n{tags}\n4\nA dog\n"));
    }
    let all = [
        "-px",
        "-K",
        "Xmp.dc.subject",
        "-K",
        "Xmp.xmp.Rating",
        "-K",
        "Xmp.dc.description",
    ];
    let all: Vec<_> = all
        .map(OsStr::new)
        .into_iter()
        .chain([sidecar.as_os_str()])
        .collect();
    if let Some(read) = output("exiv2", &all) {
        for part in ["dog, Rex; the dog", "Line one", "\u{1F3D6}"] {
            assert!(read.contains(part), "{read}");
        }
    }
    let other = catalog.another();
    assert_eq!(other.import(folder.path()).changed, 3);
    assert_eq!(
        tags(&other.detail(b"a.jpg")),
        tags(&catalog.detail(b"a.jpg"))
    );
    assert_eq!(other.import(folder.path()).changed, 0);
    assert_eq!(catalog.export(Format::Xmp, folder.path()).changed, 0);
}

#[test]
fn sidecars_of_other_programs_are_taken_in_and_kept() {
    let catalog = Catalog::described();
    let foreign = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
        <rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:dt='http://darktable.sf.net/'
        dt:history='secret'><dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject></rdf:Description>
        </rdf:RDF></x:xmpmeta>";
    let beside = catalog.source.path().join("trip/b & c.xmp");
    fs::write(&beside, foreign).unwrap();
    fs::write(catalog.source.path().join("-rf.jpg.xmp"), "torn <x").unwrap();
    let report = catalog.import(catalog.source.path());
    assert_eq!(
        (report.photos, report.changed, report.failed.len()),
        (2, 1, 1)
    );
    assert_eq!(
        tags(&catalog.detail(b"trip/b & c.jpg")),
        ["sea".to_owned()].into()
    );
    catalog.edit(b"-rf.jpg", &[Edit::Tag("x".into())]);
    let report = catalog.export(Format::Xmp, catalog.source.path());
    assert_eq!(report.failed.len(), 1, "{report:?}");
    let torn = fs::read_to_string(catalog.source.path().join("-rf.jpg.xmp"));
    assert_eq!(torn.unwrap(), "torn <x");
    assert_eq!(fs::read_to_string(&beside).unwrap(), foreign);
}

#[test]
fn what_a_sidecar_in_the_source_says_goes_along() {
    let (catalog, folder) = (Catalog::described(), tempfile::tempdir().unwrap());
    let foreign = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''
        xmlns:dt='http://darktable.sf.net/' dt:history='kept'/></rdf:RDF>";
    fs::write(catalog.source.path().join("a.jpg.xmp"), foreign).unwrap();
    catalog.export(Format::Xmp, folder.path());
    let text = fs::read_to_string(folder.path().join("a.jpg.xmp")).unwrap();
    assert!(
        text.contains("dt:history='kept'") && text.contains("Rex; the dog"),
        "{text}"
    );
    let untouched = fs::read_to_string(catalog.source.path().join("a.jpg.xmp"));
    assert_eq!(untouched.unwrap(), foreign);
}

#[test]
fn what_a_sidecar_said_survives_a_touch_and_is_taken_back_as_an_act() {
    let catalog = Catalog::new();
    let text = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''
        xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' xmp:Rating='4'>
        <dc:subject><rdf:Bag><rdf:li>harbour</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF>";
    fs::write(catalog.source.path().join("a.jpg.xmp"), text).unwrap();
    let exchange = catalog.exchange();
    let import = || exchange.import(catalog.source.path(), None, &no_answers);
    assert_eq!(import().unwrap().changed, 1);
    let said = || {
        let detail = catalog.detail(b"a.jpg");
        let labels = Label::effective(&detail.entry.labels);
        let said = labels.iter().filter(|l| l.origin == Origin::Xmp);
        said.map(|l| l.value.clone()).collect::<Vec<_>>()
    };
    let photo = catalog.detail(b"a.jpg").entry.photo;
    let mut stat = photo.stat;
    stat.mtime_ns += 1;
    let touched = Change::Found {
        known: Some(photo.id),
        path: photo.path,
        stat,
        facts: Box::new(Facts::of(kbasefs::catalog::Format::Jpeg)),
    };
    catalog.library.commit(&[touched]).unwrap();
    assert_eq!(said(), ["harbour", "4"]);
    let by = Actor::default();
    let undone = catalog.library.undo(Which::Last, &by).unwrap();
    assert_eq!(undone[0].act.words, "import sidecars");
    assert!(said().is_empty());
    catalog.library.redo(None, &by).unwrap();
    assert_eq!(said(), ["harbour", "4"]);
    assert_eq!(import().unwrap().changed, 0, "it says that already");
}
