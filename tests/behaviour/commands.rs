//! What ordinary commands see on a real mount.

use std::collections::BTreeSet;
use std::process::Command;

use kbasefs::catalog::{Edit, TextField};

use crate::fixture::{Fixture, content};
use crate::mount::Mount;
use crate::suite::PHOTOS;

/// A mount of [`PHOTOS`], one of which is described; `None` where nothing can be mounted.
fn mounted() -> Option<(Fixture, Mount)> {
    let fixture = Fixture::new(PHOTOS);
    let text = "A red car on the beach".into();
    let edit = Edit::SetText(TextField::Description, text);
    fixture.edit("trip/b.jpg", edit);
    let mount = Mount::new(&fixture)?;
    Some((fixture, mount))
}

/// The lines that a command prints; `None` where it isn't installed.
fn lines(mount: &Mount, command: &str) -> Option<Vec<String>> {
    let program = command.split_whitespace().next().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(mount.path("/"));
    let output = shell.env("LC_ALL", "C.UTF-8").output().unwrap();
    if output.status.code() == Some(127) {
        eprintln!("skipped: {program} is not installed");
        return None;
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), &*errors), (Some(0), ""), "{command}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn check(mount: &Mount, command: &str, expected: &[&str]) {
    if let Some(found) = lines(mount, command) {
        assert_eq!(found, expected, "{command}");
    }
}

#[test]
fn commands_that_read_see_ordinary_folders() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    check(
        &mount,
        "ls tags/beach",
        &["a.jpg", "b.jpg", "dog", "sunset"],
    );
    check(
        &mount,
        "find tags/dog -type f | sort",
        &["tags/dog/b.jpg", "tags/dog/beach/b.jpg", "tags/dog/c.jpg"],
    );
    check(
        &mount,
        "grep -ri 'RED CAR' descriptions",
        &["descriptions/trip/b.jpg.txt:A red car on the beach"],
    );
    check(
        &mount,
        "getfattr --only-values -n user.xdg.tags all/a.jpg",
        &["beach,sunset"],
    );
    check(
        &mount,
        "gio info -a xattr::xdg.tags all/a.jpg | grep tags:",
        &["  xattr::xdg.tags: beach,sunset"],
    );
    check(&mount, "gio list by-type", &["jpeg"]);
    drop(fixture);
}

#[test]
fn copies_out_of_the_mount_are_whole() {
    let Some((_fixture, mount)) = mounted() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let to = |name: &str| folder.path().join(name);
    let copy = |command: String| lines(&mount, &command).is_some();
    assert!(copy(format!("cp -a tags/dog {}", to("cp").display())));
    assert!(std::fs::read(to("cp/beach/b.jpg")).unwrap() == content("trip/b.jpg"));
    if copy(format!(
        "rsync -aH all tags descriptions {}/",
        to("rsync").display()
    )) {
        assert!(std::fs::read(to("rsync/all/trip/b.jpg")).unwrap() == content("trip/b.jpg"));
        let text = std::fs::read_to_string(to("rsync/descriptions/trip/b.jpg.txt"));
        assert_eq!(text.unwrap(), "A red car on the beach\nbeach\ndog\n");
        // The second time nothing is sent.
        check(
            &mount,
            &format!(
                "rsync -aHi all tags descriptions {}/",
                to("rsync").display()
            ),
            &[],
        );
    }
    if copy(format!(
        "tar -cf {} all tags descriptions",
        to("all.tar").display()
    )) {
        let list = format!("tar -tvf {} | grep -c 'link to'", to("all.tar").display());
        // Every further name of a photo is a hard link: 5 in folders of tags, 3 in those that narrow.
        check(&mount, &list, &["8"]);
    }
}

#[test]
fn disk_usage_is_that_of_the_source() {
    let Some((fixture, mount)) = mounted() else {
        return;
    };
    let source = format!("find {} -type f -print0", fixture.source.path().display());
    let total = "du -ck --files0-from=- | tail -1";
    let of_source = lines(&mount, &format!("{source} | {total}"));
    let of_mount = lines(&mount, &format!("find . -type f -print0 | {total}"));
    assert_eq!(of_mount, of_source);
    check(&mount, "du -sk descriptions", &["0\tdescriptions"]);
}

#[test]
fn a_walk_over_everything_ends_and_is_bounded() {
    let Some((_fixture, mount)) = mounted() else {
        return;
    };
    let all = lines(&mount, "find . -print").unwrap();
    let different: BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert!(all.len() < 20 * 4 + 40, "{}", all.len());
    let empty = lines(&mount, "find tags by-* -mindepth 1 -type d -empty").unwrap();
    assert_eq!(empty, Vec::<String>::new());
}
