//! Values that a column can't hold: a flipped bit in a word, another type, a number out of range.

use std::fs;

use kbasefs::catalog::PhotoId;
use kbasefs::store::provider_store::{ProviderStore, Spent};
use kbasefs::store::sqlite::{self, Sqlite};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::test_env::{TestEnv, aside, clear_aside, settled};

/// A column of the tables as they are.
struct Place {
    table: String,
    column: String,
    /// `INTEGER`, `REAL`, `TEXT` or `BLOB`.
    holds: String,
}

/// Every column of every table that has rows of its own, whatever comes to be there.
fn places(index: &Connection) -> Vec<Place> {
    let sql = "SELECT t.name, c.name, c.type FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'words%'";
    let mut places = index.prepare(sql).unwrap();
    let places = places.query_map([], |row| {
        Ok(Place {
            table: row.get(0)?,
            column: row.get(1)?,
            holds: row.get(2)?,
        })
    });
    places.unwrap().map(Result::unwrap).collect()
}

/// What no column can hold, and what some can't.
fn bad_values(place: &Place) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.into());
    let number = place.holds == "INTEGER" || place.holds == "REAL";
    let mut bad = vec![
        Value::Null,
        Value::Blob(b"\xff\xfe".into()),
        text("pendinf"),
        Value::Integer(-1),
        Value::Real(9e300),
    ];
    match number {
        true => bad.extend([Value::Integer(i64::MAX), Value::Integer(1 << 40), text("")]),
        false => bad.extend([text(""), text("../x"), Value::Integer(7)]),
    }
    bad
}

/// Writes a value into the first row, as damage does: nobody checks it.
fn put(index: &Connection, place: &Place, value: &Value) -> bool {
    let Place { table, column, .. } = place;
    let sql: String = index
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = ?1",
            [table],
            |row| row.get(0),
        )
        .unwrap();
    let loose = sql
        .replace("STRICT, WITHOUT", "WITHOUT")
        .replace(") STRICT", ")");
    let loose = loose
        .replace(" NOT NULL", "")
        .replace("INTEGER", "")
        .replace("TEXT", "");
    let loose = loose.replace("REAL", "").replace("BLOB", "");
    let loose = loose.replace("id  PRIMARY KEY", "id INTEGER PRIMARY KEY");
    let loose = loose.replace("number  PRIMARY KEY", "number INTEGER PRIMARY KEY");
    let schema = |to: &str| {
        let update = "UPDATE sqlite_schema SET sql = ?1 WHERE name = ?2";
        index.pragma_update(None, "writable_schema", true).unwrap();
        index.execute(update, [to, table]).unwrap();
        index
            .pragma_update(None, "writable_schema", "reset")
            .unwrap();
    };
    schema(&loose);
    let key: String = index
        .query_row(
            "SELECT name FROM pragma_table_info(?1) WHERE pk = 1",
            [table],
            |row| row.get(0),
        )
        .unwrap();
    let update = format!(
        "UPDATE \"{table}\" SET \"{column}\" = ?1 WHERE \"{key}\" = (SELECT min(\"{key}\") FROM \"{table}\")"
    );
    // A key can't be everything.
    let written = index.execute(&update, [value]);
    schema(&sql);
    written.is_ok_and(|rows| rows > 0)
}

/// What of the catalog is not in the row that was written to.
fn others(env: &TestEnv) -> (u32, u32, u32, u32) {
    let index = Connection::open(env.index()).unwrap();
    let count = |sql: &str| {
        index
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .unwrap()
    };
    (
        count("SELECT count(*) FROM photo WHERE gone = 0"),
        count("SELECT count(*) FROM label WHERE facet = 'tag' AND origin = 'human'"),
        count("SELECT count(*) FROM act"),
        count("SELECT count(*) FROM analysis"),
    )
}

#[test]
fn a_value_that_can_not_be_costs_no_more_than_its_row() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let before = others(&env);
    let places = places(&Connection::open(env.index()).unwrap());
    let is_long = std::env::var_os("KBASEFS_LONG").is_some();
    let (mut tried, mut told) = (0, 0);
    for (n, place) in places.iter().enumerate() {
        let bad = bad_values(place);
        let few = match is_long {
            true => bad,
            // Each kind has its turn.
            false => vec![bad[n % bad.len()].clone()],
        };
        for value in few {
            let at = format!("{}.{} = {value:?}", place.table, place.column);
            fs::write(env.index(), &sound).unwrap();
            let index = Connection::open(env.index()).unwrap();
            if !put(&index, place, &value) {
                continue;
            }
            index.close().unwrap();
            tried += 1;
            let found = sqlite::check(&env.index()).unwrap();
            let app = env.open().unwrap_or_else(|e| panic!("{at}: {e}"));
            app.scan().unwrap_or_else(|e| panic!("{at}: {e}"));
            read_all(&app, &at);
            drop(app);
            let after = others(&env);
            assert_eq!(after.0, before.0, "{at}: photos");
            assert!(after.1 + 1 >= before.1, "{at}: tags {after:?}");
            assert!(after.2 + 1 >= before.2, "{at}: acts {after:?}");
            assert!(after.3 + 1 >= before.3, "{at}: analyses {after:?}");
            if !found.is_empty() && !aside(&env).is_empty() {
                told += 1;
                assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
                let said = sqlite::recovered(&env.index()).unwrap().unwrap();
                // What follows from other tables is made anew, and nothing of it lost.
                assert!(
                    place.table == "said" || said.contains(&place.table),
                    "{at}: {said}"
                );
            }
            clear_aside(&env);
        }
    }
    eprintln!(
        "{tried} bad values in {} columns, {told} led to another index",
        places.len()
    );
    assert!(tried > places.len() / 2);
}

