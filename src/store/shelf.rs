//! How changes are applied, whatever holds the records.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::record::{Record, Recorded};
use super::{Result, naming};
use crate::catalog::{
    Act, ActId, Change, ContentHash, Declined, Effect, Facts, FileStat, LabelKey, Outcome, PhotoId,
    Slot, SourcePath, Spent, Trace, plain_text,
};

/// Where records are kept while changes are applied. Every call sees what the calls before it did.
pub trait Shelf {
    /// A photo, gone or not.
    fn get(&mut self, id: PhotoId) -> Result<Option<Record>>;
    fn put(&mut self, record: &Record) -> Result<()>;
    fn delete(&mut self, id: PhotoId) -> Result<()>;
    /// An id that no photo ever had.
    fn new_id(&mut self) -> Result<PhotoId>;
    /// The photo at a path that is not gone.
    fn at_path(&mut self, path: &SourcePath) -> Result<Option<PhotoId>>;
    /// Photos of a content, gone or not, in order of id.
    fn with_hash(&mut self, hash: &ContentHash) -> Result<Vec<PhotoId>>;
    /// A photo that is gone and was this file, by inode, size and time.
    fn gone_file(&mut self, stat: &FileStat) -> Result<Option<PhotoId>>;
    /// Whether a photo, gone or not, has this catalog name.
    fn is_name_taken(&mut self, name: &[u8]) -> Result<bool>;
    /// Whether a photo, gone or not, has this name for its title.
    fn is_title_name_taken(&mut self, name: &[u8]) -> Result<bool>;
    /// What analyzers said of a content, the latest last.
    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>>;
    /// Keeps an outcome, in the place of an earlier one of the same analyzer and content.
    fn record(&mut self, recorded: &Recorded) -> Result<()>;
    /// Keeps that a provider has no answer for a content, in the place of an earlier reason.
    fn decline(
        &mut self,
        provider: &str,
        content: &ContentHash,
        version: &str,
        why: &Declined,
    ) -> Result<()>;
    /// Adds to what a provider took on a day.
    fn spend(&mut self, provider: &str, day: &str, spent: &Spent) -> Result<()>;
    /// How a tag that a person made is written.
    fn made(&mut self, tag: &LabelKey) -> Result<Option<String>>;
    fn put_made(&mut self, tag: &LabelKey, written: Option<&str>) -> Result<()>;
    /// The query that is kept under a name.
    fn saved(&mut self, name: &str) -> Result<Option<String>>;
    fn put_saved(&mut self, name: &str, query: Option<&str>) -> Result<()>;
    /// What a tag of models is called now, if it was renamed.
    fn renamed(&mut self, tag: &LabelKey) -> Result<Option<String>>;
    fn put_renamed(&mut self, tag: &LabelKey, to: Option<&str>) -> Result<()>;
    /// Photos, gone or not, of which models say this tag, in order of id.
    fn said_by_models(&mut self, tag: &LabelKey) -> Result<Vec<PhotoId>>;
    /// Puts an act into the journal, without what it changed.
    fn add_act(&mut self, act: &Act, at: i64) -> Result<ActId>;
    /// Whether an act is in the journal and not taken back.
    fn is_standing(&mut self, act: ActId) -> Result<bool>;
    fn reword(&mut self, act: ActId, words: &str) -> Result<()>;
    fn set_undone(&mut self, act: ActId, by: Option<ActId>) -> Result<()>;
    /// What an act changed there.
    fn trace(&mut self, act: ActId, photo: Option<PhotoId>, slot: &Slot) -> Result<Option<Trace>>;
    /// Keeps what an act changed, in the place of what it changed there before; drops it when that comes to nothing.
    fn put_trace(&mut self, act: ActId, trace: &Trace) -> Result<()>;
}

/// Applies the changes in order and says what each photo that they touched is in the end.
pub fn apply(shelf: &mut dyn Shelf, changes: &[Change]) -> Result<Vec<Effect>> {
    let mut session = Session::new(shelf);
    for change in changes {
        session.apply(change)?;
    }
    session.effects()
}

/// Works out anew what follows from the records themselves.
pub fn refresh(shelf: &mut dyn Shelf, ids: &[PhotoId]) -> Result<()> {
    let mut session = Session::new(shelf);
    for id in ids {
        if let Some(record) = session.shelf.get(*id)? {
            session.put(record)?;
        }
    }
    Ok(())
}

