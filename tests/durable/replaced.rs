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

use crate::test_env::{TestEnv, aside, clear_aside, settled};

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
fn misread() -> (TestEnv, Vec<u8>, Vec<u32>) {
    let env = settled();
    let source = env.path("photos").canonicalize().unwrap();
    let store = Sqlite::open(&env.index(), &source).unwrap();
    let ids = (1..=12).map(PhotoId);
    for id in ids.filter(|id| store.detail(*id).unwrap().is_some()) {
        let words = (0..8000).map(|n| format!("word{} ", n * id.0));
        let edit = Edit::SetText(TextField::Description, words.collect());
        store.commit(&[Change::edited(id, edit)]).unwrap();
    }
    drop(store);
    let whole = contents(&env.index()).unwrap();
    let index = Connection::open(env.index()).unwrap();
    let word = "UPDATE photo SET status = 'pendinf' WHERE id = 1";
    assert_eq!(index.execute(word, []).unwrap(), 1);
    index.close().unwrap();
    let damaged = fs::read(env.index()).unwrap();
    (env, damaged, whole)
}

fn scan(env: &TestEnv) -> std::process::Command {
    let photos = env.path("photos");
    env.command(&["scan", photos.to_str().unwrap()])
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
    let (env, damaged, whole) = misread();
    let start = Instant::now();
    assert!(scan(&env).status().unwrap().success());
    let most = start.elapsed();
    assert_eq!(contents(&env.index()).unwrap(), whole);
    let (mut old, mut new) = (0, 0);
    for moment in moments(most) {
        clear_aside(&env);
        fs::write(env.index(), &damaged).unwrap();
        let mut command = scan(&env);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        kill_after(quiet.spawn().unwrap(), moment);
        // Nobody who looks touches anything: the log that a killed process left stays beside it.
        let look = tempfile::tempdir().unwrap();
        for end in ["", "-wal"] {
            let name = format!("catalog.sqlite{end}");
            let _ = fs::copy(env.path("index").join(&name), look.path().join(&name));
        }
        let there = contents(&look.path().join("catalog.sqlite")).unwrap();
        assert_eq!(there, whole, "after {moment:?}");
        match fs::read(env.index()).unwrap() == damaged {
            true => old += 1,
            false => new += 1,
        }
        assert!(scan(&env).status().unwrap().success(), "after {moment:?}");
        assert_eq!(contents(&env.index()).unwrap(), whole, "after {moment:?}");
        assert_eq!(aside(&env).len(), 1, "after {moment:?}");
        assert_eq!(unfinished(&env), Vec::<String>::new(), "after {moment:?}");
    }
    eprintln!(
        "{} kills in {most:?}: {old} left the old index, {new} the new one",
        old + new
    );
}

/// What is in the folder of the index though nothing is being made.
pub fn unfinished(env: &TestEnv) -> Vec<String> {
    let all = fs::read_dir(env.path("index")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_one = |name: &String| name.contains("mend") || name.contains("-partial");
    names.filter(is_one).collect()
}

/// A disk of so many bytes where the index is.
fn mount_disk(env: &TestEnv, bytes: u64) -> bool {
    let size = std::ffi::CString::new(format!("size={bytes}")).unwrap();
    let at = env.path("index");
    rustix::mount::mount("none", at, "tmpfs", MountFlags::empty(), size.as_c_str()).is_ok()
}

#[test]
fn a_disk_too_small_for_recovery_keeps_the_old_index_until_there_is_room() {
    let (env, damaged, whole) = misread();
    if !mount_disk(&env, 1 << 20) {
        eprintln!("skipped: this needs root");
        return;
    }
    kbasefs::fuse::mounts::detach(&env.path("index")).unwrap();
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
        assert!(mount_disk(&env, bytes));
        if fs::write(env.index(), &damaged).is_err() {
            kbasefs::fuse::mounts::detach(&env.path("index")).unwrap();
            continue;
        }
        let ended = scan(&env).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        if ended.status.success() {
            enough += 1;
        } else {
            full += 1;
            assert!(said.contains("hint: make "), "{bytes} bytes: {said}");
            assert!(
                fs::read(env.index()).unwrap() == damaged,
                "{bytes} bytes: it is as it was"
            );
            assert!(aside(&env).is_empty(), "{bytes} bytes");
            let size = std::ffi::CString::new("size=256m").unwrap();
            let (at, flags) = (env.path("index"), MountFlags::empty());
            rustix::mount::mount_remount(at, flags, size.as_c_str()).unwrap();
            assert!(
                scan(&env).status().unwrap().success(),
                "{bytes} bytes: there is room"
            );
        }
        assert_eq!(contents(&env.index()).unwrap(), whole, "{bytes} bytes");
        assert_eq!(unfinished(&env), Vec::<String>::new(), "{bytes} bytes");
        kbasefs::fuse::mounts::detach(&env.path("index")).unwrap();
    }
    eprintln!(
        "{} disks for {size} bytes: {full} too small, {enough} large enough",
        full + enough
    );
    assert!(full > 0 && enough > 0);
}

