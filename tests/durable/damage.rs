//! A damaged index is set aside, and what can be read of it stays.

use std::fs;
use std::process::Command;

use kbasefs::catalog::{Change, Edit, PhotoId};
use kbasefs::store::Store;
use kbasefs::store::provider_store::{ProviderStore, Spent};
use kbasefs::store::sqlite::{self, Sqlite};

use crate::isolated::isolated;
use crate::test_env::{TestEnv, aside, clear_aside, tagged, tags};

const PAGE: usize = 4096;

#[test]
fn a_damaged_index_is_set_aside_and_what_can_be_read_of_it_stays() {
    let env = tagged(300);
    let pages = ["photo", "label", "text", "act"].map(|table| page_of(&env, table));
    let schema = pages_of(&env, "sqlite_schema");
    assert!(schema.len() > 1 && schema.contains(&0), "{schema:?}");
    let pages = [&schema[..], &pages[..]].concat();
    let sound = fs::read(env.index()).unwrap();
    let mut kept = 0;
    for &page in &pages {
        let mut damaged = sound.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        fs::write(env.index(), &damaged).unwrap();
        // As after a crash: only then is all of it looked at.
        fs::write(env.path("index/catalog.sqlite-wal"), "x").unwrap();
        let app = env.app();
        app.scan().unwrap();
        assert_eq!(app.library().index().len(), 300, "page {page}");
        let own = |n: usize| tags(&app, &format!("{n}.png")).contains(&format!("tag {n}"));
        kept += (0..300).filter(|&n| own(n)).count();
        drop(app);
        let set_aside = aside(&env);
        assert_eq!(set_aside.len(), 1, "page {page}");
        assert!(
            fs::read(&set_aside[0]).unwrap() == damaged,
            "it is as it was found"
        );
        assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
        clear_aside(&env);
    }
    // What stands on the page itself is lost, and nothing else.
    let all = pages.len() * 300;
    assert!(kept > all - 300, "{kept} of {all} tags");
}

#[test]
fn a_damaged_catalog_is_mended_whatever_it_is_called_and_other_files_are_left_alone() {
    let env = tagged(30);
    let sound = fs::read(env.index()).unwrap();
    let (named, photos) = (env.path("named.db"), env.path("photos"));
    let run = |command: &[&str], expected: bool| {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut kbasefs = isolated(program, &env.path("home"));
        kbasefs.arg("--catalog").arg(&named);
        let output = kbasefs.args(command).arg(&photos).output().unwrap();
        assert_eq!(output.status.success(), expected, "{output:?}");
    };
    for page in 1..sound.len() / PAGE {
        let mut damaged = sound.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xff);
        fs::write(&named, damaged).unwrap();
        run(&["scan"], true);
    }
    let notes = "my notes\n".repeat(1000);
    fs::write(&named, &notes).unwrap();
    for command in [&["catalog", "check"][..], &["scan"], &["catalog", "vacuum"]] {
        run(command, false);
        assert!(fs::read(&named).unwrap() == notes.as_bytes(), "{command:?}");
    }
}

#[test]
fn damage_that_shows_only_when_the_index_is_read_is_set_aside_too() {
    let env = tagged(300);
    let mut bytes = fs::read(env.index()).unwrap();
    let (from, to) = (bytes.len() / 5 / 4096 * 4096, bytes.len() * 3 / 5);
    bytes[from..to].fill(0xa5);
    fs::write(env.index(), bytes).unwrap();
    let app = env.app();
    app.scan().unwrap();
    assert_eq!(app.library().index().len(), 300);
    assert_eq!(aside(&env).len(), 1);
    drop(app);
    assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
}

#[test]
fn a_cut_index_is_set_aside_too() {
    let env = tagged(200);
    let sound = fs::read(env.index()).unwrap();
    fs::write(env.index(), &sound[..sound.len() / 2]).unwrap();
    let app = env.app();
    let report = app.scan().unwrap();
    assert_eq!(app.library().index().len(), 200);
    assert_eq!(
        report.added, 0,
        "what is known of each photo's name is enough"
    );
    assert_eq!(aside(&env).len(), 1);
}

