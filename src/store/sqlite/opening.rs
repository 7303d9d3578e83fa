//! A catalog opened: its file made, its tables brought up to date, and bound to its photos.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::catalog_lock::CatalogLock;
use super::schema::{self, Fit};
use super::transaction::SqliteTransaction;
use super::write_ahead_log::{connect_keeping_log, keep_log, without_log};
use super::{binding, health, ids, replace, rows, unjoined, write_lock};
use crate::store::apply::{join, refresh, relearn};
use crate::store::{Error, Result};

/// One for each version; more are appended.
const STEPS: [&str; 17] = [
    include_str!("migrations/0001_catalog.sql"),
    include_str!("migrations/0002_titles.sql"),
    include_str!("migrations/0003_edited.sql"),
    include_str!("migrations/0004_texts.sql"),
    include_str!("migrations/0005_providers.sql"),
    include_str!("migrations/0006_journal.sql"),
    include_str!("migrations/0007_saved.sql"),
    include_str!("migrations/0008_renamed.sql"),
    include_str!("migrations/0009_said.sql"),
    include_str!("migrations/0010_measured.sql"),
    include_str!("migrations/0011_analyzers.sql"),
    include_str!("migrations/0012_no_answer.sql"),
    include_str!("migrations/0013_facts.sql"),
    include_str!("migrations/0014_file_labels.sql"),
    include_str!("migrations/0015_contents.sql"),
    include_str!("migrations/0016_identity.sql"),
    include_str!("migrations/0017_changes.sql"),
];

static MIGRATIONS: LazyLock<Migrations<'static>> =
    LazyLock::new(|| Migrations::new(STEPS.map(M::up).to_vec()));

/// The number of the version that this program makes.
pub const CURRENT_VERSION: i32 = STEPS.len() as i32;

/// Opens the catalog for writing, as the only process.
pub fn prepare(path: &Path, source: &Path) -> Result<(Connection, CatalogLock)> {
    refuse_others(path)?;
    replace::finish_interrupted(path)?;
    // Before SQLite opens the file, and makes a log of its own.
    let was_left_open = health::was_left_open(path);
    create_file(path).map_err(|e| Error::of_file(path, e))?;
    let mut lock = CatalogLock::acquire(path)?;
    if health::is_suspect(path) {
        return Err(Error::Damaged);
    }
    let mut writer = connect_keeping_log(path)?;
    if was_left_open && !health::is_whole(&writer)? {
        return Err(Error::Damaged);
    }
    schema::validate(&writer, path)?;
    migrate(&mut writer)?;
    binding::bind(&writer, path, source)?;
    derive(&mut writer)?;
    ids::check(&writer)?;
    keep_log(&writer, false)?;
    lock.remember_files();
    Ok((writer, lock))
}

/// The source that the catalog at `path` is of; `None` where there is no catalog.
pub fn owner(path: &Path) -> Result<Option<PathBuf>> {
    if !path.exists() || (is_empty(path) && !health::was_left_open(path)) {
        return Ok(None);
    }
    refuse_others(path)?;
    let owner = connect_keeping_log(path).map_err(Error::from);
    let owner = owner.and_then(|catalog| owner_of(&catalog, path));
    match owner {
        // What it was bound to at first is in the file itself.
        Err(error) if error.is_unwritable() => owner_of(&without_log(path)?, path),
        owner => owner,
    }
}

fn owner_of(catalog: &Connection, path: &Path) -> Result<Option<PathBuf>> {
    let owner = match binding::source(catalog) {
        // Without that table there is another reason.
        Err(error) => match schema::fit(catalog)? {
            Fit::New => None,
            Fit::Foreign => return Err(Error::Foreign { path: path.into() }),
            Fit::Damaged(_) => return Err(Error::Damaged),
            _ => return Err(error.into()),
        },
        found => found?,
    };
    Ok(owner.map(|bytes| PathBuf::from(OsString::from_vec(bytes))))
}

/// Refuses what is plainly no catalog before anything is written to it, and a pipe, at which whoever reads waits for ever.
pub fn refuse_others(path: &Path) -> Result<()> {
    let [_, log, shared] = files_of(path);
    let is_other = |file: &PathBuf| file.metadata().is_ok_and(|there| !there.is_file());
    if let Some(path) = [log, shared].into_iter().find(is_other) {
        return Err(Error::Exists { path });
    }
    let irregular = || std::io::Error::other("is no regular file");
    match path.metadata() {
        Ok(there) if !there.is_file() => return Err(Error::of_file(path, irregular())),
        Ok(there) if there.len() > 0 => {}
        _ => return Ok(()),
    }
    match without_log(path).and_then(|file| schema::fit(&file)) {
        Ok(Fit::Foreign) => Err(Error::Foreign { path: path.into() }),
        // Whatever else it is shows when it is opened.
        _ => Ok(()),
    }
}

/// The file of a catalog, its log and what its users share.
pub fn files_of(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"]
        .map(|end| PathBuf::from([path.as_os_str(), end.as_ref()].join("".as_ref())))
}

/// Bytes of a catalog and its log.
pub fn size(path: &Path) -> u64 {
    let [file, log, _] = files_of(path);
    let sizes = [file, log].map(|file| file.metadata().map_or(0, |m| m.len()));
    sizes.iter().sum()
}

