//! Every command, with a mount and without one.

use serde_json::Value;

use crate::can_mount::can_mount;
use crate::test_env::{TestEnv, names};

#[test]
fn analysing_without_a_mount_finds_everything_and_says_what_failed() {
    let env = TestEnv::new();
    let photos = env.text("photos");
    let output = env.run(&["analyze", &photos, "--json"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a broken picture is a failure"
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let (sum, each) = lines.split_last().unwrap();
    assert_eq!(
        (&sum["photos"], &sum["analyzed"], &sum["failed"]),
        (&4.into(), &3.into(), &1.into())
    );
    assert_eq!(each.len(), 4);

    let status = env.json(&["status", &photos, "--json"]);
    assert_eq!(status["photos"], 4);
    assert_eq!(status["analyzed"], 3);
    assert_eq!(status["failed"], 1);
    for key in [
        "source",
        "mountpoint",
        "pending",
        "unsupported",
        "queued",
        "labels",
        "index_bytes",
        "rss_bytes",
        "uptime_s",
    ] {
        assert!(status.get(key).is_some(), "{key}");
    }
    let shown = env.json(&["show", &env.text("photos/2019/IMG_1.jpg"), "--json"]);
    assert_eq!(
        (&shown["width"], &shown["height"]),
        (&80.into(), &60.into())
    );
    assert_eq!(shown["path"], "2019/IMG_1.jpg");
    let hash = blake3::hash(&std::fs::read(env.path("photos/2019/IMG_1.jpg")).unwrap());
    assert_eq!(shown["hash"], hash.to_hex().as_str());

    let again = env.run(&["analyze", &photos, "--json"]);
    let last = String::from_utf8(again.stdout).unwrap();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["analyzed"], &last["skipped"]),
        (&0.into(), &4.into())
    );
}

