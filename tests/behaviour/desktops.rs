//! What file managers send, request by request, as it was seen on a mount: on the bare tree and on a real one.
//!
//! Thunar, Nautilus, PCManFM, Nemo and Caja are GIO's and send the same; Dolphin is KIO's.

use crate::fixture::{Fixture, Surface, content};
use crate::mount::Mount;
use crate::suite::{check, check_soon, refused};
use crate::tree::Bare;

const PHOTOS: &str = "a.jpg beach; b.jpg beach dog; c.jpg dog; trip/d.jpg";

fn on_each(test: fn(&Fixture, &dyn Surface)) {
    let fixture = Fixture::new(PHOTOS);
    test(&fixture, &Bare::new(&fixture));
    let fixture = Fixture::new(PHOTOS);
    if let Some(mount) = Mount::new(&fixture) {
        test(&fixture, &mount);
    }
}

fn tags(surface: &dyn Surface, path: &str) -> String {
    surface.get(path, "user.xdg.tags").unwrap_or_default()
}

/// Names that file managers look for before anything else.
fn looks_around(surface: &dyn Surface, folder: &str) {
    for name in [
        ".hidden",
        ".directory",
        ".Trash",
        ".Trash-0",
        ".sh_thumbnails",
        "autorun.inf",
        ".xdg-volume-info",
    ] {
        refused(surface.stat(&format!("{folder}/{name}")), "ENOENT");
    }
}

fn bytes_of(surface: &dyn Surface, path: &str) -> Vec<u8> {
    surface.read(path).unwrap()
}

#[test]
fn cut_and_paste_is_one_rename() {
    on_each(|_, surface| {
        looks_around(surface, "/tags/beach");
        refused(surface.stat("/tags/dog/a.jpg"), "ENOENT");
        surface
            .rename("/tags/beach/a.jpg", "/tags/dog/a.jpg", true)
            .unwrap();
        check_soon(surface, "/tags/dog", "a.jpg, b.jpg, beach/, c.jpg");
        check_soon(surface, "/tags/beach", "b.jpg");
        assert_eq!(tags(surface, "/all/a.jpg"), "dog");
        // Where it is already, GIO is told so by its own look, KIO by the kernel.
        assert!(surface.stat("/tags/beach/b.jpg").is_ok());
        let taken = surface.rename("/tags/dog/b.jpg", "/tags/beach/b.jpg", false);
        refused(taken, "EEXIST");
    });
}

#[test]
fn drag_and_drop_from_the_source_tags_and_leaves_the_source_alone() {
    on_each(|fixture, surface| {
        surface
            .rename("/all/trip/d.jpg", "/tags/dog/d.jpg", false)
            .unwrap();
        check_soon(surface, "/tags/dog", "b.jpg, beach/, c.jpg, d.jpg");
        check(surface, "/all/trip", "d.jpg");
        assert!(fixture.path("trip/d.jpg").exists());
        // Out of the tags there is nowhere to go, and no fallback to a copy.
        let out = surface.rename("/tags/dog/d.jpg", "/all/d.jpg", true);
        refused(out, "EPERM");
        refused(
            surface.rename("/tags/dog/d.jpg", "/tags/dog/e.jpg", true),
            "EPERM",
        );
    });
}

#[test]
fn a_paste_by_gio_says_what_its_source_is_after_the_end() {
    on_each(|_, surface| {
        surface
            .set("/all/c.jpg", "user.xdg.comment", "by the lake")
            .unwrap();
        let source = surface.attributes("/all/c.jpg").unwrap();
        let told: Vec<_> = source
            .iter()
            .map(|name| (name, surface.get("/all/c.jpg", name).unwrap()))
            .collect();
        refused(surface.stat("/tags/beach/c.jpg"), "ENOENT");
        let mut file = surface.create("/tags/beach/c.jpg").unwrap();
        for part in bytes_of(surface, "/all/c.jpg").chunks(65_536) {
            file.write(part).unwrap();
        }
        file.close().unwrap();
        assert!(surface.stat("/tags/beach/c.jpg").is_ok());
        surface.touch("/tags/beach/c.jpg").unwrap();
        for (name, value) in &told {
            surface.set("/tags/beach/c.jpg", name, value).unwrap();
        }
        check_soon(surface, "/tags/beach", "a.jpg, b.jpg, c.jpg, dog/");
        assert_eq!(tags(surface, "/all/c.jpg"), "beach,dog");
        let comment = surface.get("/all/c.jpg", "user.xdg.comment");
        assert_eq!(comment.as_deref(), Ok("by the lake"));
    });
}

