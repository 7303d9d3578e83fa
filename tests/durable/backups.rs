//! Backups that are made by themselves, and that are brought back.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kbasefs::backups::{Backups, Error, NotNow};
use kbasefs::catalog::{Change, Edit, PhotoId, TextField};
use kbasefs::store::sqlite::Sqlite;
use kbasefs::store::{self, Store, sqlite};
use rusqlite::Connection;
use serde_json::Value;

use crate::can_mount::can_mount;
use crate::isolated::isolated;
use crate::mount_small_disk;
use crate::replaced::{contents, kill_after, moments, unfinished};
use crate::test_env::{TestEnv, settled, tag, tagged, tags};

const DAY: i64 = 24 * 60 * 60;
/// Some time.
const NOW: i64 = 1_800_000_000;

/// Of a machine on mains.
fn backups(env: &TestEnv) -> Backups {
    let backups = Backups::of(&env.index(), &env.path("photos"), 2);
    backups.powered_by(&env.path("no-supplies"))
}

fn kept(env: &TestEnv) -> Vec<String> {
    let report = backups(env).report(NOW).unwrap();
    let names = report.kept.iter().map(|backup| backup.file.file_name());
    let names = names.map(|name| name.unwrap().to_str().unwrap().to_owned());
    names.collect()
}

fn file(env: &TestEnv, number: u64) -> PathBuf {
    env.path(&format!(
        "index/catalog.sqlite.backups/catalog-{number}.sqlite"
    ))
}

fn say(env: &TestEnv, word: &str) {
    tag(&env.app(), "1.png", word);
}

#[test]
fn one_a_day_is_made_where_something_was_said_and_two_are_kept() {
    let env = tagged(3);
    let made = |now| backups(&env).make_if_due(now).unwrap();
    assert_eq!(made(NOW), Ok(file(&env, 1)));
    assert_eq!(made(NOW + DAY), Err(NotNow::Unchanged));
    say(&env, "second");
    assert_eq!(made(NOW + DAY - 1), Err(NotNow::Recent));
    assert_eq!(made(NOW + DAY), Ok(file(&env, 2)));
    assert_eq!(kept(&env), ["catalog-2.sqlite", "catalog-1.sqlite"]);
    say(&env, "third");
    assert_eq!(made(NOW + 2 * DAY), Ok(file(&env, 3)));
    assert_eq!(kept(&env), ["catalog-3.sqlite", "catalog-2.sqlite"]);
    // A clock that is set back neither stops them nor changes which one is the latest.
    say(&env, "fourth");
    assert_eq!(made(NOW - 900 * DAY), Ok(file(&env, 4)));
    assert_eq!(kept(&env), ["catalog-4.sqlite", "catalog-3.sqlite"]);
    for number in [3, 4] {
        assert_eq!(
            sqlite::check(&file(&env, number)).unwrap(),
            Vec::<String>::new()
        );
    }
    let report = backups(&env).report(NOW).unwrap().summary();
    let since: Vec<_> = report
        .kept
        .iter()
        .map(|backup| backup.edits_since)
        .collect();
    assert_eq!(since, [Some(0), Some(1)]);
    let all = fs::read_dir(file(&env, 1).parent().unwrap()).unwrap();
    assert_eq!(all.count(), 2, "nothing else is left");
}

#[test]
fn what_others_put_among_them_is_left_alone_and_stops_none() {
    let env = tagged(3);
    let folder = file(&env, 1).parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("/nowhere", file(&env, 1)).unwrap();
    fs::create_dir(file(&env, 2)).unwrap();
    let far = folder.join(format!("catalog-{}.sqlite", u64::MAX));
    fs::write(&far, "notes").unwrap();
    let made = backups(&env).make_if_due(NOW).unwrap();
    assert_eq!(made, Ok(file(&env, 3)));
    assert_eq!(fs::read(far).unwrap(), b"notes");
}

#[test]
fn what_servers_answered_counts_as_what_was_said() {
    let env = settled();
    let made = backups(&env).make_if_due(NOW).unwrap();
    assert!(made.is_ok(), "{made:?}");
    let catalog = Connection::open(env.index()).unwrap();
    let more = "UPDATE spent SET requests = requests + 1 WHERE provider = 'desk'";
    assert_eq!(catalog.execute(more, []).unwrap(), 1);
    catalog.close().unwrap();
    let made = backups(&env).make_if_due(NOW + DAY).unwrap();
    assert_eq!(made, Ok(file(&env, 2)));
}

