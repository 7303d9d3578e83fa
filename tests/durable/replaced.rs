//! An index that another one takes the place of: at every moment the old one or the whole new one stands there.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kbasefs::catalog::{Change, Edit, PhotoId, TextField};
use kbasefs::store::Store;
use kbasefs::store::sqlite::{self, Sqlite};
use rusqlite::Connection;
use rustix::mount::MountFlags;

use crate::house::{House, aside, clear_aside, settled};

/// What is in an index, table by table.
pub fn contents(index: &Path) -> rusqlite::Result<Vec<u32>> {
    let index = Connection::open(index)?;
    let tables = [
        "photo",
        "label",
        "text",
        "analysis",
        "analysis_tag",
        "measured",
        "act",
        "trace",
        "spent",
        "saved",
        "words",
    ];
    let count = |table| {
        let sql = format!("SELECT count(*) FROM {table}");
        index.query_row(&sql, [], |row| row.get(0))
    };
    tables.into_iter().map(count).collect()
}

/// A catalog that takes a while to recover, a word of it misread: all of it is there afterwards.
fn misread() -> (House, Vec<u8>, Vec<u32>) {
    let house = settled();
    let source = house.path("photos").canonicalize().unwrap();
    let store = Sqlite::open(&house.index(), &source).unwrap();
    let ids = (1..=12).map(PhotoId);
    for id in ids.filter(|id| store.detail(*id).unwrap().is_some()) {
        let words = (0..8000).map(|n| format!("word{} ", n * id.0));
        let edit = Edit::SetText(TextField::Description, words.collect());
        store.commit(&[Change::edited(id, edit)]).unwrap();
    }
    drop(store);
    let whole = contents(&house.index()).unwrap();
    let index = Connection::open(house.index()).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(index.execute(word, []).unwrap(), 1);
    index.close().unwrap();
    let damaged = fs::read(house.index()).unwrap();
    (house, damaged, whole)
}

fn scan(house: &House) -> std::process::Command {
    let photos = house.path("photos");
    house.command(&["scan", photos.to_str().unwrap()])
}

/// Random enough, the same each time.
pub fn moments(most: Duration) -> impl Iterator<Item = Duration> {
    let count = if is_long() { 50 } else { 12 };
    (0..count).map(move |n| most * ((n * 37 + 11) % 101) / 100)
}

fn is_long() -> bool {
    std::env::var_os("KBASEFS_LONG").is_some()
}

