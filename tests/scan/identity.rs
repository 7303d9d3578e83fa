//! A photo stays itself, wherever it goes.

use std::fs;
use std::time::SystemTime;

use crate::source::{in_memory, on_each_store, picture};

#[test]
fn a_changed_photo_keeps_what_a_person_said() {
    on_each_store(|source| {
        source.picture("in-place.bmp", 1);
        source.picture("replaced.bmp", 2);
        source.scan();
        let ids = [source.id("in-place.bmp"), source.id("replaced.bmp")];
        for id in ids {
            source.tag(id, "mine");
        }
        fs::write(source.at("in-place.bmp"), [picture(3), vec![0]].concat()).unwrap();
        source.picture("new.tmp", 4);
        source.rename("new.tmp", "replaced.bmp");
        let report = source.scan();
        assert_eq!((report.changed, report.added, report.gone), (2, 0, 0));
        assert_eq!(ids, [source.id("in-place.bmp"), source.id("replaced.bmp")]);
        assert_eq!(ids.map(|id| source.tags(id)), [["mine"], ["mine"]]);
    });
}

#[test]
fn a_renamed_photo_stays_itself() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("album/b.bmp", 2);
        source.scan();
        let (a, b) = (source.id("a.bmp"), source.id("album/b.bmp"));
        source.tag(a, "mine");
        source.rename("a.bmp", "2019/05/z.bmp");
        source.rename("album", "Album");
        let report = source.scan();
        assert_eq!(
            (report.moved, report.opened, report.gone, report.added),
            (2, 0, 0, 0)
        );
        assert_eq!(
            (a, b),
            (source.id("2019/05/z.bmp"), source.id("Album/b.bmp"))
        );
        assert_eq!(source.tags(a), ["mine"]);
    });
}

#[test]
fn photos_that_change_places_stay_themselves() {
    on_each_store(|source| {
        for (look, path) in ["a.bmp", "b.bmp", "c.bmp", "d.bmp"].into_iter().enumerate() {
            source.picture(path, u32::try_from(look).unwrap());
        }
        source.scan();
        let [a, b, c, d] = ["a.bmp", "b.bmp", "c.bmp", "d.bmp"].map(|p| source.id(p));
        source.rename("a.bmp", "t");
        source.rename("b.bmp", "a.bmp");
        source.rename("t", "b.bmp");
        source.rename("d.bmp", "c.bmp");
        let report = source.scan();
        assert_eq!((report.moved, report.gone, report.opened), (3, 1, 0));
        assert_eq!([b, a, d], ["a.bmp", "b.bmp", "c.bmp"].map(|p| source.id(p)));
        assert!(source.library.index().photo(c).is_none());
    });
}

#[test]
fn a_new_file_in_the_place_of_a_photo_that_moved_is_a_new_photo_with_the_words_of_its_name() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let a = source.id("a.bmp");
        source.tag(a, "keep");
        source.rename("a.bmp", "z.bmp");
        source.picture("a.bmp", 2);
        let report = source.scan();
        assert_eq!((report.moved, report.added, report.changed), (1, 1, 0));
        assert_eq!(source.id("z.bmp"), a);
        let new = source.id("a.bmp");
        assert_ne!(new, a);
        let index = source.library.index();
        assert_eq!(&*index.photo(new).unwrap().name, b"a.bmp");
        assert_eq!([a, new].map(|id| source.tags(id)), [["keep"], ["keep"]]);
        source.undo();
        assert!([a, new].iter().all(|id| source.tags(*id).is_empty()));
        source.redo();
        source.remove("z.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.tags(new), ["keep"]);
    });
}

#[test]
fn words_stay_with_a_photo_whose_place_another_known_one_or_no_picture_takes() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("b.bmp", 2);
        source.picture("c.bmp", 3);
        source.scan();
        let [a, b, c] = ["a.bmp", "b.bmp", "c.bmp"].map(|path| source.id(path));
        source.tag(a, "keep");
        source.tag(c, "sea");
        source.rename("a.bmp", "z.bmp");
        source.rename("b.bmp", "a.bmp");
        source.rename("c.bmp", "y.bmp");
        fs::write(source.at("c.bmp"), "a note").unwrap();
        source.scan();
        assert_eq!([b, c, a], ["a.bmp", "y.bmp", "z.bmp"].map(|p| source.id(p)));
        assert_eq!([a, c].map(|id| source.tags(id)), [["keep"], ["sea"]]);
        assert!(source.tags(b).is_empty());
    });
}

