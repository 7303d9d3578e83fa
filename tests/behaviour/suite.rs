//! The suite.

use kbasefs::catalog::{Change, ContentHash};

use crate::fixture::{Fixture, Stat, Surface, content};
use crate::{copying, saving, searching};

pub const PHOTOS: &str = "a.jpg beach sunset; trip/b.jpg beach dog; trip/deep/c.jpg dog; e.jpg";

/// Everything that holds for any surface of a catalog of [`PHOTOS`].
pub fn run(fixture: &Fixture, surface: &dyn Surface) {
    every_view_lists_its_photos(surface);
    a_photo_reads_the_same_in_every_view(surface);
    a_photo_looks_like_its_original(fixture, surface);
    texts_mirror_the_source(surface);
    names_that_are_not_there_are_not_found(surface);
    attributes_say_what_is_known(surface);
    searching::run(fixture, surface);
    saving::run(surface);
    what_a_person_sets_holds(surface);
    a_change_shows(fixture, surface);
    copies_are_listed_together(fixture, surface);
    a_photo_is_tagged_by_linking_and_moving_it(surface);
    a_photo_is_untagged_by_removing_it(surface);
    what_would_change_the_source_is_refused(surface);
    a_tag_is_made_and_removed_as_a_folder(surface);
    a_tag_is_renamed_and_merged_as_a_folder(surface);
    a_photo_is_found_under_the_name_it_was_brought_under(fixture, surface);
    copying::run(fixture, surface);
    everything_can_be_taken_back(fixture, surface);
}

/// A listing as the suite compares it.
pub fn shown(entries: impl Iterator<Item = (String, bool)>) -> Vec<String> {
    let generated = |name: &str| name == "README.txt" || name.starts_with('.');
    let mut names: Vec<_> = entries
        .filter(|(name, _)| !generated(name))
        .map(|(name, is_folder)| if is_folder { name + "/" } else { name })
        .collect();
    names.sort();
    names
}

pub fn check(surface: &dyn Surface, path: &str, expected: &str) {
    let names = surface.list(path).map(|names| names.join(", "));
    assert_eq!(names.as_deref(), Ok(expected), "{path}");
}

/// The same for what has just been edited: other folders than the edited one follow soon.
pub fn check_soon(surface: &dyn Surface, path: &str, expected: &str) {
    surface.eventually(&mut || {
        let names = surface.list(path).map(|names| names.join(", "));
        names.as_deref() == Ok(expected)
    });
}

pub fn refused<T: std::fmt::Debug>(result: Result<T, String>, refusal: &str) {
    assert_eq!(result.map(|_| ()), Err(refusal.to_owned()));
}

fn every_view_lists_its_photos(surface: &dyn Surface) {
    let views = "all/, by-camera/, by-color/, by-date/, by-place/, by-rating/, by-type/, descriptions/, duplicates/, failed/, recent/, saved/, search/, tags/, titles/, unanalyzed/";
    check(surface, "/", views);
    check(surface, "/all", "a.jpg, e.jpg, trip/");
    check(surface, "/all/trip", "b.jpg, deep/");
    check(surface, "/all/trip/deep", "c.jpg");
    check(surface, "/tags", "beach/, dog/, sunset/");
    check(surface, "/tags/beach", "a.jpg, b.jpg, dog/, sunset/");
    check(surface, "/tags/beach/dog", "b.jpg");
    check(surface, "/tags/beach/-dog", "a.jpg");
    check(surface, "/by-type/jpeg", "a.jpg, b.jpg, c.jpg, e.jpg");
    check(surface, "/unanalyzed", "a.jpg, b.jpg, c.jpg, e.jpg");
    check(surface, "/failed", "");
    check(surface, "/by-rating", "");
    check(surface, "/recent", "");
    check(surface, "/titles", "");
}

fn a_photo_reads_the_same_in_every_view(surface: &dyn Surface) {
    for path in [
        "/all/trip/b.jpg",
        "/tags/beach/b.jpg",
        "/tags/dog/beach/b.jpg",
    ] {
        assert!(surface.read(path) == Ok(content("trip/b.jpg")), "{path}");
    }
    let readme = String::from_utf8(surface.read("/README.txt").unwrap()).unwrap();
    assert!(readme.contains("4 photos"));
    assert!(!readme.contains('_'), "names of the code: {readme}");
}

