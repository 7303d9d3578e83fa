//! The store in one SQLite file. All SQL of the program is below this folder.
//!
//! Write-ahead log, one writer, a few readers that never wait for it. What is committed survives the end of the
//! process at any moment.

mod analyses;
mod backup;
mod binding;
mod catalog_lock;
mod columns;
mod errors;
mod facts;
mod full_text;
mod header;
mod health;
mod holdings;
mod idle_readers;
mod ids;
mod inherit;
mod journal;
mod label_dictionary;
mod measured;
mod opening;
mod provider_store;
mod readable;
mod reconstruction;
mod record_rows;
mod recovery;
mod renaming;
mod replace;
mod restore;
mod row_copier;
mod rows;
mod salvage;
mod salvage_sources;
mod schema;
mod schema_recovery;
mod transaction;
mod unjoined;
mod vacuum;
mod write_ahead_log;
mod write_lock;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, MutexGuard};
use roaring::RoaringBitmap;
use rusqlite::Connection;

use super::apply::apply;
use super::{Error, Result, Store};
use crate::catalog::{
    ActId, Analysis, Change, ContentHash, Detail, Done, Effect, GonePhoto, Measured, PhotoId,
    Stored, Trace, Words,
};
pub use backup::{backup, sound_backup};
use catalog_lock::CatalogLock;
pub(crate) use catalog_lock::is_locked;
pub use health::{check, recovered};
pub(crate) use health::{put_back_lately, recovered_lately, was_left_open};
pub(crate) use holdings::gone_with_words;
pub use holdings::{Holdings, Progress};
use idle_readers::IdleReaders;
use label_dictionary::SweepSchedule;
pub(crate) use opening::files_of;
pub(crate) use opening::owner;
pub use opening::size;
use opening::{connect, identity, prepare};
pub use restore::restore;
use transaction::SqliteTransaction;
pub(crate) use vacuum::vacuum;

/// An open index. Whoever holds `writer` may take each of the other locks, one at a time; whoever holds one of those
/// takes no further one.
pub struct Sqlite {
    path: PathBuf,
    source: PathBuf,
    id: String,
    writer: Mutex<Connection>,
    readers: IdleReaders,
    /// How often another catalog took the place of the one that was opened.
    age: AtomicU64,
    /// Photos that did not outlive it, of which nobody was told yet.
    lost: Mutex<Vec<PhotoId>>,
    sweeps: SweepSchedule,
    /// Closed last.
    lock: Mutex<CatalogLock>,
}

impl Sqlite {
    /// Opens the catalog at `path`, which is of the photos in `source`; makes it, private to its owner, if it isn't there.
    /// Of one that is damaged, another one is made.
    ///
    /// # Errors
    /// [`Error::Open`] when the file can't be made or read, is no catalog, or comes from a newer version;
    /// [`Error::OtherSource`] when it is of another folder; [`Error::InUse`] when another process has it;
    /// [`Error::NoRoom`] when it is damaged and the disk has no room for another one.
    pub fn open(path: &Path, source: &Path) -> Result<Self> {
        let prepared = match prepare(path, source) {
            Err(error) if is_ours(path) && is_damage(&error, path)? => {
                mend(path).and_then(|()| prepare(path, source))
            }
            prepared => prepared,
        };
        let (writer, lock) = prepared.map_err(|error| error.of_catalog(path))?;
        Ok(Self {
            path: path.into(),
            source: source.into(),
            id: identity(&writer)?,
            writer: Mutex::new(writer),
            readers: IdleReaders::default(),
            age: AtomicU64::default(),
            lost: Mutex::default(),
            sweeps: SweepSchedule::default(),
            lock: Mutex::new(lock),
        })
    }

    /// What tells this catalog from every other one, whatever its file is called: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn read<T>(&self, mut work: impl FnMut(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with_recovery(|| self.try_read(&mut work))
    }

    fn try_read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let (idle, generation) = self.readers.take();
        let connection = match idle {
            Some(connection) => connection,
            None => self.reader()?,
        };
        let result = work(&connection);
        self.readers.give_back(connection, generation);
        Ok(result?)
    }

    /// A connection that never takes the log along: another catalog may have its name by then.
    fn reader(&self) -> Result<Connection> {
        Ok(connect(&self.path)?)
    }

    fn try_commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        let writer = self.writer();
        writer.pragma_update(None, "synchronous", care(changes))?;
        let transaction = write_lock::begin(&writer, write_lock::timeout(changes))?;
        let mut records = SqliteTransaction::new(&transaction);
        let mut effects = apply(&mut records, changes)?;
        let labels_added = records.labels_added();
        if self.sweeps.is_due_after(labels_added) {
            self.sweeps.start(label_dictionary::sweep(&transaction)?, 0);
        }
        transaction.commit()?;
        effects.extend(self.lost().drain(..).map(Effect::Remove));
        Ok(effects)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock()
    }

    fn lost(&self) -> MutexGuard<'_, Vec<PhotoId>> {
        self.lost.lock()
    }

    fn lock(&self) -> MutexGuard<'_, CatalogLock> {
        self.lock.lock()
    }
}

