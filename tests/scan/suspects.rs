//! Files that were written to at the same size, and whose time was put back; and those that only look so.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::{Change, ContentHash, Photo, SourcePath};
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

#[test]
fn a_suspect_stays_one_whatever_else_happens_to_its_file() {
    on_each_store(|source| {
        let permit = |path: &str, mode: u32| {
            fs::set_permissions(source.at(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        let happens: [&dyn Fn(); 3] = [
            &|| permit("a.bmp", 0o640),
            &|| source.rename("a.bmp", "a.bmp.moved"),
            &|| fs::hard_link(source.at("a.bmp"), source.folder.path().join("link")).unwrap(),
        ];
        hashed(source);
        for (n, happen) in (10..).zip(happens) {
            write_in_place(source, "a.bmp", &tall(n));
            source.scan();
            happen();
            source.scan();
            if source.at("a.bmp.moved").exists() {
                source.rename("a.bmp.moved", "a.bmp");
                source.scan();
            }
            // All that this process knew by itself is forgotten.
            let before = photo(source, "a.bmp").hash;
            let files = Arc::new(SourceFiles::open(&source.at("")).unwrap());
            let next = Sync::new(Arc::clone(&source.library), files, Options::default());
            let stop = AtomicBool::new(false);
            next.scan(&stop).unwrap();
            next.hash_candidates(&stop).unwrap();
            assert_ne!(photo(source, "a.bmp").hash, before);
            source.scan();
            source.hash();
        }
        assert_settled(source);
    });
}

#[test]
fn a_file_that_was_rewritten_and_moved_is_read() {
    on_each_store(|source| {
        hashed(source);
        let before = photo(source, "a.bmp");
        write_in_place(source, "a.bmp", &tall(6));
        source.rename("a.bmp", "album/b.bmp");
        let report = source.scan();
        assert_eq!((report.moved, report.opened), (1, 0));
        source.hash();
        let now = photo(source, "album/b.bmp");
        assert_eq!((now.id, now.width), (before.id, 4));
        assert_eq!(source.tags(now.id), ["mine"]);
        assert_settled(source);
    });
}

#[test]
fn what_is_written_is_in_every_name_of_the_file() {
    on_each_store(|source| {
        let names = ["part/a.bmp", "a.bmp", "part/b.bmp", "b.bmp"];
        source.picture("part/a.bmp", 1);
        fs::write(source.at("part/b.bmp"), [picture(2), vec![0]].concat()).unwrap();
        for name in ["a.bmp", "b.bmp"] {
            fs::hard_link(source.at("part").join(name), source.at(name)).unwrap();
        }
        source.scan();
        source.hash();
        let before = names.map(|name| photo(source, name));
        // One of the same size, one of another.
        fs::write(source.at("part/a.bmp"), tall(7)).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        let file = File::options()
            .write(true)
            .open(source.at("a.bmp"))
            .unwrap();
        file.set_modified(later).unwrap();
        fs::write(source.at("part/b.bmp"), tall(8)).unwrap();
        // As when the kernel told of one name only.
        let part = SourcePath::new(*b"part");
        source
            .sync
            .scan_below(&part, &AtomicBool::new(false))
            .unwrap();
        source.hash();
        for (name, before) in names.into_iter().zip(before) {
            let now = photo(source, name);
            assert_eq!((now.id, now.width), (before.id, 4), "{name}");
            assert_ne!(now.hash, before.hash, "{name}");
        }
        assert_settled(source);
    });
}

/// As backups do that keep the last few: one name more, another less.
#[test]
fn backups_that_rotate_read_nothing() {
    on_each_store(|source| {
        hashed(source);
        let link = |to: &str| {
            let folder = source.folder.path().join(to);
            fs::create_dir(&folder).unwrap();
            for name in ["a.bmp", "0.bmp"] {
                fs::hard_link(source.at(name), folder.join(name)).unwrap();
            }
        };
        link("one");
        assert_settled(source);
        for (old, new) in [("one", "two"), ("two", "three")] {
            link(new);
            fs::remove_dir_all(source.folder.path().join(old)).unwrap();
            assert_settled(source);
        }
    });
}

#[test]
fn what_was_no_picture_for_a_moment_is_one_again() {
    on_each_store(|source| {
        hashed(source);
        let id = source.id("a.bmp");
        let bytes = fs::read(source.at("a.bmp")).unwrap();
        write_in_place(source, "a.bmp", &vec![b'x'; bytes.len()]);
        source.scan();
        source.hash();
        write_in_place(source, "a.bmp", &bytes);
        source.scan();
        source.hash();
        assert_eq!(source.id("a.bmp"), id);
        assert_eq!(source.tags(id), ["mine"]);
    });
}
