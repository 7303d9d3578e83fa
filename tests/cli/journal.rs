//! What people did: listed, taken back and done again.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::can_mount::can_mount;
use crate::test_env::TestEnv;

#[test]
fn what_people_do_is_logged_taken_back_and_done_again() {
    let env = TestEnv::new();
    let (photos, picture) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    let tags = |env: &TestEnv| {
        let known = env.json(&["show", &picture, "--json"]);
        let tags = known["tags"].as_array().unwrap().iter();
        let tags: Vec<_> = tags
            .map(|t| t["name"].as_str().unwrap().to_owned())
            .collect();
        tags.join(" ")
    };
    env.ok(&["scan", &photos]);
    let copy = env.text("photos/copy.png");
    let done = env.json(&["tag", &picture, &copy, "Rex", "--json"]);
    assert_eq!((&done["act"], &done["photos"]), (&1.into(), &2.into()));
    env.ok(&["tag", "--tag", "sea", "--tag", "sun", &picture]);
    env.ok(&["untag", &picture, "sea"]);
    assert_eq!(tags(&env), "Rex sun");
    let log = env.ok(&["log", &photos]);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("untag sea: 2019/IMG_1.jpg"), "{log}");
    assert!(lines[2].contains("tag Rex: 2 photos"), "{log}");
    let at = |command: &[&str]| env.ok(&[command, &["--source", &photos]].concat());
    assert!(at(&["undo"]).starts_with("undone 3: untag sea (1 photos)"));
    assert_eq!(tags(&env), "Rex sea sun");
    at(&["undo", "1"]);
    assert_eq!(tags(&env), "sea sun");
    at(&["redo"]);
    assert_eq!(tags(&env), "Rex sea sun");
    // Undoing an undo is a redo.
    at(&["undo", "4"]);
    assert_eq!(tags(&env), "Rex sun");
    at(&["undo", "--since", "1h"]);
    assert_eq!(tags(&env), "");
    let (code, error) = env.refused(&["undo", "--source", &photos]);
    assert!(code == 1 && error.contains("nothing to undo"), "{error}");
    let (_, error) = env.refused(&["undo", "99", "--source", &photos]);
    assert!(error.contains("no act 99"), "{error}");
    if can_mount() {
        let mounted = env.text("mnt");
        env.ok(&["mount", &photos, &mounted]);
        let put = |command: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-ec", command]).current_dir(env.path("mnt"));
            assert!(shell.status().unwrap().success(), "{command}");
        };
        put("mkdir tags/trip; cp -l all/2019/IMG_1.jpg all/copy.png tags/trip");
        assert_eq!(tags(&env), "trip");
        let log = env.ok(&["log", &mounted, "--json", "-n", "1"]);
        let act: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(
            (act["process"].as_str(), &act["photos"]),
            (Some("cp"), &2.into())
        );
        env.ok(&["undo", "--source", &mounted]);
        assert_eq!(tags(&env), "");
        env.ok(&["umount", &mounted]);
    }
}

/// Each of many commands at once takes back the last act that still holds when it is its turn.
#[test]
fn acts_that_are_taken_back_at_the_same_time_are_each_taken_back_once() {
    if !can_mount() {
        return;
    }
    const ACTS: usize = 8;
    let env = TestEnv::new();
    let (photos, mounted) = (env.text("photos"), env.text("mnt"));
    let picture = env.text("photos/2019/IMG_1.jpg");
    env.ok(&["mount", &photos, &mounted]);
    for n in 0..ACTS {
        env.ok(&["tag", &picture, &format!("tag{n}")]);
    }
    let at_once = |command: &str| {
        let begin = |n: usize| {
            let mut begun = env.command(&[command, "--source", &photos]);
            if command == "undo" && n == ACTS / 2 {
                // Several acts in one commit: all of those that it finds, or others.
                begun.args(["--since", "1h"]);
            }
            begun.stdout(Stdio::null()).spawn().unwrap()
        };
        let all: Vec<_> = (0..ACTS).map(begin).collect();
        let ended = all.into_iter().map(|mut child| child.wait().unwrap());
        ended.filter(|status| status.success()).count()
    };
    let tags = || {
        let known = env.json(&["show", &picture, "--json"]);
        known["tags"].as_array().unwrap().len()
    };
    let logged = |role: &str| {
        let log = env.ok(&["log", &photos, "--json", "-n", "99"]);
        let words = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["words"].to_string());
        words.filter(|words| words.contains(role)).count()
    };
    assert!(at_once("undo") > 0);
    assert_eq!((tags(), logged("undo")), (0, ACTS));
    assert_eq!(at_once("redo"), ACTS);
    assert_eq!((tags(), logged("redo")), (ACTS, ACTS));
    env.ok(&["umount", &mounted]);
}

#[test]
fn the_journal_says_where_a_folder_was_moved_and_a_clock_set_back_hides_no_act() {
    if !can_mount() {
        return;
    }
    let env = TestEnv::new();
    let (photos, mounted) = (env.text("photos"), env.text("mnt"));
    env.settings_of_index();
    env.ok(&["mount", &photos, &mounted]);
    let put = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-ec", command]).current_dir(env.path("mnt"));
        assert!(shell.status().unwrap().success(), "{command}");
    };
    put("mkdir tags/abaya tags/sea; ln all/copy.png tags/abaya/");
    put("mv tags/abaya tags/sea/");
    put("mv tags/sea tags/lake");
    let log = env.ok(&["log", &mounted]);
    assert!(log.contains("move abaya to sea/abaya: copy.png"), "{log}");
    assert!(log.contains("move sea to lake: copy.png"), "{log}");
    env.ok(&["umount", &mounted]);
    let catalog = rusqlite::Connection::open(env.path("catalog.sqlite")).unwrap();
    let set_back = "UPDATE act SET at = at - 7200 WHERE id = (SELECT max(id) FROM act)";
    assert_eq!(catalog.execute(set_back, []).unwrap(), 1);
    drop(catalog);
    env.ok(&["undo", "--since", "1h", "--source", &photos]);
    let known = env.json(&["show", &env.text("photos/copy.png"), "--json"]);
    assert_eq!(known["tags"], serde_json::json!([]), "{known}");
}
