//! Copying is tagging: files written into folders of tags, by what programs send and by the programs themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fixture::{Fixture, Surface, content};
use crate::mount::Mount;
use crate::suite::{check, check_soon, refused};

/// The part of the suite about copies, on photos whose content nobody has read yet.
pub fn run(fixture: &Fixture, surface: &dyn Surface) {
    surface.make_folder("/tags/trip").unwrap();
    a_copy_of_a_photo_tags_it(surface);
    what_is_no_photo_is_refused_at_its_end_and_leaves_nothing(surface);
    a_copy_is_renamed_by_the_program_that_writes_it(surface);
    a_copy_that_is_removed_comes_to_nothing(surface);
    only_folders_of_tags_take_copies(surface);
    // Nobody had read it before.
    let photo = fixture.id("trip/deep/c.jpg");
    let hash = fixture.library.index().photo(photo).unwrap().hash;
    let expected = blake3::hash(&content("trip/deep/c.jpg"));
    assert_eq!(hash.map(|hash| hash.0), Some(*expected.as_bytes()));
    surface.remove_folder("/tags/trip").unwrap();
}

fn copy(surface: &dyn Surface, bytes: &[u8], to: &str) -> Result<(), String> {
    let mut file = surface.create(to)?;
    bytes
        .chunks(100_000)
        .try_for_each(|part| file.write(part))?;
    file.close()
}

fn a_copy_of_a_photo_tags_it(surface: &dyn Surface) {
    let own = surface.stat("/all/trip/deep/c.jpg").unwrap();
    let mut file = surface.create("/tags/trip/c.jpg").unwrap();
    for part in content("trip/deep/c.jpg").chunks(70_000) {
        file.write(part).unwrap();
    }
    assert_eq!(file.size(), own.size);
    file.touch().unwrap();
    file.set("user.xdg.tags", "not,these").unwrap();
    refused(file.set("trusted.x", "y"), "ENOTSUP");
    refused(surface.create("/tags/trip/c.jpg").map(|_| ()), "EEXIST");
    file.close().unwrap();
    check_soon(surface, "/tags/trip", "c.jpg");
    // As desktop programs do it: after the end, by the path.
    surface.touch("/tags/trip/c.jpg").unwrap();
    let tags = surface.get("/all/trip/deep/c.jpg", "user.xdg.tags");
    surface
        .set("/tags/trip/c.jpg", "user.xdg.tags", "not,these")
        .unwrap();
    surface.remove("/tags/trip/c.jpg", "user.xdg.tags").unwrap();
    let after = surface.get("/all/trip/deep/c.jpg", "user.xdg.tags");
    assert_eq!(after, tags);
    let photo = surface.stat("/tags/trip/c.jpg").unwrap();
    assert_eq!((photo.inode, photo.mtime_ns), (own.inode, own.mtime_ns));
    refused(copy(surface, b"x", "/tags/trip/c.jpg"), "EEXIST");
    refused(surface.touch("/all/trip/b.jpg"), "EPERM");
    surface.touch("/tags/trip").unwrap();
    // Under a name of its own, and once more.
    copy(
        surface,
        &content("trip/deep/c.jpg"),
        "/tags/trip/c (copy).jpg",
    )
    .unwrap();
    let copied = surface.stat("/tags/trip/c (copy).jpg").unwrap();
    assert_eq!(copied.inode, own.inode);
    check_soon(surface, "/tags/trip", "c.jpg");
    surface.remove_file("/tags/trip/c.jpg").unwrap();
    check_soon(surface, "/tags/trip", "");
}

fn what_is_no_photo_is_refused_at_its_end_and_leaves_nothing(surface: &dyn Surface) {
    let mut changed = content("a.jpg");
    changed[150_000] ^= 1;
    for (bytes, name) in [
        (&changed[..], "a.jpg"),
        (&changed[..1000], "b.jpg"),
        (b"", "empty.jpg"),
    ] {
        let path = format!("/tags/trip/{name}");
        refused(copy(surface, bytes, &path), "EPERM");
        refused(surface.stat(&path), "ENOENT");
    }
    // No photo is as large.
    changed.push(0);
    refused(copy(surface, &changed, "/tags/trip/large.jpg"), "EPERM");
    check(surface, "/tags/trip", "");
}

