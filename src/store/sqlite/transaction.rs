//! Records in the tables, for the time of one commit: reading and writing.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{journal, label_dictionary, provider_store, renaming, rows};
use crate::catalog::{
    Act, ActId, ContentHash, Declined, Facet, Facts, FileStat, LabelKey, PhotoId, Searched, Slot,
    SourcePath, Spent, Trace,
};
use crate::store::record::{Record, Recorded, kept_status};
use crate::store::record_transaction::RecordTransaction;
use crate::store::{Error, Result};

/// One commit's view of the tables. Records that it has touched are at hand.
pub struct SqliteTransaction<'a> {
    connection: &'a Connection,
    touched: HashMap<PhotoId, Record>,
}

impl<'a> SqliteTransaction<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            touched: HashMap::new(),
        }
    }

    fn execute(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(parameters)?;
        Ok(())
    }

    fn put_photo(&self, record: &Record) -> Result<()> {
        let (photo, stat, facts) = (&record.photo, &record.photo.stat, &record.facts);
        let position = facts.position;
        self.execute(
            "INSERT INTO photo (id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, \
             gone, failure, perceptual_hash, width, height, orientation, date_source, camera, make, model, lens, \
             latitude, longitude, country, city, title, description, keywords, rating, title_name, edited, \
             text_bytes, said) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37) \
             ON CONFLICT (id) DO UPDATE SET path = ?2, name = ?3, dev = ?4, ino = ?5, size = ?6, mtime_ns = ?7, mode = ?8, \
             uid = ?9, gid = ?10, format = ?11, status = ?12, date = ?13, hash = ?14, gone = ?15, failure = ?16, \
             perceptual_hash = ?17, width = ?18, height = ?19, orientation = ?20, date_source = ?21, camera = ?22, \
             make = ?23, model = ?24, lens = ?25, latitude = ?26, longitude = ?27, country = ?28, city = ?29, \
             title = ?30, description = ?31, keywords = ?32, rating = ?33, title_name = ?34, edited = ?35, \
             text_bytes = ?36, said = ?37",
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
                facts.width,
                facts.height,
                facts.orientation,
                facts.date_source.map(|s| s.name()),
                facts.camera,
                facts.make,
                facts.model,
                facts.lens,
                position.map(|p| p.latitude),
                position.map(|p| p.longitude),
                facts.country,
                facts.city,
                facts.title,
                facts.description,
                keywords(facts),
                facts.rating,
                photo.title_name,
                record.is_edited(),
                photo.text_bytes,
                label_dictionary::numbers(self.connection, &record.labels)?,
            ],
        )
    }

    fn put_labels(&self, record: &Record) -> Result<()> {
        let id = record.photo.id.0;
        for label in &record.labels {
            self.execute(
                "INSERT INTO label (photo, facet, value, origin, confidence) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, label.facet.name(), label.value, label.origin.name(), label.confidence],
            )?;
        }
        for text in &record.texts {
            self.execute(
                "INSERT INTO text (photo, field, origin, value) VALUES (?1, ?2, ?3, ?4)",
                params![id, text.field.name(), text.origin.name(), text.value],
            )?;
        }
        for (analyzer, model, at) in &record.analyses {
            self.execute(
                "INSERT INTO analyzed (photo, analyzer, model, at) VALUES (?1, ?2, ?3, ?4)",
                params![id, analyzer, model, at],
            )?;
        }
        Ok(())
    }

    /// Makes a photo that is there findable by its words.
    fn put_words(&self, record: &Record) -> Result<()> {
        let text = Searched::of(&record.detail());
        self.execute(
            "INSERT INTO words (rowid, title, description, tags, path) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                record.photo.id.0,
                text.title,
                text.description,
                text.tags,
                text.path,
            ],
        )
    }

    fn drop_rows(&self, id: PhotoId) -> Result<()> {
        for sql in [
            "DELETE FROM label WHERE photo = ?1",
            "DELETE FROM text WHERE photo = ?1",
            "DELETE FROM analyzed WHERE photo = ?1",
            "DELETE FROM words WHERE rowid = ?1",
        ] {
            self.execute(sql, [id.0])?;
        }
        Ok(())
    }
}

/// Keywords are clean texts: none has a line break.
fn keywords(facts: &Facts) -> String {
    facts.keywords.join("\n")
}

impl RecordTransaction for SqliteTransaction<'_> {
    fn get(&mut self, id: PhotoId) -> Result<Option<Record>> {
        if let Some(record) = self.touched.get(&id) {
            return Ok(Some(record.clone()));
        }
        Ok(rows::record(self.connection, id)?)
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        let id = record.photo.id;
        let known = self.touched.insert(id, record.clone()).is_some();
        if known
            || rows::one::<u32>(
                self.connection,
                "SELECT id FROM photo WHERE id = ?1",
                [id.0],
            )?
            .is_some()
        {
            self.drop_rows(id)?;
        }
        self.put_photo(record)?;
        self.put_labels(record)?;
        match record.gone {
            true => Ok(()),
            false => self.put_words(record),
        }
    }

    fn delete(&mut self, id: PhotoId) -> Result<()> {
        self.touched.remove(&id);
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

    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>> {
        Ok(rows::analyses(self.connection, hash)?)
    }

    fn record(&mut self, recorded: &Recorded) -> Result<()> {
        let analysis = &recorded.analysis;
        let (hash, analyzer, answer) = (analysis.hash.0, &analysis.analyzer, &analysis.answer);
        self.execute(
            "INSERT OR REPLACE INTO analysis \
             (hash, analyzer, model, remote, at, width, height, perceptual_hash, title, description, version) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                hash,
                analyzer,
                analysis.model,
                analysis.remote,
                recorded.at,
                analysis.width,
                analysis.height,
                analysis.perceptual_hash.cast_signed(),
                answer.title,
                answer.description,
                analysis.version,
            ],
        )?;
        let old = "DELETE FROM analysis_label WHERE hash = ?1 AND analyzer = ?2";
        self.execute(old, params![hash, analyzer])?;
        let colors = analysis.colors.iter();
        let colors = colors.map(|l| (l.facet, &l.value, l.confidence));
        let tags = answer
            .tags
            .iter()
            .map(|t| (Facet::Tag, &t.name, t.confidence));
        for (position, (facet, value, confidence)) in colors.chain(tags).enumerate() {
            self.execute(
                "INSERT INTO analysis_label (hash, analyzer, position, facet, value, confidence) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    hash,
                    analyzer,
                    position as i64,
                    facet.name(),
                    value,
                    confidence
                ],
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