pub fn kill_after(mut child: Child, moment: Duration) {
    std::thread::sleep(moment);
    // It may have come to its end.
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_kill_in_recovery_leaves_the_old_index_or_the_whole_new_one() {
    let (house, damaged, whole) = misread();
    let start = Instant::now();
    assert!(scan(&house).status().unwrap().success());
    let most = start.elapsed();
    assert_eq!(contents(&house.index()).unwrap(), whole);
    let (mut old, mut new) = (0, 0);
    for moment in moments(most) {
        clear_aside(&house);
        fs::write(house.index(), &damaged).unwrap();
        let mut command = scan(&house);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        kill_after(quiet.spawn().unwrap(), moment);
        // Nobody who looks touches anything: the log that a killed process left stays beside it.
        let look = tempfile::tempdir().unwrap();
        for end in ["", "-wal"] {
            let name = format!("catalog.sqlite{end}");
            let _ = fs::copy(house.path("index").join(&name), look.path().join(&name));
        }
        let there = contents(&look.path().join("catalog.sqlite")).unwrap();
        assert_eq!(there, whole, "after {moment:?}");
        match fs::read(house.index()).unwrap() == damaged {
            true => old += 1,
            false => new += 1,
        }
        assert!(scan(&house).status().unwrap().success(), "after {moment:?}");
        assert_eq!(contents(&house.index()).unwrap(), whole, "after {moment:?}");
        assert_eq!(aside(&house).len(), 1, "after {moment:?}");
        assert_eq!(unfinished(&house), Vec::<String>::new(), "after {moment:?}");
    }
    eprintln!(
        "{} kills in {most:?}: {old} left the old index, {new} the new one",
        old + new
    );
}

/// What is in the folder of the index though nothing is being made.
pub fn unfinished(house: &House) -> Vec<String> {
    let all = fs::read_dir(house.path("index")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_one = |name: &String| name.contains("mend") || name.contains("-partial");
    names.filter(is_one).collect()
}

/// A disk of so many bytes where the index is.
fn mount_disk(house: &House, bytes: u64) -> bool {
    let size = std::ffi::CString::new(format!("size={bytes}")).unwrap();
    let at = house.path("index");
    rustix::mount::mount("none", at, "tmpfs", MountFlags::empty(), size.as_c_str()).is_ok()
}

#[test]
fn a_disk_too_small_for_recovery_keeps_the_old_index_until_there_is_room() {
    let (house, damaged, whole) = misread();
    if !mount_disk(&house, 1 << 20) {
        eprintln!("skipped: this needs root");
        return;
    }
    kbasefs::fuse::mounts::detach(&house.path("index")).unwrap();
    let size = damaged.len() as u64;
    let sizes: Vec<u64> = match is_long() {
        true => (1..=64)
            .map(|mb| mb << 20)
            .chain((0..40).map(|n| size + (n << 16)))
            .collect(),
        false => (0..10).map(|n| size + n * size / 7).collect(),
    };
    let (mut full, mut enough) = (0, 0);
    for bytes in sizes.into_iter().filter(|bytes| *bytes >= size) {
        assert!(mount_disk(&house, bytes));
        if fs::write(house.index(), &damaged).is_err() {
            kbasefs::fuse::mounts::detach(&house.path("index")).unwrap();
            continue;
        }
        let ended = scan(&house).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        if ended.status.success() {
            enough += 1;
        } else {
            full += 1;
            assert!(said.contains("hint: make "), "{bytes} bytes: {said}");
            assert!(
                fs::read(house.index()).unwrap() == damaged,
                "{bytes} bytes: it is as it was"
            );
            assert!(aside(&house).is_empty(), "{bytes} bytes");
            let size = std::ffi::CString::new("size=256m").unwrap();
            let (at, flags) = (house.path("index"), MountFlags::empty());
            rustix::mount::mount_remount(at, flags, size.as_c_str()).unwrap();
            assert!(
                scan(&house).status().unwrap().success(),
                "{bytes} bytes: there is room"
            );
        }
        assert_eq!(contents(&house.index()).unwrap(), whole, "{bytes} bytes");
        assert_eq!(unfinished(&house), Vec::<String>::new(), "{bytes} bytes");
        kbasefs::fuse::mounts::detach(&house.path("index")).unwrap();
    }
    eprintln!(
        "{} disks for {size} bytes: {full} too small, {enough} large enough",
        full + enough
    );
    assert!(full > 0 && enough > 0);
}

fn backup(house: &House, to: &Path) -> std::process::Command {
    let photos = house.path("photos");
    house.command(&[
        "catalog",
        "backup",
        photos.to_str().unwrap(),
        to.to_str().unwrap(),
    ])
}

#[test]
fn a_backup_that_is_killed_is_no_backup_and_is_not_in_the_way_of_the_next() {
    let (house, ..) = misread();
    assert!(scan(&house).status().unwrap().success());
    let whole = contents(&house.index()).unwrap();
    let to = house.path("index/copy.sqlite");
    let start = Instant::now();
    assert!(backup(&house, &to).status().unwrap().success());
    let most = start.elapsed();
    let mut killed = 0;
    for moment in moments(most) {
        fs::remove_file(&to).unwrap();
        kill_after(
            backup(&house, &to).stdout(Stdio::null()).spawn().unwrap(),
            moment,
        );
        match to.exists() {
            true => assert_eq!(contents(&to).unwrap(), whole, "after {moment:?}"),
            false => {
                killed += 1;
                assert!(
                    backup(&house, &to).status().unwrap().success(),
                    "after {moment:?}"
                );
                assert_eq!(contents(&to).unwrap(), whole, "after {moment:?}");
            }
        }
        assert_eq!(unfinished(&house), Vec::<String>::new(), "after {moment:?}");
    }
    eprintln!("{killed} backups killed in {most:?}");
    let again = backup(&house, &to).output().unwrap();
    assert!(!again.status.success(), "it is never written over");
    assert_eq!(contents(&to).unwrap(), whole);
}

#[test]
fn a_backup_that_finds_no_room_leaves_nothing() {
    let (house, damaged, _) = misread();
    let index = fs::read(house.index()).unwrap();
    if !mount_disk(&house, damaged.len() as u64 * 3 / 2) {
        eprintln!("skipped: this needs root");
        return;
    }
    fs::write(house.index(), index).unwrap();
    let to = house.path("index/copy.sqlite");
    let refused = backup(&house, &to).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("full"), "{said}");
    assert!(!to.exists());
    assert_eq!(unfinished(&house), Vec::<String>::new());
}

#[test]
fn an_index_of_a_newer_version_is_left_as_it_is_though_it_is_damaged() {
    let (house, ..) = misread();
    let index = Connection::open(house.index()).unwrap();
    index.pragma_update(None, "user_version", 999).unwrap();
    index
        .execute_batch("ALTER TABLE photo ADD COLUMN of_tomorrow INTEGER")
        .unwrap();
    index.close().unwrap();
    fs::File::create(house.path("index/catalog.sqlite.suspect")).unwrap();
    let newer = fs::read(house.index()).unwrap();
    let refused = scan(&house).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("newer version"),
        "{said}"
    );
    assert!(fs::read(house.index()).unwrap() == newer);
    assert!(aside(&house).is_empty());
}

/// What a process that was killed at the last moment left: the new index is complete, and not yet in its place.
#[test]
fn what_was_decided_is_brought_to_its_end_by_whoever_comes_next() {
    let (house, damaged, whole) = misread();
    assert!(scan(&house).status().unwrap().success());
    let mended = fs::read(house.index()).unwrap();
    for steps in 0..3 {
        clear_aside(&house);
        let at = house.index();
        fs::write(&at, &damaged).unwrap();
        fs::write(house.path("index/catalog.sqlite-wal"), "an old log").unwrap();
        let folder = house.path("index/catalog.sqlite.mended");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("new.sqlite"), &mended).unwrap();
        let mut note = fs::File::create(folder.join("aside")).unwrap();
        note.write_all(b"catalog.sqlite.damaged-1").unwrap();
        let aside_file = house.path("index/catalog.sqlite.damaged-1");
        if steps > 0 {
            fs::hard_link(&at, &aside_file).unwrap();
        }
        if steps > 1 {
            fs::remove_file(house.path("index/catalog.sqlite-wal")).unwrap();
        }
        assert!(scan(&house).status().unwrap().success());
        assert_eq!(contents(&at).unwrap(), whole, "after step {steps}");
        assert!(
            fs::read(&aside_file).unwrap() == damaged,
            "after step {steps}"
        );
        assert_eq!(unfinished(&house), Vec::<String>::new());
        assert_eq!(sqlite::check(&at).unwrap(), Vec::<String>::new());
    }
}