fn a_photo_looks_like_its_original(fixture: &Fixture, surface: &dyn Surface) {
    use std::os::unix::fs::MetadataExt;
    let original = std::fs::metadata(fixture.path("trip/b.jpg")).unwrap();
    let stat = surface.stat("/all/trip/b.jpg").unwrap();
    let expected = Stat {
        inode: stat.inode,
        is_folder: false,
        size: original.size(),
        mtime_ns: original.mtime() * 1_000_000_000 + original.mtime_nsec(),
        mode: original.mode() & 0o755,
        // all, two tags, type, unanalyzed
        nlink: 5,
    };
    assert_eq!(stat, expected);
    assert_eq!(surface.stat("/tags/dog/b.jpg"), Ok(expected));
    assert!(stat.inode < 1 << 53);
    let folder = surface.stat("/tags/dog").unwrap();
    assert_eq!((folder.is_folder, folder.mode), (true, 0o755));
    assert_eq!(surface.stat("/all/trip").unwrap().mode, 0o555);
}

fn texts_mirror_the_source(surface: &dyn Surface) {
    check(surface, "/descriptions", "a.jpg.txt, e.jpg.txt, trip/");
    check(surface, "/descriptions/trip", "b.jpg.txt, deep/");
    let text = surface.read("/descriptions/trip/b.jpg.txt");
    assert_eq!(text.as_deref(), Ok(&b"beach\ndog\n"[..]));
    let stat = surface.stat("/descriptions/trip/b.jpg.txt").unwrap();
    assert_eq!((stat.size, stat.nlink, stat.mode), (10, 1, 0o444));
    assert!(stat.inode < 1 << 53);
    assert_eq!(surface.read("/descriptions/e.jpg.txt"), Ok(Vec::new()));
    refused(surface.stat("/descriptions/a.jpg"), "ENOENT");
    refused(surface.stat("/descriptions/b.jpg.txt"), "ENOENT");
    assert_eq!(
        surface.attributes("/descriptions/a.jpg.txt"),
        Ok(Vec::new())
    );
}

fn names_that_are_not_there_are_not_found(surface: &dyn Surface) {
    for path in [
        "/.Trash",
        "/.Trash-0",
        "/tags/cat",
        "/tags/dog/.hidden",
        "/all/b.jpg",
        "/tags/dog/dog",
    ] {
        refused(surface.stat(path), "ENOENT");
    }
    refused(surface.stat("/all/a.jpg/x"), "ENOTDIR");
}

fn attributes_say_what_is_known(surface: &dyn Surface) {
    let names = surface.attributes("/all/a.jpg").unwrap();
    let expected = [
        "user.xdg.tags",
        "user.kbasefs.tags",
        "user.kbasefs.status",
        "user.kbasefs.confidence",
    ];
    assert_eq!(names, expected);
    assert_eq!(surface.attributes("/all"), Ok(Vec::new()));
    assert_eq!(
        surface.get("/all/a.jpg", "user.xdg.tags").unwrap(),
        "beach,sunset"
    );
    assert_eq!(
        surface.get("/all/a.jpg", "user.kbasefs.status").unwrap(),
        "pending"
    );
    refused(
        surface.get("/all/a.jpg", "user.kbasefs.description"),
        "ENODATA",
    );
    refused(surface.get("/all/a.jpg", "user.nothing"), "ENODATA");
    refused(surface.get("/all/a.jpg", "security.selinux"), "ENOTSUP");
    refused(surface.get("/all/a.jpg", "trusted.x"), "ENOTSUP");
    refused(
        surface.set("/all/a.jpg", "user.kbasefs.status", "x"),
        "EPERM",
    );
    refused(surface.remove("/all/a.jpg", "user.xdg.comment"), "ENODATA");
}

fn what_a_person_sets_holds(surface: &dyn Surface) {
    surface
        .set("/all/a.jpg", "user.xdg.comment", "the last evening")
        .unwrap();
    let description = surface.get("/all/a.jpg", "user.kbasefs.description");
    assert_eq!(description.as_deref(), Ok("the last evening"));
    surface.remove("/all/a.jpg", "user.xdg.comment").unwrap();
    refused(surface.get("/all/a.jpg", "user.xdg.comment"), "ENODATA");
    surface.set("/all/e.jpg", "user.xdg.tags", "cat").unwrap();
    assert_eq!(
        surface.get("/all/e.jpg", "user.kbasefs.tags").as_deref(),
        Ok("cat")
    );
    let title = |path, value| surface.set(path, "user.kbasefs.title", value);
    title("/all/a.jpg", "Before/after").unwrap();
    title("/all/trip/b.jpg", "Before/after").unwrap();
    let second = "Before%2Fafter~2.jpg";
    surface.eventually(&mut || {
        let names = surface.list("/titles");
        names.is_ok_and(|names| names == ["Before%2Fafter.jpg", second])
    });
    title("/all/a.jpg", "").unwrap();
    surface.eventually(&mut || surface.list("/titles").is_ok_and(|names| names == [second]));
    assert!(surface.read(&format!("/titles/{second}")) == Ok(content("trip/b.jpg")));
    surface.eventually(&mut || {
        let text = surface.read("/descriptions/trip/b.jpg.txt").unwrap();
        let size = surface.stat("/descriptions/trip/b.jpg.txt").unwrap().size;
        text == b"Before/after\nbeach\ndog\n" && size == text.len() as u64
    });
    let rate = |value| surface.set("/all/a.jpg", "user.baloo.rating", value);
    rate("8").unwrap();
    surface.eventually(&mut || {
        surface
            .list("/by-rating/4")
            .is_ok_and(|names| names == ["a.jpg"])
    });
    rate("0").unwrap();
    surface.eventually(&mut || {
        surface
            .list("/by-rating")
            .is_ok_and(|names| names.is_empty())
    });
}

