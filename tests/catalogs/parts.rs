//! A folder in a photo folder that has a catalog is a part of that one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::test_env::{Bound, TestEnv, is_root};

fn check_part(env: &TestEnv, part: &Path) {
    let me = env.person("me");
    let text = part.display();
    let status = me.json(&["status", "--json"], &[part]);
    assert_eq!(
        (&status["photos"], &status["part"]),
        (&2.into(), &"sub".into()),
        "{text}"
    );
    let mut search = me.command(&["search"]);
    let found = search.arg(env.path(part)).arg("type:png").output().unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    let expected = ["photos/sub/5.png", "photos/sub/deep/6.png"].map(|p| env.path(p));
    let mut lines: Vec<_> = found.lines().map(PathBuf::from).collect();
    lines.sort();
    assert_eq!(lines, expected, "{text}");
    let report = me.json(
        &["export", "--format", "json", "--json"],
        &[part, Path::new("out")],
    );
    assert_eq!(report["photos"], 2, "{text}");
    let lines = std::fs::read_to_string(env.path("out/catalog.jsonl")).unwrap();
    assert!(lines.contains(r#""path":"sub/deep/6.png""#), "{lines}");
    let report = me.json(&["import", "--json"], &[part, Path::new("out")]);
    assert_eq!(
        (&report["photos"], &report["failed"]),
        (&2.into(), &serde_json::json!([]))
    );
    me.ok(&["tag", "--tag", "T"], &[part.join("5.png")]);
    assert_eq!(me.tags("photos/sub/5.png"), "T");
    assert_eq!(me.tags(part.join("5.png")), "T", "{text}");
    assert_eq!(
        me.json(&["log", "--json", "-n", "1"], &[part])["words"],
        "tag T"
    );
    me.ok(&["untag", "--tag", "T"], &[part.join("5.png")]);
    assert_eq!(me.json(&["scan", "--json"], &[part])["photos"], 6, "{text}");
    me.ok(&["catalog", "check"], &[part]);
    // Mounts of others may be dead, which it says as well.
    let checked = me.run(&["doctor"], &[part]).stdout;
    assert!(
        String::from_utf8(checked)
            .unwrap()
            .contains("catalog.sqlite is sound")
    );
    assert_eq!(me.catalogs().len(), 1, "{text}");
}

#[test]
fn every_command_on_a_sub_folder_means_that_part_by_any_name_of_it() {
    let env = TestEnv::new();
    env.person("me").ok(&["scan"], &["photos"]);
    std::os::unix::fs::symlink("photos/sub", env.path("link")).unwrap();
    std::os::unix::fs::symlink(env.path("photos"), env.path("all")).unwrap();
    for part in [
        "photos/sub",
        "photos/sub/",
        "photos/sub/deep/..",
        "photos/../photos/./sub",
        "link",
        "all/sub",
    ] {
        check_part(&env, Path::new(part));
    }
    if !is_root() {
        return;
    }
    let _whole = Bound::new(&env.path("photos"), &env.path("again"));
    check_part(&env, Path::new("again/sub"));
    let _part = Bound::new(&env.path("photos/sub"), &env.path("piece"));
    check_part(&env, Path::new("piece"));
    let me = env.person("me");
    assert_eq!(me.json(&["status", "--json"], &["again"])["photos"], 6);
    assert_eq!(me.catalogs().len(), 1);
}

#[test]
fn a_sub_folder_of_a_folder_that_is_mounted_is_a_part_of_that() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    me.ok(&["mount"], &["photos", "mnt"]);
    for part in ["photos/sub", "mnt/all/sub"] {
        check_part(&env, Path::new(part));
    }
    me.ok(&["umount"], &["mnt"]);
}

#[test]
fn an_analysis_of_a_part_looks_at_no_other_photo() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    let estimate = me.json(&["analyze", "--dry-run", "--json"], &["photos/sub"]);
    assert_eq!(estimate["photos"], 2);
    let sum = me.json(&["analyze", "--json"], &["photos/sub"]);
    assert_eq!((&sum["photos"], &sum["analyzed"]), (&2.into(), &2.into()));
    let sum = me.json(&["analyze", "--json"], &["photos/sub", "photos/1.png"]);
    assert_eq!((&sum["photos"], &sum["analyzed"]), (&3.into(), &1.into()));
    assert_eq!(me.json(&["status", "--json"], &["photos"])["analyzed"], 3);
    assert_eq!(me.catalogs().len(), 1);
}

