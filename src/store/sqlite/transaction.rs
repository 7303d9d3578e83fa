//! Records in the tables, for the time of one commit: reading and writing.

use std::cell::Cell;
use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{facts, journal, label_dictionary, measured, provider_store, renaming, rows};
use crate::catalog::{
    Act, ActId, ContentHash, Declined, FileStat, Label, LabelKey, Measured, PhotoId, Searched,
    Slot, SourcePath, Spent, Trace,
};
use crate::store::record::{Record, Recorded, kept_status};
use crate::store::record_transaction::RecordTransaction;
use crate::store::{Error, Result};

/// One commit's view of the tables. Records that it has read or written are at hand, as they stand in the tables: of one
/// that is written again, only what differs is.
pub struct SqliteTransaction<'a> {
    connection: &'a Connection,
    known: HashMap<PhotoId, Record>,
    /// Labels that are new in the dictionary.
    labels_added: Cell<u64>,
    /// Whether records are written as a whole, because what follows from them may not stand in the tables yet.
    rewrites: bool,
}

impl<'a> SqliteTransaction<'a> {
    /// Nothing is read yet.
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            known: HashMap::new(),
            labels_added: Cell::default(),
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
        self.labels_added.get()
    }

    fn numbers(&self, record: &Record) -> Result<Vec<u8>> {
        let (labels, added) = (&record.labels, &self.labels_added);
        Ok(label_dictionary::numbers(self.connection, labels, added)?)
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        Ok(())
    }

    /// Writes the row of a photo, with the numbers of its labels where these are other ones. The facts of one that has a
    /// row stay as they are.
    fn put_photo(&self, record: &Record, numbers: Option<Vec<u8>>) -> Result<()> {
        let (photo, stat) = (&record.photo, &record.photo.stat);
        self.execute(
            "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, \
             gone, failure, perceptual_hash, width, height, title_name, edited, text_bytes, said, facts) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ifnull(?23, x''), ?24) \
             ON CONFLICT (id) DO UPDATE SET path = ?2, name = ?3, dev = ?4, ino = ?5, size = ?6, mtime_ns = ?7, mode = ?8, \
             uid = ?9, gid = ?10, format = ?11, status = ?12, date = ?13, hash = ?14, gone = ?15, failure = ?16, \
             perceptual_hash = ?17, width = ?18, height = ?19, title_name = ?20, edited = ?21, text_bytes = ?22, \
             said = ifnull(?23, said)",
            params![
                photo.id.0,
                photo.path.as_bytes(),
                photo.name,
                stat.dev.cast_signed(),
                stat.ino.cast_signed(),
                stat.size.cast_signed(),
                stat.mtime_ns,
                stat.mode,
                stat.uid,
                stat.gid,
                photo.format.name(),
                kept_status(photo.status).name(),
                photo.date.map(|d| d.to_string()),
                photo.hash.map(|h| h.0),
                record.gone,
                record.failure,
                photo.perceptual_hash.map(u64::cast_signed),
                record.facts.width,
                record.facts.height,
                photo.title_name,
                record.is_edited(),
                photo.text_bytes,
                numbers,
                facts::written(&record.facts),
            ],
        )
    }

    fn put_label(&self, id: PhotoId, label: &Label) -> Result<()> {
        self.execute(
            "INSERT INTO label (photo, facet, value, origin, analyzer, confidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                id.0,
                label.facet.name(),
                label.value,
                label.origin.name(),
                label.analyzer.as_deref().unwrap_or(NOBODY),
                label.confidence,
            ],
        )
    }

    /// Whether the row of a label was there, and is no more.
    fn drop_label(&self, id: PhotoId, label: &Label) -> Result<bool> {
        let sql = "DELETE FROM label \
            WHERE photo = ?1 AND facet = ?2 AND value = ?3 AND origin = ?4 AND analyzer = ?5";
        let mut delete = self.connection.prepare_cached(sql)?;
        let rows = delete.execute(params![
            id.0,
            label.facet.name(),
            label.value,
            label.origin.name(),
            label.analyzer.as_deref().unwrap_or(NOBODY),
        ])?;
        Ok(rows == 1)
    }

    fn put_labels(&self, record: &Record, old: &[Label]) -> Result<()> {
        let (id, new) = (record.photo.id, &record.labels);
        let mut are_as_known = true;
        for label in old.iter().filter(|label| !new.contains(label)) {
            are_as_known &= self.drop_label(id, label)?;
        }
        if are_as_known {
            let mut added = new.iter().filter(|label| !old.contains(label));
            return added.try_for_each(|label| self.put_label(id, label));
        }
        // Another program wrote them otherwise than they are read.
        self.execute(DROP_LABELS, [id.0])?;
        new.iter().try_for_each(|label| self.put_label(id, label))
    }

    fn put_texts(&self, record: &Record) -> Result<()> {
        let id = record.photo.id.0;
        for text in &record.texts {
            self.execute(
                "INSERT INTO text (photo, field, origin, analyzer, value) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id,
                    text.field.name(),
                    text.origin.name(),
                    text.analyzer.as_deref().unwrap_or(NOBODY),
                    text.value,
                ],
            )?;
        }
        Ok(())
    }

    fn put_analyzed(&self, record: &Record) -> Result<()> {
        let id = record.photo.id.0;
        for (analyzer, model, at) in &record.analyses {
            self.execute(
                "INSERT INTO analyzed (photo, analyzer, model, at) VALUES (?1, ?2, ?3, ?4)",
                params![id, analyzer, model, at],
            )?;
        }
        Ok(())
    }

    /// Makes a photo findable by these words.
    fn put_words(&self, id: PhotoId, text: &Searched) -> Result<()> {
        self.execute(
            "INSERT INTO words (rowid, title, description, tags, path) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id.0, text.title, text.description, text.tags, text.path],
        )
    }

    /// Writes all of a record that isn't in the tables.
    fn put_new(&self, record: &Record) -> Result<()> {
        self.put_photo(record, Some(self.numbers(record)?))?;
        self.put_labels(record, &[])?;
        self.put_texts(record)?;
        self.put_analyzed(record)?;
        match searched(record) {
            Some(text) => self.put_words(record.photo.id, &text),
            None => Ok(()),
        }
    }

    /// Writes what differs from the record that is in the tables.
    fn put_again(&self, record: &Record, old: &Record) -> Result<()> {
        let id = record.photo.id;
        let numbers = match old.labels == record.labels {
            true => None,
            false => Some(self.numbers(record)?),
        };
        self.put_photo(record, numbers)?;
        facts::replace(self.connection, id, &old.facts, &record.facts)?;
        self.put_labels(record, &old.labels)?;
        if old.texts != record.texts {
            self.execute(DROP_TEXTS, [id.0])?;
            self.put_texts(record)?;
        }
        if old.analyses != record.analyses {
            self.execute(DROP_ANALYZED, [id.0])?;
            self.put_analyzed(record)?;
        }
        let (before, now) = (searched(old), searched(record));
        if before != now {
            self.execute(DROP_WORDS, [id.0])?;
            if let Some(text) = now {
                self.put_words(id, &text)?;
            }
        }
        Ok(())
    }

    fn drop_rows(&self, id: PhotoId) -> Result<()> {
        let mut all = [DROP_LABELS, DROP_TEXTS, DROP_ANALYZED, DROP_WORDS].into_iter();
        all.try_for_each(|sql| self.execute(sql, [id.0]))
    }
}