fn a_change_shows(fixture: &Fixture, surface: &dyn Surface) {
    fixture.add("trip/f.jpg beach owl 2024-07-14");
    surface.eventually(&mut || {
        surface
            .list("/tags/owl")
            .is_ok_and(|names| names == ["f.jpg"])
            && surface.stat("/tags/cat/e.jpg").is_ok()
            && surface.stat("/descriptions/trip/f.jpg.txt").is_ok()
            && surface
                .list("/recent")
                .is_ok_and(|names| names == ["f.jpg"])
            && surface
                .list("/all/trip")
                .is_ok_and(|names| names == ["b.jpg", "deep/", "f.jpg"])
    });
    let id = fixture.id("trip/f.jpg");
    let gone = kbasefs::catalog::Change::Gone { id };
    fixture.library.commit(&[gone]).unwrap();
    surface.eventually(&mut || {
        surface.stat("/tags/owl").is_err()
            && surface.stat("/descriptions/trip/f.jpg.txt").is_err()
            && surface.list("/recent").is_ok_and(|names| names.is_empty())
            && surface
                .list("/all/trip")
                .is_ok_and(|names| names == ["b.jpg", "deep/"])
    });
}

fn a_photo_is_tagged_by_linking_and_moving_it(surface: &dyn Surface) {
    surface.link("/all/e.jpg", "/tags/dog/e.jpg").unwrap();
    check(surface, "/tags/dog", "b.jpg, beach/, c.jpg, cat/, e.jpg");
    refused(surface.link("/all/e.jpg", "/tags/dog/e.jpg"), "EEXIST");
    // Out of a folder of a tag and into another: one tag goes, one comes.
    surface
        .rename("/tags/dog/e.jpg", "/tags/sunset/e.jpg", false)
        .unwrap();
    refused(surface.stat("/tags/dog/e.jpg"), "ENOENT");
    check(surface, "/tags/sunset", "a.jpg, beach/, cat/, e.jpg");
    // From elsewhere: one comes. Into a folder that narrows: every tag of its path.
    surface
        .rename("/all/e.jpg", "/tags/beach/dog/e.jpg", false)
        .unwrap();
    check(surface, "/tags/beach/dog", "b.jpg, e.jpg");
    assert!(surface.stat("/all/e.jpg").is_ok());
    let tags = surface.get("/all/e.jpg", "user.xdg.tags").unwrap();
    assert_eq!(tags, "beach,cat,dog,sunset");
}

fn a_photo_is_untagged_by_removing_it(surface: &dyn Surface) {
    surface.remove_file("/tags/beach/dog/e.jpg").unwrap();
    check(surface, "/tags/beach/dog", "b.jpg");
    assert!(
        surface.stat("/tags/beach/e.jpg").is_ok(),
        "only the last tag goes"
    );
    for tag in ["beach", "sunset"] {
        surface.remove_file(&format!("/tags/{tag}/e.jpg")).unwrap();
    }
    check_soon(surface, "/tags/sunset", "a.jpg");
    refused(surface.remove_file("/tags/beach/e.jpg"), "ENOENT");
}

