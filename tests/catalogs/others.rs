//! Other users: theirs are neither asked nor used.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use super::test_env::{Person, TestEnv, everything, is_root};

/// Nobody in particular.
const ANYBODY: u32 = 61_234;

fn open(env: &TestEnv) {
    let root = env.path("");
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn anybody(env: &TestEnv) -> Person<'_> {
    let person = Person {
        user: Some(ANYBODY),
        ..env.person("anybody")
    };
    std::fs::create_dir(&person.home).unwrap();
    chown(&person.home, Some(ANYBODY), Some(ANYBODY)).unwrap();
    person
}

/// Whether everybody may run the program: it may lie in a folder of root's own.
fn may_run(person: &Person) -> bool {
    let runs = person.command(&["--version"]).output();
    let runs = runs.is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: other users can't run the program where it is");
    }
    runs
}

#[test]
fn what_root_has_mounted_for_all_is_no_catalog_of_theirs() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    if !is_root() {
        return;
    }
    open(&env);
    let (root, person) = (env.person("root"), anybody(&env));
    if !may_run(&person) {
        return;
    }
    root.ok(&["mount", "-o", "allow_other"], &["photos", "mnt"]);
    for args in [
        &["show"][..],
        &["tag", "--tag", "x"],
        &["untag", "--tag", "x"],
        &["analyze"],
    ] {
        let said = person.refused(args, &["mnt/all/1.png"]);
        assert!(said.contains("a catalog of root"), "{args:?}: {said}");
    }
    for args in [
        &["status"][..],
        &["log"],
        &["undo", "--source"],
        &["scan"],
        &["analyze"],
        &["import"],
        &["catalog", "check"],
        &["catalog", "vacuum"],
        &["top"],
    ] {
        let said = person.refused(args, &["mnt"]);
        assert!(said.contains("a catalog of root"), "{args:?}: {said}");
    }
    let output = person.run(&["doctor"], &["mnt"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("a catalog of root"), "{said}");
    let said = person.refused(&["status"], &[] as &[&str]);
    assert!(said.contains("nothing is mounted"), "{said}");
    assert!(everything(&person.home).is_empty());
    // A catalog of the folder that is theirs is another one, made on purpose.
    let said = person.refused(&["search"], &["photos", "x"]);
    assert!(said.contains("no catalog of this folder"), "{said}");
    person.ok(&["scan"], &["photos"]);
    person.ok(&["tag", "--tag", "theirs"], &["photos/1.png"]);
    assert_eq!(root.tags("mnt/all/1.png"), "");
    assert_eq!(person.tags("photos/1.png"), "theirs");
    root.ok(&["umount"], &["mnt"]);
}

#[test]
fn a_mount_of_another_user_is_not_believed() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    if !is_root() {
        return;
    }
    if Command::new("fusermount3").arg("-V").output().is_err() {
        eprintln!("skipped: this needs fusermount3");
        return;
    }
    open(&env);
    let (root, person) = (env.person("root"), anybody(&env));
    let for_all = std::fs::metadata("/dev/fuse").unwrap().permissions().mode() & 0o006 == 0o006;
    if !for_all || !may_run(&person) {
        eprintln!("skipped: this needs a /dev/fuse for everybody");
        return;
    }
    chown(env.path("mnt"), Some(ANYBODY), Some(ANYBODY)).unwrap();
    person.ok(&["mount"], &["photos", "mnt"]);
    person.ok(&["tag", "--tag", "theirs"], &["mnt/all/1.png"]);
    let said = root.refused(&["show"], &["mnt/all/1.png"]);
    assert!(
        said.contains(&format!("the user with number {ANYBODY}")),
        "{said}"
    );
    for args in [&["status"][..], &["scan"], &["top"], &["catalog", "check"]] {
        let said = root.refused(args, &["mnt"]);
        assert!(said.contains("the user with number"), "{args:?}: {said}");
    }
    let said = root.refused(&["status"], &["photos"]);
    assert!(said.contains("no catalog of this folder"), "{said}");
    assert!(everything(&root.home).is_empty());
    // Taking it away is root's right; whose process goes on is not waited for.
    root.ok(&["umount"], &["mnt"]);
}
