//! The program as people use it: real pictures, a real mount, every command with and without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[path = "common/can_mount.rs"]
mod can_mount;
#[path = "common/isolated.rs"]
mod isolated;
#[path = "common/unlisted.rs"]
mod unlisted;

use can_mount::can_mount;
use isolated::isolated;
use unlisted::Unlisted;

/// A home, a photo folder and a mountpoint, all gone in the end.
struct TestEnv {
    folder: tempfile::TempDir,
}

impl TestEnv {
    fn new() -> Self {
        let env = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "photos/2019", "mnt"] {
            std::fs::create_dir_all(env.path(name)).unwrap();
        }
        let picture = |shade: u8| {
            image::RgbImage::from_fn(80, 60, |x, y| {
                image::Rgb([shade, (x * 3) as u8, (y * 4) as u8])
            })
        };
        picture(200)
            .save(env.path("photos/2019/IMG_1.jpg"))
            .unwrap();
        picture(20).save(env.path("photos/IMG_1.png")).unwrap();
        std::fs::copy(env.path("photos/IMG_1.png"), env.path("photos/copy.png")).unwrap();
        std::fs::write(
            env.path("photos/broken.jpg"),
            b"\xff\xd8\xff\xe0 no picture",
        )
        .unwrap();
        std::fs::write(env.path("photos/notes.txt"), "not a photo").unwrap();
        env
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Keeps the catalog at a place that tests know.
    fn settings_of_index(&self) {
        let file = self.path("home/.config/kbasefs/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = format!("catalog = {:?}\n", self.text("catalog.sqlite"));
        std::fs::write(file, text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &self.path("home"));
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Runs what must be refused: the exit code and the one line that says why.
    fn refused(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        (output.status.code().unwrap(), error)
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // Most tests don't mount, or have unmounted.
        let _ = kbasefs::fuse::detach(&self.path("mnt"));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

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

/// Nothing was analysed, so nobody ever read the file as a whole.
#[test]
fn what_was_said_goes_along_when_a_photo_is_copied_and_deleted() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &photo, "keep"]);
    let to = env.text("photos/elsewhere.d");
    std::fs::create_dir(&to).unwrap();
    let copied = Command::new("cp").args(["-p", &photo, &to]).status();
    assert!(copied.unwrap().success());
    std::fs::remove_file(&photo).unwrap();
    env.ok(&["scan", &photos]);
    let shown = env.json(&["show", "--json", &env.text("photos/elsewhere.d/IMG_1.jpg")]);
    assert!(shown.to_string().contains("keep"), "{shown}");
    let undone = env.ok(&["undo", "--source", &photos]);
    assert!(undone.contains("1 photo"), "{undone}");
}

/// `cp --backup`, as exiftool's default and many editors.
#[test]
fn a_name_keeps_its_tags_when_the_original_is_put_aside() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/2019/IMG_1.jpg"));
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &photo, "keep"]);
    let new = env.path("new.jpg");
    let mut bytes = std::fs::read(&photo).unwrap();
    bytes.push(0);
    std::fs::write(&new, bytes).unwrap();
    let copied = Command::new("cp")
        .args(["--backup=simple".as_ref(), new.as_os_str(), photo.as_ref()])
        .status();
    assert!(copied.unwrap().success());
    env.ok(&["scan", &photos]);
    std::fs::remove_file(format!("{photo}~")).unwrap();
    env.ok(&["scan", &photos]);
    let shown = env.json(&["show", "--json", &photo]);
    assert!(shown.to_string().contains("keep"), "{shown}");
    env.ok(&["undo", "--source", &photos]);
    let shown = env.json(&["show", "--json", &photo]);
    assert!(!shown.to_string().contains("keep"), "{shown}");
}

