//! A store that goes on over damage, and over the loss of its file: another catalog is made and takes the place, and what
//! was asked for is done on that.
//!
//! The one answer to whatever can't be read, at the start or at work: a page, or a value that its column can't have.

use std::mem;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::catalog_lock::CatalogLock;
use super::opening::{connect, prepare};
use super::replace::{Replacement, sync};
use super::salvage::{Salvage, salvage};
use super::write_ahead_log::keep_log;
use super::{Sqlite, health, is_damage};
use crate::blocking;
use crate::catalog::PhotoId;
use crate::store::{Error, Result};

/// How often a process does so: a catalog that is damaged again and again is on a disk that fails.
const MOST: u64 = 5;

impl Sqlite {
    /// Does what may find damage, a second time where it did.
    pub(super) fn with_recovery<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        blocking::assert_allowed();
        let stays = self.stay();
        let age = self.age.load(Ordering::Acquire);
        let result = stays.and_then(|()| work());
        match &result {
            Err(error) if is_damage(error, &self.path)? => {}
            _ => return result,
        }
        // The next start knows, whatever becomes of this.
        health::suspect(&self.path);
        self.mend(age)?;
        work()
    }

    /// Makes a sound catalog of the damaged one, unless somebody has since it had this age.
    fn mend(&self, age: u64) -> Result<()> {
        self.replace(age, |store, writer| {
            close_as_it_is(writer)?;
            let salvaged = salvage(&store.path);
            if let Ok(salvage) = &salvaged {
                tell(salvage);
            }
            salvaged.map(|_| ())
        })?;
        let lost = lost(&self.writer())?;
        self.lost().extend(lost);
        Ok(())
    }

    /// Sees to it that the catalog is open and stands where it was.
    pub(super) fn stay(&self) -> Result<()> {
        let age = self.age.load(Ordering::Acquire);
        if self.lock().is_in_place() {
            return Ok(());
        }
        self.replace(age, |store, writer| match is_open(writer) {
            true => store.put_back(writer),
            // What took its place could not be opened then.
            false => Ok(()),
        })
    }

    /// Somebody took the catalog away: what is written would be gone with this process.
    fn put_back(&self, writer: &mut Connection) -> Result<()> {
        tracing::error!(
            "catalog {}: was removed while it is in use, and is put back",
            self.path.display()
        );
        let failed = |source| Error::of_file(&self.path, source);
        if self.path.exists() && !self.lock().is_there() {
            // Whoever else uses what is there now keeps it.
            drop(CatalogLock::acquire(&self.path)?);
        }
        health::note_put_back(writer)?;
        let replacement = Replacement::begin(&self.path)?;
        let new = replacement.new_file();
        copy(writer, &new)?;
        sync(&new).map_err(failed)?;
        replacement.finish("replaced").map_err(failed)?;
        // Not before: until then nobody else has what it holds.
        close_as_it_is(writer)
    }

    /// Lets another process have the catalog, though work that was begun here may still come to its end.
    pub(crate) fn release_lock(&self) {
        self.lock().release();
    }

    /// Has another index take the place, unless one did since this one had this age. Holds the writer all the while:
    /// nobody else writes, and whoever reads next opens what stands there then.
    fn replace(
        &self,
        age: u64,
        work: impl FnOnce(&Self, &mut Connection) -> Result<()>,
    ) -> Result<()> {
        let mut writer = self.writer();
        if self.age.load(Ordering::Acquire) != age {
            return Ok(());
        }
        if age >= MOST {
            return Err(Error::Damaged);
        }
        self.readers.begin_replacing();
        let done = work(self, &mut writer);
        if done.is_ok() {
            self.age.fetch_add(1, Ordering::AcqRel);
        }
        self.readers.end_replacing();
        if is_open(&writer) {
            return done;
        }
        // If this fails, whoever comes next tries again.
        self.lock().forget_files();
        done.and(self.open_again(&mut writer))
    }

    /// Opens what stands in the place of the catalog: another one, or the one that was there.
    fn open_again(&self, writer: &mut Connection) -> Result<()> {
        let mut lock = self.lock();
        if lock.is_there() {
            *writer = connect(&self.path)?;
            keep_log(writer, false)?;
            lock.remember_files();
            return Ok(());
        }
        let (opened, of_opened) = prepare(&self.path, &self.source)?;
        let same = "INSERT OR REPLACE INTO meta (key, value) VALUES ('id', ?1)";
        opened.execute(same, [self.id.as_bytes()])?;
        *writer = opened;
        *lock = of_opened;
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The writer is closed last: it takes the log along.
        self.readers.clear();
        // Whoever removed the folder as well wants none of it.
        let is_wanted = self.path.parent().is_some_and(|folder| folder.is_dir());
        if let Err(error) = if is_wanted { self.stay() } else { Ok(()) } {
            tracing::error!("{error}");
        }
    }
}

