//! Names of files, whatever they are made of, come through every view byte for byte, and stay.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use kbasefs::source::{Options, Sync};

use crate::fixture::{Fixture, Surface};
use crate::mount::Mount;

fn scan(fixture: &Fixture) {
    let (library, source_files) = (fixture.library.clone(), fixture.source_files.clone());
    let sync = Sync::new(library, source_files, Options::default());
    let report = sync.scan(&AtomicBool::new(false)).unwrap();
    assert!(report.complete);
}

/// The files in a folder by name.
fn files(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    let files = entries.filter(|e| e.file_type().unwrap().is_file());
    files
        .map(|e| (e.file_name().into_vec(), std::fs::read(e.path()).unwrap()))
        .collect()
}

/// Every photo of the source, all in its top, is in every view under its own name.
fn check_names(fixture: &Fixture) {
    scan(fixture);
    let on_disk = files(fixture.source.path());
    let Some(mount) = Mount::new(fixture) else {
        return;
    };
    let count = usize::try_from(fixture.library.index().len()).unwrap();
    assert!(count > 20 && files(&mount.path("all")) == on_disk);
    for view in ["by-type/jpeg", "unanalyzed"] {
        assert!(files(&mount.path(view)) == on_disk, "{view}");
    }
    let texts = files(&mount.path("descriptions"));
    let expected = on_disk.keys().map(|name| [name, &b".txt"[..]].concat());
    let plain = expected.filter(|name| name.len() <= 255);
    assert!(plain.into_iter().all(|name| texts.contains_key(&name)));
    assert_eq!(texts.len(), on_disk.len());
}

#[test]
fn real_names_survive_every_view() {
    let Some(testdata) = std::env::var_os("KBASEFS_TESTDATA") else {
        eprintln!("skipped: KBASEFS_TESTDATA doesn't name the folder of pictures");
        return;
    };
    let fixture = Fixture::new("");
    let folder = Path::new(&testdata).join("photos/Naming A");
    for (name, content) in files(&folder) {
        std::fs::write(fixture.path("").join(OsStr::from_bytes(&name)), content).unwrap();
    }
    check_names(&fixture);
}

#[test]
fn hostile_names_survive_every_view() {
    let long = [&[b'n'; 251][..], b".jpg"].concat();
    let names: [&[u8]; 32] = [
        b"with space.jpg",
        b"  leading and trailing  .jpg",
        b"trailing dot..jpg",
        b"-rf.jpg",
        b"*.jpg",
        b"$(id).jpg",
        b"`id`.jpg",
        b"\"quoted\".jpg",
        b"it's.jpg",
        b"back\\slash.jpg",
        b"percent%2e%2e%2f.jpg",
        b"tilde~1.jpg",
        b"~.jpg",
        b"new\nline.jpg",
        b"cr\rname.jpg",
        b"tab\tname.jpg",
        b"bell\x07.jpg",
        b"esc\x1b[31mred\x1b[0m.jpg",
        b"del\x7f.jpg",
        b"\x01\x02\x03.jpg",
        b"caf\xe9-latin1.jpg",
        b"\xff\xfe.jpg",
        b"\xc3\x28-bad-utf8.jpg",
        b"\xed\xa0\x80-surrogate.jpg",
        "cafe\u{301}.jpg".as_bytes(),
        "caf\u{e9}.jpg".as_bytes(),
        "\u{202e}gpj.exe.jpg".as_bytes(),
        "\u{feff}zero\u{200b}width.jpg".as_bytes(),
        b"CASE.jpg",
        b"case.jpg",
        b"all.jpg",
        &long,
    ];
    let fixture = Fixture::new("");
    for (n, name) in names.iter().enumerate() {
        let picture = image::RgbImage::from_pixel(8, 8, image::Rgb([n as u8, 9, 9]));
        let path = fixture.path("").join(OsStr::from_bytes(name));
        picture
            .save_with_format(path, image::ImageFormat::Jpeg)
            .unwrap();
    }
    check_names(&fixture);
}

#[test]
fn two_files_of_one_name_keep_their_names_whatever_comes_and_goes() {
    let fixture = Fixture::new("a/IMG_0001.jpg x; b/IMG_0001.jpg x; c.jpg x");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let listed = mount.list("/tags/x").unwrap();
    assert_eq!(listed, ["IMG_0001.jpg", "IMG_0001~2.jpg", "c.jpg"]);
    fixture.add("d/IMG_0001.jpg x");
    let gone = |name: &str| {
        let id = fixture.id(name);
        let gone = kbasefs::catalog::Change::Gone { id };
        fixture.library.commit(&[gone]).unwrap();
    };
    gone("a/IMG_0001.jpg");
    gone("c.jpg");
    mount.eventually(&mut || {
        let listed = mount.list("/tags/x");
        listed.is_ok_and(|names| names == ["IMG_0001~2.jpg", "IMG_0001~4.jpg"])
    });
}