#[test]
fn a_paste_by_kio_says_what_its_source_is_before_the_end() {
    on_each(|_, surface| {
        refused(surface.stat("/tags/beach/d.jpg"), "ENOENT");
        let mut file = surface.create("/tags/beach/d.jpg").unwrap();
        file.write(&content("trip/d.jpg")).unwrap();
        file.set("user.xdg.tags", "").unwrap();
        file.set("user.baloo.rating", "6").unwrap();
        file.close().unwrap();
        surface.touch("/tags/beach/d.jpg").unwrap();
        check_soon(surface, "/tags/beach", "a.jpg, b.jpg, d.jpg, dog/");
        refused(
            surface.get("/all/trip/d.jpg", "user.baloo.rating"),
            "ENODATA",
        );
    });
}

#[test]
fn a_paste_where_the_photo_is_already_changes_nothing() {
    on_each(|_, surface| {
        // GIO asks, and then replaces by a file of its own, or keeps both under another name.
        let mut file = surface.create("/tags/beach/.goutputstream-X3A1B2").unwrap();
        file.write(&content("a.jpg")).unwrap();
        file.close().unwrap();
        surface
            .rename(
                "/tags/beach/.goutputstream-X3A1B2",
                "/tags/beach/a.jpg",
                true,
            )
            .unwrap();
        let mut file = surface.create("/tags/beach/a (copy).jpg").unwrap();
        file.write(&content("a.jpg")).unwrap();
        file.close().unwrap();
        check_soon(surface, "/tags/beach", "a.jpg, b.jpg, dog/");
        let inode = |path| surface.stat(path).unwrap().inode;
        assert_eq!(inode("/tags/beach/a (copy).jpg"), inode("/all/a.jpg"));
        assert_eq!(tags(surface, "/all/a.jpg"), "beach");
    });
}

#[test]
fn an_empty_document_is_none() {
    on_each(|_, surface| {
        let file = surface.create("/tags/beach/New Empty File").unwrap();
        refused(file.close(), "EPERM");
        refused(surface.stat("/tags/beach/New Empty File"), "ENOENT");
        check(surface, "/tags/beach", "a.jpg, b.jpg, dog/");
    });
}

#[test]
fn a_new_folder_is_made_and_then_named() {
    on_each(|_, surface| {
        for (untitled, name) in [("untitled folder", "spring"), ("New Folder", "summer")] {
            let (untitled, name) = (format!("/tags/{untitled}"), format!("/tags/{name}"));
            surface.make_folder(&untitled).unwrap();
            assert!(surface.stat(&untitled).unwrap().is_folder);
            refused(surface.stat(&name), "ENOENT");
            surface.rename(&untitled, &name, true).unwrap();
            check(surface, &name, "");
            surface
                .link("/all/a.jpg", &format!("{name}/a.jpg"))
                .unwrap();
            check_soon(surface, &name, "a.jpg");
        }
        check_soon(surface, "/tags", "beach/, dog/, spring/, summer/");
        refused(surface.make_folder("/all/untitled folder"), "EPERM");
    });
}

#[test]
fn who_finds_no_trash_deletes_and_takes_only_a_tag() {
    on_each(|fixture, surface| {
        for trash in ["/.Trash", "/.Trash-0", "/tags/.Trash-0"] {
            refused(surface.stat(trash), "ENOENT");
            refused(surface.make_folder(trash), "EPERM");
        }
        surface.remove_file("/tags/beach/a.jpg").unwrap();
        check_soon(surface, "/tags/beach", "b.jpg");
        refused(surface.remove_file("/all/a.jpg"), "EPERM");
        // A folder: everything in it, the deepest first.
        surface.remove_file("/tags/dog/b.jpg").unwrap();
        surface.remove_file("/tags/dog/c.jpg").unwrap();
        surface.remove_folder("/tags/dog").unwrap();
        check_soon(surface, "/tags", "beach/");
        for name in ["a.jpg", "b.jpg", "c.jpg"] {
            assert!(fixture.path(name).exists());
        }
    });
}

#[test]
fn dolphin_copies_to_the_trash_at_home_and_deletes() {
    on_each(|fixture, surface| {
        // Another file system: the rename to it fails there, with EXDEV, and never comes here.
        assert!(bytes_of(surface, "/tags/dog/c.jpg") == content("c.jpg"));
        surface.remove_file("/tags/dog/c.jpg").unwrap();
        check_soon(surface, "/tags/dog", "b.jpg");
        check(surface, "/all", "a.jpg, b.jpg, c.jpg, trip/");
        assert!(fixture.path("c.jpg").exists());
        refused(surface.remove_file("/by-type/jpeg/c.jpg"), "EPERM");
    });
}
