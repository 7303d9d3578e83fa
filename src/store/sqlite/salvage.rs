//! What can be read of a damaged catalog becomes another one, which takes its place. The damaged one is kept.
//!
//! Pages that can't be read are left out, and so is what no value of its column can be; all is counted and said.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::columns;
use super::opening::{
    CURRENT_VERSION, create_file, derive, migrate, migrate_to, plain, size, want_learned_again,
};
use super::readable::{Holds, KeyColumn, Table};
use super::replace::Replacement;
use super::row_copier::{RowCopier, Take, columns_of};
use super::salvage_sources::Sources;
use super::schema::{self, Fit, Schema};
use super::schema_recovery::{reading, recover_schema};
use super::{Error, Result, ids, reconstruction};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// Where the damaged catalog is now.
    pub aside: PathBuf,
    /// Rows that could be read.
    pub rows: u64,
    /// What could not, by table.
    pub losses: BTreeMap<String, Loss>,
}

/// What a table lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Places whose rows can't be read.
    pub unreadable: u64,
    /// Rows that say nothing without a value that can't be.
    pub left_out: u64,
    /// Values that can't be, for which others stand.
    pub replaced: u64,
    /// The first value that can't be.
    pub first: Option<String>,
}

/// Makes a new catalog of what can be read of the one at `path`, and puts it in its place.
///
/// # Errors
/// When the new one can't be written: the damaged one is left as it is then.
pub fn salvage(path: &Path) -> Result<Salvage> {
    try_salvage(path).map_err(|error| match error.is_full() {
        true => Error::NoRoom {
            path: path.into(),
            bytes: size(path),
        },
        false => error,
    })
}

fn try_salvage(path: &Path) -> Result<Salvage> {
    let failed = |source: std::io::Error| Error::of_file(path, source);
    let replacement = Replacement::begin(path)?;
    let recovered =
        recover_schema(path, &replacement.folder).or_else(|error| match error.is_full() {
            true => Err(error),
            false => {
                tracing::warn!("the schema of the damaged catalog can't be mended: {error}");
                Ok(None)
            }
        })?;
    // Rows are read in the form that they have, and brought up to date then, as those of a sound catalog are.
    let form = form_of(recovered.as_deref().unwrap_or(path));
    let mut new = empty(&replacement.new_file(), form)?;
    let sources = Sources::of(path, recovered.as_deref(), &new)?;
    let old = sources.first;
    refuse_others(&old, path)?;
    let mut salvage = Salvage {
        aside: PathBuf::new(),
        rows: 0,
        losses: BTreeMap::new(),
    };
    let transaction = new.transaction()?;
    pour_all(&old, &transaction, Take::Mended, &mut salvage)?;
    if let Some(newer) = sources.second {
        pour_all(&newer, &transaction, Take::Sound, &mut salvage)?;
    }
    transaction.commit()?;
    migrate(&mut new)?;
    let transaction = new.transaction()?;
    for (table, stray) in ids::drop_stray(&transaction)? {
        if stray > 0 {
            salvage.losses.entry(table.into()).or_default().left_out += stray;
        }
    }
    let is_torn = |table: &str| salvage.losses.contains_key(table);
    if is_torn("photo") {
        salvage.rows += reconstruction::photos(&old, &transaction)?;
    }
    // Whoever lost what a photo says of itself would have the labels taken from it that follow from that.
    if is_torn("label") || is_torn("photo") {
        salvage.rows += reconstruction::labels(&old, &transaction)?;
    }
    for table in tables(&transaction, &transaction)? {
        let wrong = remove_wrong(&transaction, &table)?;
        if wrong > 0 {
            salvage.losses.entry(table.name).or_default().left_out += wrong;
        }
    }
    let is_torn = |table: &str| salvage.losses.contains_key(table);
    // Whoever lost what analyzers said would have it taken from photos, too.
    let knows_answers = !["analysis", "analysis_label", "analysis_tag"]
        .map(is_torn)
        .contains(&true);
    if knows_answers && (is_torn("label") || is_torn("text")) {
        want_learned_again(&transaction)?;
    }
    ids::keep_unique(&old, &transaction)?;
    transaction.execute("DELETE FROM meta WHERE key = 'derived'", [])?;
    note(&transaction, &salvage)?;
    transaction.commit()?;
    derive(&mut new)?;
    drop(old);
    close(new)?;
    salvage.aside = replacement.finish("damaged").map_err(failed)?;
    Ok(salvage)
}

/// Takes over every table that the old catalog has as well.
fn pour_all(old: &Connection, new: &Connection, take: Take, salvage: &mut Salvage) -> Result<()> {
    let is_current = version(old) == version(new);
    for table in tables(new, old)? {
        if table.columns.is_empty() {
            salvage.losses.entry(table.name).or_default().unreadable += 1;
            continue;
        }
        let mut copier = RowCopier::new(new, &table, take)?;
        copier.loss.unreadable = table.read(old, &mut |row| copier.take(row))?;
        if is_current {
            copier.loss.unreadable += copier.missing();
        }
        salvage.rows += copier.rows;
        if take == Take::Mended && copier.loss != Loss::default() {
            salvage.losses.insert(table.name.clone(), copier.loss);
        }
    }
    Ok(())
}

