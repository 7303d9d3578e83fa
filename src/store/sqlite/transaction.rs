//! What one commit sees and changes of the tables.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::record_rows::RecordRows;
use super::{analyses, journal, measured, provider_store, renaming, rows, unjoined};
use crate::catalog::{
    Act, ActId, ContentHash, Declined, FileStat, LabelKey, Measured, PhotoId, Slot, SourcePath,
    Spent, Trace,
};
use crate::store::record::{Record, Recorded};
use crate::store::record_transaction::{ActState, RecordTransaction};
use crate::store::{Error, Result};

/// One commit's view of the tables. Records that it has read or written are at hand, as they stand in the tables: of one
/// that is written again, only what differs is.
pub struct SqliteTransaction<'a> {
    connection: &'a Connection,
    rows: RecordRows<'a>,
    known: HashMap<PhotoId, Record>,
    /// Whether records are written as a whole, because what follows from them may not stand in the tables yet.
    rewrites: bool,
}

impl<'a> SqliteTransaction<'a> {
    /// Nothing is read yet.
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            rows: RecordRows::new(connection),
            known: HashMap::new(),
            rewrites: false,
        }
    }

    /// A view that writes records as a whole, for working out anew what follows from them.
    pub fn rewriting(connection: &'a Connection) -> Self {
        Self {
            rewrites: true,
            ..Self::new(connection)
        }
    }

    /// How many labels are new in the dictionary.
    pub fn labels_added(&self) -> u64 {
        self.rows.labels_added()
    }
}