#[test]
fn hard_links_are_photos_of_their_own() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let a = source.id("a.bmp");
        fs::hard_link(source.at("a.bmp"), source.at("b.bmp")).unwrap();
        assert_eq!(source.scan().added, 1);
        assert_eq!(source.paths(), ["a.bmp", "b.bmp"]);
        assert_eq!(source.id("a.bmp"), a);
        source.rename("a.bmp", "c.bmp");
        assert_eq!(source.scan().moved, 1);
        assert_eq!(source.id("c.bmp"), a);
    });
}

#[test]
fn a_photo_copied_and_deleted_comes_back_by_its_hash() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("same-size.bmp", 2);
        source.scan();
        assert_eq!(source.hash(), 2);
        assert_eq!(source.hash(), 0);
        let a = source.id("a.bmp");
        source.tag(a, "mine");
        source.picture("copy/b.bmp", 1);
        fs::remove_file(source.at("a.bmp")).unwrap();
        let report = source.scan();
        assert_eq!((report.added, report.gone), (1, 1));
        assert_eq!(source.hash(), 1);
        assert_eq!(source.id("copy/b.bmp"), a);
        assert_eq!(source.tags(a), ["mine"]);
    });
}

#[test]
fn a_file_of_a_size_of_its_own_is_not_read_for_its_hash() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    fs::write(source.at("longer.bmp"), [picture(1), vec![0]].concat()).unwrap();
    source.scan();
    assert_eq!(source.hash(), 0);
}

#[test]
fn big_files_of_one_size_are_read_whole_only_where_they_look_alike() {
    let source = in_memory();
    let big = |end: u8| [picture(1), vec![0; 100_000], vec![end]].concat();
    for (path, end) in [("a.bmp", 1), ("copy.bmp", 1), ("other.bmp", 2)] {
        fs::write(source.at(path), big(end)).unwrap();
    }
    source.scan();
    assert_eq!(source.hash(), 2);
    let hash = |path| source.library.index().photo(source.id(path)).unwrap().hash;
    assert!(hash("a.bmp").is_some());
    assert_eq!(hash("a.bmp"), hash("copy.bmp"));
    assert_eq!(hash("other.bmp"), None);
    fs::write(source.at("second.bmp"), big(2)).unwrap();
    source.scan();
    assert_eq!(source.hash(), 2);
    assert_eq!(hash("other.bmp"), hash("second.bmp"));
}

#[test]
fn a_photo_written_again_is_hashed_again() {
    let source = in_memory();
    source.picture("a.bmp", 1);
    source.picture("copy.bmp", 1);
    source.scan();
    assert_eq!(source.hash(), 2);
    fs::write(source.at("copy.bmp"), [picture(1), vec![0]].concat()).unwrap();
    source.scan();
    let id = source.id("a.bmp");
    let hash = || source.library.index().photo(id).unwrap().hash;
    let before = hash();
    source.picture("restored.tmp", 1);
    source.rename("restored.tmp", "a.bmp");
    assert_eq!(source.scan().changed, 1);
    assert_eq!(hash(), None);
    assert_eq!(source.hash(), 1);
    assert_eq!((source.id("a.bmp"), hash()), (id, before));
}

/// What people said of a file that was never read as a whole, which is copied with its time and then removed.
#[test]
fn what_was_said_goes_along_with_a_copy_that_keeps_the_time() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("other.bmp", 2);
        source.scan();
        let a = source.id("a.bmp");
        source.tag(a, "mine");
        source.copy_with_time("a.bmp", "sub/a.bmp");
        source.remove("a.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.tags(source.id("sub/a.bmp")), ["mine"]);
        assert_eq!(source.id("sub/a.bmp"), a);
        assert_eq!(source.paths(), ["other.bmp", "sub/a.bmp"]);
    });
}

#[test]
fn what_was_said_is_there_again_when_a_backup_is() {
    on_each_store(|source| {
        source.picture("album/a.bmp", 1);
        source.picture("rest.bmp", 3);
        source.scan();
        let a = source.id("album/a.bmp");
        source.tag(a, "mine");
        let backup = source.folder.path().join("backup");
        fs::rename(source.at("album"), &backup).unwrap();
        assert_eq!(source.scan().gone, 1);
        source.hash();
        source.copy_with_time("../backup/a.bmp", "album/a.bmp");
        // As like it as can be, but not at its path.
        source.copy_with_time("../backup/a.bmp", "third/a.bmp");
        fs::write(source.at("third/a.bmp"), picture(4)).unwrap();
        let time = backup.join("a.bmp").metadata().unwrap().modified().unwrap();
        let third = fs::File::options()
            .write(true)
            .open(source.at("third/a.bmp"))
            .unwrap();
        third.set_modified(time).unwrap();
        assert_eq!(source.scan().added, 2);
        source.hash();
        assert_eq!(source.id("album/a.bmp"), a);
        assert_eq!(source.tags(a), ["mine"]);
        assert!(source.tags(source.id("third/a.bmp")).is_empty());
    });
}

