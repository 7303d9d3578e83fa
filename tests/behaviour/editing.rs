//! Tags edited by real programs on a real mount, and by what file managers send.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kbasefs::catalog::{Actor, Role};
use kbasefs::library::Which;

use crate::fixture::{Fixture, Surface};
use crate::mount::Mount;
use crate::suite::check_soon;

const PHOTOS: &str =
    "a.jpg beach sunset; b.jpg beach dog; c.jpg beach dog sunset; d.jpg dog; e.jpg";

fn mounted() -> Option<(Fixture, Mount)> {
    let fixture = Fixture::new(PHOTOS);
    let mount = Mount::new(&fixture)?;
    Some((fixture, mount))
}

/// Runs a command line in the mount; what it says when it fails.
fn run(mount: &Mount, command: &str) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-ec", command]).current_dir(mount.path("/"));
    let output = shell.env("LC_ALL", "C.UTF-8").output().unwrap();
    match output.status.success() && output.stderr.is_empty() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn ok(mount: &Mount, command: &str) {
    assert_eq!(run(mount, command), Ok(()), "{command}");
}

fn refused(mount: &Mount, command: &str, why: &str) {
    let error = run(mount, command).unwrap_err();
    assert!(error.contains(why), "{command}: {error}");
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

fn tags(fixture: &Fixture, name: &str) -> String {
    let labels = fixture
        .library
        .index()
        .labels_of(fixture.id(name))
        .into_iter();
    let tags = labels.filter(|(facet, _)| facet.name() == "tag");
    let mut tags: Vec<_> = tags.map(|(_, shown)| shown).collect();
    tags.sort();
    tags.join(" ")
}

/// The tags of every photo.
fn all_tags(fixture: &Fixture) -> Vec<String> {
    let names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"];
    names.iter().map(|name| tags(fixture, name)).collect()
}

#[test]
fn removing_a_folder_of_a_tag_takes_that_tag_and_no_other() {
    let ways = [
        "rm -r tags/beach",
        "rm -rf tags/beach",
        "find tags/beach -delete",
        // The folders below first, as Thunar does.
        "rm -r tags/beach/dog tags/beach/sunset; rm -r tags/beach",
        "rm tags/beach/*.jpg; rmdir tags/beach/dog 2>/dev/null || true",
    ];
    for way in ways {
        let Some((fixture, mount)) = mounted() else {
            return;
        };
        let before = all_tags(&fixture);
        if way.contains("tags/beach/dog tags") {
            // Several processes: each takes the tag of the folder that it was told.
            ok(&mount, way);
            assert_eq!(tags(&fixture, "c.jpg"), "");
            continue;
        }
        ok(&mount, way);
        let expected = ["sunset", "dog", "dog sunset", "dog", ""];
        assert_eq!(all_tags(&fixture), expected, "{way}");
        assert_eq!(mount.list("/tags").unwrap(), ["dog/", "sunset/"], "{way}");
        assert!(run(&mount, "ls tags/beach").is_err(), "{way}");
        fixture
            .library
            .undo(Which::Last, &Actor::default())
            .unwrap();
        assert_eq!(all_tags(&fixture), before, "{way}");
    }
}

#[test]
fn a_program_that_removes_the_folders_below_first_takes_only_the_tag_it_was_told() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    let before = all_tags(&fixture);
    for below in ["dog", "sunset"] {
        let folder = format!("/tags/beach/{below}");
        for name in mount.list(&folder).unwrap() {
            if !name.ends_with('/') {
                mount.remove_file(&format!("{folder}/{name}")).unwrap();
            }
        }
        mount.remove_folder(&folder).unwrap();
    }
    assert_eq!(tags(&fixture, "b.jpg"), "beach");
    for name in ["a.jpg", "b.jpg", "c.jpg"] {
        mount.remove_file(&format!("/tags/beach/{name}")).unwrap();
    }
    mount.remove_folder("/tags/beach").unwrap();
    assert_eq!(
        all_tags(&fixture),
        ["sunset", "dog", "dog sunset", "dog", ""]
    );
    fixture
        .library
        .undo(Which::Last, &Actor::default())
        .unwrap();
    assert_eq!(all_tags(&fixture), before);
}

/// Longer than what one program does is one act of the journal.
const PAUSE: Duration = Duration::from_millis(2500);

fn remove_photos(mount: &Mount, folder: &str) {
    for name in mount.list(folder).unwrap() {
        if !name.ends_with('/') {
            mount.remove_file(&format!("{folder}/{name}")).unwrap();
        }
    }
}

/// A slow disk, a stopped program, a file manager that asks before each folder.
#[test]
fn a_program_that_removes_a_folder_slowly_takes_only_the_tag_it_was_told() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    mount.list("/tags/beach").unwrap();
    for below in ["dog", "sunset"] {
        let folder = format!("/tags/beach/{below}");
        remove_photos(&mount, &folder);
        std::thread::sleep(PAUSE);
        mount.remove_folder(&folder).unwrap();
    }
    for name in ["a.jpg", "b.jpg", "c.jpg"] {
        mount.remove_file(&format!("/tags/beach/{name}")).unwrap();
    }
    mount.remove_folder("/tags/beach").unwrap();
    assert_eq!(
        all_tags(&fixture),
        ["sunset", "dog", "dog sunset", "dog", ""]
    );
}