impl RecordTransaction for SqliteTransaction<'_> {
    fn get(&mut self, id: PhotoId) -> Result<Option<Record>> {
        if let Some(record) = self.known.get(&id) {
            return Ok(Some(record.clone()));
        }
        let record = rows::record(self.connection, id)?;
        if let Some(record) = &record {
            self.known.insert(id, record.clone());
        }
        Ok(record)
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        let id = record.photo.id;
        match self.get(id)? {
            Some(old) if self.rewrites => self.rows.rewrite(record, &old)?,
            Some(old) => self.rows.change(record, &old)?,
            None => self.rows.add(record)?,
        }
        self.known.insert(id, record.clone());
        Ok(())
    }

    fn delete(&mut self, id: PhotoId) -> Result<()> {
        self.known.remove(&id);
        self.rows.remove(id)
    }

    fn new_id(&mut self) -> Result<PhotoId> {
        let last = "SELECT seq FROM sqlite_sequence WHERE name = 'photo'";
        let last: i64 = rows::one(self.connection, last, [])?.unwrap_or(0);
        // There are fewer photos than that: it is another number, misread.
        let next = u32::try_from(last.saturating_add(1)).map_err(|_| Error::Damaged);
        next.map(PhotoId)
    }

    fn at_path(&mut self, path: &SourcePath) -> Result<Option<PhotoId>> {
        let sql = "SELECT id FROM photo WHERE path = ?1 AND gone = 0";
        Ok(rows::one(self.connection, sql, [path.as_bytes()])?.map(PhotoId))
    }

    fn with_hash(
        &mut self,
        hash: &ContentHash,
        after: PhotoId,
        most: usize,
    ) -> Result<Vec<PhotoId>> {
        Ok(unjoined::copies(self.connection, hash, after, most)?)
    }

    fn put_unjoined(&mut self, hash: &ContentHash, is_unjoined: bool) -> Result<()> {
        Ok(unjoined::put(self.connection, hash, is_unjoined)?)
    }

    fn gone_with_hash(&mut self, hash: &ContentHash, before: PhotoId) -> Result<Option<PhotoId>> {
        let found = rows::one(self.connection, GONE_WITH_HASH, params![hash.0, before.0])?;
        Ok(found.map(PhotoId))
    }

    fn gone_file(&mut self, stat: &FileStat) -> Result<Option<PhotoId>> {
        let sql = "SELECT id FROM photo WHERE gone = 1 AND ino = ?1 AND dev = ?2 AND size = ?3 AND mtime_ns = ?4 ORDER BY id";
        let file = params![
            stat.ino.cast_signed(),
            stat.dev.cast_signed(),
            stat.size.cast_signed(),
            stat.mtime_ns,
        ];
        Ok(rows::one(self.connection, sql, file)?.map(PhotoId))
    }

    fn is_name_taken(&mut self, name: &[u8]) -> Result<bool> {
        let sql = "SELECT id FROM photo WHERE name = ?1";
        Ok(rows::one::<u32>(self.connection, sql, [name])?.is_some())
    }

    fn is_title_name_taken(&mut self, name: &[u8]) -> Result<bool> {
        let sql = "SELECT id FROM photo WHERE title_name = ?1";
        Ok(rows::one::<u32>(self.connection, sql, [name])?.is_some())
    }

    fn measured(&mut self, hash: &ContentHash) -> Result<Option<Measured>> {
        Ok(measured::measured(self.connection, hash)?)
    }

    fn put_measured(&mut self, hash: &ContentHash, measured: &Measured) -> Result<()> {
        Ok(measured::put_measured(self.connection, hash, measured)?)
    }

    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>> {
        Ok(analyses::of(self.connection, hash)?)
    }

    fn record(&mut self, recorded: &Recorded) -> Result<()> {
        Ok(analyses::put(self.connection, recorded)?)
    }

    fn decline(
        &mut self,
        provider: &str,
        content: &ContentHash,
        version: &str,
        why: &Declined,
    ) -> Result<()> {
        Ok(provider_store::decline(
            self.connection,
            (provider, version),
            content,
            why,
        )?)
    }

    fn spend(&mut self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        Ok(provider_store::spend(
            self.connection,
            provider,
            day,
            spent,
        )?)
    }

    fn made(&mut self, tag: &LabelKey) -> Result<Option<String>> {
        Ok(journal::made(self.connection, tag)?)
    }

    fn put_made(&mut self, tag: &LabelKey, written: Option<&str>) -> Result<()> {
        Ok(journal::put_made(self.connection, tag, written)?)
    }

    fn saved(&mut self, name: &str) -> Result<Option<String>> {
        Ok(journal::saved(self.connection, name)?)
    }

    fn put_saved(&mut self, name: &str, query: Option<&str>) -> Result<()> {
        Ok(journal::put_saved(self.connection, name, query)?)
    }

    fn renamed(&mut self, tag: &LabelKey) -> Result<Option<String>> {
        Ok(renaming::renamed(self.connection, tag)?)
    }

    fn put_renamed(&mut self, tag: &LabelKey, to: Option<&str>) -> Result<()> {
        Ok(renaming::put_renamed(self.connection, tag, to)?)
    }

    fn said_by_models(&mut self, tag: &LabelKey) -> Result<Vec<PhotoId>> {
        Ok(renaming::said_by_models(self.connection, tag)?)
    }

    fn add_act(&mut self, act: &Act, at: i64) -> Result<ActId> {
        Ok(journal::add_act(self.connection, act, at)?)
    }

    fn act_state(&mut self, act: ActId) -> Result<Option<ActState>> {
        Ok(journal::act_state(self.connection, act)?)
    }

    fn traces(&mut self, act: ActId) -> Result<Vec<Trace>> {
        Ok(journal::traces(self.connection, act)?)
    }

    fn reword(&mut self, act: ActId, words: &str) -> Result<()> {
        Ok(journal::reword(self.connection, act, words)?)
    }

    fn set_undone(&mut self, act: ActId, by: Option<ActId>) -> Result<()> {
        Ok(journal::set_undone(self.connection, act, by)?)
    }

    fn trace(&mut self, act: ActId, photo: Option<PhotoId>, slot: &Slot) -> Result<Option<Trace>> {
        Ok(journal::trace(self.connection, act, photo, slot)?)
    }

    fn copy_traces(&mut self, from: PhotoId, to: PhotoId) -> Result<()> {
        Ok(journal::copy_traces(self.connection, from, to)?)
    }

    fn drop_traces(&mut self, photo: PhotoId) -> Result<()> {
        Ok(journal::drop_traces(self.connection, photo)?)
    }

    fn put_trace(&mut self, act: ActId, trace: &Trace) -> Result<()> {
        Ok(journal::put_trace(self.connection, act, trace)?)
    }
}

/// Asked for every photo that is hashed, however many others have its content: no row of these is looked at.
const GONE_WITH_HASH: &str =
    "SELECT id FROM photo WHERE hash = ?1 AND gone = 1 AND id < ?2 ORDER BY id LIMIT 1";

#[cfg(test)]
mod tests {
    use super::super::Sqlite;
    use super::*;

    #[test]
    fn a_photo_that_is_hashed_is_compared_with_none_of_its_copies() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("catalog.sqlite"), folder.path()).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {GONE_WITH_HASH}");
        let plan: String = store
            .writer()
            .query_row(&sql, params![[0u8; 32], 9], |row| row.get("detail"))
            .unwrap();
        let expected =
            "SEARCH photo USING COVERING INDEX photo_content (hash=? AND gone=? AND rowid<?)";
        assert_eq!(plan, expected);
    }
}