#[test]
fn a_search_prints_paths() {
    let env = TestEnv::new();
    let photos = env.text("photos");
    env.ok(&["scan", &photos]);
    let found = env.ok(&["search", &photos, "type:png", "-copy"]);
    assert_eq!(found, format!("{}\n", env.text("photos/IMG_1.png")));
    let output = env.run(&["search", &photos, "is:failed", "tpye:png"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = "kbasefs: query: unknown field tpye at character 11 (hint: did you mean type: ?)\n  \
                    is:failed tpye:png\n            ^^^^\n";
    assert_eq!(error, expected);
    let output = env.run(&["search", &photos, "type:png", "--json"]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "an option is no part of a query"
    );
}

#[test]
fn a_search_ranks_by_relevance() {
    let env = TestEnv::new();
    let photos = env.text("photos");
    std::fs::create_dir(env.path("photos/img")).unwrap();
    std::fs::rename(env.path("photos/IMG_1.png"), env.path("photos/img/IMG.png")).unwrap();
    env.ok(&["scan", &photos]);
    let search = |more: &[&str]| {
        let found = env.ok(&[&["search", "--json"], more].concat());
        let hits = found
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        hits.collect::<Vec<_>>()
    };
    let hits = search(&[&photos, "img"]);
    let paths: Vec<_> = hits.iter().map(|h| h["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["img/IMG.png", "2019/IMG_1.jpg"]);
    let score = |hit: &Value| hit["score"].as_f64().unwrap();
    assert!(score(&hits[0]) > score(&hits[1]) && score(&hits[1]) > 0.0);
    assert_eq!(search(&["--limit", "1", &photos, "img"]), hits[..1]);
    let unranked = search(&[&photos, "type:png", "-copy"]);
    assert_eq!((unranked.len(), score(&unranked[0])), (1, 0.0));
}

#[test]
fn a_mount_in_the_background_shows_the_photos_and_answers_every_command() {
    if !can_mount() {
        return;
    }
    let env = TestEnv::new();
    let (photos, mnt) = (env.text("photos"), env.text("mnt"));
    env.ok(&["mount", &photos, &mnt]);
    assert_eq!(
        names(&env.path("mnt/all")),
        ["2019", "IMG_1.png", "broken.jpg", "copy.png"]
    );
    let original = std::fs::read(env.path("photos/2019/IMG_1.jpg")).unwrap();
    assert_eq!(
        std::fs::read(env.path("mnt/all/2019/IMG_1.jpg")).unwrap(),
        original
    );
    assert_eq!(names(&env.path("mnt/by-type")), ["jpeg", "png"]);

    let status = env.json(&["status", &mnt, "--json"]);
    assert_eq!(
        (&status["photos"], &status["mountpoint"]),
        (&4.into(), &mnt.as_str().into())
    );
    let shown = env.json(&["show", &env.text("mnt/all/IMG_1.png"), "--json"]);
    assert_eq!(shown["path"], "IMG_1.png");
    env.run(&["analyze", &mnt]);
    assert_eq!(env.json(&["status", &photos, "--json"])["analyzed"], 3);
    assert_eq!(names(&env.path("mnt/failed")), ["broken.jpg"]);

    let found = env.ok(&["search", "--save", "my pngs", &mnt, "type:png", "-copy"]);
    assert_eq!(found, format!("{}\n", env.text("photos/IMG_1.png")));
    assert_eq!(names(&env.path("mnt/saved")), ["my pngs"]);
    assert_eq!(names(&env.path("mnt/saved/my pngs")), ["IMG_1.png"]);
    let (_, error) = env.refused(&["search", "--save", ".x", &mnt, "type:png"]);
    assert!(
        error.contains("no saved query can have this name"),
        "{error}"
    );

    let (code, error) = env.refused(&["mount", &photos, &mnt]);
    assert_eq!(code, 32);
    assert!(error.contains("mounted there already"), "{error}");
    std::fs::create_dir(env.path("second")).unwrap();
    let (_, error) = env.refused(&["mount", &photos, &env.text("second")]);
    assert!(error.contains("in use by another kbasefs"), "{error}");

    env.ok(&["umount", &mnt]);
    assert!(names(&env.path("mnt")).is_empty());
    let (_, error) = env.refused(&["umount", &mnt]);
    assert!(error.contains("no kbasefs is mounted there"), "{error}");
    assert_eq!(env.json(&["status", &photos, "--json"])["analyzed"], 3);
}

#[test]
fn what_can_not_work_is_said_in_one_line_with_a_hint() {
    let env = TestEnv::new();
    let (photos, mnt) = (env.text("photos"), env.text("mnt"));
    let check = |args: &[&str], code: i32, text: &str| {
        let (got, error) = env.refused(args);
        assert_eq!(got, code, "{error}");
        assert!(error.contains(text) && error.contains("hint: "), "{error}");
    };
    check(&["mount", &env.text("nowhere"), &mnt], 32, "nowhere");
    check(
        &["mount", &photos, &env.text("nowhere")],
        32,
        "no such folder",
    );
    check(&["mount", &photos, &photos], 32, "contain each other");
    check(
        &["mount", &photos, &env.text("photos/2019")],
        32,
        "contain each other",
    );
    check(
        &["mount", &env.text("photos/2019"), &photos],
        32,
        "contain each other",
    );
    check(
        &["mount", &photos, &env.text("home/..")],
        32,
        "contain each other",
    );
    check(&["mount", &photos, &mnt, "-o", "nonsense"], 1, "nonsense");
    check(
        &["show", &env.text("photos/IMG_1.png")],
        1,
        "no catalog knows this file",
    );
    std::fs::write(env.path("mnt/x"), "").unwrap();
    check(&["mount", &photos, &mnt], 32, "not empty");
    std::fs::remove_file(env.path("mnt/x")).unwrap();
    std::fs::write(env.path("c.toml"), "wrokers = 3").unwrap();
    check(
        &["mount", &photos, &mnt, "--config", &env.text("c.toml")],
        1,
        "wrokers",
    );
    check(
        &["scan", &photos, "--config", &env.text("none.toml")],
        1,
        "none.toml",
    );
    assert_eq!(env.run(&["scan"]).status.code(), Some(2));
    assert!(names(&env.path("mnt")).is_empty());
}

#[test]
fn what_is_known_goes_out_and_comes_back() {
    let env = TestEnv::new();
    let (photos, out) = (env.text("photos"), env.text("out"));
    let csv = env.path("mine.csv");
    std::fs::write(&csv, "path,tags,rating\n2019/IMG_1.jpg,Rex;sea,4\n").unwrap();
    let report = env.json(&["import", &photos, csv.to_str().unwrap(), "--json"]);
    assert_eq!(
        (&report["changed"], &report["photos"]),
        (&1.into(), &1.into())
    );
    let report = env.json(&["export", &photos, &out, "--format", "xmp", "--json"]);
    assert_eq!(
        (&report["changed"], &report["failed"]),
        (&1.into(), &serde_json::json!([]))
    );
    let sidecar = std::fs::read_to_string(env.path("out/2019/IMG_1.jpg.xmp")).unwrap();
    assert!(sidecar.contains("<xmp:Rating>4</xmp:Rating>") && sidecar.contains("Rex"));
    assert!(!env.path("photos/2019/IMG_1.jpg.xmp").exists());
    let inside = env.text("photos/out");
    let (code, error) = env.refused(&["export", &photos, &inside, "--format", "xmp"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("--into-source") && !env.path("photos/out").exists(),
        "{error}"
    );
    env.ok(&["export", &photos, "--format", "xmp", "--into-source"]);
    assert!(env.path("photos/2019/IMG_1.jpg.xmp").exists());
    env.ok(&["export", &photos, &out, "--format", "json"]);
    let said = env.ok(&["import", &photos, &out]);
    assert_eq!(said, "4 photos looked at: 0 changed, 0 failed\n");
    let said = env.ok(&["import", &photos]);
    assert_eq!(said, "1 photos looked at: 1 changed, 0 failed\n");
}

#[test]
fn settings_completions_and_pages_are_printed() {
    let env = TestEnv::new();
    env.ok(&["config", "init"]);
    assert!(env.path("home/.config/kbasefs/config.toml").exists());
    env.refused(&["config", "init"]);
    assert!(env.ok(&["config", "show"]).contains("facet_depth = 2"));
    assert!(env.ok(&["completions", "bash"]).contains("kbasefs"));
    assert!(env.ok(&["man"]).contains(".TH kbasefs"));
    assert!(env.ok(&["--version"]).starts_with("kbasefs "));
}