/// As exFAT and FAT, which give every file another inode with every mount: nothing is read again.
#[test]
fn a_disk_that_numbers_its_files_anew_is_not_read_again() {
    let env = TestEnv::new();
    let (photos, disk) = (env.text("photos"), env.text("disk"));
    std::fs::rename(&photos, &disk).unwrap();
    std::fs::create_dir(&photos).unwrap();
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !can_mount() || !run("bindfs", &["--no-allow-other", &disk, &photos]) {
        return eprintln!("skipped: needs FUSE and bindfs");
    }
    env.ok(&["scan", &photos]);
    env.ok(&["tag", &env.text("photos/2019/IMG_1.jpg"), "keep"]);
    let first = env.json(&["scan", &photos, "--json"]);
    assert!(run("umount", &[&photos]));
    // Other inodes with the same names, sizes and times.
    let copy = env.text("copy");
    assert!(run("cp", &["-a", &disk, &copy]));
    assert!(run("bindfs", &["--no-allow-other", &copy, &photos]));
    let again = env.json(&["scan", &photos, "--json"]);
    let shown = env.json(&["show", "--json", &env.text("photos/2019/IMG_1.jpg")]);
    assert!(run("umount", &[&photos]));
    assert_eq!(first["photos"], again["photos"]);
    let number = |name: &str| again[name].as_u64().unwrap();
    // Text files are no photos, and are looked into by every process once.
    assert_eq!(
        number("opened"),
        first["opened"].as_u64().unwrap(),
        "{again}"
    );
    assert_eq!((number("hashed"), number("gone")), (0, 0), "{again}");
    assert!(number("changed") > 0, "{again}");
    assert!(shown.to_string().contains("keep"), "{shown}");
}

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
fn a_scan_of_a_folder_that_can_not_be_listed_fails() {
    if !can_mount() {
        return;
    }
    let env = TestEnv::new();
    let unlisted = Unlisted::default();
    let _disk = unlisted.mount(&env.path("mnt"));
    let (source, below) = (env.text("mnt"), env.text("mnt/below"));
    env.ok(&["scan", &source]);
    env.ok(&["scan", &below]);
    let refused = |folder: &str| {
        let (code, error) = env.refused(&["scan", folder]);
        assert_eq!(code, 1);
        assert!(error.to_lowercase().contains("input/output"), "{error}");
    };
    unlisted.is(1);
    refused(&source);
    unlisted.is(2);
    let report = env.json(&["scan", &source, "--json"]);
    assert_eq!(report["unreadable"], 1, "{report}");
    let output = env.run(&["scan", &below]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
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

#[test]
fn commands_without_a_daemon_take_turns() {
    let env = TestEnv::new();
    let (photos, photo) = (env.text("photos"), env.text("photos/copy.png"));
    env.ok(&["scan", &photos]);
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (env, photo) = (&env, &photo);
            scope.spawn(move || env.ok(&["tag", "--tag", &format!("tag {n}"), photo]));
        }
    });
    let log = env.ok(&["log", &photos]);
    assert_eq!(log.lines().count(), 6, "{log}");
}

#[test]
fn thousands_of_photos_on_a_command_line_are_one_act() {
    let env = TestEnv::new();
    let photos = env.text("photos");
    let names: Vec<_> = (0..5000).map(|n| format!("{n:0>200}.jpg")).collect();
    for (n, name) in names.iter().enumerate() {
        let number = n.to_string();
        let picture = [b"\xff\xd8\xff\xe0 no picture ", number.as_bytes()].concat();
        std::fs::write(env.path("photos").join(name), picture).unwrap();
    }
    let run = |args: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &env.path("home"));
        command.args(args).args(&names).current_dir(&photos);
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    env.ok(&["scan", &photos]);
    assert_eq!(run(&["tag", "--tag", "many"]), "5000 photos changed\n");
    assert_eq!(run(&["untag", "--tag", "many"]), "5000 photos changed\n");
    let estimate = run(&["analyze", "--dry-run", "--json"]);
    assert!(estimate.contains("\"photos\":5000"), "{estimate}");
    let log = env.ok(&["log", &photos]);
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[test]
fn a_system_that_starts_no_threads_is_told_of_in_words() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be a user who has no thread left");
        return;
    }
    use std::os::unix::process::CommandExt;
    let env = TestEnv::new();
    let give = Command::new("chown")
        .args(["-R", "65534"])
        .arg(env.path(""))
        .status();
    assert!(give.unwrap().success());
    let mut limited = isolated(Command::new("prlimit"), &env.path("home"));
    limited.args(["--nproc=1", env!("CARGO_BIN_EXE_kbasefs"), "scan"]);
    limited.arg(env.path("photos")).uid(65534).gid(65534);
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the system starts no more threads"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(!output.status.success());
}