/// Makes an empty file, private to its owner, where there is none.
pub fn create_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(false).mode(0o600);
    file.open(path).map(|_| ())
}

/// A connection to a file that is there.
pub fn plain(path: &Path) -> rusqlite::Result<Connection> {
    let how = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, how)?;
    connection.busy_timeout(write_lock::BUSY_TIMEOUT)?;
    // What is sorted is small, and folders for all programs may be closed to this one.
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

/// A connection that doesn't put the log into the file when it is closed.
pub fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = plain(path)?;
    // Before the first look at the log: where that finds damage, the connection is closed.
    keep_log(&connection, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    // In KiB, as it is negative: <https://www.sqlite.org/pragma.html#pragma_cache_size>.
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.len() == 0)
}

/// Brings the tables up to date, and writes into the file whose it is.
pub fn migrate(connection: &mut Connection) -> Result<()> {
    migrated(MIGRATIONS.to_latest(connection))?;
    schema::sign(connection)?;
    Ok(())
}

/// Makes the tables of a version.
pub fn migrate_to(connection: &mut Connection, version: i32) -> Result<()> {
    migrated(MIGRATIONS.to_version(connection, version.unsigned_abs() as usize))
}

fn migrated(result: std::result::Result<(), rusqlite_migration::Error>) -> Result<()> {
    match result {
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(err.into()),
        result => result.map_err(|error| Error::Backend(error.into())),
    }
}

/// The name of a catalog among all there are: drawn by lot once, and kept.
pub fn identity(connection: &Connection) -> rusqlite::Result<String> {
    let misread =
        "DELETE FROM meta WHERE key = 'id' AND (length(value) <> 32 OR value GLOB '*[^0-9a-f]*')";
    connection.execute(misread, [])?;
    let draw = "INSERT INTO meta (key, value) \
         VALUES ('id', CAST(lower(hex(randomblob(16))) AS BLOB)) ON CONFLICT DO NOTHING";
    connection.execute(draw, [])?;
    let known = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'id'";
    connection.query_row(known, [], |row| row.get(0))
}

/// Photos on which analyzers of one kind answered: an older version kept the words of one.
const SEVERAL: &str = "SELECT DISTINCT photo.id FROM photo JOIN analysis AS one USING (hash) \
    JOIN analysis AS other USING (hash) WHERE one.remote = other.remote AND one.analyzer < other.analyzer";
/// Photos that any analyzer answered on.
const ANY: &str = "SELECT id FROM photo WHERE hash IN (SELECT hash FROM analysis)";

/// Has photos learn anew what analyzers said of them, where it isn't all there.
fn learn_again(writer: &mut Connection) -> Result<()> {
    let wanted = "SELECT value FROM meta WHERE key = 'relearn'";
    let Some(wanted) = rows::one::<Vec<u8>>(writer, wanted, [])? else {
        return Ok(());
    };
    let transaction = writer.transaction()?;
    let photos = if wanted == b"several" { SEVERAL } else { ANY };
    let ids = rows::list(&transaction, photos)?;
    for ids in ids.chunks(DERIVE_BATCH as usize) {
        relearn(&mut SqliteTransaction::new(&transaction), ids)?;
    }
    transaction.execute("DELETE FROM meta WHERE key = 'relearn'", [])?;
    Ok(transaction.commit()?)
}

/// Has copies of photos learn what is known of their content, where a process ended before all had.
fn join_copies(writer: &mut Connection) -> Result<()> {
    let ids = unjoined::all(writer)?;
    if ids.is_empty() {
        return Ok(());
    }
    let transaction = writer.transaction()?;
    for ids in ids.chunks(DERIVE_BATCH as usize) {
        join(&mut SqliteTransaction::new(&transaction), ids)?;
    }
    unjoined::clear(&transaction)?;
    Ok(transaction.commit()?)
}

/// Has a catalog learn anew, with the next start, what analyzers said of all its photos.
pub fn want_learned_again(catalog: &Connection) -> Result<()> {
    let all = "INSERT OR REPLACE INTO meta (key, value) VALUES ('relearn', CAST('all' AS BLOB))";
    catalog.execute(all, [])?;
    Ok(())
}

/// Changes whenever something that follows from the records is new or follows in another way.
const DERIVED: &[u8] = b"2";
/// Photos worked on at a time.
const DERIVE_BATCH: u32 = 1000;

/// Works out what an older version did not, once.
pub fn derive(writer: &mut Connection) -> Result<()> {
    learn_again(writer)?;
    join_copies(writer)?;
    if is_derived(writer)? {
        return Ok(());
    }
    let transaction = writer.transaction()?;
    let mut last = 0;
    loop {
        let ids = rows::ids(&transaction, last, DERIVE_BATCH)?;
        let Some(end) = ids.last() else { break };
        last = end.0;
        refresh(&mut SqliteTransaction::rewriting(&transaction), &ids)?;
    }
    let done = "INSERT OR REPLACE INTO meta (key, value) VALUES ('derived', ?1)";
    transaction.execute(done, [DERIVED])?;
    Ok(transaction.commit()?)
}

/// Whether nothing is to be worked out.
pub fn is_derived(catalog: &Connection) -> rusqlite::Result<bool> {
    let known = "SELECT value FROM meta WHERE key = 'derived'";
    let known: Option<Vec<u8>> = rows::one(catalog, known, [])?;
    Ok(known.as_deref() == Some(DERIVED))
}