#[test]
fn a_scan_of_a_part_finds_what_is_new_there_and_loses_nothing_elsewhere() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    me.ok(&["tag", "--tag", "kept"], &["photos/1.png"]);
    env.photo("photos/sub/new.png", 90);
    env.photo("photos/elsewhere.png", 91);
    std::fs::remove_file(env.path("photos/2.png")).unwrap();
    let report = me.json(&["scan", "--json"], &["photos/sub"]);
    assert_eq!((&report["added"], &report["gone"]), (&1.into(), &0.into()));
    assert_eq!(me.json(&["status", "--json"], &["photos"])["photos"], 7);
    let report = me.json(&["scan", "--json"], &["photos"]);
    assert_eq!((&report["added"], &report["gone"]), (&1.into(), &1.into()));
    assert_eq!(me.tags("photos/1.png"), "kept");
}

#[test]
fn sidecars_of_a_part_are_written_and_read_there_only() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    me.ok(
        &["tag", "--tag", "T"],
        &["photos/1.png", "photos/sub/5.png"],
    );
    me.ok(&["export", "--format", "xmp"], &["photos/sub", "out"]);
    assert!(env.path("out/sub/5.png.xmp").exists() && !env.path("out/1.png.xmp").exists());
    let args = ["export", "--format", "xmp", "--into-source"];
    me.ok(&args, &["photos/sub"]);
    assert!(env.path("photos/sub/5.png.xmp").exists());
    assert!(!env.path("photos/1.png.xmp").exists());
    me.ok(&["export", "--format", "xmp", "--into-source"], &["photos"]);
    for from in [&["photos/sub"][..], &["photos/sub", "out"]] {
        assert_eq!(
            me.json(&["import", "--json"], from)["photos"],
            1,
            "{from:?}"
        );
    }
    assert_eq!(me.json(&["import", "--json"], &["photos"])["photos"], 2);
    let said = me.refused(
        &["export", "--format", "xmp"],
        &["photos/sub", "photos/sub/out"],
    );
    assert!(said.contains("--into-source"), "{said}");
}

#[test]
fn a_photo_is_no_folder() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    for args in [&["status"][..], &["scan"], &["log"], &["catalog", "check"]] {
        let said = me.refused(args, &["photos/1.png"]);
        assert!(said.contains("not a folder"), "{said}");
    }
}

#[test]
fn names_of_any_kind_are_parts() {
    let env = TestEnv::new();
    let me = env.person("me");
    let odd = ["a b", "line\nbreak", "ünï", "-x", "100%,\\"].map(OsString::from);
    let not_text = OsStr::from_bytes(b"\xff\xfe").to_owned();
    let names = odd.into_iter().chain([not_text]);
    let names: Vec<_> = names.map(|name| Path::new("photos").join(name)).collect();
    for (look, name) in names.iter().enumerate() {
        env.photo(name.join("in.png"), 100 + look as u8);
    }
    me.ok(&["scan"], &["photos"]);
    for name in &names {
        assert_eq!(
            me.json(&["status", "--json"], &[name])["photos"],
            1,
            "{name:?}"
        );
        me.ok(&["tag", "--tag", "odd"], &[name.join("in.png")]);
        let sum = me.json(&["analyze", "--dry-run", "--json"], &[name]);
        assert_eq!(sum["photos"], 1, "{name:?}");
    }
    assert_eq!(me.catalogs().len(), 1);
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    for (look, name) in names.iter().enumerate() {
        let (mnt, photo) = (name.join("mnt"), name.join("photos/sub/in.png"));
        env.photo(&photo, 100 + look as u8);
        std::fs::create_dir(env.path(&mnt)).unwrap();
        let args: &[&str] = &["mount"];
        me.ok(args, &[name.join("photos"), mnt.clone()]);
        let shown = env
            .person("other")
            .json(&["show", "--json"], &[mnt.join("all/sub/in.png")]);
        assert_eq!(shown["path"], "sub/in.png");
        let status = env
            .person("other")
            .json(&["status", "--json"], &[name.join("photos/sub")]);
        assert_eq!(status["photos"], 1, "{name:?}");
        me.ok(&["umount"], &[mnt]);
    }
}

#[test]
fn a_part_is_mounted_with_the_whole_unless_an_index_is_named() {
    let Some(env) = TestEnv::with_mounts() else {
        return;
    };
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    let said = me.refused(&["mount"], &["photos/sub", "mnt"]);
    assert!(
        said.contains("a part of the catalog of") && said.contains("all/sub"),
        "{said}"
    );
    assert_eq!(me.catalogs().len(), 1);
    let index = env.path("own.sqlite");
    me.ok(
        &["mount", "--catalog", index.to_str().unwrap()],
        &["photos/sub", "mnt"],
    );
    // What is mounted comes first.
    assert_eq!(
        me.json(&["status", "--json"], &["photos/sub"])["index"],
        index.to_str().unwrap()
    );
    me.ok(&["umount"], &["mnt"]);
    assert_eq!(
        me.json(&["status", "--json"], &["photos/sub"])["part"],
        "sub"
    );
}

