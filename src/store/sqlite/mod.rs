//! The store in one SQLite file. All SQL of the program is below this folder.
//!
//! Write-ahead log, one writer, a few readers that never wait for it. What is committed survives the end of the
//! process at any moment.

mod columns;
mod graft;
mod health;
mod held;
mod inherit;
mod journal;
mod ledger;
mod mosaic;
mod numbers;
mod readable;
mod recovery;
mod renaming;
mod replace;
mod rows;
mod said;
mod salvage;
mod session;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};

use roaring::RoaringBitmap;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::{Error, Result, Store, shelf};
use crate::catalog::{
    ActId, Change, ContentHash, Detail, Done, Effect, Outcome, PhotoId, Stored, Trace, Words,
};
pub use health::{backup, check, recovered, vacuum, was_left_open};
use held::Held;
pub use held::is_held;
use session::Session;

static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| {
    let steps = [
        M::up(include_str!("migrations/0001_catalog.sql")),
        M::up(include_str!("migrations/0002_titles.sql")),
        M::up(include_str!("migrations/0003_edited.sql")),
        M::up(include_str!("migrations/0004_texts.sql")),
        M::up(include_str!("migrations/0005_providers.sql")),
        M::up(include_str!("migrations/0006_journal.sql")),
        M::up(include_str!("migrations/0007_saved.sql")),
        M::up(include_str!("migrations/0008_renamed.sql")),
        M::up(include_str!("migrations/0009_said.sql")),
    ];
    Migrations::new(steps.to_vec())
});

pub struct Sqlite {
    path: PathBuf,
    source: PathBuf,
    id: String,
    writer: Mutex<Connection>,
    /// Connections that nobody reads from just now.
    readers: Mutex<Vec<Connection>>,
    /// How often another index took the place of the one that was opened.
    age: AtomicU64,
    /// Photos that did not outlive it, of which nobody was told yet.
    lost: Mutex<Vec<PhotoId>>,
    /// Closed last.
    held: Mutex<Held>,
}

impl Sqlite {
    /// Opens the index at `path`, which is of the photos in `source`; makes it, private to its owner, if it isn't there.
    /// Of one that is damaged, another one is made.
    ///
    /// # Errors
    /// [`Error::Open`] when the file can't be made or read, is no index, or comes from a newer version;
    /// [`Error::OtherSource`] when it is of another folder; [`Error::InUse`] when another process has it;
    /// [`Error::NoRoom`] when it is damaged and the disk has no room for another one.
    pub fn open(path: &Path, source: &Path) -> Result<Self> {
        let prepared = match prepare(path, source) {
            // What its own tables refuse is damaged too. Any other file that was named by mistake is left alone.
            Err(Error::Damaged | Error::Refused(_))
                if path.extension() == Some("sqlite".as_ref()) =>
            {
                mend(path).and_then(|()| prepare(path, source))
            }
            prepared => prepared,
        };
        let (writer, held) = prepared.map_err(|error| error.of_index(path))?;
        Ok(Self {
            path: path.into(),
            source: source.into(),
            id: identity(&writer)?,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            age: AtomicU64::default(),
            lost: Mutex::default(),
            held: Mutex::new(held),
        })
    }

    /// What tells this catalog from every other one, whatever its file is called: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn read<T>(&self, mut work: impl FnMut(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.mending(|| self.try_read(&mut work))
    }

    fn try_read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let age = self.age.load(Ordering::Acquire);
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.reader()?,
        };
        let result = work(&connection);
        let mut readers = self.readers();
        if readers.len() < IDLE_READERS && self.age.load(Ordering::Acquire) == age {
            readers.push(connection);
        }
        Ok(result?)
    }

    /// A connection that never takes the log along: another index may have its name by then.
    fn reader(&self) -> Result<Connection> {
        let connection = connect(&self.path)?;
        keep_log(&connection, true)?;
        Ok(connection)
    }

    fn try_commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        let mut writer = self.writer();
        writer.pragma_update(None, "synchronous", care(changes))?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut effects = shelf::apply(&mut Session::new(&transaction), changes)?;
        transaction.commit()?;
        effects.extend(self.lost().drain(..).map(Effect::Remove));
        Ok(effects)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        let writer = self.writer.lock();
        writer.expect("a commit that panics ends the process")
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        let readers = self.readers.lock();
        readers.expect("nothing panics while it holds the list")
    }

    fn lost(&self) -> MutexGuard<'_, Vec<PhotoId>> {
        let lost = self.lost.lock();
        lost.expect("nothing panics while it holds the list")
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let held = self.held.lock();
        held.expect("nothing panics while it looks at the file")
    }
}

/// Makes a sound index of the damaged one at `path`, which nobody else has open.
///
/// # Errors
/// [`Error::NoRoom`] when the disk has none for it.
pub fn mend(path: &Path) -> Result<()> {
    replace::settle(path).map_err(|e| Error::of_file(path, e))?;
    recovery::tell(&salvage::salvage(path)?);
    Ok(())
}