fn what_would_change_the_source_is_refused(surface: &dyn Surface) {
    for path in [
        "/all/a.jpg",
        "/by-type/jpeg/a.jpg",
        "/tags/beach/-dog/a.jpg",
        "/README.txt",
    ] {
        refused(surface.remove_file(path), "EPERM");
    }
    refused(
        surface.rename("/all/a.jpg", "/all/trip/a.jpg", false),
        "EPERM",
    );
    refused(
        surface.rename("/tags/beach/a.jpg", "/tags/beach/z.jpg", false),
        "EPERM",
    );
    refused(
        surface.rename("/tags/beach/a.jpg", "/all/z.jpg", false),
        "EPERM",
    );
    refused(surface.rename("/all/trip", "/all/tour", false), "EPERM");
    refused(surface.link("/all/a.jpg", "/tags/a.jpg"), "EPERM");
    refused(surface.link("/all/a.jpg", "/by-type/jpeg/z.jpg"), "EPERM");
    refused(surface.make_folder("/.Trash-0"), "EPERM");
    refused(surface.make_folder("/all/new"), "EPERM");
    refused(surface.remove_folder("/all/trip"), "EPERM");
}

fn copies_are_listed_together(fixture: &Fixture, surface: &dyn Surface) {
    let hashed = |name: &str, hash| {
        let photo = fixture.library.index().photo(fixture.id(name)).unwrap();
        let hashed = Change::Hashed {
            id: photo.id,
            stat: photo.stat,
            hash: ContentHash([hash; 32]),
        };
        fixture.library.commit(&[hashed]).unwrap();
    };
    check(surface, "/duplicates", "");
    let links = surface.stat("/all/trip/b.jpg").unwrap().nlink;
    hashed("e.jpg", 1);
    hashed("trip/b.jpg", 1);
    surface.eventually(&mut || {
        let names = surface.list("/duplicates/b.jpg");
        names.is_ok_and(|names| names == ["b.jpg", "e.jpg"])
            && surface
                .list("/duplicates")
                .is_ok_and(|names| names == ["b.jpg/"])
            && surface.stat("/all/trip/b.jpg").unwrap().nlink == links + 1
    });
    hashed("e.jpg", 2);
    surface.eventually(&mut || {
        surface
            .list("/duplicates")
            .is_ok_and(|names| names.is_empty())
            && surface.stat("/duplicates/b.jpg").is_err()
            && surface.stat("/all/trip/b.jpg").unwrap().nlink == links
    });
}

fn a_tag_is_made_and_removed_as_a_folder(surface: &dyn Surface) {
    surface.make_folder("/tags/New tag").unwrap();
    check(surface, "/tags/New tag", "");
    check(surface, "/tags", "New tag/, beach/, cat/, dog/, sunset/");
    refused(surface.make_folder("/tags/New tag"), "EEXIST");
    refused(surface.make_folder("/tags/new TAG"), "EEXIST");
    refused(surface.make_folder("/tags/.Trash-0"), "EPERM");
    refused(surface.make_folder("/tags/-x"), "EINVAL");
    refused(surface.make_folder("/tags/100%"), "EINVAL");
    refused(surface.remove_folder("/tags/beach"), "ENOTEMPTY");
    refused(surface.remove_folder("/tags/beach/dog"), "ENOTEMPTY");
    surface.link("/all/e.jpg", "/tags/New tag/e.jpg").unwrap();
    refused(surface.remove_folder("/tags/New tag"), "ENOTEMPTY");
    surface.remove_file("/tags/New tag/e.jpg").unwrap();
    check(surface, "/tags", "New tag/, beach/, cat/, dog/, sunset/");
    surface.remove_folder("/tags/New tag").unwrap();
    check(surface, "/tags", "beach/, cat/, dog/, sunset/");
    refused(surface.stat("/tags/New tag"), "ENOENT");
    surface.make_folder("/tags/New tag").unwrap();
    check(surface, "/tags/New tag", "");
    surface.remove_folder("/tags/New tag").unwrap();
    // Below another tag: there at once, and a tag of its own.
    surface.make_folder("/tags/beach/trip").unwrap();
    check(surface, "/tags/beach", "a.jpg, b.jpg, dog/, sunset/, trip/");
    check(surface, "/tags/beach/trip", "");
    check(surface, "/tags", "beach/, cat/, dog/, sunset/, trip/");
    surface
        .link("/all/e.jpg", "/tags/beach/trip/e.jpg")
        .unwrap();
    check(surface, "/tags/beach/trip", "e.jpg");
    check(surface, "/tags/trip", "e.jpg");
    surface.remove_file("/tags/beach/trip/e.jpg").unwrap();
    // It was given below the one folder, and shows in the other a moment later.
    surface.eventually(&mut || surface.stat("/tags/beach/e.jpg").is_ok());
    surface.remove_file("/tags/beach/e.jpg").unwrap();
    surface.remove_folder("/tags/beach/trip").unwrap();
    check(surface, "/tags", "beach/, cat/, dog/, sunset/");
    // The last photo goes: whoever took it may remove the folder, too, but it is no tag any more.
    surface.remove_file("/tags/cat/e.jpg").unwrap();
    check(surface, "/tags/cat", "");
    check(surface, "/tags", "beach/, dog/, sunset/");
    surface.remove_folder("/tags/cat").unwrap();
    refused(surface.stat("/tags/cat"), "ENOENT");
}

