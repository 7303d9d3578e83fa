//! Tables that aren't those of an index: of another program, of another version, misread or removed.

use std::fs;

use kbasefs::store::sqlite;
use rusqlite::Connection;

use crate::test_env::{TestEnv, aside, clear_aside, settled};

/// What can't be found out again, as it is counted.
const KEPT: [&str; 6] = [
    "SELECT count(*) FROM photo WHERE gone = 0",
    "SELECT count(*) FROM label WHERE origin = 'human'",
    "SELECT count(*) FROM text WHERE origin = 'human'",
    "SELECT count(*) FROM act",
    "SELECT count(*) FROM trace",
    "SELECT count(*) FROM analysis",
];

fn kept(env: &TestEnv) -> Vec<u32> {
    let index = Connection::open(env.index()).unwrap();
    let count = |sql: &&str| index.query_row(sql, [], |row| row.get(0)).unwrap();
    KEPT.iter().map(count).collect()
}

fn change(env: &TestEnv, sql: &str) {
    let index = Connection::open(env.index()).unwrap();
    index.pragma_update(None, "writable_schema", true).unwrap();
    index.execute_batch(sql).unwrap();
    index.close().unwrap();
}

/// Each command that meets it does what it is for, and the catalog is sound afterwards.
fn works(env: &TestEnv, at: &str) {
    let photos = env.path("photos");
    let photo = photos.join("1.png");
    let (photos, photo) = (photos.to_str().unwrap(), photo.to_str().unwrap());
    for command in [
        &["tag", photo, "new"][..],
        &["scan", photos],
        &["log", photos],
        &["search", photos, "new"],
        &["undo", "--source", photos],
    ] {
        let ended = env.command(&[]).args(command).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{at}: {command:?}: {said}");
    }
    // What no command came upon is found by the check, and is in order when the index is opened next.
    sqlite::check(&env.index()).unwrap();
    assert!(env.run(&["scan", photos]).status.success(), "{at}");
    assert_eq!(
        sqlite::check(&env.index()).unwrap(),
        Vec::<String>::new(),
        "{at}"
    );
}

#[test]
fn a_wrong_number_of_the_version_is_put_right() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let right: i64 = i64::from(u32::from_be_bytes(sound[60..64].try_into().unwrap()));
    for wrong in [
        0,
        1,
        5,
        right - 1,
        right + 1,
        right | 64,
        -1,
        i64::from(i32::MIN),
        i64::from(i32::MAX),
    ] {
        for is_checked in [false, true] {
            let at = format!("{wrong} in place of {right}");
            fs::write(env.index(), &sound).unwrap();
            let before = kept(&env);
            change(&env, &format!("PRAGMA user_version = {wrong}"));
            if is_checked {
                assert!(!sqlite::check(&env.index()).unwrap().is_empty(), "{at}");
            }
            works(&env, &at);
            let after = kept(&env);
            assert!(
                before.iter().zip(&after).all(|(b, a)| b <= a),
                "{at}: {after:?} of {before:?}"
            );
            assert_eq!(aside(&env).len(), usize::from(is_checked), "{at}");
            clear_aside(&env);
        }
    }
}

/// Tables and columns by a wrong name have their rows; those that are gone cost what was in them.
#[test]
fn a_damaged_schema_costs_what_is_gone_with_it() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let before = kept(&env);
    let misread = |table: &str, from: &str, to: &str| {
        format!(
            "UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = '{table}'"
        )
    };
    let costs_nothing = [
        misread("photo", "width", "widuh"),
        misread("photo", "path BLOB", "pat` BLOB"),
        misread("made_tag", "folded", "foldee"),
        misread("label", "CREATE TABLE label", "CREATE TABLE labem"),
        misread("act", "STRICT", "STRIBT"),
        misread("trace", "CREATE", "CRDATE"),
        misread("photo_content", "(hash, gone)", "(hasi, gone)"),
        "UPDATE sqlite_schema SET name = 'tracf' WHERE name = 'trace'".into(),
        "UPDATE sqlite_schema SET tbl_name = 'tracf' WHERE name = 'trace'".into(),
        "UPDATE sqlite_schema SET type = 'tablf' WHERE name = 'trace'".into(),
        "ALTER TABLE analysis RENAME TO analysir".into(),
        "ALTER TABLE label RENAME COLUMN origin TO osigin".into(),
        "ALTER TABLE photo DROP COLUMN said".into(),
        "ALTER TABLE photo DROP COLUMN text_bytes".into(),
        "ALTER TABLE photo DROP COLUMN width".into(),
        "DROP INDEX photo_path".into(),
        "DROP TABLE said".into(),
        "DROP TABLE words".into(),
        "CREATE TRIGGER t AFTER INSERT ON label BEGIN SELECT raise(FAIL, 'no'); END".into(),
        "CREATE TRIGGER t AFTER INSERT ON act BEGIN DELETE FROM act; END".into(),
        "CREATE TABLE of_mine (a)".into(),
        "ANALYZE".into(),
    ];
    for sql in &costs_nothing {
        fs::write(env.index(), &sound).unwrap();
        change(&env, sql);
        works(&env, sql);
        let after = kept(&env);
        assert!(
            before.iter().zip(&after).all(|(b, a)| b <= a),
            "{sql}: {after:?} of {before:?}"
        );
        clear_aside(&env);
    }
    for table in [
        "meta", "photo", "label", "text", "analyzed", "act", "trace", "made_tag", "saved", "spent",
        "server",
    ] {
        for is_checked in [false, true] {
            fs::write(env.index(), &sound).unwrap();
            change(&env, &format!("DROP TABLE {table}"));
            if is_checked {
                assert!(!sqlite::check(&env.index()).unwrap().is_empty(), "{table}");
            }
            // Which folder it is of may be lost.
            let scan = env.run(&["scan", env.path("photos").to_str().unwrap()]);
            assert!(
                scan.status.success(),
                "{table}: {}",
                String::from_utf8_lossy(&scan.stderr)
            );
            works(&env, table);
            let lost = kept(&env)
                .iter()
                .zip(&before)
                .filter(|(a, b)| a < b)
                .count();
            assert!(lost <= 1, "{table}: {:?} of {before:?}", kept(&env));
            assert_eq!(aside(&env).len(), 1, "{table}");
            clear_aside(&env);
        }
    }
}