/// Opens the index for writing, as the only process.
fn prepare(path: &Path, source: &Path) -> Result<(Connection, Held)> {
    replace::settle(path).map_err(|e| Error::of_file(path, e))?;
    let was_left_open = health::was_left_open(path);
    create_file(path).map_err(|e| Error::of_file(path, e))?;
    let mut held = Held::take(path)?;
    if health::is_suspect(path) {
        return Err(Error::Damaged);
    }
    let mut writer = looking(path)?;
    if was_left_open && !health::is_whole(&writer)? {
        return Err(Error::Damaged);
    }
    migrate(&mut writer)?;
    bind(&writer, path, source)?;
    derive(&mut writer)?;
    numbers::check(&writer)?;
    keep_log(&writer, false)?;
    held.look();
    Ok((writer, held))
}

/// How sure a commit is to be on the disk when it returns. The end of the process loses none; a power cut may take the last
/// ones along, but nothing that a person did or paid: the rest can be found out again.
fn care(changes: &[Change]) -> &'static str {
    let is_human = |change: &Change| matches!(change, Change::Acted(_) | Change::Sidecar { .. });
    match changes.iter().any(|c| is_human(c) || c.is_paid()) {
        true => "full",
        false => "normal",
    }
}

/// The source that the index at `path` is of; `None` where there is no index.
pub fn owner(path: &Path) -> Result<Option<PathBuf>> {
    if !path.exists() || (is_empty(path) && !health::was_left_open(path)) {
        return Ok(None);
    }
    let sql = "SELECT value FROM meta WHERE key = 'source'";
    let owner: Option<Vec<u8>> = rows::one(&looking(path)?, sql, [])?;
    Ok(owner.map(|bytes| PathBuf::from(std::ffi::OsString::from_vec(bytes))))
}

const IDLE_READERS: usize = 4;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{
            ConstraintViolation, DatabaseCorrupt, DiskFull, NotADatabase, TypeMismatch,
        };
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        // What the users of an index share needs room on the disk as well.
        if error.sqlite_error().map(|e| e.extended_code) == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(DiskFull) => return Self::Full,
            Some(DatabaseCorrupt | NotADatabase) => return Self::Damaged,
            Some(ConstraintViolation | TypeMismatch) => return Self::Refused(error.into()),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
                | ErrorCode::OutOfMemory,
            ) => return Self::Unavailable(error.into()),
            _ => {}
        }
        match error {
            FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..) => Self::Damaged,
            error => Self::Backend(error.into()),
        }
    }
}

/// The file of an index, its log and what its users share.
fn files_of(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"]
        .map(|end| PathBuf::from([path.as_os_str(), end.as_ref()].join("".as_ref())))
}

fn create_file(path: &Path) -> std::io::Result<()> {
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
fn plain(path: &Path) -> rusqlite::Result<Connection> {
    let how = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, how)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    // What is sorted is small, and folders for all programs may be closed to this one.
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = plain(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.len() == 0)
}

/// A connection that leaves a log as it is that a killed process left: nobody knows yet whether it is sound.
fn looking(path: &Path) -> rusqlite::Result<Connection> {
    let was_left_open = health::was_left_open(path);
    if was_left_open && is_empty(path) {
        // SQLite would remove the log.
        return Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_NOTADB),
            None,
        ));
    }
    let connection = connect(path)?;
    keep_log(&connection, was_left_open)?;
    Ok(connection)
}

/// Whether the log stays beside the file when the last connection is closed.
fn keep_log(connection: &Connection, keeps: bool) -> rusqlite::Result<()> {
    let how = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(how, keeps).map(|_| ())
}

fn migrate(connection: &mut Connection) -> Result<()> {
    use rusqlite_migration::Error::{MigrationDefinition, RusqliteError};
    match MIGRATIONS.to_latest(connection) {
        Ok(()) => Ok(()),
        Err(RusqliteError { err, .. }) => Err(err.into()),
        Err(MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead)) => Err(
            Error::Backend("it was made by a newer version of kbasefs".into()),
        ),
        Err(error) => Err(Error::Backend(error.into())),
    }
}

/// An index is of one source for good.
fn bind(connection: &Connection, path: &Path, source: &Path) -> Result<()> {
    let mine = source.as_os_str().as_bytes();
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('source', ?1) ON CONFLICT DO NOTHING",
        [mine],
    )?;
    let owner: Vec<u8> =
        connection.query_row("SELECT value FROM meta WHERE key = 'source'", [], |row| {
            row.get(0)
        })?;
    if owner == mine {
        return Ok(());
    }
    Err(Error::OtherSource {
        path: path.into(),
        owner: PathBuf::from(std::ffi::OsStr::from_bytes(&owner)),
    })
}

