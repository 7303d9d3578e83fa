//! Labels that follow from what a photo says of itself: kept with its facts, and in no row of their own.

use std::path::{Path, PathBuf};

use kbasefs::catalog::{Change, Edit, Facet, FileStat, Label, Origin, PhotoId};
use kbasefs::store::Store;
use kbasefs::store::sqlite::{self, Sqlite};
use rusqlite::{Connection, params};

use crate::fixture::{add, all, analysis, analyzed, detail, edited, facts, measured, stat};
use crate::forms;

/// Of a photo that this version of the readers has read, and of one that an earlier one did, which took more for a tag.
const VERSIONS: [(PhotoId, u32, &[&str]); 2] = [(PhotoId(1), 1, &[]), (PhotoId(2), 0, &["sRGB"])];

fn thirteenth(folder: &Path) -> PathBuf {
    // Then every label had a row.
    let (file, connection) = forms::of_version(13, folder);
    let date = facts().date.map(|date| date.to_string());
    for (PhotoId(id), version, more) in VERSIONS {
        let kept = serde_json::to_string(&facts()).unwrap();
        let row = "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, \
            width, height, gone, facts) VALUES (?1, CAST(?1 AS BLOB), CAST(?1 AS BLOB), 1, ?1, 1, 1, 420, 0, 0, 'jpeg', \
            'pending', ?2, 40, 30, 0, json_set(?3, '$.version', ?4))";
        connection
            .execute(row, params![id, date, kept, version])
            .unwrap();
        for label in labels(more) {
            let row = "INSERT INTO label (photo, facet, value, origin, confidence) VALUES (?1, ?2, ?3, ?4, ?5)";
            let (facet, origin) = (label.facet.name(), label.origin.name());
            let values = params![id, facet, label.value, origin, label.confidence];
            connection.execute(row, values).unwrap();
        }
    }
    // What follows from the rows.
    let derived = "INSERT INTO said (facet, value, origin, denied) SELECT DISTINCT facet, value, origin, 0 FROM label; \
        UPDATE photo SET said = (SELECT unhex(group_concat(printf('%08x', number), '')) FROM label \
        JOIN said USING (facet, value, origin) WHERE photo = photo.id); \
        INSERT INTO words (rowid, title, description, tags, path) SELECT id, '', '', '', '' FROM photo; \
        INSERT INTO meta (key, value) VALUES ('derived', CAST('2' AS BLOB))";
    connection.execute_batch(derived).unwrap();
    file
}

/// What there is of a photo: what its file says, tags that its file says as well, what was measured, and what a person says.
fn labels(more: &[&str]) -> Vec<Label> {
    let more = more
        .iter()
        .map(|tag| Label::sure(Facet::Tag, tag, Origin::File));
    let others = [
        Label::new(Facet::Color, "blue", Origin::File, 0.5),
        Label::sure(Facet::Tag, "Rex", Origin::Human),
    ];
    sorted(facts().labels().into_iter().chain(more).chain(others))
}

fn sorted(labels: impl IntoIterator<Item = Label>) -> Vec<Label> {
    let mut labels = Vec::from_iter(labels);
    labels.sort_by(|a, b| (a.facet, a.origin, &a.value).cmp(&(b.facet, b.origin, &b.value)));
    labels
}

/// What has a row with a photo.
fn rows(file: &Path, id: PhotoId) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let sql = "SELECT value FROM label WHERE photo = ?1 ORDER BY value";
    let mut rows = connection.prepare(sql).unwrap();
    let rows = rows.query_map([id.0], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn only_labels_that_others_say_have_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    let id = add(&store, "a.jpg", 1);
    assert!(rows(&file, id).is_empty());
    assert_eq!(
        detail(&store, id).entry.labels,
        sorted(facts().labels()),
        "and are there"
    );
    let changes = [
        measured(id, 7, stat(1, 1)),
        analyzed(id, analysis(7, stat(1, 1), &["dog"])),
        edited(id, Edit::Tag("Rex".into())),
        edited(id, Edit::Untag("Family".into())),
    ];
    store.commit(&changes).unwrap();
    assert_eq!(rows(&file, id), ["Family", "Rex", "blue", "dog"]);
    let known = detail(&store, id);
    drop(store);
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    assert_eq!(detail(&store, id), known);
    let loaded = all(&store).remove(0).labels;
    let says = |l: &Label| (l.facet, l.origin, l.value.clone());
    let [loaded, known] = [loaded, known.entry.labels].map(|all| {
        let mut all: Vec<_> = all.iter().map(says).collect();
        all.sort();
        all
    });
    assert_eq!(loaded, known);
}

#[test]
fn rows_of_before_say_what_they_said_until_the_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = thirteenth(folder.path());
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    for (id, _, more) in VERSIONS {
        assert_eq!(
            sorted(detail(&store, id).entry.labels),
            labels(more),
            "{id}"
        );
    }
    let [current, earlier] = VERSIONS.map(|(id, ..)| id);
    assert_eq!(rows(&file, current), ["Rex", "blue"]);
    assert!(rows(&file, earlier).contains(&"sRGB".to_owned()));
    store
        .commit(&[edited(earlier, Edit::Tag("dog".into()))])
        .unwrap();
    assert!(rows(&file, earlier).contains(&"sRGB".to_owned()));
    let stat = FileStat {
        dev: 1,
        ino: earlier.0.into(),
        size: 1,
        mtime_ns: 1,
        ..stat(1, 1)
    };
    let facts = Box::new(facts());
    let id = earlier;
    store
        .commit(&[Change::ReadAgain { id, stat, facts }])
        .unwrap();
    let dog = Label::sure(Facet::Tag, "dog", Origin::Human);
    assert_eq!(
        sorted(detail(&store, earlier).entry.labels),
        sorted(labels(&[]).into_iter().chain([dog]))
    );
    assert_eq!(rows(&file, earlier), ["Rex", "blue", "dog"]);
    drop(store);
    assert_eq!(sqlite::check(&file).unwrap(), Vec::<String>::new());
}
