//! What was said once, and is no more, leaves nothing behind in the file.

use std::path::Path;

use kbasefs::catalog::{Change, Edit};
use kbasefs::store::Store;
use kbasefs::store::sqlite::Sqlite;

use crate::fixture::{add, all, edited};

/// Labels that nobody uses, at most.
const SLACK: i64 = 1024;

fn rows(file: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(file).unwrap();
    let count = format!("SELECT count(*) FROM {table}");
    connection.query_row(&count, [], |row| row.get(0)).unwrap()
}

#[test]
fn labels_that_come_and_go_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let open = || Sqlite::open(&file, Path::new("/photos")).unwrap();
    let store = open();
    let (id, gone) = (add(&store, "a.jpg", 1), add(&store, "gone.jpg", 2));
    let kept = edited(gone, Edit::Tag("of what is gone".into()));
    store.commit(&[kept, Change::Gone { id: gone }]).unwrap();
    let [live, labels] = ["said", "label"].map(|table| rows(&file, table));
    let tags = |round: usize| (0..100).map(move |n| format!("tag {round} {n}")).collect();
    let come_and_go = |store: &Sqlite, rounds: usize| {
        for round in 0..rounds {
            store
                .commit(&[edited(id, Edit::SetTags(tags(round)))])
                .unwrap();
        }
        store.commit(&[edited(id, Edit::ClearTags)]).unwrap();
    };
    come_and_go(&store, 50);
    let after = rows(&file, "said");
    assert!(after <= live + SLACK + 200, "{live} in use, {after} kept");
    // Many short processes add up as well: each looks at what the ones before it left.
    drop(store);
    for _ in 0..40 {
        let store = open();
        store.load(&mut |_| {}).unwrap();
        come_and_go(&store, 1);
    }
    let after = rows(&file, "said");
    assert!(after <= live + SLACK + 200, "{live} in use, {after} kept");
    assert_eq!(rows(&file, "label"), labels);
    let store = open();
    let found = add(&store, "back/gone.jpg", 2);
    assert_eq!(found, gone);
    let labels = &all(&store)[1].labels;
    assert!(labels.iter().any(|l| l.value == "of what is gone"));
}