/// What a photo says of itself is read from its file again; what anybody else said of it never was in the value.
#[test]
fn facts_that_can_not_be_are_read_anew_from_the_file() {
    let env = settled();
    let facts = |app: &kbasefs::app::App, n: u32| {
        let detail = app.library().detail(PhotoId(n)).unwrap().unwrap();
        (detail.facts.clone(), detail)
    };
    let (before, others) = {
        let app = env.app();
        (facts(&app, 3), facts(&app, 4).1)
    };
    for damaged in [
        "{\"version\":1,\"camera\":",
        "",
        "[]",
        "{\"version\":1,\"orientation\":9}",
        "{\"version\":1,\"rating\":\"many\"}",
        "{\"version\":1,\"position\":{\"latitude\":91.0,\"longitude\":0.5}}",
        "{\"version\":1,\"date_source\":\"origanal\"}",
    ] {
        let index = Connection::open(env.index()).unwrap();
        let sql = "UPDATE photo SET facts = ?1 WHERE id = 3";
        assert_eq!(index.execute(sql, [damaged]).unwrap(), 1);
        index.close().unwrap();
        assert_eq!(sqlite::check(&env.index()).unwrap().len(), 1, "{damaged}");
        let app = env.app();
        assert_eq!(facts(&app, 3).0.version, 0, "{damaged}");
        assert_eq!(facts(&app, 3).1.texts, before.1.texts, "{damaged}");
        assert_eq!(facts(&app, 3).1.entry, before.1.entry, "{damaged}");
        assert_eq!(facts(&app, 4).1, others, "{damaged}");
        assert_eq!(app.scanner().read_outdated().unwrap(), 1, "{damaged}");
        assert_eq!(facts(&app, 3), before, "{damaged}");
        drop(app);
        let lost = sqlite::recovered(&env.index()).unwrap().unwrap();
        assert!(lost.contains("photo: 1 values replaced"), "{lost}");
        assert_eq!(sqlite::check(&env.index()).unwrap(), Vec::<String>::new());
        clear_aside(&env);
    }
}

#[test]
fn money_is_counted_on_after_a_count_that_can_not_be() {
    let env = settled();
    let columns = ["requests", "input_tokens", "output_tokens", "unpriced"];
    for column in columns {
        for value in [i64::MAX, 1 << 62, -1] {
            let index = Connection::open(env.index()).unwrap();
            let (table, holds) = ("spent".into(), "INTEGER".into());
            let column = column.into();
            let place = Place {
                table,
                column,
                holds,
            };
            assert!(put(&index, &place, &Value::Integer(value)));
            index.close().unwrap();
            let store = Sqlite::open(&env.index(), &env.path("photos")).unwrap();
            let before = store.spent("desk", "").unwrap();
            let more = Spent {
                requests: 1,
                input_tokens: 2,
                output_tokens: 3,
                cost: 0.5,
                unpriced: 1,
            };
            store.spend("desk", "2026-01-31", &more).unwrap();
            let after = store.spent("desk", "").unwrap();
            assert_eq!(after.requests, before.requests + 1);
            assert_eq!(after.unpriced, before.unpriced + 1);
            drop(store);
            assert_eq!(aside(&env).len(), 1);
            clear_aside(&env);
        }
    }
}

