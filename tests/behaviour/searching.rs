//! Searches as folders.

use std::process::Command;

use kbasefs::catalog::{Change, Edit};

use crate::fixture::{Fixture, Surface, content};
use crate::mount::Mount;
use crate::suite::{check, check_soon, refused};
use crate::watched::Watched;

/// The part of the suite about searches.
pub fn run(fixture: &Fixture, surface: &dyn Surface) {
    any_query_is_a_folder(surface);
    the_latest_searches_are_listed(surface);
    a_mistake_is_a_folder_that_explains_it(surface);
    names_that_programs_look_for_are_no_searches(surface);
    a_search_follows_changes(fixture, surface);
}

fn any_query_is_a_folder(surface: &dyn Surface) {
    check(surface, "/search", "");
    check(surface, "/search/dog", "b.jpg, c.jpg");
    check(surface, "/search/dog -beach", "c.jpg");
    check(surface, "/search/Trip", "b.jpg, c.jpg");
    check(surface, "/search/-dog", "a.jpg, e.jpg");
    check(surface, "/search/folder:trip%2Fdeep", "c.jpg");
    check(surface, "/search/tag:sunset OR name:e*", "a.jpg, e.jpg");
    check(surface, "/search/nothing like it", "");
    assert!(surface.read("/search/dog/b.jpg") == Ok(content("trip/b.jpg")));
    let everywhere = surface.stat("/all/trip/b.jpg");
    assert_eq!(surface.stat("/search/dog/b.jpg"), everywhere);
    refused(surface.stat("/search/dog/a.jpg"), "ENOENT");
    refused(surface.make_folder("/search/dog/x"), "EPERM");
    let query = surface.get("/search/folder:trip%2Fdeep", "user.kbasefs.query");
    assert_eq!(query.as_deref(), Ok("folder:trip/deep"));
    let names = surface.attributes("/search/dog").unwrap();
    assert_eq!(names, ["user.kbasefs.query"]);
}

fn the_latest_searches_are_listed(surface: &dyn Surface) {
    for n in 0..9 {
        check(surface, &format!("/search/size:{n}"), "");
    }
    // Looked up, as by a shell that completes a name, but never listed.
    surface.stat("/search/size:99").unwrap();
    let names = surface.list("/search").unwrap();
    let expected: Vec<_> = (1..9).map(|n| format!("size:{n}/")).collect();
    assert_eq!(names, expected);
    let readme = String::from_utf8(surface.read("/search/README.txt").unwrap()).unwrap();
    assert!(readme.contains("rating:>=3"));
}

fn a_mistake_is_a_folder_that_explains_it(surface: &dyn Surface) {
    check(surface, "/search/dog tga:x", "ERROR.txt");
    let file = "/search/dog tga:x/ERROR.txt";
    let text = surface.read(file).unwrap();
    let stat = surface.stat(file).unwrap();
    assert_eq!((stat.is_folder, stat.size), (false, text.len() as u64));
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("dog tga:x\n    ^^^\n"), "{text}");
    assert!(text.contains("did you mean tag: ?"), "{text}");
    refused(surface.stat("/search/dog tga:x/a.jpg"), "ENOENT");
    refused(surface.list(file), "ENOTDIR");
    refused(surface.remove_file(file), "EPERM");
}

fn names_that_programs_look_for_are_no_searches(surface: &dyn Surface) {
    for name in [
        ".Trash",
        ".Trash-0",
        ".hidden",
        ".git",
        "desktop.ini",
        "Thumbs.db",
    ] {
        refused(surface.stat(&format!("/search/{name}")), "ENOENT");
    }
}

fn a_search_follows_changes(fixture: &Fixture, surface: &dyn Surface) {
    check(surface, "/search/owls OR owl", "");
    refused(surface.stat("/search/owls OR owl/e.jpg"), "ENOENT");
    let id = fixture.id("e.jpg");
    let edited = |edit| Change::edited(id, edit);
    let owl = edited(Edit::Tag("owl".into()));
    fixture.library.commit(&[owl]).unwrap();
    check_soon(surface, "/search/owls OR owl", "e.jpg");
    surface.eventually(&mut || surface.stat("/search/owls OR owl/e.jpg").is_ok());
    let none = edited(Edit::ClearTags);
    fixture.library.commit(&[none]).unwrap();
    check_soon(surface, "/search/owls OR owl", "");
    surface.eventually(&mut || surface.stat("/search/owls OR owl/e.jpg").is_err());
}

#[test]
fn a_search_asks_the_store_once_for_each_word() {
    let store = Watched::open();
    let photos: String = (0..300).map(|n| format!("{n}.jpg beach;")).collect();
    let fixture = Fixture::with_store(store.clone(), &photos);
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    for _ in 0..3 {
        assert_eq!(mount.list("/search/beach -dog").unwrap().len(), 300);
    }
    for n in 0..300 {
        mount.stat(&format!("/search/beach -dog/{n}.jpg")).unwrap();
        assert!(mount.stat(&format!("/search/beach -dog/{n}.png")).is_err());
    }
    assert_eq!(store.asked(), 2);
    // What a shell does that completes a name, or a file manager that a path is typed into.
    for name in ["b", "be", "bea", "beach "] {
        mount.stat(&format!("/search/{name}")).unwrap();
    }
    assert_eq!(store.asked(), 2);
}

#[test]
fn ordinary_commands_work_in_a_search() {
    let fixture = Fixture::new("trip/a.jpg dog; b.jpg dog; c.jpg cat");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let run = |command: &str, args: &[&str]| {
        let mut command = Command::new(command);
        let output = command.args(args).current_dir(mount.path("search"));
        let output = output.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    let ok = |text: &str| (true, text.to_owned());
    let to = out.path().to_str().unwrap();
    assert_eq!(run("ls", &["dog -cat"]), ok("a.jpg\nb.jpg\n"));
    assert_eq!(run("cp", &["-r", "dog -cat", to]), ok(""));
    let copy = std::fs::read(out.path().join("dog -cat/a.jpg")).unwrap();
    assert!(copy == content("trip/a.jpg"));
    let archive = format!("{to}/x.tar");
    assert_eq!(run("tar", &["cf", &archive, "dog -cat"]), ok(""));
    let (done, names) = run("tar", &["tf", &archive]);
    assert_eq!((done, names.lines().count()), (true, 3), "{names}");
    let found = run("find", &[".", "-type", "f", "-name", "*.jpg"]);
    assert_eq!(found.1.lines().count(), 2, "the search made last is listed");
    let (explained, text) = run("cat", &["dog (/ERROR.txt"]);
    assert!(explained && text.contains("never closed"), "{text}");
    assert!(!run("rm", &["dog -cat/a.jpg"]).0);
    assert!(!run("mkdir", &["dog/x"]).0);
    assert!(fixture.path("trip/a.jpg").exists());
}

#[test]
fn a_search_that_takes_long_holds_nobody_up() {
    let (store, open) = Watched::gated();
    let fixture = Fixture::with_store(store.clone(), "a.jpg beach");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    // More than the mount has threads.
    std::thread::scope(|scope| {
        let searches: Vec<_> = (0..20)
            .map(|n| {
                let mount = &mount;
                scope.spawn(move || mount.list(&format!("/search/beach -x{n}")))
            })
            .collect();
        let open = open;
        mount.eventually(&mut || store.asked() >= 20);
        assert_eq!(mount.list("/tags/beach").unwrap(), ["a.jpg"]);
        (0..1000).for_each(|_| open.send(()).unwrap());
        for search in searches {
            assert_eq!(search.join().unwrap().unwrap(), ["a.jpg"]);
        }
    });
}