/// The name of a catalog among all there are: drawn by lot once, and kept.
fn identity(connection: &Connection) -> rusqlite::Result<String> {
    let misread =
        "DELETE FROM meta WHERE key = 'id' AND (length(value) <> 32 OR value GLOB '*[^0-9a-f]*')";
    connection.execute(misread, [])?;
    let draw = "INSERT INTO meta (key, value) \
         VALUES ('id', CAST(lower(hex(randomblob(16))) AS BLOB)) ON CONFLICT DO NOTHING";
    connection.execute(draw, [])?;
    let known = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'id'";
    connection.query_row(known, [], |row| row.get(0))
}

/// Changes whenever something that follows from the records is new or follows in another way.
const DERIVED: &[u8] = b"2";
/// Photos worked on at a time.
const DERIVE_BATCH: u32 = 1000;

/// Works out what an older version did not, once.
fn derive(writer: &mut Connection) -> Result<()> {
    let known = "SELECT value FROM meta WHERE key = 'derived'";
    let known: Option<Vec<u8>> = rows::one(writer, known, [])?;
    if known.as_deref() == Some(DERIVED) {
        return Ok(());
    }
    let transaction = writer.transaction()?;
    let mut last = 0;
    loop {
        let ids = rows::ids(&transaction, last, DERIVE_BATCH)?;
        let Some(end) = ids.last() else { break };
        last = end.0;
        shelf::refresh(&mut Session::new(&transaction), &ids)?;
    }
    let done = "INSERT OR REPLACE INTO meta (key, value) VALUES ('derived', ?1)";
    transaction.execute(done, [DERIVED])?;
    Ok(transaction.commit()?)
}

impl Store for Sqlite {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        self.mending(|| {
            each(Stored::Anew);
            let connection = self.reader()?;
            // No page is read twice.
            connection.pragma_update(None, "cache_size", -512)?;
            for (tag, written) in journal::made_tags(&connection)? {
                each(Stored::Made { tag, written });
            }
            for (name, query) in journal::all_saved(&connection)? {
                each(Stored::Saved { name, query });
            }
            rows::photos(&connection, each)?;
            self.lost().clear();
            Ok(())
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.mending(|| self.try_commit(changes))
    }

    fn outcomes(&self, hash: &ContentHash) -> Result<Vec<(Outcome, i64)>> {
        let recorded = self.read(|connection| rows::analyses(connection, hash))?;
        Ok(recorded.into_iter().map(|r| (r.outcome, r.at)).collect())
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        let record = self.read(|connection| rows::record(connection, id))?;
        Ok(record.filter(|r| !r.gone).map(|r| r.detail()))
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.read(|connection| {
            let mut found =
                connection.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1")?;
            found
                .query_map([match_expression(&[words])], |row| row.get::<_, u32>(0))?
                .collect()
        })
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        self.read(|connection| {
            // Weights in the order of the columns: title, description, tags, path. The better, the further below 0.
            let mut found = connection.prepare_cached(
                "SELECT rowid, -bm25(words, 10.0, 3.0, 5.0, 1.0) FROM words WHERE words MATCH ?1",
            )?;
            found
                .query_map([match_expression(words)], |row| {
                    Ok((PhotoId(row.get(0)?), row.get(1)?))
                })?
                .collect()
        })
    }

    fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
        self.read(|connection| journal::acts(connection, before, most))
    }

    fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
        self.read(|connection| journal::act(connection, id))
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        self.read(|connection| {
            let mut sizes = connection.prepare_cached(
                "SELECT DISTINCT size FROM photo WHERE gone = 1 AND hash IS NOT NULL",
            )?;
            let sizes = sizes.query_map([], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))?;
            sizes.collect()
        })
    }

    fn size_bytes(&self) -> Result<u64> {
        let [file, log, _] = files_of(&self.path);
        let sizes = [file, log].map(|path| std::fs::metadata(path).map_or(0, |m| m.len()));
        Ok(sizes.iter().sum())
    }
}

/// FTS5's expression for any of these words, each in a row. Words are letters, digits and accents: nothing in them
/// has a meaning of its own.
fn match_expression(words: &[&Words]) -> String {
    let phrases = words.iter().map(|words| {
        let star = if words.is_open() { "*" } else { "" };
        format!("\"{}\"{star}", words.words().join(" "))
    });
    phrases.collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Edit, Spent};

    #[test]
    fn what_a_person_did_or_paid_is_on_the_disk_when_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("catalog.sqlite"), folder.path()).unwrap();
        let check = |change: Change, expected: i64| {
            store.commit(&[change]).unwrap();
            let writer = store.writer.lock().unwrap();
            let how: i64 = writer
                .pragma_query_value(None, "synchronous", |row| row.get(0))
                .unwrap();
            assert_eq!(how, expected);
        };
        let (normal, full) = (1, 2);
        let id = PhotoId(1);
        check(Change::edited(id, Edit::Tag("beach".into())), full);
        check(Change::Gone { id }, normal);
        let (provider, day) = ("desk".into(), "2026-01-31".into());
        let spent = Spent::default();
        check(
            Change::Spent {
                provider,
                day,
                spent,
            },
            full,
        );
        check(Change::Gone { id }, normal);
        check(Change::edited(id, Edit::Untag("beach".into())), full);
    }
}