/// Removes rows with values that can't be, so that nobody ever takes the new catalog for a damaged one: says how many.
fn remove_wrong(new: &Connection, table: &Table) -> Result<u64> {
    let key: Vec<_> = table
        .key
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let all = format!(
        "SELECT \"{}\" FROM \"{}\"",
        table.columns.join("\", \""),
        table.name
    );
    let (mut all, mut wrong) = (new.prepare(&all)?, Vec::new());
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        if columns::check_row(&table.name, row).is_err() {
            let key = key.iter().map(|column| row.get::<_, Value>(*column));
            wrong.push(key.collect::<rusqlite::Result<Vec<_>>>()?);
        }
    }
    let of_key = key.join("\" = ? AND \"");
    let mut remove = new.prepare(&format!(
        "DELETE FROM \"{}\" WHERE \"{of_key}\" = ?",
        table.name
    ))?;
    for key in &wrong {
        remove.execute(params_from_iter(key))?;
    }
    Ok(wrong.len() as u64)
}

/// Nobody here knows what a newer version keeps, and what would be lost of it; nor what is another program's.
fn refuse_others(old: &Connection, path: &Path) -> Result<()> {
    match schema::fit(old) {
        Ok(Fit::Newer) => Err(Error::Open {
            path: path.into(),
            source: "it is damaged, and was made by a newer version of kbasefs".into(),
        }),
        Ok(Fit::Foreign) => Err(Error::Foreign { path: path.into() }),
        _ => Ok(()),
    }
}

fn version(catalog: &Connection) -> Option<i64> {
    let version = catalog.pragma_query_value(None, "user_version", |row| row.get(0));
    version.ok()
}

/// Of which version the tables of a catalog are, as far as that can be told.
fn form_of(catalog: &Path) -> i32 {
    let form = || -> Result<i32> {
        let catalog = reading(catalog)?;
        let number = catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(Schema::of(&catalog)?.nearest_version(number))
    };
    form().unwrap_or(CURRENT_VERSION)
}

/// A new catalog with the tables of a version that nobody else sees, all in one file at every moment.
pub fn empty(path: &Path, version: i32) -> Result<Connection> {
    create_file(path).map_err(|e| Error::of_file(path, e))?;
    let mut new = plain(path)?;
    // Nobody looks at it before it is complete, and it is synced as a whole then.
    new.pragma_update(None, "journal_mode", "memory")?;
    new.pragma_update(None, "synchronous", "off")?;
    new.pragma_update(None, "cache_size", -32768)?;
    migrate_to(&mut new, version)?;
    schema::sign(&new)?;
    Ok(new)
}

/// Closes a catalog that is complete; looks at every page before.
pub fn close(new: Connection) -> Result<()> {
    if !super::health::is_whole(&new)? {
        return Err(Error::Backend("the new catalog isn't whole".into()));
    }
    new.close().map_err(|(_, error)| error.into())
}

/// Tables with rows of their own; what follows from them is worked out.
pub fn tables(new: &Connection, old: &Connection) -> Result<Vec<Table>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
        AND name <> 'said' AND name NOT LIKE 'words%'";
    let mut names = new.prepare(sql)?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let is_older = version(old).is_some_and(|old| version(new).is_some_and(|new| old < new));
    let mut tables = Vec::new();
    for name in names {
        let table = describe(new, old, name?)?;
        if !(is_older && table.columns.is_empty()) {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// A table with those columns that the old catalog has as well.
fn describe(new: &Connection, old: &Connection, name: String) -> Result<Table> {
    let there = columns_of(old, &name).unwrap_or_default();
    let mut shared = columns_of(new, &name)?;
    shared.retain(|column| there.contains(column));
    let key = "SELECT name, type FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk";
    let mut key = new.prepare(key)?;
    let key = key.query_map([&name], |row| {
        let holds = match row.get_ref(1)?.as_str()? {
            "INTEGER" => Holds::Integers,
            "TEXT" => Holds::Texts,
            _ => Holds::Bytes,
        };
        let name = row.get(0)?;
        Ok(KeyColumn { name, holds })
    })?;
    Ok(Table {
        key: key.collect::<rusqlite::Result<_>>()?,
        columns: shared,
        name,
    })
}

/// Keeps in the catalog what it lost, for whoever checks it.
fn note(new: &Connection, salvage: &Salvage) -> Result<()> {
    let note = "INSERT OR REPLACE INTO meta (key, value) \
        VALUES ('recovered', CAST(datetime('now') || ' UTC: ' || ?1 AS BLOB))";
    new.execute(note, [salvage.to_string()])?;
    Ok(())
}

impl fmt::Display for Salvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows could be read", self.rows)?;
        for (table, loss) in &self.losses {
            write!(f, "; {table}: {loss}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.unreadable, "places can't be read"),
            (self.left_out, "rows left out"),
            (self.replaced, "values replaced"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(n, what)| format!("{n} {what}")).collect();
        f.write_str(&counts.join(", "))?;
        match &self.first {
            Some(first) => write!(f, " (first: {first})"),
            None => Ok(()),
        }
    }
}
