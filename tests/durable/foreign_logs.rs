//! Logs beside an index that aren't its own: SQLite takes them for that, and an index is never the worse for it.

use std::fs;
use std::path::Path;

use kbasefs::store::sqlite;
use rusqlite::Connection;

use crate::test_env::{TestEnv, aside, clear_aside, settled, tag, tagged};

/// How much an index holds of what can't be found out again.
fn contents(index: &Path) -> [u32; 4] {
    let index = Connection::open(index).unwrap();
    let count = |sql: &str| {
        index
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .unwrap()
    };
    [
        count("SELECT count(*) FROM label WHERE origin = 'human'"),
        count("SELECT count(*) FROM act"),
        count("SELECT count(*) FROM trace"),
        count("SELECT count(*) FROM analysis"),
    ]
}

/// The log of a process that is killed after it tagged photos.
fn log_of_killed(env: &TestEnv) -> Vec<u8> {
    let app = env.app();
    app.scan().unwrap();
    for n in 0..8 {
        tag(&app, &format!("{n}.png"), &format!("later {n}"));
    }
    fs::read(env.path("index/catalog.sqlite-wal")).unwrap()
}

/// The log of a database of another program.
fn log_of_other_program(folder: &Path) -> Vec<u8> {
    let file = folder.join("other.db");
    let other = Connection::open(&file).unwrap();
    other.pragma_update(None, "journal_mode", "wal").unwrap();
    other
        .execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(9000)), (1), (2);")
        .unwrap();
    fs::read(folder.join("other.db-wal")).unwrap()
}

fn check(env: &TestEnv, file: &[u8], log: &[u8], at: &str) {
    let photos = env.path("photos");
    let (photos, photo) = (photos.to_str().unwrap(), photos.join("1.png"));
    let commands: [&[&str]; 5] = [
        &["status", photos],
        &["scan", photos],
        &["tag", photo.to_str().unwrap(), "new"],
        &["catalog", "vacuum", photos],
        &["catalog", "check", photos],
    ];
    fs::write(env.index(), file).unwrap();
    let before = contents(&env.index());
    for command in commands {
        let at = format!("{at}: {command:?}");
        fs::write(env.index(), file).unwrap();
        fs::write(env.path("index/catalog.sqlite-wal"), log).unwrap();
        // It may refuse: nothing is lost by that.
        env.run(command);
        let scan = env.run(&["scan", photos]);
        let said = String::from_utf8_lossy(&scan.stderr);
        assert!(scan.status.success(), "{at}: {said}");
        let after = contents(&env.index());
        let is_there = before
            .iter()
            .zip(&after)
            .all(|(before, after)| before <= after);
        assert!(is_there, "{at}: {after:?} of {before:?}");
        let kept = aside(env);
        assert_eq!(kept.len(), 1, "{at}");
        assert!(fs::read(&kept[0]).unwrap() == file, "{at}: as it was found");
        let kept_log = format!("{}-wal", kept[0].display());
        assert!(fs::read(kept_log).unwrap() == log, "{at}: as it was found");
        assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
        clear_aside(env);
    }
}

#[test]
fn a_copy_put_in_the_place_of_an_index_outlives_the_log_of_a_killed_process() {
    let env = settled();
    let copy = env.path("copy.sqlite");
    sqlite::backup(&env.index(), &copy).unwrap();
    let log = log_of_killed(&env);
    check(&env, &fs::read(copy).unwrap(), &log, "killed");
}

#[test]
fn the_log_of_another_database_costs_nothing() {
    let env = settled();
    let file = fs::read(env.index()).unwrap();
    let log = log_of_other_program(&env.path("home"));
    check(&env, &file, &log, "another program");
    let other = tagged(40);
    check(&env, &file, &log_of_killed(&other), "another catalog");
}
