//! Catalogs of earlier forms.

use std::path::{Path, PathBuf};

use kbasefs::catalog::{ContentHash, Facet, Label, Measured, Origin, PhotoId, Status, TextField};
use kbasefs::store::Store;
use kbasefs::store::provider_store::ProviderStore;
use kbasefs::store::sqlite::{self, Sqlite};

use crate::fixture::{all, detail, tags};
use crate::forms;

/// The form since which what is said has numbers. In the next one answers and measurements part.
const NUMBERED: usize = 9;

/// Two photos. Of the first, a server alone said something; of the second, two servers, the model inside the program, and a
/// person; there, what the first server said gave way to the second.
fn old(folder: &Path, form: usize) -> PathBuf {
    let (file, connection) = forms::of_version(form, folder);
    let (records, numbers) = include_str!("old.sql").split_once("-- Numbers").unwrap();
    connection.execute_batch(records).unwrap();
    if form >= NUMBERED {
        connection.execute_batch(&format!("--{numbers}")).unwrap();
    }
    file
}

/// That nothing of it is lost.
fn check(store: &Sqlite) {
    let (one, two) = (PhotoId(1), PhotoId(2));
    assert_eq!(tags(store, one), ["dog"]);
    assert_eq!(tags(store, two), ["cat", "dog", "Rex", "sea"]);
    let says = |who: &str| {
        let labels = detail(store, two).entry.labels.into_iter();
        let of_it = labels.filter(|l| l.analyzer.as_deref() == Some(who));
        let mut words: Vec<_> = of_it.map(|l| (l.value, l.origin, l.confidence)).collect();
        words.sort_by(|a, b| a.0.cmp(&b.0));
        words
    };
    assert_eq!(says("eye"), [("cat".into(), Origin::Remote, 0.5)]);
    assert_eq!(says("desk"), [("dog".into(), Origin::Remote, 0.75)]);
    let sea = ("sea".into(), Origin::Embedded, 0.25);
    assert_eq!(says("embedded"), [sea]);
    let title = detail(store, two).text(TextField::Title).unwrap().clone();
    assert_eq!(
        (title.value.as_str(), title.analyzer.as_deref()),
        ("Of desk", Some("desk"))
    );
    for (id, hash, colors) in [(one, 1, vec![("blue", 0.3)]), (two, 2, vec![])] {
        let color = |(value, share)| Label::new(Facet::Color, value, Origin::File, share);
        let measured = Measured {
            width: 40 + u32::from(hash),
            height: 30,
            colors: colors.into_iter().map(color).collect(),
            perceptual_hash: u64::MAX - u64::from(hash),
        };
        let kept = store.measured(&ContentHash([hash; 32])).unwrap();
        assert_eq!(kept.as_ref(), Some(&measured));
        let photo = detail(store, id).entry.photo;
        assert_eq!(photo.perceptual_hash, Some(measured.perceptual_hash));
        assert_eq!(
            (photo.width, photo.status),
            (measured.width, Status::Analyzed)
        );
    }
    let dealt_with = |who: &str| {
        let mut all = Vec::new();
        let each = &mut |id: PhotoId, answered, version: &str| {
            all.push((id.0, answered, version.to_owned()));
        };
        store.dealt_with(who, each).unwrap();
        all.sort();
        all
    };
    assert_eq!(dealt_with("embedded"), [(2, true, "1".to_owned())]);
    let desk = [(1, true, "7".to_owned()), (2, true, "7".to_owned())];
    assert_eq!(dealt_with("desk"), desk);
    assert_eq!(
        dealt_with("eye"),
        [(1, false, "3".to_owned()), (2, true, "2".to_owned())]
    );
}

#[test]
fn nothing_is_lost_and_what_a_server_alone_described_is_pending_for_the_embedded_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = old(folder.path(), 9);
    for _ in 0..2 {
        let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
        check(&store);
        drop(store);
        assert_eq!(sqlite::check(&file).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_catalog_from_before_labels_had_numbers_gets_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&old(folder.path(), 8), Path::new("/photos")).unwrap();
    check(&store);
    let loaded = all(&store);
    assert_eq!(loaded.len(), 2);
    assert!(loaded[1].labels.iter().any(Label::is_denial));
}

#[test]
fn a_damaged_index_of_an_earlier_form_loses_no_more_than_one_of_this() {
    let folder = tempfile::tempdir().unwrap();
    let file = old(folder.path(), 9);
    let connection = rusqlite::Connection::open(&file).unwrap();
    let misread = "UPDATE photo SET status = 'analyzee'; UPDATE text SET origin = 'rempte' WHERE origin = 'remote'";
    connection.execute_batch(misread).unwrap();
    drop(connection);
    std::fs::write(folder.path().join("catalog.sqlite.suspect"), "").unwrap();
    let store = Sqlite::open(&file, Path::new("/photos")).unwrap();
    check(&store);
    drop(store);
    assert_eq!(sqlite::check(&file).unwrap(), Vec::<String>::new());
    let lost = sqlite::recovered(&file).unwrap().unwrap();
    assert!(lost.contains("photo: 2 values replaced"), "{lost}");
}