fn a_copy_is_renamed_by_the_program_that_writes_it(surface: &dyn Surface) {
    let bytes = content("trip/deep/c.jpg");
    // Complete, then renamed.
    copy(surface, &bytes, "/tags/trip/.c.jpg.Xa3f").unwrap();
    surface.touch("/tags/trip/.c.jpg.Xa3f").unwrap();
    surface
        .rename("/tags/trip/.c.jpg.Xa3f", "/tags/trip/c.jpg", true)
        .unwrap();
    check_soon(surface, "/tags/trip", "c.jpg");
    surface.remove_file("/tags/trip/c.jpg").unwrap();
    // Renamed while it is still open, into another folder.
    let mut file = surface.create("/tags/trip/.part").unwrap();
    file.write(&bytes).unwrap();
    refused(
        surface.rename("/tags/trip/.part", "/all/c.jpg", false),
        "EROFS",
    );
    surface
        .rename("/tags/trip/.part", "/tags/beach/x.jpg", false)
        .unwrap();
    file.close().unwrap();
    check_soon(surface, "/tags/trip", "");
    assert!(surface.stat("/tags/beach/x.jpg").is_ok());
    surface.remove_file("/tags/beach/x.jpg").unwrap();
}

fn a_copy_that_is_removed_comes_to_nothing(surface: &dyn Surface) {
    let mut file = surface.create("/tags/trip/c.jpg").unwrap();
    file.write(&content("trip/deep/c.jpg")).unwrap();
    surface.remove_file("/tags/trip/c.jpg").unwrap();
    refused(surface.stat("/tags/trip/c.jpg"), "ENOENT");
    file.close().unwrap();
    check_soon(surface, "/tags/trip", "");
}

fn only_folders_of_tags_take_copies(surface: &dyn Surface) {
    for (path, refusal) in [
        ("/all/new.jpg", "EROFS"),
        ("/new.jpg", "EROFS"),
        ("/by-type/jpeg/new.jpg", "EROFS"),
        ("/tags/new.jpg", "EPERM"),
        ("/saved/new.jpg", "EPERM"),
    ] {
        refused(surface.create(path).map(|_| ()), refusal);
    }
}

/// A mount, and beside it a folder with copies of its photos and other files.
struct Desk {
    fixture: Fixture,
    mount: Mount,
    beside: tempfile::TempDir,
}

impl Desk {
    fn new() -> Option<Self> {
        let fixture = Fixture::new("a.jpg beach; b.jpg beach; c.jpg; trip/d.jpg; e.jpg dog");
        let mount = Mount::new(&fixture)?;
        let beside = tempfile::tempdir().unwrap();
        for name in ["a.jpg", "b.jpg", "c.jpg"] {
            std::fs::write(beside.path().join(name), content(name)).unwrap();
        }
        std::fs::write(beside.path().join("foreign.jpg"), content("foreign")).unwrap();
        let desk = Self {
            fixture,
            mount,
            beside,
        };
        desk.ok("mkdir tags/trip");
        Some(desk)
    }

    /// Runs a command line in the mount; `$beside` is the other folder.
    fn run(&self, command: &str) -> Output {
        let mut shell = Command::new("sh");
        shell
            .args(["-ec", command])
            .current_dir(self.mount.path("/"));
        shell
            .env("LC_ALL", "C.UTF-8")
            .env("beside", self.beside.path());
        shell.output().unwrap()
    }

    fn ok(&self, command: &str) {
        let output = self.run(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && errors.is_empty(),
            "{command}: {errors}"
        );
    }

    fn refused(&self, command: &str, why: &str) {
        let output = self.run(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command}");
        assert!(errors.contains(why), "{command}: {errors}");
    }

    fn check(&self, path: &str, expected: &str) {
        check_soon(&self.mount, path, expected);
    }
}