fn backup(env: &TestEnv, to: &Path) -> std::process::Command {
    let photos = env.path("photos");
    env.command(&[
        "catalog",
        "backup",
        photos.to_str().unwrap(),
        to.to_str().unwrap(),
    ])
}

#[test]
fn a_backup_that_is_killed_is_no_backup_and_is_not_in_the_way_of_the_next() {
    let (env, ..) = misread();
    assert!(scan(&env).status().unwrap().success());
    let whole = contents(&env.index()).unwrap();
    let to = env.path("index/copy.sqlite");
    let start = Instant::now();
    assert!(backup(&env, &to).status().unwrap().success());
    let most = start.elapsed();
    let mut killed = 0;
    for moment in moments(most) {
        fs::remove_file(&to).unwrap();
        kill_after(
            backup(&env, &to).stdout(Stdio::null()).spawn().unwrap(),
            moment,
        );
        match to.exists() {
            true => assert_eq!(contents(&to).unwrap(), whole, "after {moment:?}"),
            false => {
                killed += 1;
                assert!(
                    backup(&env, &to).status().unwrap().success(),
                    "after {moment:?}"
                );
                assert_eq!(contents(&to).unwrap(), whole, "after {moment:?}");
            }
        }
        assert_eq!(unfinished(&env), Vec::<String>::new(), "after {moment:?}");
    }
    eprintln!("{killed} backups killed in {most:?}");
    let again = backup(&env, &to).output().unwrap();
    assert!(!again.status.success(), "it is never written over");
    assert_eq!(contents(&to).unwrap(), whole);
}

#[test]
fn a_backup_that_finds_no_room_leaves_nothing() {
    let (env, damaged, _) = misread();
    let index = fs::read(env.index()).unwrap();
    if !mount_disk(&env, damaged.len() as u64 * 3 / 2) {
        eprintln!("skipped: this needs root");
        return;
    }
    fs::write(env.index(), index).unwrap();
    let to = env.path("index/copy.sqlite");
    let refused = backup(&env, &to).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("full"), "{said}");
    assert!(!to.exists());
    assert_eq!(unfinished(&env), Vec::<String>::new());
}

#[test]
fn an_index_of_a_newer_version_is_left_as_it_is_though_it_is_damaged() {
    let (env, ..) = misread();
    let index = Connection::open(env.index()).unwrap();
    index.pragma_update(None, "user_version", 999).unwrap();
    index
        .execute_batch("ALTER TABLE photo ADD COLUMN of_tomorrow INTEGER")
        .unwrap();
    index.close().unwrap();
    fs::File::create(env.path("index/catalog.sqlite.suspect")).unwrap();
    let newer = fs::read(env.index()).unwrap();
    let refused = scan(&env).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("newer version"),
        "{said}"
    );
    assert!(fs::read(env.index()).unwrap() == newer);
    assert!(aside(&env).is_empty());
}

/// What a process that was killed at the last moment left: the new index is complete, and not yet in its place.
#[test]
fn what_was_decided_is_brought_to_its_end_by_whoever_comes_next() {
    let (env, damaged, whole) = misread();
    assert!(scan(&env).status().unwrap().success());
    let mended = fs::read(env.index()).unwrap();
    for steps in 0..3 {
        clear_aside(&env);
        let at = env.index();
        fs::write(&at, &damaged).unwrap();
        fs::write(env.path("index/catalog.sqlite-wal"), "an old log").unwrap();
        let folder = env.path("index/catalog.sqlite.mended");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("new.sqlite"), &mended).unwrap();
        let mut note = fs::File::create(folder.join("aside")).unwrap();
        note.write_all(b"catalog.sqlite.damaged-1").unwrap();
        let aside_file = env.path("index/catalog.sqlite.damaged-1");
        if steps > 0 {
            fs::hard_link(&at, &aside_file).unwrap();
        }
        if steps > 1 {
            fs::remove_file(env.path("index/catalog.sqlite-wal")).unwrap();
        }
        assert!(scan(&env).status().unwrap().success());
        assert_eq!(contents(&at).unwrap(), whole, "after step {steps}");
        assert!(
            fs::read(&aside_file).unwrap() == damaged,
            "after step {steps}"
        );
        assert_eq!(unfinished(&env), Vec::<String>::new());
        assert_eq!(sqlite::check(&at).unwrap(), Vec::<String>::new());
    }
}