/// Numbers that were never given, and a count of them after which there is none.
#[test]
fn a_number_that_can_not_be_is_no_reason_to_recover_twice() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let photos = env.path("photos");
    let photo = photos.join("1.png");
    let before = others(&env);
    let last = i64::MAX;
    for damage in [
        "UPDATE photo SET id = 0 WHERE id = 7".to_owned(),
        "UPDATE photo SET id = -7 WHERE id = 7".to_owned(),
        format!("UPDATE photo SET id = {last} WHERE id = 7"),
        format!("UPDATE photo SET id = {} WHERE id = 7", i64::MIN),
        format!("UPDATE act SET id = {last} WHERE id = 7"),
        format!("UPDATE act SET id = {} WHERE id = 7", 1_i64 << 40),
        format!("UPDATE sqlite_sequence SET seq = {last} WHERE name = 'act'"),
        format!("UPDATE sqlite_sequence SET seq = {last} WHERE name = 'photo'"),
        "UPDATE sqlite_sequence SET seq = 0".to_owned(),
    ] {
        fs::write(env.index(), &sound).unwrap();
        let index = Connection::open(env.index()).unwrap();
        index.execute_batch(&damage).unwrap();
        index.close().unwrap();
        for _ in 0..3 {
            // What is found is mended by the next command.
            sqlite::check(&env.index()).unwrap();
            let scan = env.run(&["scan", photos.to_str().unwrap()]);
            assert!(scan.status.success(), "{damage}");
            let tagged = env.run(&["tag", photo.to_str().unwrap(), "new"]);
            let said = String::from_utf8_lossy(&tagged.stderr);
            assert!(tagged.status.success(), "{damage}: {said}");
        }
        assert_eq!(
            sqlite::check(&env.index()).unwrap(),
            Vec::<String>::new(),
            "{damage}"
        );
        assert_eq!(aside(&env).len(), 1, "{damage}");
        assert_eq!(others(&env).0, before.0, "{damage}: photos");
        assert!(others(&env).2 >= before.2, "{damage}: acts");
        clear_aside(&env);
    }
}

/// Nobody can tell a path from one that is misread.
#[test]
fn a_misread_path_of_the_photos_is_read_again() {
    let env = settled();
    let sound = fs::read(env.index()).unwrap();
    let photos = env.path("photos");
    let photo = photos.join("1.png");
    let source = photos
        .canonicalize()
        .unwrap()
        .into_os_string()
        .into_encoded_bytes();
    let misread = |at: usize| {
        let mut source = source.clone();
        source[at] ^= 1;
        source
    };
    let put = |key: &str, value: &[u8]| {
        let index = Connection::open(env.index()).unwrap();
        let sql = "UPDATE meta SET value = ?2 WHERE key = ?1";
        assert_eq!(index.execute(sql, (key, value)).unwrap(), 1);
    };
    let is_old = |key: &str| {
        let index = Connection::open(env.index()).unwrap();
        index
            .execute("DELETE FROM meta WHERE key = ?1", [key])
            .unwrap();
    };
    let works = |at: &str| {
        for command in [
            &["scan", photos.to_str().unwrap()][..],
            &["tag", photo.to_str().unwrap(), "new"],
        ] {
            let ended = env.run(command);
            let said = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.success(), "{at}: {command:?}: {said}");
        }
    };
    for (key, value) in [
        ("source", misread(0)),
        ("source", misread(source.len() - 1)),
        ("source", Vec::new()),
        ("source_again", misread(5)),
    ] {
        fs::write(env.index(), &sound).unwrap();
        put(key, &value);
        works(key);
        // The first command puts both right.
        put(
            if key == "source" {
                "source_again"
            } else {
                "source"
            },
            b"",
        );
        works(key);
    }
    // One of before it was kept twice.
    fs::write(env.index(), &sound).unwrap();
    is_old("source_again");
    put("source", &misread(3));
    works("old");
    put("source", b"/elsewhere");
    let refused = env.run(&["scan", photos.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("belongs to /elsewhere"));
}

/// Asks for everything that there is.
fn read_all(app: &kbasefs::app::App, at: &str) {
    let store = app.library().store();
    let mut ids = Vec::new();
    app.library()
        .index()
        .for_each_photo(&mut |photo| ids.push(photo.id));
    for id in ids {
        let detail = store.detail(id).unwrap_or_else(|e| panic!("{at}: {e}"));
        if let Some(hash) = detail.and_then(|d| d.entry.photo.hash) {
            store
                .analyses(&hash)
                .unwrap_or_else(|e| panic!("{at}: {e}"));
        }
    }
    let acts = store
        .acts(None, 1000)
        .unwrap_or_else(|e| panic!("{at}: {e}"));
    for act in acts {
        store.act(act.id).unwrap_or_else(|e| panic!("{at}: {e}"));
    }
}

/// The list of what columns hold knows them all.
#[test]
fn every_column_is_looked_at_by_the_check() {
    let env = settled();
    for place in places(&Connection::open(env.index()).unwrap()) {
        let sound = fs::read(env.index()).unwrap();
        let index = Connection::open(env.index()).unwrap();
        let value = match place.holds.as_str() {
            "BLOB" => Value::Integer(7),
            _ => Value::Blob(b"\xff".into()),
        };
        let written = put(&index, &place, &value);
        index.close().unwrap();
        let found = sqlite::check(&env.index()).unwrap();
        let (table, column) = (&place.table, &place.column);
        assert!(!written || !found.is_empty(), "{table}.{column}");
        fs::write(env.index(), sound).unwrap();
    }
}
