//! A damaged schema, replaced by the same one of a new catalog.
//!
//! Which tables there are, and where, stands on a few pages, the first of the file among them. Without one of these, nothing
//! can be read though all rows are there. Migrations put the tables of every new catalog at the same places, so the pages
//! that say so are the same in all of them, until one is vacuumed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::opening::{CURRENT_VERSION, files_of, plain};
use super::replace::{COPY, SCHEMA};
use super::salvage::empty;
use super::schema::{self, Fit, Schema};
use super::write_ahead_log::keep_log;
use super::{Error, Result, header};

/// Where it begins in the file, and what stands on it.
type Page = (u64, Vec<u8>);

/// Bytes of a page, of which there is at least one.
const SHORTEST: u64 = 4096;
/// Of the number of pages in the header, which is big-endian.
const PAGES: std::ops::Range<usize> = 28..32;

/// Opens a catalog that stays as it is, as its only user: then it takes no room on the disk, as it would beside others.
/// Of one that is cut off, or whose schema is damaged in part, the rest is there.
pub fn reading(catalog: &Path) -> Result<Connection> {
    let all = open(catalog)?;
    all.pragma_update(None, "writable_schema", true)?;
    Ok(all)
}

fn open(catalog: &Path) -> Result<Connection> {
    let alone = plain(catalog)?;
    // Whoever closes it last would put the log into it.
    keep_log(&alone, true)?;
    alone.pragma_update(None, "query_only", true)?;
    alone.pragma_update(None, "locking_mode", "exclusive")?;
    let first_look = alone.query_row("SELECT 1 FROM sqlite_schema", [], |_| Ok(()));
    match first_look.map_err(|e| e.sqlite_error_code()) {
        Err(Some(ErrorCode::DatabaseBusy | ErrorCode::SystemIoFailure)) => {
            let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Ok(Connection::open_with_flags(catalog, read)?)
        }
        _ => Ok(alone),
    }
}

/// Copies a catalog whose schema is other than it has to be into a folder, and mends it. `None` where nothing of it can be
/// mended: it is as it has to be, or its tables may be anywhere.
pub fn recover_schema(damaged: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    let failed = |source| Error::of_file(damaged, source);
    let is_cut = damaged.metadata().is_ok_and(|m| m.len() < SHORTEST);
    let header = !is_cut && header::is_sound(damaged).map_err(failed)?;
    let schema = open(damaged).and_then(|catalog| Ok(schema::fit(&catalog)?));
    if header && !matches!(schema, Ok(Fit::Damaged(_)) | Err(_)) {
        return Ok(None);
    }
    let catalog = copy(damaged, folder).map_err(failed)?;
    if is_cut {
        // All that there is stands in the log, which is read only beside a page.
        let file = File::options().write(true).open(&catalog);
        file.and_then(|file| file.set_len(SHORTEST))
            .map_err(failed)?;
        return Ok(Some(catalog));
    }
    header::mend(&catalog).map_err(failed)?;
    if reading(&catalog).is_ok_and(|catalog| has_schema(&catalog)) {
        mend_rows(&catalog)?;
        return Ok(Some(catalog));
    }
    let pages = schema_of_new(&folder.join(SCHEMA))?;
    Ok(mend_pages(&catalog, pages)
        .map_err(failed)?
        .then_some(catalog))
}

/// A row of the schema.
struct Entry {
    row: i64,
    kind: String,
    name: String,
    sql: String,
}

/// Writes what makes a table or an index of ours where something else stands for it: its pages are still where the row says
/// that they are.
fn mend_rows(catalog: &Path) -> Result<()> {
    let catalog = plain(catalog)?;
    catalog.pragma_update(None, "writable_schema", true)?;
    let number = catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = Schema::of(&catalog)?;
    let own = found.nearest(number);
    let is_known = |entry: &Entry| own.sql(&entry.kind, &entry.name) == Some(&*entry.sql);
    let mut strange = entries(&catalog)?;
    strange.retain(|entry| !is_known(entry));
    let mend =
        "UPDATE sqlite_schema SET type = ?2, name = ?3, tbl_name = ?4, sql = ?5 WHERE rowid = ?1";
    for (kind, name, sql) in own.all() {
        if found.sql(kind, name) == Some(sql) {
            continue;
        }
        let like =
            |entry: &Entry| is_like(entry, kind, name, sql) && has_columns_of(&catalog, entry, sql);
        if let Some(at) = strange.iter().position(like) {
            let entry = strange.swap_remove(at);
            catalog.execute(
                mend,
                (
                    entry.row,
                    kind,
                    name,
                    schema::table_of(kind, name, sql),
                    sql,
                ),
            )?;
        }
    }
    catalog.close().map_err(|(_, error)| error.into())
}