fn is_installed(program: &str) -> bool {
    let found = ["/usr/bin", "/bin", "/usr/local/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists());
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

#[test]
fn cp_tags() {
    let Some(desk) = Desk::new() else {
        return;
    };
    desk.ok("cp all/c.jpg tags/trip/");
    desk.check("/tags/trip", "c.jpg");
    desk.ok("cp \"$beside/a.jpg\" tags/trip/");
    desk.ok("cp -a \"$beside/b.jpg\" 'tags/trip/my b.jpg'; cmp all/b.jpg 'tags/trip/my b.jpg'");
    desk.check("/tags/trip", "a.jpg, b.jpg, beach/, c.jpg");
    desk.ok("cat all/e.jpg > tags/trip/e.jpg; cat all/trip/d.jpg | cat > tags/trip/d.jpg");
    desk.check(
        "/tags/trip",
        "a.jpg, b.jpg, beach/, c.jpg, d.jpg, dog/, e.jpg",
    );
    let room = rustix::fs::statvfs(desk.mount.path("/")).unwrap();
    assert!(room.f_bavail > 0, "programs look before they copy");
    // Onto what is there.
    desk.refused("cp all/c.jpg tags/trip/", "are the same file");
    desk.refused("cp \"$beside/c.jpg\" tags/trip/", "Read-only file system");
    desk.ok("cp -f \"$beside/c.jpg\" tags/trip/; cp -u --preserve=all \"$beside/c.jpg\" tags/trip/c2.jpg");
    desk.check(
        "/tags/trip",
        "a.jpg, b.jpg, beach/, c.jpg, d.jpg, dog/, e.jpg",
    );
    desk.ok("cp -r all/trip tags/hike; ls tags/hike/d.jpg");
}

#[test]
fn a_foreign_file_is_refused_and_leaves_nothing() {
    let Some(desk) = Desk::new() else {
        return;
    };
    desk.refused(
        "cp \"$beside/foreign.jpg\" tags/trip/",
        "Operation not permitted",
    );
    desk.refused(
        "cp -a \"$beside/foreign.jpg\" tags/trip/",
        "Operation not permitted",
    );
    desk.refused("touch tags/trip/new.jpg", "Operation not permitted");
    desk.refused(
        "dd if=/dev/zero of=tags/trip/z bs=1M count=1",
        "Operation not permitted",
    );
    desk.refused("ls tags/trip/foreign.jpg", "No such file");
    desk.check("/tags/trip", "");
    let acts = desk.fixture.library.store().acts(None, 9).unwrap();
    assert_eq!(acts.len(), 1, "the folder was made, nothing else: {acts:?}");
}

#[test]
fn rsync_tags() {
    let Some(desk) = Desk::new() else {
        return;
    };
    if !is_installed("rsync") {
        return;
    }
    // Twice: what is there is left alone.
    for _ in 0..2 {
        desk.ok("mkdir -p tags/hike; rsync -aH all/ tags/hike/; ls tags/hike/trip/d.jpg");
        desk.check(
            "/tags/hike",
            "a.jpg, b.jpg, beach/, c.jpg, d.jpg, dog/, e.jpg, trip/",
        );
    }
    desk.ok("ln \"$beside/a.jpg\" \"$beside/link.jpg\"; rm \"$beside/foreign.jpg\"");
    desk.ok("mkdir tags/tour; rsync -aHX \"$beside/\" tags/tour/; ls tags/tour/link.jpg");
    desk.check("/tags/tour", "a.jpg, b.jpg, beach/, c.jpg");
    desk.ok("cp all/e.jpg \"$beside/foreign.jpg\"; printf x >> \"$beside/foreign.jpg\"");
    desk.refused(
        "rsync -aH \"$beside/\" tags/tour/",
        "Operation not permitted",
    );
    desk.check("/tags/tour", "a.jpg, b.jpg, beach/, c.jpg");
}

#[test]
fn gio_tags() {
    let Some(desk) = Desk::new() else {
        return;
    };
    if !is_installed("gio") || !is_installed("setfattr") {
        return;
    }
    desk.ok("setfattr -n user.xdg.tags -v beach,sand all/a.jpg");
    desk.ok("gio copy all/a.jpg tags/trip/; gio copy \"$beside/c.jpg\" tags/trip/c.jpg");
    desk.check("/tags/trip", "a.jpg, beach/, c.jpg, sand/");
    desk.refused(
        "gio copy \"$beside/foreign.jpg\" tags/trip/",
        "Operation not permitted",
    );
    desk.check("/tags/trip", "a.jpg, beach/, c.jpg, sand/");
}

#[test]
fn many_copies_at_once_all_tag() {
    let photos: Vec<_> = (0..20).map(|n| format!("{n:02}.jpg")).collect();
    let fixture = Fixture::new(&photos.join(";"));
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    mount.make_folder("/tags/trip").unwrap();
    let copies: Vec<_> = photos
        .iter()
        .map(|name| {
            let paths: [PathBuf; 2] =
                [format!("/all/{name}"), format!("/tags/trip/{name}")].map(|p| mount.path(&p));
            Command::new("cp").args(paths).spawn().unwrap()
        })
        .collect();
    for mut copy in copies {
        assert!(copy.wait().unwrap().success());
    }
    check_soon(&mount, "/tags/trip", &photos.join(", "));
}