fn a_tag_is_renamed_and_merged_as_a_folder(surface: &dyn Surface) {
    surface.rename("/tags/dog", "/tags/Hund", false).unwrap();
    check(surface, "/tags/Hund", "b.jpg, beach/, c.jpg");
    check(surface, "/tags", "Hund/, beach/, sunset/");
    refused(surface.stat("/tags/dog"), "ENOENT");
    // What is made is renamed as such, as file managers do with new folders.
    surface.make_folder("/tags/untitled folder").unwrap();
    surface
        .rename("/tags/untitled folder", "/tags/spring", false)
        .unwrap();
    check(surface, "/tags", "Hund/, beach/, spring/, sunset/");
    surface.link("/all/e.jpg", "/tags/spring/e.jpg").unwrap();
    refused(
        surface.rename("/tags/spring", "/tags/sunset", false),
        "EEXIST",
    );
    surface
        .rename("/tags/spring", "/tags/sunset", true)
        .unwrap();
    check(surface, "/tags/sunset", "a.jpg, beach/, e.jpg");
    check(surface, "/tags", "Hund/, beach/, sunset/");
    // Into another tag's folder: its photos get that tag, too.
    surface
        .rename("/tags/sunset", "/tags/Hund/sunset", false)
        .unwrap();
    check(surface, "/tags/Hund/sunset", "a.jpg, e.jpg");
    check(surface, "/tags/sunset", "a.jpg, beach/, e.jpg");
    check(
        surface,
        "/tags/Hund",
        "a.jpg, b.jpg, beach/, c.jpg, e.jpg, sunset/",
    );
    // Within a tag's folder: only those photos.
    surface
        .rename("/tags/Hund/sunset", "/tags/Hund/dawn", false)
        .unwrap();
    check(surface, "/tags/Hund/dawn", "a.jpg, e.jpg");
    check(surface, "/tags", "Hund/, beach/, dawn/");
    refused(
        surface.rename("/tags/beach", "/tags/beach%zz", false),
        "EINVAL",
    );
    refused(surface.rename("/tags/beach", "/all/beach", false), "EPERM");
    refused(surface.rename("/tags", "/days", false), "EPERM");
}

fn a_photo_is_found_under_the_name_it_was_brought_under(fixture: &Fixture, surface: &dyn Surface) {
    fixture.add("other/a.jpg");
    let own = surface.stat("/all/other/a.jpg").unwrap().inode;
    surface
        .link("/all/other/a.jpg", "/tags/beach/x.jpg")
        .unwrap();
    assert_eq!(surface.stat("/tags/beach/x.jpg").map(|s| s.inode), Ok(own));
    surface
        .rename("/tags/beach/x.jpg", "/tags/beach/y.jpg", false)
        .unwrap();
    assert_eq!(surface.stat("/tags/beach/y.jpg").map(|s| s.inode), Ok(own));
    let listed = surface.list("/tags/beach").unwrap();
    let name = listed.iter().find(|n| n.starts_with("a~")).unwrap();
    surface.remove_file(&format!("/tags/beach/{name}")).unwrap();
    surface.eventually(&mut || surface.stat("/tags/beach/y.jpg").is_err());
    let id = fixture.id("other/a.jpg");
    fixture
        .library
        .commit(&[kbasefs::catalog::Change::Gone { id }])
        .unwrap();
}

fn everything_can_be_taken_back(fixture: &Fixture, surface: &dyn Surface) {
    use kbasefs::catalog::Actor;
    use kbasefs::library::{UndoError, Which};
    loop {
        match fixture.library.undo(Which::Last, &Actor::default()) {
            Ok(_) => {}
            Err(UndoError::NothingToUndo) => break,
            Err(error) => panic!("{error}"),
        }
    }
    check_soon(surface, "/tags", "beach/, dog/, sunset/");
    check_soon(surface, "/tags/beach", "a.jpg, b.jpg, dog/, sunset/");
    check_soon(surface, "/tags/dog", "b.jpg, beach/, c.jpg");
    assert_eq!(
        surface.get("/all/a.jpg", "user.xdg.tags").as_deref(),
        Ok("beach,sunset")
    );
}
