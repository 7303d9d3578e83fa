//! A store that goes on over damage, and over the loss of its file: another index is made and takes the place, and what
//! was asked for is done on that.
//!
//! The one answer to whatever can't be read, at the start or at work: a page, or a value that its column can't have.

use std::mem;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::held::Held;
use super::replace::{Mending, sync};
use super::salvage::{Salvage, salvage};
use super::{Sqlite, connect, health, keep_log, prepare};
use crate::catalog::PhotoId;
use crate::store::{Error, Result};

/// How often a process does so: an index that is damaged again and again is on a disk that fails.
const MOST: u64 = 5;

impl Sqlite {
    /// Does what may find damage, a second time where it did.
    pub(super) fn mending<T>(&self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        self.stay()?;
        let age = self.age.load(Ordering::Acquire);
        match work() {
            Err(Error::Damaged) => {
                // The next start knows, whatever becomes of this.
                health::suspect(&self.path);
                self.mend(age)?;
                work()
            }
            result => result,
        }
    }

    /// Makes a sound index of the damaged one, unless somebody has since it had this age.
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

    /// Puts the index back where it was, if somebody took it away: what is written would be gone with this process.
    pub(super) fn stay(&self) -> Result<()> {
        let age = self.age.load(Ordering::Acquire);
        if self.held().is_in_place() {
            return Ok(());
        }
        tracing::error!(
            "index {}: was removed while it is in use, and is put back",
            self.path.display()
        );
        self.replace(age, |store, writer| {
            let failed = |source| Error::of_file(&store.path, source);
            if store.path.exists() && !store.held().is_there() {
                // Whoever else uses what is there now keeps it.
                drop(Held::take(&store.path)?);
            }
            let mending = Mending::begin(&store.path).map_err(failed)?;
            let new = mending.new_index();
            copy(writer, &new)?;
            sync(&new).map_err(failed)?;
            close_as_it_is(writer)?;
            mending.finish("replaced").map_err(failed)?;
            Ok(())
        })
    }

    /// Lets another process have the index, though work that was begun here may still come to its end.
    pub fn let_go(&self) {
        self.held().let_go();
    }

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
        self.readers().clear();
        if let Err(error) = work(self, &mut writer) {
            // It goes on with what there is.
            if writer.path().is_none_or(str::is_empty) {
                *writer = connect(&self.path)?;
            }
            return Err(error);
        }
        // Others that read just now close what they read when they are done.
        self.age.fetch_add(1, Ordering::AcqRel);
        let (opened, held) = prepare(&self.path, &self.source)?;
        let same = "INSERT OR REPLACE INTO meta (key, value) VALUES ('id', ?1)";
        opened.execute(same, [self.id.as_bytes()])?;
        *writer = opened;
        *self.held() = held;
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Whoever removed the folder as well wants none of it.
        let is_wanted = self.path.parent().is_some_and(|folder| folder.is_dir());
        if let Err(error) = if is_wanted { self.stay() } else { Ok(()) } {
            tracing::error!("{error}");
        }
    }
}

pub fn tell(salvage: &Salvage) {
    tracing::error!(
        "the index was damaged and is set aside as {}: {salvage}",
        salvage.aside.display(),
    );
}

/// Copies all of an index to a new file.
pub fn copy(index: &Connection, to: &std::path::Path) -> Result<()> {
    let unnameable = || Error::of_file(to, std::io::ErrorKind::InvalidFilename.into());
    let target = to.to_str().ok_or_else(unnameable)?;
    index.execute("VACUUM INTO ?1", [target])?;
    Ok(())
}

/// Closes a connection without a last change to the file. Another one without a file takes its place.
fn close_as_it_is(connection: &mut Connection) -> Result<()> {
    keep_log(connection, true)?;
    drop(mem::replace(connection, Connection::open_in_memory()?));
    Ok(())
}

/// Photos that there were, and that nobody finds any more.
fn lost(index: &Connection) -> Result<Vec<PhotoId>> {
    let ids = "WITH RECURSIVE given (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM given \
        WHERE id < (SELECT seq FROM sqlite_sequence WHERE name = 'photo')) \
        SELECT id FROM given EXCEPT SELECT id FROM photo WHERE gone = 0";
    let mut ids = index.prepare(ids)?;
    let ids = ids.query_map([], |row| row.get(0).map(PhotoId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