#[test]
fn none_is_made_where_nothing_was_said_or_nobody_wants_one() {
    let env = TestEnv::new(2);
    env.app().scan().unwrap();
    let made = backups(&env).make_if_due(NOW).unwrap();
    assert_eq!(made, Err(NotNow::NothingSaid));
    say(&env, "word");
    let off = Backups::of(&env.index(), &env.path("photos"), 0);
    assert_eq!(off.make_if_due(NOW).unwrap(), Err(NotNow::Off));
    // Nothing is ever written into the photo folder.
    let inside = Backups::of(&env.index(), &env.path("index"), 2);
    assert_eq!(inside.make_if_due(NOW).unwrap(), Err(NotNow::InSource));
    let supply = env.path("supplies/BAT0");
    fs::create_dir_all(&supply).unwrap();
    fs::write(supply.join("type"), "Battery\n").unwrap();
    fs::write(supply.join("status"), "Discharging\n").unwrap();
    let unplugged = backups(&env).powered_by(&env.path("supplies"));
    assert_eq!(unplugged.make_if_due(NOW).unwrap(), Err(NotNow::OnBattery));
    assert!(!file(&env, 1).parent().unwrap().exists());
}

#[test]
fn none_is_made_where_the_room_is_less_than_three_times_the_catalog() {
    let env = TestEnv::new(3);
    if !mount_small_disk(&env.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = env.app();
    app.scan().unwrap();
    drop(app);
    say(&env, "word");
    let needed = 3 * env.index().metadata().unwrap().len();
    let disk = rustix::fs::statvfs(env.path("index")).unwrap();
    let ballast = disk.f_bavail * disk.f_frsize - needed + disk.f_frsize;
    fs::write(env.path("index/ballast"), vec![0u8; ballast as usize]).unwrap();
    let made = backups(&env).make_if_due(NOW).unwrap();
    assert_eq!(made, Err(NotNow::NoRoom { needed }));
    fs::remove_file(env.path("index/ballast")).unwrap();
    assert_eq!(backups(&env).make_if_due(NOW).unwrap(), Ok(file(&env, 1)));
}

#[test]
fn a_damaged_catalog_takes_the_place_of_no_backup() {
    let env = tagged(3);
    for day in 0..2 {
        say(&env, &format!("day {day}"));
        assert!(backups(&env).make_if_due(NOW + day * DAY).unwrap().is_ok());
    }
    say(&env, "day 2");
    let catalog = Connection::open(env.index()).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(catalog.execute(word, []).unwrap(), 1);
    catalog.close().unwrap();
    let made = backups(&env).make_if_due(NOW + 2 * DAY);
    assert!(
        matches!(made, Err(Error::Store(store::Error::Damaged))),
        "{made:?}"
    );
    assert_eq!(kept(&env), ["catalog-2.sqlite", "catalog-1.sqlite"]);
    // It is mended with the next start; the last backup of before stays for a while.
    for day in 3..5 {
        say(&env, &format!("day {day}"));
        assert!(backups(&env).make_if_due(NOW + day * DAY).unwrap().is_ok());
    }
    assert_eq!(kept(&env), ["catalog-4.sqlite", "catalog-2.sqlite"]);
}

fn restore(env: &TestEnv, args: &[&str]) -> Command {
    let photos = env.path("photos");
    let all = [&["catalog", "restore", photos.to_str().unwrap()], args].concat();
    env.command(&all)
}

fn said(env: &TestEnv, args: &[&str]) -> String {
    let output = restore(env, args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(env: &TestEnv, args: &[&str]) -> String {
    let before = fs::read(env.index()).unwrap();
    let output = restore(env, args).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(fs::read(env.index()).unwrap() == before);
    assert_eq!(unfinished(env), Vec::<String>::new());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_backup_is_brought_back_and_what_it_replaces_is_kept() {
    let env = tagged(3);
    assert!(said(&env, &[]).starts_with("no backup yet"));
    backups(&env).make_if_due(NOW).unwrap().unwrap();
    say(&env, "later");
    assert!(said(&env, &[]).contains("; since then 1 edits and 0 answers of servers"));
    let listed: Value = serde_json::from_str(&said(&env, &["--json"])).unwrap();
    assert_eq!(listed["kept"][0]["made"], NOW);
    let back = said(&env, &["catalog-1.sqlite"]);
    assert!(back.contains("1 edits and 0 answers"), "{back}");
    let mode = |path: PathBuf| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(
        mode(env.index()),
        0o600,
        "places and texts are nobody else's"
    );
    let before = ["tag 1".to_owned()].into();
    assert_eq!(tags(&env.app(), "1.png"), before);
    // Its own name leads back as well.
    let aside = env.path("index/catalog.sqlite.replaced-1");
    let back: Value =
        serde_json::from_str(&said(&env, &[aside.to_str().unwrap(), "--json"])).unwrap();
    assert_eq!(back["made"], Value::Null);
    let after = ["later".to_owned(), "tag 1".to_owned()].into();
    assert_eq!(tags(&env.app(), "1.png"), after);
    assert!(file(&env, 1).exists(), "a backup stays");
    // One is brought back where the catalog is gone as well.
    fs::remove_file(env.index()).unwrap();
    said(&env, &["catalog-1.sqlite"]);
    assert_eq!(mode(env.index()), 0o600);
    assert_eq!(tags(&env.app(), "1.png"), before);
}

#[test]
fn nothing_is_done_to_what_is_no_catalog_of_this_version() {
    let env = tagged(1);
    let (foreign, newer, copy) = (env.path("x.db"), env.path("newer.db"), env.path("copy"));
    let rows = "CREATE TABLE x (a); INSERT INTO x VALUES (1); CREATE TABLE y (a);
                INSERT INTO y VALUES (zeroblob(100000)); DROP TABLE y";
    Connection::open(&foreign)
        .and_then(|file| file.execute_batch(rows))
        .unwrap();
    fs::copy(env.index(), &newer).unwrap();
    let later = "CREATE TABLE later (a); PRAGMA user_version = 99";
    Connection::open(&newer)
        .and_then(|file| file.execute_batch(later))
        .unwrap();
    for (file, why) in [(foreign, "another program"), (newer, "newer version")] {
        let before = fs::read(&file).unwrap();
        let (catalog, photos) = (file.to_str().unwrap(), env.path("photos"));
        let photos = photos.to_str().unwrap();
        for doing in [
            &["vacuum", photos][..],
            &["backup", photos, copy.to_str().unwrap()],
        ] {
            let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
            let mut command = isolated(program, &env.path("home"));
            command.args(["--catalog", catalog, "catalog"]).args(doing);
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                !output.status.success() && said.contains(why),
                "{doing:?}: {said}"
            );
            assert!(fs::read(&file).unwrap() == before, "{doing:?}");
        }
    }
    assert!(!copy.exists());
}

#[test]
fn a_log_that_a_killed_process_left_does_not_touch_what_is_brought_back() {
    let env = tagged(3);
    let app = env.app();
    tag(&app, "2.png", "in the log");
    let log = env.path("index/catalog.sqlite-wal");
    let stale = fs::read(&log).unwrap();
    assert!(!stale.is_empty());
    drop(app);
    backups(&env).make_if_due(NOW).unwrap().unwrap();
    say(&env, "later");
    fs::write(&log, &stale).unwrap();
    said(&env, &["catalog-1.sqlite"]);
    assert!(!log.exists());
    assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
    assert_eq!(
        contents(&env.index()).unwrap(),
        contents(&file(&env, 1)).unwrap()
    );
}

#[test]
fn what_is_no_sound_copy_of_this_catalog_is_refused() {
    let (env, other) = (tagged(3), tagged(2));
    backups(&other).make_if_due(NOW).unwrap().unwrap();
    let of_other = file(&other, 1);
    let said = refused(&env, &[of_other.to_str().unwrap()]);
    assert!(said.contains("belongs to"), "{said}");
    let said = refused(&env, &["catalog-7.sqlite"]);
    assert!(said.contains("there is no such backup"), "{said}");
    backups(&env).make_if_due(NOW).unwrap().unwrap();
    let copy = Connection::open(file(&env, 1)).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(copy.execute(word, []).unwrap(), 1);
    copy.close().unwrap();
    let said = refused(&env, &["catalog-1.sqlite"]);
    assert!(said.contains("damaged itself"), "{said}");
    let text = env.path("text.sqlite");
    fs::write(&text, "no catalog at all ".repeat(400)).unwrap();
    refused(&env, &[text.to_str().unwrap()]);
    let app = env.app();
    let output = restore(&env, &["catalog-1.sqlite"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("is in use") && !output.status.success(),
        "{said}"
    );
    drop(app);
}

/// Long enough that a kill meets every step.
fn long() -> TestEnv {
    let env = settled();
    let source = env.path("photos").canonicalize().unwrap();
    let store = Sqlite::open(&env.index(), &source).unwrap();
    let ids = (1..=12).map(PhotoId);
    for id in ids.filter(|id| store.detail(*id).unwrap().is_some()) {
        let words = (0..8000).map(|n| format!("word{} ", n * id.0));
        let edit = Edit::SetText(TextField::Description, words.collect());
        store.commit(&[Change::edited(id, edit)]).unwrap();
    }
    env
}

fn rest(env: &TestEnv) -> Vec<PathBuf> {
    let all = fs::read_dir(env.path("index")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let is_aside = |path: &PathBuf| path.to_str().unwrap().contains(".replaced-");
    all.filter(is_aside).collect()
}

fn photos(at: &Path) -> Vec<u32> {
    contents(at).unwrap()
}

#[test]
fn a_kill_leaves_the_catalog_of_before_or_all_of_what_is_brought_back() {
    let env = long();
    backups(&env).make_if_due(NOW).unwrap().unwrap();
    say(&env, "later");
    let current = fs::read(env.index()).unwrap();
    let (before, after) = (photos(&env.index()), photos(&file(&env, 1)));
    assert_ne!(before, after);
    let start = Instant::now();
    said(&env, &["catalog-1.sqlite"]);
    let most: Duration = start.elapsed();
    assert_eq!(photos(&env.index()), after);
    let (mut old, mut new) = (0, 0);
    for moment in moments(most) {
        rest(&env)
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap());
        fs::write(env.index(), &current).unwrap();
        let mut command = restore(&env, &["catalog-1.sqlite"]);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        kill_after(quiet.spawn().unwrap(), moment);
        // Whoever opens it next brings to its end what was decided.
        drop(env.app());
        let there = photos(&env.index());
        match there == before {
            true => old += 1,
            false => new += 1,
        }
        assert!(there == before || there == after, "after {moment:?}");
        assert_eq!(unfinished(&env), Vec::<String>::new(), "after {moment:?}");
        assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
        if there == after {
            let aside = env.path("index/catalog.sqlite.replaced-1");
            assert_eq!(photos(&aside), before, "after {moment:?}");
        }
        assert_eq!(photos(&file(&env, 1)), after, "after {moment:?}");
    }
    eprintln!(
        "{} kills in {most:?}: {old} left the old one, {new} the new one",
        old + new
    );
}

#[test]
fn a_mount_makes_backups_and_status_and_doctor_name_them() {
    if !can_mount() {
        return;
    }
    let env = tagged(3);
    let [photos, mnt] = ["photos", "mnt"].map(|name| env.path(name).to_str().unwrap().to_owned());
    let mut mount = env.command(&["mount", &photos, &mnt]);
    mount.env("KBASEFS_FAULTS", "hasty-backups");
    mount.env("KBASEFS_FAULTS_POWER", env.path("no-supplies"));
    assert!(mount.status().unwrap().success());
    let limit = Instant::now() + Duration::from_secs(60);
    let status = loop {
        let status = env.run(&["status", &photos, "--json"]).stdout;
        let status: Value = serde_json::from_slice(&status).unwrap();
        if status["backups"]["kept"][0]["made"].is_i64() {
            break status;
        }
        assert!(Instant::now() < limit, "{status}");
    };
    let first = file(&env, 1).to_str().unwrap().to_owned();
    assert_eq!(status["backups"]["kept"][0]["file"], first);
    let shown = String::from_utf8(env.run(&["status", &photos]).stdout).unwrap();
    assert!(shown.contains("1, the latest of "), "{shown}");
    let doctor = env.run(&["doctor", &photos]).stdout;
    let doctor = String::from_utf8(doctor).unwrap();
    assert!(
        doctor
            .lines()
            .any(|l| l.contains("backup") && l.contains(&first)),
        "{doctor}"
    );
    let said = refused_in_use(&env);
    assert!(said.contains("`kbasefs umount`"), "{said}");
    assert!(env.run(&["umount", &mnt]).status.success());
}

fn refused_in_use(env: &TestEnv) -> String {
    let output = restore(env, &["catalog-1.sqlite"]).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}
