//! The content of photos through a mount: that of the originals, whatever happens to them while they are open.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Instant;

use rustix::io::Errno;

use crate::fixture::{Fixture, Surface, content};
use crate::mount::{Mount, PATIENCE, options};

#[test]
fn bytes_are_those_of_the_original_at_any_offset() {
    for passthrough in [true, false] {
        let fixture = Fixture::new("a.jpg");
        let Some(mount) = Mount::with(&fixture, &options(passthrough)) else {
            return;
        };
        let (file, expected) = (
            File::open(mount.path("all/a.jpg")).unwrap(),
            content("a.jpg"),
        );
        for (offset, length) in [
            (0, 1),
            (4095, 2),
            (131_071, 70_000),
            (300_000, 9),
            (300_001, 1),
            (1 << 40, 1),
        ] {
            let mut bytes = vec![0; length];
            let read = file.read_at(&mut bytes, offset).unwrap();
            let from = expected.len().min(offset as usize);
            let to = expected.len().min(offset as usize + length);
            assert_eq!(bytes[..read], expected[from..to], "{offset}");
        }
    }
}

#[test]
fn a_file_that_changed_on_disk_is_neither_cut_nor_filled() {
    for passthrough in [true, false] {
        let fixture = Fixture::new("a.jpg; b.jpg");
        let Some(mount) = Mount::with(&fixture, &options(passthrough)) else {
            return;
        };
        let longer = [content("a.jpg"), content("b.jpg")].concat();
        for (name, new) in [("a.jpg", &longer[..]), ("b.jpg", b"short")] {
            assert_eq!(mount.read(&format!("all/{name}")), Ok(content(name)));
            std::fs::write(fixture.path(name), new).unwrap();
            assert!(
                mount
                    .read(&format!("all/{name}"))
                    .is_ok_and(|bytes| bytes == new),
                "{name}"
            );
        }
    }
}

#[test]
fn an_open_file_is_cut_and_replaced_as_on_the_disk() {
    for passthrough in [true, false] {
        let fixture = Fixture::new("a.jpg; b.jpg");
        let Some(mount) = Mount::with(&fixture, &options(passthrough)) else {
            return;
        };
        let [cut, replaced] = ["a.jpg", "b.jpg"].map(|name| {
            let path = mount.path("all").join(name);
            File::open(path).unwrap()
        });
        let on_disk = OpenOptions::new().write(true).open(fixture.path("a.jpg"));
        on_disk.unwrap().set_len(7).unwrap();
        std::fs::write(fixture.path("new"), "another file").unwrap();
        std::fs::rename(fixture.path("new"), fixture.path("b.jpg")).unwrap();
        let new = || std::fs::read(mount.path("all/b.jpg"));
        // Who opens it now never gets what was there before, and the new one at the latest when nobody reads that.
        assert!(new().map_or_else(is_busy, |bytes| bytes == b"another file"));
        let mut bytes = vec![0; 100];
        assert_eq!(cut.read_at(&mut bytes, 0).unwrap(), 7);
        let mut bytes = vec![0; content("b.jpg").len()];
        replaced.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(bytes, content("b.jpg"));
        drop(replaced);
        let began = Instant::now();
        while new().is_err_and(is_busy) {
            assert!(began.elapsed() < PATIENCE);
        }
        assert_eq!(new().unwrap(), b"another file");
    }
}

fn is_busy(error: io::Error) -> bool {
    error.raw_os_error() == Some(Errno::BUSY.raw_os_error())
}

/// Where the kernel keeps what it read by requests, it knows files by size and time only.
#[test]
fn readers_of_a_file_and_of_the_one_that_took_its_place_each_get_their_own_bytes() {
    let fixture = Fixture::new("a.jpg");
    let Some(mount) = Mount::with(&fixture, &options(false)) else {
        return;
    };
    let open = || File::open(mount.path("all/a.jpg")).unwrap();
    let check = |file: &File, name: &str| {
        let mut bytes = vec![0; content(name).len()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes == content(name), "{name}");
    };
    let old = open();
    let mut part = vec![0; 4096];
    old.read_exact_at(&mut part, 100_000).unwrap();
    let (new, before) = (fixture.path("new"), fixture.path("a.jpg"));
    std::fs::write(&new, content("b.jpg")).unwrap();
    let time = before.metadata().unwrap().modified().unwrap();
    let file = OpenOptions::new().write(true).open(&new).unwrap();
    file.set_modified(time).unwrap();
    std::fs::rename(&new, &before).unwrap();
    fixture.see_again("a.jpg");
    check(&old, "a.jpg");
    let (first, second) = (open(), open());
    check(&first, "b.jpg");
    check(&old, "a.jpg");
    check(&second, "b.jpg");
    drop((old, first, second));
    check(&open(), "b.jpg");
    check(&open(), "b.jpg");
}
