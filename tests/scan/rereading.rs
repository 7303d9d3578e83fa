//! Files that an earlier version read less of.

use std::fs;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::{Change, Facts, Format, PhotoId};

use crate::source::{Source, on_each_store, picture};

/// Makes the catalog know of a photo what a version without any knowledge would have found.
fn forget(source: &Source, path: &str) {
    let photo = source.library.index().photo(source.id(path)).unwrap();
    let found = Change::Found {
        known: Some(photo.id),
        path: photo.path,
        stat: photo.stat,
        facts: Box::new(Facts {
            width: 0,
            ..Facts::unread()
        }),
    };
    source.library.commit(&[found]).unwrap();
}

fn read_outdated(source: &Source) -> u64 {
    let stop = AtomicBool::new(false);
    source.sync.read_outdated(&stop).unwrap()
}

fn width(source: &Source, id: PhotoId) -> u32 {
    source.library.index().photo(id).unwrap().width
}

#[test]
fn each_is_read_once_and_no_other_file_is() {
    on_each_store(|source| {
        for n in 0..20 {
            source.picture(format!("{n}.bmp"), n);
        }
        source.scan();
        assert_eq!(read_outdated(source), 0, "all are of this version");
        let outdated = ["3.bmp", "7.bmp", "11.bmp", "12.bmp", "13.bmp"];
        outdated.iter().for_each(|path| forget(source, path));
        source.tag(source.id("3.bmp"), "Rex");
        // One is another file meanwhile, one isn't there, and one is gone for the catalog as well.
        fs::write(source.at("11.bmp"), picture(500)).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(7);
        let file = fs::File::options().write(true).open(source.at("11.bmp"));
        file.unwrap().set_modified(later).unwrap();
        fs::remove_file(source.at("12.bmp")).unwrap();
        let gone = source.id("13.bmp");
        source.library.commit(&[Change::Gone { id: gone }]).unwrap();
        assert_eq!(read_outdated(source), 2);
        assert_eq!(read_outdated(source), 0);
        for path in ["3.bmp", "7.bmp"] {
            let id = source.id(path);
            assert_eq!(width(source, id), 8);
            let photo = source.library.index().photo(id).unwrap();
            assert_eq!(photo.format, Format::Bmp);
        }
        assert_eq!(source.tags(source.id("3.bmp")), ["Rex"]);
        assert_eq!(width(source, source.id("11.bmp")), 0);
        // The scan sees what became of the others, and opens no other file either.
        let report = source.scan();
        assert_eq!((report.changed, report.gone, report.opened), (1, 1, 2));
        assert_eq!(read_outdated(source), 0);
        assert_eq!(width(source, source.id("13.bmp")), 8);
    });
}

#[test]
fn what_was_stopped_goes_on() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        forget(source, "a.bmp");
        assert_eq!(
            source.sync.read_outdated(&AtomicBool::new(true)).unwrap(),
            0
        );
        assert_eq!(read_outdated(source), 1);
    });
}