#[test]
fn a_misread_header_costs_nothing() {
    let env = settled();
    let vacuumed = |env: &TestEnv| {
        change(env, "VACUUM");
        fs::read(env.index()).unwrap()
    };
    for bytes in [fs::read(env.index()).unwrap(), vacuumed(&env)] {
        fs::write(env.index(), &bytes).unwrap();
        let before = kept(&env);
        for (at, bit) in [
            (3, 1),
            (18, 4),
            (18, 128),
            (19, 64),
            (21, 1),
            (22, 8),
            (23, 1),
            (44, 1),
            (47, 64),
            (56, 2),
            (59, 2),
            (59, 8),
        ] {
            let mut wrong = bytes.clone();
            wrong[at] ^= bit;
            fs::write(env.index(), wrong).unwrap();
            let at = format!("byte {at} with bit {bit}");
            works(&env, &at);
            let after = kept(&env);
            assert!(
                before.iter().zip(&after).all(|(b, a)| b <= a),
                "{at}: {after:?} of {before:?}"
            );
            assert_eq!(aside(&env).len(), 1, "{at}");
            clear_aside(&env);
        }
    }
}

/// All of it follows from the rest.
#[test]
fn damage_in_the_index_of_words_costs_nothing() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let before = kept(&env);
    for sql in [
        "DELETE FROM words_config",
        "UPDATE words_config SET v = 77",
        "UPDATE words_data SET block = zeroblob(0) WHERE id = 10",
        "DELETE FROM words_data WHERE id = 10",
        "DELETE FROM words_data WHERE id > 10",
        "UPDATE words_data SET block = randomblob(length(block)) WHERE id > 10",
        "DROP TABLE words_config",
        "DROP TABLE words_data",
        "DROP TABLE words_docsize",
        "DELETE FROM words_docsize",
        "DROP TABLE words_idx",
    ] {
        for is_checked in [false, true] {
            fs::write(env.index(), &sound).unwrap();
            change(&env, sql);
            if is_checked {
                let found = sqlite::check(&env.index()).unwrap();
                assert!(!found.is_empty(), "{sql}");
            }
            works(&env, sql);
            let after = kept(&env);
            assert!(
                before.iter().zip(&after).all(|(b, a)| b <= a),
                "{sql}: {after:?} of {before:?}"
            );
            clear_aside(&env);
        }
    }
}

#[test]
fn a_database_of_another_program_is_left_as_it_is() {
    let env = settled();
    fs::remove_file(env.index()).unwrap();
    let photos = env.path("photos");
    let (photo, photos) = (photos.join("1.png"), photos.to_str().unwrap());
    let mnt = env.path("mnt");
    for tables in [
        "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)",
        "CREATE TABLE photo (id); CREATE TABLE label (a)",
    ] {
        let other = Connection::open(env.index()).unwrap();
        other.execute_batch(tables).unwrap();
        other.close().unwrap();
        let before = fs::read(env.index()).unwrap();
        for command in [
            &["tag", photo.to_str().unwrap(), "x"][..],
            &["scan", photos],
            &["mount", photos, mnt.to_str().unwrap()],
            &["status", photos],
            &["catalog", "check", photos],
        ] {
            let refused = env.run(command);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(
                !refused.status.success() && said.contains("of another program (hint: "),
                "{command:?}: {said}"
            );
            assert!(fs::read(env.index()).unwrap() == before, "{command:?}");
        }
        assert!(aside(&env).is_empty());
        fs::remove_file(env.index()).unwrap();
    }
}
