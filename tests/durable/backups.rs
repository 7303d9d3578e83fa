//! Backups that are made by themselves, and that are brought back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use kbasefs::backups::{Backups, Error, NotNow};
use kbasefs::catalog::{Change, Edit, PhotoId, TextField};
use kbasefs::store::sqlite::Sqlite;
use kbasefs::store::{self, Store, sqlite};
use rusqlite::Connection;
use serde_json::Value;

use crate::house::{House, settled, tag, tagged, tags};
use crate::mount_small_disk;
use crate::replaced::{contents, kill_after, moments, unfinished};

const DAY: i64 = 24 * 60 * 60;
/// Some time.
const NOW: i64 = 1_800_000_000;

/// Of a machine on mains.
fn backups(house: &House) -> Backups {
    let backups = Backups::of(&house.index(), &house.path("photos"), 2);
    backups.powered_by(&house.path("no-supplies"))
}

fn kept(house: &House) -> Vec<String> {
    let report = backups(house).report(NOW).unwrap();
    let names = report.kept.iter().map(|backup| backup.file.file_name());
    let names = names.map(|name| name.unwrap().to_str().unwrap().to_owned());
    names.collect()
}

fn file(house: &House, number: u64) -> PathBuf {
    house.path(&format!(
        "index/catalog.sqlite.backups/catalog-{number}.sqlite"
    ))
}

fn say(house: &House, word: &str) {
    tag(&house.app(), "1.png", word);
}

#[test]
fn one_a_day_is_made_where_something_was_said_and_two_are_kept() {
    let house = tagged(3);
    let made = |now| backups(&house).make_if_due(now).unwrap();
    assert_eq!(made(NOW), Ok(file(&house, 1)));
    assert_eq!(made(NOW + DAY), Err(NotNow::Unchanged));
    say(&house, "second");
    assert_eq!(made(NOW + DAY - 1), Err(NotNow::Recent));
    assert_eq!(made(NOW + DAY), Ok(file(&house, 2)));
    assert_eq!(kept(&house), ["catalog-2.sqlite", "catalog-1.sqlite"]);
    say(&house, "third");
    assert_eq!(made(NOW + 2 * DAY), Ok(file(&house, 3)));
    assert_eq!(kept(&house), ["catalog-3.sqlite", "catalog-2.sqlite"]);
    // A clock that is set back neither stops them nor changes which one is the latest.
    say(&house, "fourth");
    assert_eq!(made(NOW - 900 * DAY), Ok(file(&house, 4)));
    assert_eq!(kept(&house), ["catalog-4.sqlite", "catalog-3.sqlite"]);
    for number in [3, 4] {
        assert_eq!(
            sqlite::check(&file(&house, number)).unwrap(),
            Vec::<String>::new()
        );
    }
    let report = backups(&house).report(NOW).unwrap().summary();
    let since: Vec<_> = report
        .kept
        .iter()
        .map(|backup| backup.edits_since)
        .collect();
    assert_eq!(since, [Some(0), Some(1)]);
    let all = fs::read_dir(file(&house, 1).parent().unwrap()).unwrap();
    assert_eq!(all.count(), 2, "nothing else is left");
}

#[test]
fn what_servers_answered_counts_as_what_was_said() {
    let house = settled();
    let made = backups(&house).make_if_due(NOW).unwrap();
    assert!(made.is_ok(), "{made:?}");
    let catalog = Connection::open(house.index()).unwrap();
    let more = "UPDATE spent SET requests = requests + 1 WHERE provider = 'desk'";
    assert_eq!(catalog.execute(more, []).unwrap(), 1);
    catalog.close().unwrap();
    let made = backups(&house).make_if_due(NOW + DAY).unwrap();
    assert_eq!(made, Ok(file(&house, 2)));
}

#[test]
fn none_is_made_where_nothing_was_said_or_nobody_wants_one() {
    let house = House::new(2);
    house.app().scan().unwrap();
    let made = backups(&house).make_if_due(NOW).unwrap();
    assert_eq!(made, Err(NotNow::NothingSaid));
    say(&house, "word");
    let off = Backups::of(&house.index(), &house.path("photos"), 0);
    assert_eq!(off.make_if_due(NOW).unwrap(), Err(NotNow::Off));
    // Nothing is ever written into the photo folder.
    let inside = Backups::of(&house.index(), &house.path("index"), 2);
    assert_eq!(inside.make_if_due(NOW).unwrap(), Err(NotNow::InSource));
    let supply = house.path("supplies/BAT0");
    fs::create_dir_all(&supply).unwrap();
    fs::write(supply.join("type"), "Battery\n").unwrap();
    fs::write(supply.join("status"), "Discharging\n").unwrap();
    let unplugged = backups(&house).powered_by(&house.path("supplies"));
    assert_eq!(unplugged.make_if_due(NOW).unwrap(), Err(NotNow::OnBattery));
    assert!(!file(&house, 1).parent().unwrap().exists());
}