#[test]
fn of_two_catalogs_the_one_of_the_outer_folder_counts_and_that_is_said_once() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos/sub"]);
    me.ok(&["tag", "--tag", "inner"], &["photos/sub/5.png"]);
    me.ok(&["scan"], &["photos"]);
    assert_eq!(me.catalogs().len(), 2);
    let output = me.run(
        &["tag", "--tag", "outer"],
        &["photos/sub/5.png", "photos/sub/deep/6.png"],
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("catalog adopt").count(), 1, "{said}");
    assert_eq!(me.tags("photos/sub/5.png"), "outer");
    let output = me.run(&["tag", "--tag", "x"], &["photos/1.png"]);
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_outer_folder_counts_by_whatever_name_the_inner_one_is_called() {
    let env = TestEnv::new();
    let me = env.person("me");
    if !is_root() {
        return;
    }
    me.ok(&["scan"], &["photos"]);
    std::fs::create_dir_all(env.path("a/b/c/d")).unwrap();
    let bound = Bound::new(&env.path("photos/sub"), &env.path("a/b/c/d"));
    assert_eq!(
        me.json(&["status", "--json"], &["a/b/c/d/deep"])["part"],
        "sub/deep"
    );
    drop(bound);
    // A catalog that was made under the other name, before the outer one.
    let index = env.path("a/b/c/d");
    env.photo("a/b/c/d/x.png", 3);
    me.ok(&["scan"], &[&index]);
    std::fs::remove_file(env.path("a/b/c/d/x.png")).unwrap();
    let _bound = Bound::new(&env.path("photos/sub"), &env.path("a/b/c/d"));
    assert_eq!(
        me.json(&["status", "--json"], &["a/b/c/d/deep"])["part"],
        "sub/deep"
    );
    assert_eq!(
        me.json(&["status", "--json"], &["photos/sub"])["part"],
        "sub"
    );
}

#[test]
fn an_index_that_is_named_decides_by_whose_it_is() {
    let env = TestEnv::new();
    let me = env.person("me");
    let index = env.path("own.sqlite");
    let index = index.to_str().unwrap();
    me.ok(&["scan", "--catalog", index], &["photos"]);
    let status = me.json(&["status", "--json", "--catalog", index], &["photos/sub"]);
    assert_eq!(
        (&status["photos"], &status["part"]),
        (&2.into(), &"sub".into())
    );
    let said = me.refused(&["scan", "--catalog", index], &["mnt"]);
    assert!(said.contains("belongs to"), "{said}");
    // Without a folder it is the catalog that is meant.
    me.ok(
        &["tag", "--tag", "T", "--catalog", index],
        &["photos/sub/5.png"],
    );
    let log = me.json(&["log", "--json", "--catalog", index], &[] as &[&str]);
    assert_eq!(log["words"], "tag T");
    assert!(me.catalogs().is_empty());
}

#[test]
fn a_damaged_index_that_is_named_is_taken_up_again_by_who_opens_it() {
    let env = TestEnv::new();
    let me = env.person("me");
    let index = env.path("own.sqlite");
    let named = index.to_str().unwrap().to_owned();
    me.ok(&["scan", "--catalog", &named], &["photos"]);
    std::fs::write(
        &index,
        "no index at all, however long this text is".repeat(400),
    )
    .unwrap();
    me.refused(&["show", "--catalog", &named], &["photos/1.png"]);
    assert_eq!(
        me.json(&["scan", "--json", "--catalog", &named], &["photos"])["photos"],
        6
    );
}

#[test]
fn taking_back_is_for_the_whole_catalog_or_for_an_act() {
    let env = TestEnv::new();
    let me = env.person("me");
    me.ok(&["scan"], &["photos"]);
    me.ok(&["tag", "--tag", "in"], &["photos/sub/5.png"]);
    me.ok(&["tag", "--tag", "out"], &["photos/1.png"]);
    let log = me.ok(&["log"], &["photos/sub"]);
    assert!(log.contains("tag in") && !log.contains("tag out"), "{log}");
    let said = me.refused(&["undo", "--source"], &["photos/sub"]);
    assert!(said.contains("name an act"), "{said}");
    me.ok(&["undo", "1", "--source"], &["photos/sub"]);
    assert_eq!(me.tags("photos/sub/5.png"), "");
    assert_eq!(me.tags("photos/1.png"), "out");
}
