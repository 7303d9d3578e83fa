//! What can be read of a damaged index becomes another one. The damaged one is kept.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::graft::{READ, graft};
use super::{Error, Result, create, files_of, migrate, rows};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged index is now.
    pub aside: PathBuf,
    /// Rows that could be read.
    pub rows: u64,
    /// Tables of which some could not.
    pub torn: Vec<String>,
}

/// Sets the index at `path` aside and makes a new one of what can be read of it. What follows from the rest is worked out
/// when it is opened.
///
/// # Errors
/// When files can't be renamed or the new one can't be written.
pub fn salvage(path: &Path) -> Result<Salvage> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
        path: path.into(),
        source,
    };
    let aside = set_aside(path).map_err(|e| failed(e.into()))?;
    let mut new = create(path).map_err(failed)?;
    migrate(&mut new).map_err(failed)?;
    let mut salvage = Salvage {
        aside,
        rows: 0,
        torn: Vec::new(),
    };
    let grafted = graft(&salvage.aside).unwrap_or_else(|error| {
        tracing::warn!("the schema of the damaged index can't be mended: {error}");
        None
    });
    let readable = grafted.as_ref().map_or(&salvage.aside, |g| &g.index);
    let old = Connection::open_with_flags(readable, READ)?;
    for table in tables(&new)? {
        let transaction = new.transaction()?;
        let (rows, whole) = copy(&old, &transaction, &table)?;
        transaction.commit()?;
        salvage.rows += rows;
        if !whole {
            salvage.torn.push(table.name);
        }
    }
    keep_ids_unique(&old, &new)?;
    Ok(salvage)
}

/// Renames the index and its log to the first name that is free.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let names = (1..).map(|n| path.with_added_extension(format!("damaged-{n}")));
    let free = |name: &PathBuf| !name.exists();
    let aside = names
        .into_iter()
        .find(free)
        .expect("there is always another number");
    for (from, to) in files_of(path).into_iter().zip(files_of(&aside)) {
        match std::fs::rename(from, to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

struct Table {
    name: String,
    columns: Vec<String>,
    /// What its rows are in order of.
    order: Vec<String>,
}

/// Those with rows of their own; what the search for words needs follows from them.
fn tables(new: &Connection) -> Result<Vec<Table>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
        AND name NOT LIKE 'words%' AND sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut names = new.prepare(sql)?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| describe(new, name?)).collect()
}

fn describe(new: &Connection, name: String) -> Result<Table> {
    let columns = |sql: &str| -> rusqlite::Result<Vec<String>> {
        let mut found = new.prepare(sql)?;
        found.query_map([&name], |row| row.get(0))?.collect()
    };
    let order = "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";
    Ok(Table {
        columns: columns("SELECT name FROM pragma_table_info(?1)")?,
        order: columns(order)?,
        name,
    })
}

/// Copies from the first row on up to where it is damaged, then from the last one back. Says how many rows were new, and
/// whether all could be read.
fn copy(old: &Connection, new: &Connection, table: &Table) -> Result<(u64, bool)> {
    let there = describe(old, table.name.clone())
        .map(|t| t.columns)
        .unwrap_or_default();
    let shared = table.columns.iter().filter(|c| there.contains(c));
    let shared: Vec<_> = shared.map(|c| format!("\"{c}\"")).collect();
    if shared.is_empty() {
        return Ok((0, false));
    }
    let name = &table.name;
    let marks = vec!["?"; shared.len()].join(", ");
    let shared = shared.join(", ");
    let insert = format!("INSERT OR IGNORE INTO \"{name}\" ({shared}) VALUES ({marks})");
    let by = |direction: &str| match table.order.is_empty() {
        true => format!("rowid {direction}"),
        false => {
            let columns = table.order.iter().map(|c| format!("\"{c}\" {direction}"));
            columns.collect::<Vec<_>>().join(", ")
        }
    };
    let mut rows = 0;
    for direction in ["ASC", "DESC"] {
        let select = format!("SELECT {shared} FROM \"{name}\" ORDER BY {}", by(direction));
        if pour(old, &select, new, &insert, &mut rows)? {
            return Ok((rows, direction == "ASC"));
        }
    }
    Ok((rows, false))
}

/// Whether all that `select` says could be read.
fn pour(
    old: &Connection,
    select: &str,
    new: &Connection,
    insert: &str,
    rows: &mut u64,
) -> Result<bool> {
    let Ok(mut select) = old.prepare(select) else {
        return Ok(false);
    };
    let columns = select.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|n| row.get(n)).collect();
    let Ok(values) = select.query_map([], read) else {
        return Ok(false);
    };
    let mut insert = new.prepare(insert)?;
    for row in values {
        let Ok::<Vec<Value>, _>(row) = row else {
            return Ok(false);
        };
        *rows += insert.execute(params_from_iter(row))? as u64;
    }
    Ok(true)
}

/// No number of a photo that is lost is given to another one: its labels may still be there.
fn keep_ids_unique(old: &Connection, new: &Connection) -> Result<()> {
    // The new one makes the row of what is numbered with its first photo.
    new.execute_batch(
        "DELETE FROM meta WHERE key = 'derived'; \
         INSERT INTO sqlite_sequence (name, seq) SELECT 'photo', 0 \
         WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'photo');",
    )?;
    let given = "SELECT seq FROM sqlite_sequence WHERE name = 'photo'";
    let given: i64 = rows::one(old, given, []).ok().flatten().unwrap_or(0);
    new.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?1, \
         (SELECT ifnull(max(photo), 0) FROM label), (SELECT ifnull(max(photo), 0) FROM text)) \
         WHERE name = 'photo'",
        [given],
    )?;
    Ok(())
}