/// What a file manager took out of a folder below stays out when it later removes the folder above.
#[test]
fn what_was_taken_out_before_a_folder_was_looked_at_stays_out() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    remove_photos(&mount, "/tags/beach/dog");
    std::thread::sleep(PAUSE);
    remove_photos(&mount, "/tags/beach");
    mount.remove_folder("/tags/beach").unwrap();
    assert_eq!(all_tags(&fixture), ["sunset", "", "sunset", "dog", ""]);
}

#[test]
fn commands_edit_tags() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    ok(
        &mount,
        "mkdir tags/trip; ln all/e.jpg all/d.jpg tags/trip/; ls tags/trip/e.jpg",
    );
    assert_eq!(tags(&fixture, "d.jpg"), "dog trip");
    ok(
        &mount,
        "mv tags/trip/d.jpg tags/sunset/; mv all/e.jpg tags/dog",
    );
    assert_eq!(tags(&fixture, "d.jpg"), "dog sunset");
    assert_eq!(tags(&fixture, "e.jpg"), "dog trip");
    ok(
        &mount,
        "rm tags/trip/e.jpg; rmdir tags/trip; mkdir tags/trip; rmdir tags/trip",
    );
    ok(
        &mount,
        "mv tags/sunset tags/dusk; ls tags/dusk/a.jpg tags/dusk/beach",
    );
    assert_eq!(tags(&fixture, "a.jpg"), "beach dusk");
    ok(&mount, "mv -T tags/dusk tags/beach; ls tags/beach/d.jpg");
    assert_eq!(tags(&fixture, "d.jpg"), "beach dog");
    ok(&mount, "cp -l all/a.jpg tags/dog");
    refused(&mount, "rm all/a.jpg", "Operation not permitted");
    refused(&mount, "rmdir tags/dog", "Directory not empty");
    refused(&mount, "mkdir .Trash-0", "Operation not permitted");
    refused(&mount, "mkdir tags/.Trash-0", "Operation not permitted");
    refused(&mount, "echo x > all/a.jpg", "Read-only file system");
    if is_installed("setfattr") {
        ok(
            &mount,
            "setfattr -n user.xdg.tags -v 'Rex,sea' tags/dog/d.jpg",
        );
        assert_eq!(tags(&fixture, "d.jpg"), "Rex sea");
    }
    let acts = fixture.library.store().acts(None, 1).unwrap();
    assert_eq!((acts[0].role, acts[0].by.uid), (Role::New, 0));
    assert!(!acts[0].by.process.is_empty());
}

#[test]
fn a_trash_that_is_refused_loses_nothing() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    if !is_installed("gio") {
        return;
    }
    let before = all_tags(&fixture);
    assert!(run(&mount, "gio trash tags/dog/d.jpg").is_err());
    assert_eq!(all_tags(&fixture), before);
    ok(
        &mount,
        "gio remove tags/dog/d.jpg; gio move all/e.jpg tags/dog/e.jpg; gio mkdir tags/new",
    );
    assert_eq!(
        (tags(&fixture, "d.jpg"), tags(&fixture, "e.jpg")),
        (String::new(), "dog".into())
    );
}

#[test]
fn a_renamed_tag_holds_for_later_analyses_until_that_is_undone() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    ok(&mount, "mv tags/dog tags/hound");
    fixture.analyze("e.jpg", &["dog"]);
    check_soon(
        &mount,
        "/tags/hound",
        "b.jpg, beach/, c.jpg, d.jpg, e.jpg, sunset/",
    );
    check_soon(&mount, "/tags", "beach/, hound/, sunset/");
    ok(&mount, "mv -T tags/hound tags/beach");
    fixture.analyze("d.jpg", &["dog"]);
    check_soon(&mount, "/tags", "beach/, sunset/");
    for _ in 0..2 {
        fixture
            .library
            .undo(Which::Last, &Actor::default())
            .unwrap();
    }
    check_soon(
        &mount,
        "/tags/dog",
        "b.jpg, beach/, c.jpg, d.jpg, e.jpg, sunset/",
    );
}

#[test]
fn a_tag_that_is_spelled_in_another_way_is_so_at_once_and_when_undone() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    ok(&mount, "mv tags/dog tags/Dog; ls tags/Dog/d.jpg");
    check_soon(&mount, "/tags", "Dog/, beach/, sunset/");
    fixture
        .library
        .undo(Which::Last, &Actor::default())
        .unwrap();
    check_soon(&mount, "/tags", "beach/, dog/, sunset/");
    mount.eventually(&mut || mount.stat("/tags/Dog").is_err() && mount.stat("/tags/dog").is_ok());
}

#[test]
fn edits_of_many_at_once_lose_nothing() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    std::thread::scope(|scope| {
        for n in 0..8 {
            let mount = &mount;
            scope.spawn(move || {
                mount.make_folder(&format!("/tags/t{n}")).unwrap();
                for name in ["a", "b", "c"] {
                    let to = format!("/tags/t{n}/{name}.jpg");
                    mount.link(&format!("/all/{name}.jpg"), &to).unwrap();
                }
            });
        }
    });
    assert_eq!(
        tags(&fixture, "a.jpg"),
        "beach sunset t0 t1 t2 t3 t4 t5 t6 t7"
    );
    assert_eq!(
        tags(&fixture, "c.jpg"),
        "beach dog sunset t0 t1 t2 t3 t4 t5 t6 t7"
    );
}
