//! Indexes on disk: of other sources, other versions, other programs.

use std::path::Path;

use kbasefs::catalog::{Change, Facts, Format, Status};
use kbasefs::store::sqlite::Sqlite;
use kbasefs::store::{Error, Store};

use crate::fixture::{add, all, detail, facts, path, sqlite, stat};

#[test]
fn an_index_survives_and_belongs_to_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let open = |source: &str| Sqlite::open(&file, Path::new(source));
    let id = add(&open("/photos").unwrap(), "a.jpg", 1);
    assert_eq!(detail(&open("/photos").unwrap(), id).facts, facts());
    assert!(
        matches!(open("/others"), Err(Error::OtherSource { owner, .. }) if owner == Path::new("/photos"))
    );
    assert!(open("/photos").unwrap().size_bytes().unwrap() > 0);
}

#[test]
fn an_index_of_the_first_version_learns_what_people_edited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let connection = rusqlite::Connection::open(&file).unwrap();
    let tables = include_str!("../../src/store/sqlite/migrations/0001_catalog.sql");
    connection.execute_batch(tables).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    for id in 1..=3 {
        let photo = "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, \
                     gone, width, height, orientation, keywords) \
                     VALUES (?1, CAST(?1 AS BLOB), CAST(?1 AS BLOB), 1, ?1, 1, 1, 420, 0, 0, 'jpeg', 'pending', 0, 4, 3, 1, '')";
        connection.execute(photo, [id]).unwrap();
    }
    let label = "INSERT INTO label VALUES (?1, 'tag', 'x', ?2, 1.0)";
    connection.execute(label, (1, "human")).unwrap();
    connection.execute(label, (2, "file")).unwrap();
    drop(connection);
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    let edited = all(&store).into_iter().map(|e| e.photo.edited);
    assert_eq!(edited.collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_photo_with_a_number_that_nothing_is_behind_keeps_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    add(&store, "a.jpg", 1);
    let before = all(&store);
    drop(store);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute("DELETE FROM said", []).unwrap();
    drop(connection);
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    assert_eq!(all(&store), before);
}

#[test]
fn an_index_from_the_future_or_of_another_kind_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    drop(Sqlite::open(&file, Path::new("/photos")).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    connection
        .execute_batch("CREATE TABLE of_tomorrow (a)")
        .unwrap();
    drop(connection);
    let refused = |file: &Path| match Sqlite::open(file, Path::new("/photos")) {
        Err(error @ Error::Open { .. }) => error.to_string(),
        _ => panic!("{} is refused", file.display()),
    };
    assert!(refused(&file).contains("newer version"));
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, and long enough to see it".repeat(50),
    )
    .unwrap();
    refused(&text);
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("not a database")
    );
}

#[test]
fn that_a_photo_is_unsupported_follows_from_its_format_not_from_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index/catalog.sqlite");
    let photo = |ino: u64, name: &str, format| {
        let facts = Box::new(Facts::of(format));
        let path = path(name);
        Change::Found {
            known: None,
            path,
            stat: stat(ino, 1),
            facts,
        }
    };
    let store = sqlite(folder.path());
    let (jpeg, heic) = (
        photo(1, "a.jpg", Format::Jpeg),
        photo(2, "b.heic", Format::Heic),
    );
    store.commit(&[jpeg, heic]).unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(&file).unwrap();
    let kept: i64 = connection
        .query_row(
            "SELECT count(*) FROM photo WHERE status = 'unsupported'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(kept, 0);
    // As earlier versions kept it.
    connection
        .execute("UPDATE photo SET status = 'unsupported'", [])
        .unwrap();
    drop(connection);
    let statuses = || {
        let store = sqlite(folder.path());
        let photos = all(&store).into_iter().map(|entry| entry.photo);
        photos
            .map(|photo| (photo.format, photo.status))
            .collect::<Vec<_>>()
    };
    let expected = [
        (Format::Jpeg, Status::Pending),
        (Format::Heic, Status::Unsupported),
    ];
    assert_eq!(statuses(), expected);
}
