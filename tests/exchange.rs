//! What is known leaves the catalog in files that other programs read, and comes back without loss.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kbasefs::catalog::{
    Actor, Analysis, Answer, Change, ContentHash, Detail, Edit, Facet, Facts, Label, Measured,
    Origin, PhotoId, SourcePath, Tag, TextField,
};
use kbasefs::exchange::{Exchange, ForeignAnswer, Format, Report};
use kbasefs::library::{Library, Which};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::memory::Memory;
use tempfile::TempDir;

const NAMES: [&[u8]; 6] = [
    b"a.jpg",
    b"trip/b & c.jpg",
    b"trip/new\nline.jpg",
    b"trip/\xff\xfe.jpg",
    b"-rf.jpg",
    b"../",
];

/// A catalog of photos that say nothing of themselves, in a folder that holds them.
struct Catalog {
    source: Arc<TempDir>,
    library: Library,
    source_files: SourceFiles,
}

/// None of these files holds answers of other programs' models.
fn no_answers(id: PhotoId, said: &ForeignAnswer) -> std::result::Result<bool, String> {
    panic!("{id:?}: {said:?}")
}

impl Catalog {
    fn new() -> Self {
        let source = tempfile::tempdir().unwrap();
        for name in names() {
            let path = source.path().join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        Self::of(Arc::new(source))
    }

    /// A catalog that knows nothing yet of the same photos.
    fn another(&self) -> Self {
        Self::of(self.source.clone())
    }

    fn of(source: Arc<TempDir>) -> Self {
        let library = Library::load(Arc::new(Memory::default())).unwrap();
        let source_files = SourceFiles::open(source.path()).unwrap();
        let found = names().map(|name| {
            let path = SourcePath::new(name);
            Change::Found {
                known: None,
                stat: source_files.stat(&path).unwrap().unwrap(),
                path,
                facts: Box::new(Facts::of(kbasefs::catalog::Format::Jpeg)),
            }
        });
        library.commit(&found.collect::<Vec<_>>()).unwrap();
        Self {
            source,
            library,
            source_files,
        }
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            folder: Default::default(),
            library: &self.library,
            source_files: &self.source_files,
        }
    }

    fn export(&self, format: Format, to: &Path) -> Report {
        self.exchange().export(format, to).unwrap()
    }

    fn import(&self, from: &Path) -> Report {
        self.exchange().import(from, None, &no_answers).unwrap()
    }

    fn id(&self, name: &[u8]) -> PhotoId {
        let path = SourcePath::new(name);
        self.library.index().by_path(&path).unwrap()
    }

    fn detail(&self, name: &[u8]) -> Detail {
        self.library.detail(self.id(name)).unwrap().unwrap()
    }

    fn edit(&self, name: &[u8], edits: &[Edit]) {
        let id = self.id(name);
        let edits = edits.iter().cloned();
        let changes = edits.map(|edit| Change::edited(id, edit));
        self.library.commit(&changes.collect::<Vec<_>>()).unwrap();
    }

    fn analyze(&self, name: &[u8], tags: &[&str]) {
        let photo = self.detail(name).entry.photo;
        let tag = |name: &&str| Tag {
            name: (*name).into(),
            confidence: 0.75,
        };
        let analysis = Analysis {
            hash: ContentHash(*blake3::hash(name).as_bytes()),
            stat: photo.stat,
            analyzer: "eye".into(),
            model: "eye/1".into(),
            version: "1".into(),
            remote: true,
            answer: Answer {
                title: Some("A dog".into()),
                description: Some("A dog & a \"cat\" on <b>grass</b>".into()),
                tags: tags.iter().map(tag).collect(),
            },
        };
        let measured = Change::Measured {
            id: photo.id,
            stat: photo.stat,
            hash: analysis.hash,
            measured: Box::new(Measured {
                width: 4,
                height: 3,
                colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
                perceptual_hash: 0xf0f0_f0f0_0f0f_0f0f,
            }),
        };
        let (id, analysis) = (photo.id, Box::new(analysis));
        let learned = Change::Learned {
            id,
            analysis,
            at: 1_700_000_000,
        };
        self.library.commit(&[measured, learned]).unwrap();
    }

    /// Something of everything is known.
    fn described() -> Self {
        let catalog = Self::new();
        catalog.analyze(b"a.jpg", &["dog", "cat"]);
        catalog.analyze(b"trip/\xff\xfe.jpg", &["dog"]);
        let text = "Line one\nline \u{1F3D6}; \"two\"".into();
        catalog.edit(
            b"a.jpg",
            &[
                Edit::Untag("cat".into()),
                Edit::Tag("Rex; the dog".into()),
                Edit::SetText(TextField::Description, text),
                Edit::SetRating(4),
            ],
        );
        catalog.edit(b"trip/new\nline.jpg", &[Edit::Tag("=1+1".into())]);
        catalog
    }
}

/// Those of [`NAMES`] that a file can have.
fn names() -> impl Iterator<Item = &'static [u8]> {
    NAMES.into_iter().filter(|name| !name.ends_with(b"/"))
}

/// The tags that hold.
fn tags(detail: &Detail) -> BTreeSet<String> {
    let labels = Label::effective(&detail.entry.labels).into_iter();
    let tags = labels.filter(|l| l.facet == Facet::Tag);
    tags.map(|l| l.value.clone()).collect()
}

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
