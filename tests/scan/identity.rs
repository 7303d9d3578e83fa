//! A photo stays itself, wherever it goes.

use std::fs;

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
fn a_new_file_in_the_place_of_a_photo_that_moved_is_a_new_photo() {
    on_each_store(|source| {
        source.picture("a.bmp", 1);
        source.scan();
        let a = source.id("a.bmp");
        source.rename("a.bmp", "z.bmp");
        source.picture("a.bmp", 2);
        let report = source.scan();
        assert_eq!((report.moved, report.added, report.changed), (1, 1, 0));
        assert_eq!(source.id("z.bmp"), a);
        assert_ne!(source.id("a.bmp"), a);
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