#[test]
fn the_journal_and_what_was_spent_outlive_damage() {
    let env = tagged(300);
    let spent = Spent {
        requests: 3,
        cost: 1.5,
        ..Spent::default()
    };
    let store = Sqlite::open(&env.index(), &env.path("photos")).unwrap();
    store.spend("desk", "2026-01-31", &spent).unwrap();
    drop(store);
    let pages = ["photo", "label", "words_docsize", "act"].map(|table| page_of(&env, table));
    let pages = [&pages_of(&env, "sqlite_schema")[..], &pages[..]].concat();
    let sound = fs::read(env.index()).unwrap();
    let mut acts = 0;
    for &page in &pages {
        let mut damaged = sound.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        fs::write(env.index(), &damaged).unwrap();
        fs::write(env.path("index/catalog.sqlite-wal"), "x").unwrap();
        drop(env.app());
        assert_eq!(aside(&env).len(), 1, "page {page}");
        let store = Sqlite::open(&env.index(), &env.path("photos")).unwrap();
        let kept = store.acts(None, 1000).unwrap();
        assert!(kept.is_sorted_by(|a, b| a.id > b.id), "the latest first");
        acts += kept.len();
        let account = store.spent("desk", "2026-01").unwrap();
        assert_eq!(account, spent, "page {page}");
        // What is done next is no act of before.
        let edit = Change::edited(PhotoId(1), Edit::Tag("next".into()));
        store.commit(&[edit]).unwrap();
        assert!(store.acts(None, 1).unwrap()[0].id > kept[0].id);
        drop(store);
        clear_aside(&env);
    }
    let all = pages.len() * 300;
    assert!(acts > all - 300, "{acts} of {all} acts");
}

/// A page of rows in the middle of a table.
fn page_of(env: &TestEnv, table: &str) -> usize {
    let pages = pages_of(env, table);
    // Those that lead to others come first.
    pages[pages.len() / 2]
}

/// All pages of a table, by their place in the file.
fn pages_of(env: &TestEnv, table: &str) -> Vec<usize> {
    let index = rusqlite::Connection::open(env.index()).unwrap();
    let pages = "SELECT pageno - 1 FROM dbstat WHERE name = ?1 ORDER BY pagetype, path";
    let mut pages = index.prepare(pages).unwrap();
    let pages = pages
        .query_map([table], |row| row.get::<_, u32>(0))
        .unwrap();
    pages.map(|page| page.unwrap() as usize).collect()
}

#[test]
fn a_sound_index_is_left_where_it_is() {
    let env = tagged(3);
    assert_eq!(tags(&env.app(), "1.png"), ["tag 1".to_owned()].into());
    assert!(aside(&env).is_empty());
}

#[test]
fn damaged_pages_cost_no_more_than_what_stands_on_them() {
    let (env, rows, damaged) = (tagged(3), 30_000, 12);
    let mut index = rusqlite::Connection::open(env.index()).unwrap();
    let all = index.transaction().unwrap();
    for n in 0..rows {
        let hash = format!("{:032}", n * 7919 % 100_003);
        let analysis = "INSERT INTO analysis (hash, analyzer, model, remote, at, version) \
            VALUES (CAST(?1 AS BLOB), ?2, 'm', 1, 0, 'v')";
        all.execute(analysis, (&hash, "desk")).unwrap();
        let trace = "INSERT INTO trace (act, photo, slot, key, after) VALUES (1000, ?1, 'tag', 'dog', '+dog')";
        all.execute(trace, [n as u32 + 1]).unwrap();
    }
    let count = "SELECT count(*) FROM analysis";
    let analyses: usize = all
        .query_row(count, [], |row| row.get::<_, u32>(0))
        .unwrap() as usize;
    all.commit().unwrap();
    index.close().unwrap();
    let mut bytes = fs::read(env.index()).unwrap();
    let (mut cost, mut kinds) = (0, Vec::new());
    for table in ["analysis", "trace"] {
        // Those that lead to others come first.
        let pages = pages_of(&env, table);
        let leaves = &pages[pages.len() / 10..];
        for n in 0..damaged {
            let page = leaves[n * leaves.len() / damaged];
            bytes[page * PAGE..(page + 1) * PAGE].fill(0xa5);
        }
        cost += rows / leaves.len() * 2;
        kinds.push(leaves.len());
    }
    fs::write(env.index(), bytes).unwrap();
    fs::write(env.path("index/catalog.sqlite-wal"), "x").unwrap();
    drop(env.app());
    let index = rusqlite::Connection::open(env.index()).unwrap();
    for (table, before) in [("analysis", analyses), ("trace", rows)] {
        let count = format!("SELECT count(*) FROM {table}");
        let kept = index
            .query_row(&count, [], |row| row.get::<_, u32>(0))
            .unwrap() as usize;
        eprintln!("{kept} of {before} rows of {table}, {damaged} of its pages damaged");
        assert!(
            kept < before && kept + damaged * cost > before,
            "{table}: {kept} of {before}"
        );
    }
    assert!(
        kinds.iter().all(|leaves| *leaves > 10 * damaged),
        "{kinds:?}"
    );
}
