//! The rows of a record: writing.

use std::cell::Cell;

use rusqlite::{Connection, params};

use super::{facts, label_dictionary};
use crate::catalog::{Label, PhotoId, Searched};
use crate::store::Result;
use crate::store::record::{Record, kept_status};

/// Writes records into the tables.
pub struct RecordRows<'a> {
    connection: &'a Connection,
    /// Labels that are new in the dictionary.
    labels_added: Cell<u64>,
}

impl<'a> RecordRows<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            labels_added: Cell::default(),
        }
    }

    /// How many labels are new in the dictionary.
    pub fn labels_added(&self) -> u64 {
        self.labels_added.get()
    }

    /// Writes all of a record that isn't in the tables.
    pub fn add(&self, record: &Record) -> Result<()> {
        self.put_photo(record, Some(self.numbers(record)?))?;
        self.put_labels(record)?;
        self.put_texts(record)?;
        self.put_analyzed(record)?;
        match searched(record) {
            Some(text) => self.put_words(record.photo.id, &text),
            None => Ok(()),
        }
    }

    /// Writes what differs from the record that is in the tables.
    pub fn change(&self, record: &Record, old: &Record) -> Result<()> {
        let id = record.photo.id;
        let numbers = match old.labels == record.labels {
            true => None,
            false => Some(self.numbers(record)?),
        };
        self.put_photo(record, numbers)?;
        facts::replace(self.connection, id, &old.facts, &record.facts)?;
        self.change_labels(record, old)?;
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

    /// Writes all of a record anew, but for facts that are the same.
    pub fn rewrite(&self, record: &Record, old: &Record) -> Result<()> {
        let id = record.photo.id;
        self.drop_rows(id)?;
        self.add(record)?;
        Ok(facts::replace(
            self.connection,
            id,
            &old.facts,
            &record.facts,
        )?)
    }

    pub fn remove(&self, id: PhotoId) -> Result<()> {
        self.drop_rows(id)?;
        self.execute("DELETE FROM photo WHERE id = ?1", [id.0])
    }

    fn drop_rows(&self, id: PhotoId) -> Result<()> {
        let mut all = [DROP_LABELS, DROP_TEXTS, DROP_ANALYZED, DROP_WORDS].into_iter();
        all.try_for_each(|sql| self.execute(sql, [id.0]))
    }

    fn numbers(&self, record: &Record) -> Result<Vec<u8>> {
        let (labels, added) = (&record.labels, &self.labels_added);
        Ok(label_dictionary::numbers(self.connection, labels, added)?)
    }

    /// Writes the row of a photo, with the numbers of its labels where these are other ones. The facts of one that has a
    /// row stay as they are.
    fn put_photo(&self, record: &Record, numbers: Option<Vec<u8>>) -> Result<()> {
        let (photo, stat) = (&record.photo, &record.photo.stat);
        self.execute(
            "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, \
             gone, failure, perceptual_hash, width, height, title_name, edited, text_bytes, said, facts, ctime_ns, links, \
             attributes, edition) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ifnull(?23, x''), ?24, ?25, ?26, ?27, ?28) \
             ON CONFLICT (id) DO UPDATE SET path = ?2, name = ?3, dev = ?4, ino = ?5, size = ?6, mtime_ns = ?7, mode = ?8, \
             uid = ?9, gid = ?10, format = ?11, status = ?12, date = ?13, hash = ?14, gone = ?15, failure = ?16, \
             perceptual_hash = ?17, width = ?18, height = ?19, title_name = ?20, edited = ?21, text_bytes = ?22, \
             said = ifnull(?23, said), ctime_ns = ?25, links = ?26, attributes = ?27, edition = ?28",
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
                stat.ctime_ns,
                stat.links,
                stat.attributes,
                photo.edition,
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

    fn change_labels(&self, record: &Record, old: &Record) -> Result<()> {
        let id = record.photo.id;
        if (&record.labels, &record.facts) == (&old.labels, &old.facts) {
            return Ok(());
        }
        let (new, old) = (record.labels_beside_facts(), old.labels_beside_facts());
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
        self.put_labels(record)
    }

    /// Writes the labels that don't follow from the facts.
    fn put_labels(&self, record: &Record) -> Result<()> {
        let mut labels = record.labels_beside_facts().into_iter();
        labels.try_for_each(|label| self.put_label(record.photo.id, label))
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

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        Ok(())
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
