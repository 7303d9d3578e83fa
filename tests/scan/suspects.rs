//! Files that were written to at the same size, and whose time was put back; and those that only look so.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::{Change, ContentHash, Photo};
use kbasefs::source::{Options, Sync};
use kbasefs::source_files::{SourceFiles, stat_of};

use crate::source::{Source, on_each_store, picture};

/// A picture of as many bytes as [`picture`] makes, with other sides.
fn tall(look: u8) -> Vec<u8> {
    let image = image::RgbImage::from_pixel(4, 16, image::Rgb([look; 3]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
    bytes.into_inner()
}

/// As `exiftool -P -overwrite_original_in_place` does.
fn write_in_place(source: &Source, path: &str, bytes: &[u8]) {
    let path = source.at(path);
    let before = path.metadata().unwrap();
    assert_eq!(bytes.len() as u64, before.len());
    fs::write(&path, bytes).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
}

fn photo(source: &Source, path: &str) -> Photo {
    source.library.index().photo(source.id(path)).unwrap()
}

/// A photo of which people said something and whose hash is known, beside others.
fn hashed(source: &Source) {
    for n in 0..5 {
        // Each of a size of its own, for which nobody reads it.
        let bytes = [picture(n), vec![0; n as usize + 1]].concat();
        fs::write(source.at(format!("{n}.bmp")), bytes).unwrap();
    }
    source.picture("a.bmp", 100);
    source.scan();
    source.tag(source.id("a.bmp"), "mine");
    assert_eq!(source.hash(), 1);
    assert!(photo(source, "a.bmp").hash.is_some());
}

/// A scan after which nothing is to be read that wasn't.
fn assert_settled(source: &Source) {
    let report = source.scan();
    assert_eq!((report.changes(), report.opened), (0, 0));
    assert_eq!(source.hash(), 0);
}

#[test]
fn other_bytes_of_the_same_size_and_time_are_another_picture() {
    on_each_store(|source| {
        hashed(source);
        let before = photo(source, "a.bmp");
        write_in_place(source, "a.bmp", &tall(1));
        let report = source.scan();
        assert_eq!((report.changes(), report.opened), (0, 0), "{report:?}");
        assert_eq!(source.hash(), 2, "verified, and hashed again");
        let now = photo(source, "a.bmp");
        assert_eq!((now.id, now.width, now.height), (before.id, 4, 16));
        assert!(now.hash.is_some() && now.hash != before.hash);
        assert_ne!(now.edition, before.edition);
        assert_eq!(source.tags(now.id), ["mine"]);
        assert_settled(source);
    });
}

#[test]
fn a_file_whose_hash_nobody_knows_is_read_anew() {
    on_each_store(|source| {
        hashed(source);
        let before = photo(source, "1.bmp");
        write_in_place(source, "1.bmp", &[tall(2), vec![0; 2]].concat());
        let report = source.scan();
        assert_eq!((report.changed, report.opened), (1, 1));
        let now = photo(source, "1.bmp");
        assert_eq!((now.id, now.width), (before.id, 4));
        assert_ne!(now.edition, before.edition);
        assert_settled(source);
    });
}

#[test]
fn a_file_of_which_only_the_time_was_put_back_stays_what_it_was() {
    on_each_store(|source| {
        hashed(source);
        let before = photo(source, "a.bmp");
        write_in_place(source, "a.bmp", &picture(100));
        let report = source.scan();
        assert_eq!((report.changes(), report.opened), (0, 0));
        assert_eq!(source.hash(), 1);
        let now = photo(source, "a.bmp");
        assert_eq!((now.hash, now.edition), (before.hash, before.edition));
        assert_settled(source);
    });
}

#[test]
fn permissions_names_and_attributes_explain_what_the_disk_noted() {
    on_each_store(|source| {
        hashed(source);
        let before = photo(source, "a.bmp");
        let path = source.at("a.bmp");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let report = source.scan();
        assert_eq!((report.changed, report.opened, source.hash()), (1, 0, 0));
        // What `cp -al` makes every night.
        let backup = source.folder.path().join("backup");
        fs::create_dir(&backup).unwrap();
        for photo in ["a.bmp", "0.bmp", "1.bmp"] {
            fs::hard_link(source.at(photo), backup.join(photo)).unwrap();
        }
        assert_settled(source);
        fs::remove_file(backup.join("a.bmp")).unwrap();
        assert_settled(source);
        let flags = rustix::fs::XattrFlags::empty();
        if let Err(error) = rustix::fs::setxattr(&path, "user.note", b"seen", flags) {
            eprintln!("skipped: no attributes here: {error}");
            return;
        }
        assert_settled(source);
        rustix::fs::removexattr(&path, "user.note").unwrap();
        assert_settled(source);
        let now = photo(source, "a.bmp");
        assert_eq!((now.hash, now.edition), (before.hash, before.edition));
        // After all that it is still seen when something was written.
        write_in_place(source, "a.bmp", &tall(3));
        source.scan();
        assert_eq!(source.hash(), 2);
    });
}

#[test]
fn a_suspect_that_nobody_had_time_for_is_one_after_a_restart() {
    on_each_store(|source| {
        hashed(source);
        write_in_place(source, "a.bmp", &tall(4));
        source.scan();
        // Stopped before it was read.
        let stopped = AtomicBool::new(true);
        assert_eq!(source.sync.hash_candidates(&stopped).unwrap(), 0);
        let files = SourceFiles::open(&source.at("")).unwrap();
        let next = Sync::new(
            Arc::clone(&source.library),
            Arc::new(files),
            Options::default(),
        );
        let stop = AtomicBool::new(false);
        next.scan(&stop).unwrap();
        next.hash_candidates(&stop).unwrap();
        assert_eq!(photo(source, "a.bmp").width, 4);
    });
}

#[test]
fn bytes_that_somebody_read_before_any_scan_are_of_another_picture() {
    on_each_store(|source| {
        hashed(source);
        for (path, more) in [("a.bmp", 0), ("2.bmp", 3)] {
            let before = photo(source, path);
            write_in_place(source, path, &[tall(5), vec![0; more]].concat());
            let read = Change::Hashed {
                id: before.id,
                stat: stat_of(&source.at(path).metadata().unwrap()),
                hash: ContentHash([7; 32]),
            };
            source.library.commit(&[read]).unwrap();
            assert_ne!(photo(source, path).edition, before.edition);
        }
        source.scan();
        let stop = AtomicBool::new(false);
        assert_eq!(source.sync.read_outdated(&stop).unwrap(), 2);
        for path in ["a.bmp", "2.bmp"] {
            assert_eq!(photo(source, path).width, 4);
        }
        assert_eq!(source.tags(source.id("a.bmp")), ["mine"]);
    });
}