#[test]
fn a_photo_that_was_beside_one_that_is_gone_is_not_taken_for_it() {
    on_each_store(|source| {
        let big = |end: u8| [picture(1), vec![0; 100_000], vec![end]].concat();
        let paths = ["x/a.bmp", "y/a.bmp", "z/a.bmp"];
        for (path, end) in paths.into_iter().zip(0..) {
            fs::create_dir(source.at(path).parent().unwrap()).unwrap();
            fs::write(source.at(path), big(end)).unwrap();
            let file = fs::File::options().write(true).open(source.at(path));
            file.unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        source.scan();
        assert_eq!(source.hash(), 0);
        for path in paths {
            source.tag(source.id(path), path);
        }
        source.remove("x/a.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.tags(source.id("y/a.bmp")), ["y/a.bmp"]);
        assert_eq!(source.tags(source.id("z/a.bmp")), ["z/a.bmp"]);
    });
}

#[test]
fn of_two_files_that_are_alike_neither_is_taken_for_the_photo_that_is_gone() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("rest.bmp", 2);
        source.scan();
        source.tag(source.id("a.bmp"), "mine");
        source.copy_with_time("a.bmp", "x/a.bmp");
        source.copy_with_time("a.bmp", "y/a.bmp");
        source.remove("a.bmp");
        source.scan();
        source.hash();
        let tags = ["x/a.bmp", "y/a.bmp"].map(|path| source.tags(source.id(path)));
        assert!(tags.iter().all(Vec::is_empty), "{tags:?}");
    });
}

#[test]
fn what_people_said_something_of_is_found_by_its_content_wherever_it_goes() {
    on_each_store(|source| {
        fs::write(source.at("a.bmp"), [picture(1), vec![0]].concat()).unwrap();
        source.scan();
        assert_eq!(source.hash(), 0);
        let a = source.id("a.bmp");
        source.tag(a, "mine");
        assert_eq!((source.hash(), source.hash()), (1, 0));
        // Seen beside each other, as by who follows the source while somebody copies and then deletes.
        fs::copy(source.at("a.bmp"), source.at("b.bmp")).unwrap();
        source.scan();
        source.hash();
        source.remove("a.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.id("b.bmp"), a);
        assert_eq!(source.tags(a), ["mine"]);
        // Moved to another disk, by whoever doesn't keep times.
        fs::copy(source.at("b.bmp"), source.folder.path().join("disk.bmp")).unwrap();
        source.remove("b.bmp");
        assert_eq!(source.scan().gone, 1);
        source.hash();
        fs::copy(source.folder.path().join("disk.bmp"), source.at("c.bmp")).unwrap();
        source.scan();
        source.hash();
        assert_eq!(source.id("c.bmp"), a);
        assert_eq!(source.tags(a), ["mine"]);
    });
}

#[test]
fn a_copy_of_which_people_said_something_else_has_both() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.picture("rest.bmp", 2);
        source.scan();
        let a = source.id("a.bmp");
        source.tag(a, "mine");
        source.hash();
        source.picture("b.bmp", 1);
        source.scan();
        source.hash();
        source.tag(source.id("b.bmp"), "yours");
        source.remove("a.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.id("b.bmp"), a);
        assert_eq!(source.tags(a), ["mine", "yours"]);
        source.undo();
        assert_eq!(source.tags(a), ["mine"]);
        source.undo();
        assert!(source.tags(a).is_empty());
        // All gone, nothing is left behind at a path where nothing is.
        source.remove("b.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.paths(), ["rest.bmp"]);
    });
}

#[test]
fn copies_that_go_together_are_gone() {
    on_each_store(|source| {
        for path in ["a.bmp", "b.bmp", "c.bmp", "d.bmp"] {
            source.picture(path, 1);
        }
        source.scan();
        source.hash();
        for path in ["a.bmp", "b.bmp", "c.bmp"] {
            source.tag(source.id(path), path);
        }
        source.remove("a.bmp");
        source.remove("b.bmp");
        source.scan();
        source.hash();
        assert_eq!(source.paths(), ["c.bmp", "d.bmp"]);
        let mut tags = ["c.bmp", "d.bmp"]
            .map(|path| source.tags(source.id(path)))
            .concat();
        tags.sort();
        assert_eq!(tags, ["a.bmp", "b.bmp", "c.bmp"]);
        source.remove("c.bmp");
        source.remove("d.bmp");
        source.scan();
        source.hash();
        assert!(source.paths().is_empty());
    });
}