/// Says what became of the damaged index, where people look for what went wrong.
pub fn tell(salvage: &Salvage) {
    tracing::error!(
        "the catalog was damaged and is set aside as {}: {salvage}",
        salvage.aside.display(),
    );
}

/// Copies all of a catalog to a new file.
pub fn copy(catalog: &Connection, to: &std::path::Path) -> Result<()> {
    let unnameable = || Error::of_file(to, std::io::ErrorKind::InvalidFilename.into());
    let target = to.to_str().ok_or_else(unnameable)?;
    catalog.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}

/// Whether it is one to a file.
fn is_open(connection: &Connection) -> bool {
    connection.path().is_some_and(|path| !path.is_empty())
}

/// Closes a connection without a last change to the file. Another one without a file takes its place.
fn close_as_it_is(connection: &mut Connection) -> Result<()> {
    keep_log(connection, true)?;
    drop(mem::replace(connection, Connection::open_in_memory()?));
    Ok(())
}

/// Photos that there were, and that nobody finds any more.
fn lost(catalog: &Connection) -> Result<Vec<PhotoId>> {
    let ids = "WITH RECURSIVE given (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM given \
        WHERE id < (SELECT seq FROM sqlite_sequence WHERE name = 'photo')) \
        SELECT id FROM given EXCEPT SELECT id FROM photo WHERE gone = 0";
    let mut ids = catalog.prepare(ids)?;
    let ids = ids.query_map([], |row| row.get(0).map(PhotoId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catalog::{Act, Actor, Change, Deed, Effect, Role};
    use crate::store::Store;

    fn make(store: &Sqlite, tag: &str) -> Result<Vec<Effect>> {
        store.commit(&[Change::Acted(Box::new(Act {
            by: Actor::default(),
            words: "make".into(),
            role: Role::New,
            deeds: vec![Deed::Make(tag.into())],
        }))])
    }

    #[test]
    fn a_change_that_the_tables_of_a_sound_index_refuse_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let store = Sqlite::open(&path, folder.path()).unwrap();
        make(&store, "before").unwrap();
        let sql = "INSERT INTO server (name, knows) VALUES ('desk', NULL)";
        let refused = store.with_recovery(|| Ok(store.writer().execute(sql, [])?));
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error}");
        assert!(!error.is_outage());
        assert_eq!(store.age.load(Ordering::Acquire), 0);
        assert!(!health::is_suspect(&path));
    }

    /// As where there is no room for the log of the catalog that took the place.
    #[test]
    fn an_index_that_could_not_be_opened_again_is_as_soon_as_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let [path, away] = ["catalog.sqlite", "away"].map(|name| folder.path().join(name));
        let store = Sqlite::open(&path, folder.path()).unwrap();
        make(&store, "before").unwrap();
        let replaced = store.replace(0, |_, writer| {
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            close_as_it_is(writer)?;
            fs::rename(&path, &away).unwrap();
            fs::create_dir(&path).unwrap();
            Ok(())
        });
        assert!(replaced.unwrap_err().is_outage());
        assert!(make(&store, "meanwhile").unwrap_err().is_outage());
        fs::remove_dir(&path).unwrap();
        fs::rename(&away, &path).unwrap();
        make(&store, "after").unwrap();
        assert_eq!(store.acts(None, 9).unwrap().len(), 2);
        drop(store);
        assert!(!health::was_left_open(&path));
    }

    #[test]
    fn an_index_that_was_removed_is_not_closed_before_it_is_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let [path, shared] =
            ["catalog.sqlite", "catalog.sqlite-shm"].map(|name| folder.path().join(name));
        let store = Sqlite::open(&path, folder.path()).unwrap();
        make(&store, "before").unwrap();
        fs::remove_file(&path).unwrap();
        fs::remove_file(&shared).unwrap();
        // It stands in the way.
        fs::create_dir(&shared).unwrap();
        assert!(make(&store, "meanwhile").unwrap_err().is_outage());
        fs::remove_dir(&shared).unwrap();
        make(&store, "after").unwrap();
        assert_eq!(store.acts(None, 9).unwrap().len(), 2);
    }
}