/// Whether an error comes of damage. What the tables refuse may be wrong itself, and another catalog would refuse it too:
/// they are looked at.
fn is_damage(error: &Error, path: &Path) -> Result<bool> {
    match error {
        Error::Damaged => Ok(true),
        Error::Refused(_) | Error::Backend(_) => Ok(!health::check(path)?.is_empty()),
        _ => Ok(false),
    }
}

/// One that can't be read at all isn't mended either.
fn is_ours(path: &Path) -> bool {
    schema::is_ours(path).unwrap_or(false)
}

/// Makes a sound catalog of the damaged one at `path`, which nobody else has open.
///
/// # Errors
/// [`Error::NoRoom`] when the disk has none for it; when the file doesn't look like a catalog, which is left alone then.
pub(crate) fn mend(path: &Path) -> Result<()> {
    replace::finish_interrupted(path)?;
    if !is_ours(path) {
        return Err(Error::Damaged.of_catalog(path));
    }
    recovery::tell(&salvage::salvage(path)?);
    Ok(())
}

/// How sure a commit is to be on the disk when it returns. The end of the process loses none; a power cut may take the last
/// ones along, but nothing that a person did or paid: the rest can be found out again. With a log, SQLite syncs every commit
/// at `full`, and only checkpoints at `normal`: <https://www.sqlite.org/pragma.html#pragma_synchronous>.
fn care(changes: &[Change]) -> &'static str {
    let is_human = |change: &Change| matches!(change, Change::Acted(_));
    match changes.iter().any(|c| is_human(c) || c.is_paid()) {
        true => "full",
        false => "normal",
    }
}

impl Store for Sqlite {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        self.with_recovery(|| {
            each(Stored::Anew);
            let connection = self.reader()?;
            // No page is read twice.
            connection.pragma_update(None, "cache_size", -512)?;
            // Photos have labels of the dictionary as it was at one moment.
            let connection = connection.unchecked_transaction()?;
            for (tag, written) in journal::made_tags(&connection)? {
                each(Stored::Made { tag, written });
            }
            for (name, query) in journal::all_saved(&connection)? {
                each(Stored::Saved { name, query });
            }
            let (live, dead) = rows::photos(&connection, each)?;
            self.sweeps.start(live, dead);
            self.lost().clear();
            Ok(())
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.with_recovery(|| self.try_commit(changes))
    }

    fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
        let recorded = self.read(|connection| analyses::of(connection, hash))?;
        Ok(recorded.into_iter().map(|r| (r.analysis, r.at)).collect())
    }

    fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>> {
        self.read(|connection| measured::measured(connection, hash))
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        let record = self.read(|connection| rows::record(connection, id))?;
        Ok(record.filter(|r| !r.gone).map(|r| r.detail()))
    }

    fn outdated(&self) -> Result<RoaringBitmap> {
        self.read(facts::outdated)
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.read(|connection| full_text::photos(connection, words))
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        match words {
            [] => Ok(Vec::new()),
            words => self.read(|connection| full_text::relevance(connection, words)),
        }
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

    fn gone_with_words(&self) -> Result<Vec<GonePhoto>> {
        self.read(rows::gone_with_words)
    }

    fn detail_of_gone(&self, id: PhotoId) -> Result<Option<Detail>> {
        let record = self.read(|connection| rows::record(connection, id))?;
        Ok(record.filter(|r| r.gone).map(|r| r.detail()))
    }

    fn size_bytes(&self) -> Result<u64> {
        Ok(size(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Edit, Facts, FileStat, Format, SourcePath, Spent};

    #[test]
    fn what_a_person_did_or_paid_is_on_the_disk_when_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("catalog.sqlite"), folder.path()).unwrap();
        let check = |change: Change, expected: i64| {
            store.commit(&[change]).unwrap();
            let writer = store.writer.lock();
            let how: i64 = writer
                .pragma_query_value(None, "synchronous", |row| row.get(0))
                .unwrap();
            assert_eq!(how, expected);
        };
        let (normal, full) = (1, 2);
        let id = PhotoId(1);
        let found = Change::Found {
            known: None,
            path: SourcePath::new(*b"a.jpg"),
            stat: FileStat::default(),
            facts: Box::new(Facts::of(Format::Jpeg)),
        };
        check(found, normal);
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