#[test]
fn none_is_made_where_the_room_is_less_than_three_times_the_catalog() {
    let house = House::new(3);
    if !mount_small_disk(&house.path("index")) {
        eprintln!("skipped: this needs root");
        return;
    }
    let app = house.app();
    app.scan().unwrap();
    drop(app);
    say(&house, "word");
    let needed = 3 * house.index().metadata().unwrap().len();
    let disk = rustix::fs::statvfs(house.path("index")).unwrap();
    let ballast = disk.f_bavail * disk.f_frsize - needed + disk.f_frsize;
    fs::write(house.path("index/ballast"), vec![0u8; ballast as usize]).unwrap();
    let made = backups(&house).make_if_due(NOW).unwrap();
    assert_eq!(made, Err(NotNow::NoRoom { needed }));
    fs::remove_file(house.path("index/ballast")).unwrap();
    assert_eq!(
        backups(&house).make_if_due(NOW).unwrap(),
        Ok(file(&house, 1))
    );
}

#[test]
fn a_damaged_catalog_takes_the_place_of_no_backup() {
    let house = tagged(3);
    for day in 0..2 {
        say(&house, &format!("day {day}"));
        assert!(
            backups(&house)
                .make_if_due(NOW + day * DAY)
                .unwrap()
                .is_ok()
        );
    }
    say(&house, "day 2");
    let catalog = Connection::open(house.index()).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(catalog.execute(word, []).unwrap(), 1);
    catalog.close().unwrap();
    let made = backups(&house).make_if_due(NOW + 2 * DAY);
    assert!(
        matches!(made, Err(Error::Store(store::Error::Damaged))),
        "{made:?}"
    );
    assert_eq!(kept(&house), ["catalog-2.sqlite", "catalog-1.sqlite"]);
    // It is mended with the next start; the last backup of before stays for a while.
    for day in 3..5 {
        say(&house, &format!("day {day}"));
        assert!(
            backups(&house)
                .make_if_due(NOW + day * DAY)
                .unwrap()
                .is_ok()
        );
    }
    assert_eq!(kept(&house), ["catalog-4.sqlite", "catalog-2.sqlite"]);
}

fn restore(house: &House, args: &[&str]) -> std::process::Command {
    let photos = house.path("photos");
    let all = [&["catalog", "restore", photos.to_str().unwrap()], args].concat();
    house.command(&all)
}

