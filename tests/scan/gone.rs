//! What is not there any more, and what only seems so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::Change;
use kbasefs::source::Error;

use crate::source::{Source, in_memory, on_each_store};

#[test]
fn a_deleted_photo_is_gone() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("sub/deep/b.bmp", 2);
        source.scan();
        fs::remove_dir_all(source.at("sub")).unwrap();
        let report = source.scan();
        assert_eq!((report.gone, report.photos), (1, 1));
        assert_eq!(source.paths(), ["a.bmp"]);
    });
}

#[test]
fn an_unreadable_folder_keeps_its_photos() {
    let source = in_memory();
    source.picture("locked/deep/a.bmp", 1);
    source.picture("b.bmp", 2);
    source.scan();
    let locked = source.at("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let is_locked = fs::read_dir(&locked).is_err();
    let report = source.scan();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    if !is_locked {
        eprintln!("skipped: this user can read every folder");
        return;
    }
    assert_eq!((report.unreadable, report.gone, report.photos), (1, 0, 2));
}

#[test]
fn a_source_that_is_replaced_or_missing_loses_no_photo() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let scan = || source.sync.scan(&AtomicBool::new(false)).unwrap_err();
        let aside = source.folder.path().join("aside");
        fs::rename(source.at(""), &aside).unwrap();
        assert!(matches!(scan(), Error::Unreadable { .. }));
        fs::create_dir(source.at("")).unwrap();
        assert!(matches!(scan(), Error::Replaced { .. }));
        fs::remove_dir(source.at("")).unwrap();
        fs::rename(&aside, source.at("")).unwrap();
        let report = source.scan();
        assert_eq!((report.opened, report.gone, report.photos), (0, 0, 1));
    });
}

#[test]
fn a_disk_that_is_not_mounted_keeps_its_photos() {
    on_each_store(|source| {
        source.picture("disk/2019/a.bmp", 1);
        source.picture("b.bmp", 2);
        source.scan();
        fs::remove_dir_all(source.at("disk/2019")).unwrap();
        put_on_another_disk(source, "disk/2019/a.bmp");
        let report = source.scan();
        assert_eq!((report.gone, report.photos), (0, 2));

        fs::remove_dir_all(source.at("disk")).unwrap();
        fs::remove_file(source.at("b.bmp")).unwrap();
        put_on_another_disk(source, "b.bmp");
        let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
        assert!(matches!(error, Error::Unmounted { .. }), "{error}");
        assert_eq!(source.paths().len(), 2);
    });
}

/// As if the photo had been seen there.
fn put_on_another_disk(source: &Source, path: &str) {
    let photo = source.library.index().photo(source.id(path)).unwrap();
    let (id, path, mut stat) = (photo.id, photo.path, photo.stat);
    stat.dev += 1;
    let moved = Change::Moved { id, path, stat };
    source.library.commit(&[moved]).unwrap();
}

#[test]
fn a_stopped_scan_loses_no_photo() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.scan();
    fs::remove_file(source.at("a.bmp")).unwrap();
    let report = source.sync.scan(&AtomicBool::new(true)).unwrap();
    assert!(!report.complete);
    assert_eq!((report.gone, report.photos), (0, 1));
}
