//! Photos that could be taken for others: of the same name in another folder, at a path where another one was, in a
//! folder that took the place of the source.

use std::fs;

use crate::test_env::{Bound, Person, TestEnv, is_root};

/// Adds one more photo of a name that a part has, too.
fn with_twin_names(env: &TestEnv) {
    env.photo("photos/5.png", 200);
}

#[test]
fn an_export_of_a_part_means_its_photos_in_the_whole_and_in_the_part() {
    for format in ["json", "csv", "xmp"] {
        for into in ["photos", "photos/sub"] {
            let env = TestEnv::new();
            with_twin_names(&env);
            let me = env.person("me");
            me.ok(&["scan"], &["photos"]);
            me.ok(&["tag", "--tag", "T"], &["photos/sub/5.png"]);
            me.ok(&["export", "--format", format], &["photos/sub", "out"]);
            // Another catalog of the same photos, which knows nothing of them yet.
            let other = env.person("other");
            other.ok(&["scan"], &["photos"]);
            other.ok(&["import"], &[into, "out"]);
            let tagged = found(&other, "tag:T");
            let expected = env.path("photos/sub/5.png");
            assert_eq!(tagged.trim(), expected.to_str().unwrap(), "{format} {into}");
        }
    }
}

#[test]
fn a_line_that_tells_the_content_is_of_the_photo_that_has_it() {
    let env = TestEnv::new();
    with_twin_names(&env);
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    // The one that is meant is known by its content, the one of the same name isn't.
    me.ok(&["analyze"], &["photos/sub"]);
    let known = me.json(&["show", "--json"], &["photos/sub/5.png"]);
    let hash = known["hash"].as_str().unwrap();
    let json = format!(r#"{{"path":"5.png","hash":"{hash}","tags":["J"]}}"#);
    fs::write(env.path("lines.jsonl"), json).unwrap();
    let csv = format!("path,tags,hash\n5.png,C,{hash}\n");
    fs::write(env.path("lines.csv"), csv).unwrap();
    me.ok(&["import", "--format", "json"], &["photos", "lines.jsonl"]);
    me.ok(&["import", "--format", "csv"], &["photos", "lines.csv"]);
    assert_eq!(me.tags("photos/5.png"), "");
    assert_eq!(me.tags("photos/sub/5.png"), "C J");
}

/// The paths that a query finds, a line each.
fn found(person: &Person, query: &str) -> String {
    let mut search = person.command(&["search"]);
    let output = search.arg(person.env.path("photos")).arg(query).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Gives photos other names among each other, so that each path has another file.
fn rotate(env: &TestEnv) {
    let [one, two, three, aside] =
        ["1.png", "2.png", "3.png", "aside"].map(|n| env.path("photos").join(n));
    fs::rename(&one, &aside).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&three, &two).unwrap();
    fs::rename(&aside, &three).unwrap();
}

#[test]
fn a_file_that_is_named_is_the_photo_that_it_is_now() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    let before = fs::read(env.path("photos/2.png")).unwrap();
    rotate(&env);
    assert_eq!(fs::read(env.path("photos/1.png")).unwrap(), before);
    me.ok(&["tag", "--tag", "T"], &["photos/1.png"]);
    me.ok(&["scan"], &["photos"]);
    assert_eq!(me.tags("photos/1.png"), "T");
    let tagged = found(&me, "tag:T");
    assert_eq!(tagged.lines().count(), 1, "{tagged}");
    // What only looks changes nothing, and doesn't say of one what is known of another.
    rotate(&env);
    let said = me.refused(&["show"], &["photos/1.png"]);
    assert!(said.contains("has changed"), "{said}");
    assert!(said.contains("kbasefs scan"), "{said}");
}

#[test]
fn a_file_that_is_new_is_tagged_at_once() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    env.photo("photos/sub/new.png", 77);
    me.ok(&["tag", "--tag", "T"], &["photos/sub/new.png"]);
    assert_eq!(me.tags("photos/sub/new.png"), "T");
    fs::remove_file(env.path("photos/1.png")).unwrap();
    let said = me.refused(&["tag", "--tag", "T"], &["photos/1.png"]);
    assert!(said.contains("1.png"), "{said}");
}

#[test]
fn a_folder_in_the_place_of_the_one_that_is_mounted_is_another_one() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    me.ok(&["mount"], &["photos", "mnt"]);
    fs::rename(env.path("photos"), env.path("moved")).unwrap();
    env.photo("photos/1.png", 99);
    for command in [
        &["tag", "--tag", "T"][..],
        &["show"],
        &["untag", "--tag", "T"],
    ] {
        let said = me.refused(command, &["photos/1.png"]);
        assert!(said.contains("another folder"), "{command:?}: {said}");
    }
    let said = me.refused(&["export", "--format", "json"], &["photos", "out"]);
    assert!(said.contains("another folder"), "{said}");
    let said = me.refused(&["status"], &["photos"]);
    assert!(said.contains("another folder"), "{said}");
    // By the mount it is still the catalog that it shows.
    me.ok(&["tag", "--tag", "M"], &["mnt/all/1.png"]);
    me.ok(&["untag", "--tag", "M"], &["mnt/all/1.png"]);
    me.ok(&["umount"], &["mnt"]);
    fs::remove_dir_all(env.path("photos")).unwrap();
    fs::rename(env.path("moved"), env.path("photos")).unwrap();
    assert_eq!(me.tags("photos/1.png"), "");
}

#[test]
fn a_mount_that_something_lies_over_is_not_passed_over() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    if !is_root() {
        return;
    }
    let me = env.person("me");
    let index = env.path("own.sqlite");
    let own = ["mount", "--catalog", index.to_str().unwrap()];
    me.ok(&own, &["photos", "mnt"]);
    // Anything: an empty folder.
    let over = Bound::new(&env.path("second"), &env.path("mnt"));
    let said = me.refused(&["tag", "--tag", "T"], &["photos/1.png"]);
    assert!(said.contains("mounted over"), "{said}");
    drop(over);
    me.ok(&["tag", "--tag", "T"], &["photos/1.png"]);
    assert!(me.catalogs().is_empty());
    me.ok(&["umount"], &["mnt"]);
}

#[test]
fn of_two_catalogs_of_one_folder_that_are_mounted_none_is_guessed() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    let index = env.path("own.sqlite");
    let index = index.to_str().unwrap();
    me.ok(&["mount"], &["photos", "mnt"]);
    me.ok(&["mount", "--catalog", index], &["photos", "second"]);
    let said = me.refused(&["tag", "--tag", "T"], &["photos/1.png"]);
    assert!(said.contains("several catalogs"), "{said}");
    me.ok(
        &["tag", "--tag", "T", "--catalog", index],
        &["photos/1.png"],
    );
    me.ok(&["tag", "--tag", "D"], &["mnt/all/2.png"]);
    for mount in ["mnt", "second"] {
        me.ok(&["umount"], &[mount]);
    }
    assert_eq!(
        (me.tags("photos/1.png"), me.tags("photos/2.png")),
        ("".into(), "D".into())
    );
}
