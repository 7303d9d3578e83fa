//! What a scan makes of a folder, on real folders, with every store.

mod gone;
mod identity;
mod rereading;
mod source;
mod suspects;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::SourcePath;
use kbasefs::source::{Error, Options};
use kbasefs::store::memory::Memory;

use source::{Source, in_memory, on_each_store};

#[test]
fn names_of_every_kind_are_photos() {
    on_each_store(|source| {
        let longest = [b"x".repeat(251), b".bmp".to_vec()].concat();
        let names: [&[u8]; 7] = [
            b"plain.bmp",
            b"latin1-\xe9\xff.bmp",
            b"new\nline.bmp",
            b"deep/er/ tab\there .bmp",
            b".hidden.bmp",
            b"-rf *?\"'\\.bmp",
            &longest,
        ];
        for (look, name) in names.into_iter().enumerate() {
            source.picture(OsStr::from_bytes(name), u32::try_from(look).unwrap());
        }
        let report = source.scan();
        assert_eq!((report.photos, report.added, report.unreadable), (7, 7, 0));
        for name in names {
            let path = SourcePath::new(name);
            assert!(source.library.index().by_path(&path).is_some(), "{path}");
        }
    });
}

#[test]
fn pictures_are_told_by_content() {
    let source = in_memory();
    source.picture("no-extension", 1);
    source.picture("wrong.txt", 2);
    fs::write(source.at("notes"), "just text").unwrap();
    fs::write(source.at("film.mp4"), "a film").unwrap();
    fs::write(source.at("torn.jpg"), "").unwrap();
    let report = source.scan();
    assert_eq!(source.paths(), ["no-extension", "torn.jpg", "wrong.txt"]);
    assert_eq!((report.files_seen, report.other), (5, 2));
}

#[test]
fn what_people_hide_is_left_out() {
    let options = Options {
        exclude: vec!["*.png".into(), "/raw/".into(), String::new()],
        ..Options::default()
    };
    let source = Source::with(Arc::new(Memory::default()), options);
    for path in [
        "a.bmp",
        "sub/.nomedia/x.bmp",
        ".git/b.bmp",
        "c.png",
        "raw/d.bmp",
        "x/raw/e.bmp",
    ] {
        source.picture(path, 1);
    }
    source.picture("drafts/f.bmp", 1);
    source.picture("git/g.bmp", 1);
    fs::write(source.at(".ignore"), "drafts/\n").unwrap();
    fs::write(source.at(".gitignore"), "git/\n").unwrap();
    source.picture("private/deep/h.bmp", 1);
    fs::write(source.at("private/.nomedia"), "").unwrap();
    source.scan();
    assert_eq!(source.paths(), ["a.bmp", "git/g.bmp", "x/raw/e.bmp"]);
}

#[test]
fn a_photo_that_is_hidden_later_leaves() {
    let source = in_memory();
    source.picture("sub/a.bmp", 1);
    source.scan();
    fs::write(source.at("sub/.nomedia"), "").unwrap();
    assert_eq!(source.scan().gone, 1);
    assert!(source.paths().is_empty());
}

#[test]
fn links_and_devices_are_not_touched() {
    let source = in_memory();
    source.picture("real/a.bmp", 1);
    symlink(source.at("real/a.bmp"), source.at("link.bmp")).unwrap();
    symlink(source.at("real"), source.at("folder")).unwrap();
    symlink(source.at(""), source.at("real/loop")).unwrap();
    fifo(&source.at("fifo.bmp"));
    let _socket = std::os::unix::net::UnixListener::bind(source.at("socket.bmp")).unwrap();
    let report = source.scan();
    assert_eq!(source.paths(), ["real/a.bmp"]);
    assert_eq!(
        (report.files_seen, report.opened, report.unreadable),
        (1, 1, 0)
    );
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_folder_whose_ignore_file_is_a_fifo_is_unreadable_not_a_trap() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.picture("sub/b.bmp", 2);
    source.scan();
    fifo(&source.at("sub/.ignore"));
    let report = source.scan();
    assert_eq!((report.unreadable, report.gone, report.photos), (1, 0, 2));
    fifo(&source.at(".ignore"));
    let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

#[test]
fn a_rescan_opens_nothing() {
    on_each_store(|source| {
        for look in 0..20 {
            source.picture(format!("{}/{look}.bmp", look % 3), look);
        }
        fs::write(source.at("notes"), "text").unwrap();
        let first = source.scan();
        assert_eq!((first.opened, first.added, first.other), (21, 20, 1));
        let again = source.scan();
        assert_eq!((again.opened, again.bytes_read), (0, 0));
        assert_eq!((again.files_seen, again.photos, again.other), (21, 20, 1));
        assert_eq!(
            (again.added, again.changed, again.moved, again.gone),
            (0, 0, 0, 0)
        );
    });
}

#[test]
fn other_permissions_are_noted_without_opening() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        fs::set_permissions(source.at("a.bmp"), fs::Permissions::from_mode(0o400)).unwrap();
        let report = source.scan();
        assert_eq!((report.opened, report.changed), (0, 1));
        let photo = source.library.index().photo(source.id("a.bmp")).unwrap();
        assert_eq!(photo.stat.mode, 0o400);
    });
}

#[test]
fn a_bad_exclude_pattern_is_refused() {
    let options = Options {
        exclude: vec!["[a".into()],
        ..Options::default()
    };
    let source = Source::with(Arc::new(Memory::default()), options);
    let error = source.sync.scan(&AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, Error::Exclude { .. }), "{error}");
}