fn said(house: &House, args: &[&str]) -> String {
    let output = restore(house, args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(house: &House, args: &[&str]) -> String {
    let before = fs::read(house.index()).unwrap();
    let output = restore(house, args).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(fs::read(house.index()).unwrap() == before);
    assert_eq!(unfinished(house), Vec::<String>::new());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_backup_is_brought_back_and_what_it_replaces_is_kept() {
    let house = tagged(3);
    assert!(said(&house, &[]).starts_with("no backup yet"));
    backups(&house).make_if_due(NOW).unwrap().unwrap();
    say(&house, "later");
    assert!(said(&house, &[]).contains("; since then 1 edits and 0 answers of servers"));
    let listed: Value = serde_json::from_str(&said(&house, &["--json"])).unwrap();
    assert_eq!(listed["kept"][0]["made"], NOW);
    let back = said(&house, &["catalog-1.sqlite"]);
    assert!(back.contains("1 edits and 0 answers"), "{back}");
    let before = ["tag 1".to_owned()].into();
    assert_eq!(tags(&house.app(), "1.png"), before);
    // Its own name leads back as well.
    let aside = house.path("index/catalog.sqlite.replaced-1");
    let back: Value =
        serde_json::from_str(&said(&house, &[aside.to_str().unwrap(), "--json"])).unwrap();
    assert_eq!(back["made"], Value::Null);
    let after = ["later".to_owned(), "tag 1".to_owned()].into();
    assert_eq!(tags(&house.app(), "1.png"), after);
    assert!(file(&house, 1).exists(), "a backup stays");
    // One is brought back where the catalog is gone as well.
    fs::remove_file(house.index()).unwrap();
    said(&house, &["catalog-1.sqlite"]);
    assert_eq!(tags(&house.app(), "1.png"), before);
}

#[test]
fn a_log_that_a_killed_process_left_does_not_touch_what_is_brought_back() {
    let house = tagged(3);
    let app = house.app();
    tag(&app, "2.png", "in the log");
    let log = house.path("index/catalog.sqlite-wal");
    let stale = fs::read(&log).unwrap();
    assert!(!stale.is_empty());
    drop(app);
    backups(&house).make_if_due(NOW).unwrap().unwrap();
    say(&house, "later");
    fs::write(&log, &stale).unwrap();
    said(&house, &["catalog-1.sqlite"]);
    assert!(!log.exists());
    assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
    assert_eq!(
        contents(&house.index()).unwrap(),
        contents(&file(&house, 1)).unwrap()
    );
}

#[test]
fn what_is_no_sound_copy_of_this_catalog_is_refused() {
    let (house, other) = (tagged(3), tagged(2));
    backups(&other).make_if_due(NOW).unwrap().unwrap();
    let of_other = file(&other, 1);
    let said = refused(&house, &[of_other.to_str().unwrap()]);
    assert!(said.contains("belongs to"), "{said}");
    let said = refused(&house, &["catalog-7.sqlite"]);
    assert!(said.contains("there is no such backup"), "{said}");
    backups(&house).make_if_due(NOW).unwrap().unwrap();
    let copy = Connection::open(file(&house, 1)).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(copy.execute(word, []).unwrap(), 1);
    copy.close().unwrap();
    let said = refused(&house, &["catalog-1.sqlite"]);
    assert!(said.contains("damaged itself"), "{said}");
    let text = house.path("text.sqlite");
    fs::write(&text, "no catalog at all ".repeat(400)).unwrap();
    refused(&house, &[text.to_str().unwrap()]);
    let app = house.app();
    let output = restore(&house, &["catalog-1.sqlite"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("is in use") && !output.status.success(),
        "{said}"
    );
    drop(app);
}

/// Long enough that a kill meets every step.
fn long() -> House {
    let house = settled();
    let source = house.path("photos").canonicalize().unwrap();
    let store = Sqlite::open(&house.index(), &source).unwrap();
    let ids = (1..=12).map(PhotoId);
    for id in ids.filter(|id| store.detail(*id).unwrap().is_some()) {
        let words = (0..8000).map(|n| format!("word{} ", n * id.0));
        let edit = Edit::SetText(TextField::Description, words.collect());
        store.commit(&[Change::edited(id, edit)]).unwrap();
    }
    house
}

fn rest(house: &House) -> Vec<PathBuf> {
    let all = fs::read_dir(house.path("index")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let is_aside = |path: &PathBuf| path.to_str().unwrap().contains(".replaced-");
    all.filter(is_aside).collect()
}

fn photos(at: &Path) -> Vec<u32> {
    contents(at).unwrap()
}

#[test]
fn a_kill_leaves_the_catalog_of_before_or_all_of_what_is_brought_back() {
    let house = long();
    backups(&house).make_if_due(NOW).unwrap().unwrap();
    say(&house, "later");
    let current = fs::read(house.index()).unwrap();
    let (before, after) = (photos(&house.index()), photos(&file(&house, 1)));
    assert_ne!(before, after);
    let start = Instant::now();
    said(&house, &["catalog-1.sqlite"]);
    let most: Duration = start.elapsed();
    assert_eq!(photos(&house.index()), after);
    let (mut old, mut new) = (0, 0);
    for moment in moments(most) {
        rest(&house)
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap());
        fs::write(house.index(), &current).unwrap();
        let mut command = restore(&house, &["catalog-1.sqlite"]);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        kill_after(quiet.spawn().unwrap(), moment);
        // Whoever opens it next brings to its end what was decided.
        drop(house.app());
        let there = photos(&house.index());
        match there == before {
            true => old += 1,
            false => new += 1,
        }
        assert!(there == before || there == after, "after {moment:?}");
        assert_eq!(unfinished(&house), Vec::<String>::new(), "after {moment:?}");
        assert_eq!(sqlite::check(&house.index()).unwrap(), Vec::<String>::new());
        if there == after {
            let aside = house.path("index/catalog.sqlite.replaced-1");
            assert_eq!(photos(&aside), before, "after {moment:?}");
        }
        assert_eq!(photos(&file(&house, 1)), after, "after {moment:?}");
    }
    eprintln!(
        "{} kills in {most:?}: {old} left the old one, {new} the new one",
        old + new
    );
}

#[test]
fn a_mount_makes_backups_and_status_and_doctor_name_them() {
    if !Path::new("/dev/fuse").exists() {
        eprintln!("skipped: /dev/fuse is missing");
        return;
    }
    let house = tagged(3);
    let [photos, mnt] = ["photos", "mnt"].map(|name| house.path(name).to_str().unwrap().to_owned());
    let mut mount = house.command(&["mount", &photos, &mnt]);
    mount.env("KBASEFS_FAULTS", "hasty-backups");
    mount.env("KBASEFS_FAULTS_POWER", house.path("no-supplies"));
    assert!(mount.status().unwrap().success());
    let limit = Instant::now() + Duration::from_secs(60);
    let status = loop {
        let status = house.run(&["status", &photos, "--json"]).stdout;
        let status: Value = serde_json::from_slice(&status).unwrap();
        if status["backups"]["kept"][0]["made"].is_i64() {
            break status;
        }
        assert!(Instant::now() < limit, "{status}");
    };
    let first = file(&house, 1).to_str().unwrap().to_owned();
    assert_eq!(status["backups"]["kept"][0]["file"], first);
    let shown = String::from_utf8(house.run(&["status", &photos]).stdout).unwrap();
    assert!(shown.contains("1, the latest of "), "{shown}");
    let doctor = house.run(&["doctor", &photos]).stdout;
    let doctor = String::from_utf8(doctor).unwrap();
    assert!(
        doctor
            .lines()
            .any(|l| l.contains("backup") && l.contains(&first)),
        "{doctor}"
    );
    let said = refused_in_use(&house);
    assert!(said.contains("`kbasefs umount`"), "{said}");
    assert!(house.run(&["umount", &mnt]).status.success());
}

fn refused_in_use(house: &House) -> String {
    let output = restore(house, &["catalog-1.sqlite"]).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}