/// Stands for the analyzer of what none said.
const NOBODY: &str = "";

const DROP_LABELS: &str = "DELETE FROM label WHERE photo = ?1";
const DROP_TEXTS: &str = "DELETE FROM text WHERE photo = ?1";
const DROP_ANALYZED: &str = "DELETE FROM analyzed WHERE photo = ?1";
const DROP_WORDS: &str = "DELETE FROM words WHERE rowid = ?1";

/// What a photo is found by, if it is there.
fn searched(record: &Record) -> Option<Searched> {
    (!record.gone).then(|| Searched::of(&record.detail()))
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
            Some(old) if !self.rewrites => self.put_again(record, &old)?,
            Some(old) => {
                self.drop_rows(id)?;
                self.put_new(record)?;
                facts::replace(self.connection, id, &old.facts, &record.facts)?;
            }
            None => self.put_new(record)?,
        }
        self.known.insert(id, record.clone());
        Ok(())
    }

    fn delete(&mut self, id: PhotoId) -> Result<()> {
        self.known.remove(&id);
        self.drop_rows(id)?;
        self.execute("DELETE FROM photo WHERE id = ?1", [id.0])
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

    fn with_hash(&mut self, hash: &ContentHash) -> Result<Vec<PhotoId>> {
        let sql = "SELECT id FROM photo WHERE hash = ?1 ORDER BY id";
        let mut ids = self.connection.prepare_cached(sql)?;
        let ids = ids.query_map([hash.0], |row| row.get(0).map(PhotoId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
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
        Ok(rows::analyses(self.connection, hash)?)
    }

    fn record(&mut self, recorded: &Recorded) -> Result<()> {
        let analysis = &recorded.analysis;
        let (hash, analyzer, answer) = (analysis.hash.0, &analysis.analyzer, &analysis.answer);
        self.execute(
            "INSERT OR REPLACE INTO analysis \
             (hash, analyzer, model, remote, at, title, description, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                hash,
                analyzer,
                analysis.model,
                analysis.remote,
                recorded.at,
                answer.title,
                answer.description,
                analysis.version,
            ],
        )?;
        let old = "DELETE FROM analysis_tag WHERE hash = ?1 AND analyzer = ?2";
        self.execute(old, params![hash, analyzer])?;
        for (position, tag) in answer.tags.iter().enumerate() {
            self.execute(
                "INSERT INTO analysis_tag (hash, analyzer, position, name, confidence) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![hash, analyzer, position as i64, tag.name, tag.confidence],
            )?;
        }
        Ok(())
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

    fn is_in_effect(&mut self, act: ActId) -> Result<bool> {
        Ok(journal::is_in_effect(self.connection, act)?)
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

    fn put_trace(&mut self, act: ActId, trace: &Trace) -> Result<()> {
        Ok(journal::put_trace(self.connection, act, trace)?)
    }
}