fn entries(catalog: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT rowid, type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
    let mut entries = catalog.prepare(sql)?;
    let entries = entries.query_map([], |row| {
        Ok(Entry {
            row: row.get(0)?,
            kind: schema::text(row, 1)?,
            name: schema::text(row, 2)?,
            sql: schema::plain(&schema::text(row, 3)?),
        })
    })?;
    entries.collect()
}

/// Whether a row is of this table or index, and something of it is misread or was renamed.
fn is_like(entry: &Entry, kind: &str, name: &str, sql: &str) -> bool {
    let without_name = |sql: &str, name: &str| {
        sql.replacen(&format!("\"{name}\""), "", 1)
            .replacen(name, "", 1)
    };
    (entry.kind == kind && entry.name == name)
        || entry.sql == sql
        || without_name(&entry.sql, &entry.name) == without_name(sql, name)
}

/// Whether its rows have as many values as they have to, as far as that can be told: with fewer, others would be read for
/// those that are missing.
fn has_columns_of(catalog: &Connection, entry: &Entry, sql: &str) -> bool {
    let count = |catalog: &Connection, name: &str| -> rusqlite::Result<u32> {
        let columns = "SELECT count(*) FROM pragma_table_info(?1)";
        catalog.query_row(columns, [name], |row| row.get(0))
    };
    let own = Connection::open_in_memory().and_then(|own| {
        own.execute_batch(sql)?;
        let name: String = own.query_row("SELECT name FROM sqlite_schema", [], |row| row.get(0))?;
        count(&own, &name)
    });
    match (count(catalog, &entry.name), own) {
        (Ok(there), Ok(own)) if there > 0 => there == own,
        _ => true,
    }
}

fn copy(damaged: &Path, folder: &Path) -> io::Result<PathBuf> {
    let catalog = folder.join(COPY);
    for (from, to) in files_of(damaged)
        .into_iter()
        .zip(files_of(&catalog))
        .take(2)
    {
        match fs::copy(from, to) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(catalog)
}

/// Whether the schema was other than these pages on one of them at most, and not on all that are there: they stand there now.
fn mend_pages(catalog: &Path, pages: Vec<Page>) -> io::Result<bool> {
    let file = File::options().read(true).write(true).open(catalog)?;
    let (mut same, mut different) = (0, 0);
    for (at, new) in &pages {
        let mut old = vec![0; new.len()];
        match file.read_exact_at(&mut old, *at) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read?,
        }
        // Cut off, or never written: nothing says that it was another one.
        if old.iter().all(|&byte| byte == 0) {
            continue;
        }
        let from = if *at == 0 { header::LENGTH } else { 0 };
        match old[from..] == new[from..] {
            true => same += 1,
            false => different += 1,
        }
    }
    if same == 0 || different > 1 {
        return Ok(false);
    }
    // The first page last: it counts them all.
    for (at, mut page) in pages.into_iter().rev() {
        if at == 0 {
            let count = file.metadata()?.len() / page.len() as u64;
            let count = u32::try_from(count).map_err(io::Error::other)?;
            page[PAGES].copy_from_slice(&count.to_be_bytes());
        }
        file.write_all_at(&page, at)?;
    }
    Ok(true)
}

fn has_schema(catalog: &Connection) -> bool {
    let found = catalog.query_row("SELECT count(sql) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    });
    found.is_ok_and(|count| count > 0)
}

/// The pages of the schema in a catalog that is made for this.
fn schema_of_new(path: &Path) -> Result<Vec<Page>> {
    let new = empty(path, CURRENT_VERSION)?;
    let size: u32 = new.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let numbers: Vec<u64> = new
        .prepare("SELECT pageno - 1 FROM dbstat WHERE name = 'sqlite_schema' ORDER BY pageno")?
        .query_map([], |row| row.get::<_, u32>(0).map(u64::from))?
        .collect::<rusqlite::Result<_>>()?;
    new.close().map_err(|(_, error)| error)?;
    let read = || -> io::Result<Vec<Page>> {
        let file = File::open(path)?;
        let read = |number: u64| {
            let (at, mut page) = (number * u64::from(size), vec![0; size as usize]);
            file.read_exact_at(&mut page, at)?;
            Ok((at, page))
        };
        numbers.into_iter().map(read).collect()
    };
    read().map_err(|source| Error::of_file(path, source))
}