pub struct Session<'a> {
    pub(super) shelf: &'a mut dyn Shelf,
    touched: BTreeSet<PhotoId>,
    /// Tags of which it changed whether they are made.
    pub(super) made: BTreeSet<LabelKey>,
    /// Names under which it kept or forgot queries.
    pub(super) saved: BTreeSet<String>,
    /// What to say of acts.
    pub(super) acts: Vec<Effect>,
}

impl<'a> Session<'a> {
    fn new(shelf: &'a mut dyn Shelf) -> Self {
        Self {
            shelf,
            touched: BTreeSet::new(),
            made: BTreeSet::new(),
            saved: BTreeSet::new(),
            acts: Vec::new(),
        }
    }
}

impl Session<'_> {
    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Found {
                known,
                path,
                stat,
                facts,
            } => self.found(*known, path, *stat, facts),
            Change::Moved { id, path, stat } => self.moved(*id, path, *stat),
            Change::Gone { id } => self.gone(*id),
            Change::Hashed { id, stat, hash } => self.hashed(*id, stat, hash),
            Change::Analyzed { id, outcome } => self.analyzed(*id, outcome, now()),
            Change::Learned { id, outcome, at } => self.analyzed(*id, outcome, *at),
            Change::Sidecar { id, labels, texts } => self.update(*id, |record| {
                record.take_sidecar(labels, texts);
            }),
            Change::Failed { id, stat, reason } => self.update(*id, |record| {
                if record.photo.stat.same_content(stat) {
                    record.fail(reason.clone());
                }
            }),
            Change::Declined {
                provider,
                content,
                version,
                why,
            } => self.shelf.decline(provider, content, version, why),
            Change::Spent {
                provider,
                day,
                spent,
            } => self.shelf.spend(provider, day, spent),
            Change::Acted(act) => self.act(act),
        }
    }

    fn found(
        &mut self,
        known: Option<PhotoId>,
        path: &SourcePath,
        stat: FileStat,
        facts: &Facts,
    ) -> Result<()> {
        let mut record = match self.already(known, path)? {
            Some(record) => record,
            None => match self.shelf.gone_file(&stat)? {
                Some(id) => return self.moved(id, path, stat),
                None => self.unknown(path, stat)?,
            },
        };
        record.replace_content(stat, facts.clone());
        self.place(record, path)
    }

    /// The photo that was found: the one that is meant, else the one at the path.
    fn already(&mut self, known: Option<PhotoId>, path: &SourcePath) -> Result<Option<Record>> {
        if let Some(id) = known
            && let Some(record) = self.shelf.get(id)?
        {
            return Ok(Some(record));
        }
        match self.shelf.at_path(path)? {
            Some(id) => self.shelf.get(id),
            None => Ok(None),
        }
    }

    fn unknown(&mut self, path: &SourcePath, stat: FileStat) -> Result<Record> {
        let id = self.shelf.new_id()?;
        let name = naming::unique(path.file_name(), id, |n| self.shelf.is_name_taken(n))?;
        Ok(Record::new(id, name, path.clone(), stat))
    }

    fn moved(&mut self, id: PhotoId, path: &SourcePath, stat: FileStat) -> Result<()> {
        let Some(mut record) = self.shelf.get(id)? else {
            return Ok(());
        };
        record.photo.stat = stat;
        self.place(record, path)
    }

    /// Puts a photo at a path; whatever else was there is gone.
    fn place(&mut self, mut record: Record, path: &SourcePath) -> Result<()> {
        if let Some(other) = self.shelf.at_path(path)?.filter(|&o| o != record.photo.id) {
            self.gone(other)?;
        }
        record.photo.path = path.clone();
        record.gone = false;
        self.put(record)
    }

    fn gone(&mut self, id: PhotoId) -> Result<()> {
        self.update(id, |record| record.gone = true)
    }

    fn hashed(&mut self, id: PhotoId, stat: &FileStat, hash: &ContentHash) -> Result<()> {
        let Some(record) = self.present(id)? else {
            return Ok(());
        };
        if !record.photo.stat.same_content(stat) {
            return Ok(());
        }
        let mut record = match self.returned(&record, hash)? {
            Some(old) => self.merge(record, old)?,
            None => record,
        };
        record.photo.hash = Some(*hash);
        for recorded in self.shelf.analyses(hash)? {
            self.attach(&mut record, &recorded)?;
        }
        self.put(record)
    }

    /// The photo that is gone and has turned up again as this one, which nobody had a chance to tell apart so far.
    fn returned(&mut self, new: &Record, hash: &ContentHash) -> Result<Option<Record>> {
        if new.photo.hash.is_some() || new.is_edited() {
            return Ok(None);
        }
        for id in self.shelf.with_hash(hash)? {
            let is_older = |r: &Record| r.gone && r.photo.id < new.photo.id;
            if let Some(old) = self.shelf.get(id)?.filter(is_older) {
                return Ok(Some(old));
            }
        }
        Ok(None)
    }

    fn merge(&mut self, new: Record, mut old: Record) -> Result<Record> {
        self.shelf.delete(new.photo.id)?;
        self.touched.insert(new.photo.id);
        old.photo.path = new.photo.path;
        old.photo.stat = new.photo.stat;
        old.gone = false;
        Ok(old)
    }

    fn analyzed(&mut self, id: PhotoId, outcome: &Outcome, at: i64) -> Result<()> {
        let recorded = Recorded {
            outcome: outcome.clone(),
            at,
        };
        self.shelf.record(&recorded)?;
        self.hashed(id, &outcome.stat, &outcome.hash)?;
        for copy in self.shelf.with_hash(&outcome.hash)? {
            let Some(known) = self.shelf.get(copy)? else {
                continue;
            };
            let mut record = known.clone();
            self.attach(&mut record, &recorded)?;
            if record != known {
                self.put(record)?;
            }
        }
        Ok(())
    }

    /// Changes a photo that is not gone.
    fn update(&mut self, id: PhotoId, change: impl FnOnce(&mut Record)) -> Result<()> {
        let Some(mut record) = self.present(id)? else {
            return Ok(());
        };
        change(&mut record);
        self.put(record)
    }

    pub(super) fn present(&mut self, id: PhotoId) -> Result<Option<Record>> {
        Ok(self.shelf.get(id)?.filter(|r| !r.gone))
    }

    pub(super) fn put(&mut self, mut record: Record) -> Result<()> {
        self.name_by_file(&mut record)?;
        self.name_by_title(&mut record)?;
        let text = plain_text(&record.labels, &record.texts);
        record.photo.text_bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.touched.insert(record.photo.id);
        self.shelf.put(&record)
    }

    /// Gives a photo whose file is called something else now the name of that. One that only moved keeps its name.
    fn name_by_file(&mut self, record: &mut Record) -> Result<()> {
        let (id, file_name) = (record.photo.id, record.photo.path.file_name());
        if !naming::is_of(&record.photo.name, file_name, id) {
            let is_taken = |n: &[u8]| self.shelf.is_name_taken(n);
            record.photo.name = naming::unique(file_name, id, is_taken)?;
        }
        Ok(())
    }

    /// Gives a photo the name for its title, unless it has one already.
    fn name_by_title(&mut self, record: &mut Record) -> Result<()> {
        let (id, file_name) = (record.photo.id, record.photo.path.file_name());
        let plain = record.title().map(|t| naming::of_title(t, file_name));
        let Some(plain) = plain else {
            record.photo.title_name = None;
            return Ok(());
        };
        let known = record.photo.title_name.as_ref();
        if known.is_none_or(|name| !naming::is_of(name, &plain, id)) {
            let is_taken = |n: &[u8]| self.shelf.is_title_name_taken(n);
            record.photo.title_name = Some(naming::unique(&plain, id, is_taken)?);
        }
        Ok(())
    }

    fn effects(self) -> Result<Vec<Effect>> {
        let mut effects = self.acts;
        for tag in self.made {
            let written = self.shelf.made(&tag)?;
            effects.push(Effect::Made { tag, written });
        }
        for name in self.saved {
            let query = self.shelf.saved(&name)?;
            effects.push(Effect::Saved { name, query });
        }
        for id in self.touched {
            effects.push(match self.shelf.get(id)? {
                Some(record) if !record.gone => Effect::Upsert(record.entry()),
                _ => Effect::Remove(id),
            });
        }
        Ok(effects)
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
