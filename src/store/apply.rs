//! How changes are applied, whatever holds the records.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use super::record::{Record, Recorded};
use super::record_transaction::RecordTransaction;
use super::{Result, naming};
use crate::catalog::{
    Analysis, Change, ContentHash, Effect, Facts, FileStat, LabelKey, Measured, Photo, PhotoId,
    SourcePath, plain_text,
};

/// Applies the changes in order and says what each photo that they touched is in the end.
pub fn apply(records: &mut dyn RecordTransaction, changes: &[Change]) -> Result<Vec<Effect>> {
    let mut applier = ChangeApplier::new(records);
    for change in changes {
        applier.apply(change)?;
    }
    applier.effects()
}

/// Works out anew what follows from the records themselves.
pub fn refresh(records: &mut dyn RecordTransaction, ids: &[PhotoId]) -> Result<()> {
    let mut applier = ChangeApplier::new(records);
    for id in ids {
        if let Some(record) = applier.records.get(*id)? {
            applier.put(record)?;
        }
    }
    Ok(())
}

/// Has photos learn anew what analyzers said of their contents.
pub fn relearn(records: &mut dyn RecordTransaction, ids: &[PhotoId]) -> Result<()> {
    let mut applier = ChangeApplier::new(records);
    ids.iter().try_for_each(|id| applier.learn_again(*id))
}

/// Has photos learn what is known of their contents.
pub fn join(records: &mut dyn RecordTransaction, ids: &[PhotoId]) -> Result<()> {
    let mut applier = ChangeApplier::new(records);
    ids.iter().try_for_each(|id| applier.join(*id))
}

/// Copies of one content that learn something of it in one commit: whoever edits meanwhile waits for them.
const MOST_JOINED: usize = 128;
/// No photo has this number.
const FIRST: PhotoId = PhotoId(0);

/// The changes of one commit, while they are applied.
pub struct ChangeApplier<'a> {
    pub(super) records: &'a mut dyn RecordTransaction,
    touched: BTreeSet<PhotoId>,
    /// Tags of which it changed whether they are made.
    pub(super) made: BTreeSet<LabelKey>,
    /// Names under which it kept or forgot queries.
    pub(super) saved: BTreeSet<String>,
    /// Contents that more photos have than it had learn of them, and the last one that did.
    unjoined: HashMap<ContentHash, PhotoId>,
    /// What to say of acts.
    pub(super) acts: Vec<Effect>,
}

impl<'a> ChangeApplier<'a> {
    fn new(records: &'a mut dyn RecordTransaction) -> Self {
        Self {
            records,
            touched: BTreeSet::new(),
            made: BTreeSet::new(),
            saved: BTreeSet::new(),
            unjoined: HashMap::new(),
            acts: Vec::new(),
        }
    }
}

impl ChangeApplier<'_> {
    fn apply(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Found {
                known,
                path,
                stat,
                facts,
            } => self.found(*known, path, *stat, facts),
            Change::ReadAgain { id, stat, facts } => self.read_again(*id, stat, facts),
            Change::Moved { id, path, stat } => self.moved(*id, path, *stat),
            Change::Replaced {
                id,
                aside: (to, was),
                path,
                stat,
                facts,
            } => {
                self.moved(*id, to, *was)?;
                self.found(None, path, *stat, facts)?;
                self.carry_words(*id, path)
            }
            Change::Gone { id } => self.gone(*id),
            Change::Returned { id, now } => self.rejoined(*id, *now),
            Change::Hashed { id, stat, hash } => self.hashed(*id, stat, hash),
            Change::Measured {
                id,
                stat,
                hash,
                measured,
            } => self.measured(*id, stat, hash, measured),
            Change::Analyzed { id, analysis } => self.analyzed(*id, analysis, now()),
            Change::Learned { id, analysis, at } => self.analyzed(*id, analysis, *at),
            Change::Joined { hash, after } => {
                self.join_copies(hash, *after, |applier, record| applier.know(record, hash))
            }
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
            } => self.records.decline(provider, content, version, why),
            Change::Spent {
                provider,
                day,
                spent,
            } => self.records.spend(provider, day, spent),
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
            None => match self.records.gone_file(&stat)? {
                Some(id) => {
                    self.moved(id, path, stat)?;
                    return self.read_again(id, &stat, facts);
                }
                None => self.unknown(path, stat)?,
            },
        };
        record.replace_content(stat, facts.clone());
        self.place(record, path)
    }

    /// The photo that was found: the one that is meant, else the one at the path.
    fn already(&mut self, known: Option<PhotoId>, path: &SourcePath) -> Result<Option<Record>> {
        if let Some(id) = known
            && let Some(record) = self.records.get(id)?
        {
            return Ok(Some(record));
        }
        match self.records.at_path(path)? {
            Some(id) => self.records.get(id),
            None => Ok(None),
        }
    }

    /// A record for a photo that was never seen.
    fn unknown(&mut self, path: &SourcePath, stat: FileStat) -> Result<Record> {
        let id = self.records.new_id()?;
        let name = naming::unique(path.file_name(), id, |n| self.records.is_name_taken(n))?;
        Ok(Record::new(id, name, path.clone(), stat))
    }

    /// Takes what a later version found in a file, if it is still that file.
    fn read_again(&mut self, id: PhotoId, stat: &FileStat, facts: &Facts) -> Result<()> {
        let Some(mut record) = self.present(id)? else {
            return Ok(());
        };
        if !record.photo.stat.same_content(stat) || facts.version <= record.facts.version {
            return Ok(());
        }
        record.read_again(facts.clone());
        if let Some(hash) = record.photo.hash
            && let Some(measured) = self.records.measured(&hash)?
        {
            record.measure(&measured);
        }
        self.put(record)
    }

    /// What people said of a photo they said of the one at a path as well, and can take back of both.
    fn carry_words(&mut self, from: PhotoId, path: &SourcePath) -> Result<()> {
        let (Some(old), Some(to)) = (self.records.get(from)?, self.records.at_path(path)?) else {
            return Ok(());
        };
        self.records.copy_traces(from, to)?;
        self.update(to, |record| record.take_words(&old))
    }

    fn moved(&mut self, id: PhotoId, path: &SourcePath, stat: FileStat) -> Result<()> {
        let Some(mut record) = self.records.get(id)? else {
            return Ok(());
        };
        record.photo.stat = stat;
        self.place(record, path)
    }

    /// Puts a photo at a path; whatever else was there is gone.
    fn place(&mut self, mut record: Record, path: &SourcePath) -> Result<()> {
        if let Some(other) = self
            .records
            .at_path(path)?
            .filter(|&o| o != record.photo.id)
        {
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
        record.note_bytes(stat, hash);
        self.know(&mut record, hash)?;
        self.put(record)
    }

    /// A photo learns its hash, and what is known of this content.
    fn know(&mut self, record: &mut Record, hash: &ContentHash) -> Result<()> {
        record.photo.hash = Some(*hash);
        if let Some(measured) = self.records.measured(hash)? {
            record.measure(&measured);
        }
        for recorded in self.records.analyses(hash)? {
            self.attach(record, &recorded)?;
        }
        Ok(())
    }

    /// The photo that is gone and has turned up again as this one, which nobody had a chance to tell apart so far.
    fn returned(&mut self, new: &Record, hash: &ContentHash) -> Result<Option<Record>> {
        if new.photo.hash.is_some() || new.is_edited() {
            return Ok(None);
        }
        match self.records.gone_with_hash(hash, new.photo.id)? {
            Some(old) => self.records.get(old),
            None => Ok(None),
        }
    }

    /// A photo that is gone becomes one that is there, if they are still what they were when that was found out.
    fn rejoined(&mut self, id: PhotoId, now: PhotoId) -> Result<()> {
        let Some(old) = self.records.get(id)?.filter(|r| r.gone) else {
            return Ok(());
        };
        let Some(new) = self
            .present(now)?
            .filter(|new| is_same(&old.photo, &new.photo))
        else {
            return Ok(());
        };
        let hash = new.photo.hash;
        let mut record = self.merge(new, old)?;
        if let Some(hash) = hash {
            self.know(&mut record, &hash)?;
        }
        self.put(record)
    }

    /// The new photo becomes the old one again: its record goes, its file is that of the old one. What was said of it
    /// since is said of that.
    fn merge(&mut self, new: Record, mut old: Record) -> Result<Record> {
        old.take_words(&new);
        self.records.copy_traces(new.photo.id, old.photo.id)?;
        self.records.drop_traces(new.photo.id)?;
        self.records.delete(new.photo.id)?;
        self.touched.insert(new.photo.id);
        old.photo.path = new.photo.path;
        old.photo.stat = new.photo.stat;
        old.gone = false;
        if new.facts.version > old.facts.version {
            old.read_again(new.facts);
        }
        Ok(old)
    }

    fn measured(
        &mut self,
        id: PhotoId,
        stat: &FileStat,
        hash: &ContentHash,
        measured: &Measured,
    ) -> Result<()> {
        if self.records.measured(hash)?.as_ref() != Some(measured) {
            self.records.put_measured(hash, measured)?;
        }
        self.hashed(id, stat, hash)?;
        self.join_copies(hash, FIRST, |_, record| {
            record.measure(measured);
            Ok(())
        })
    }

    fn analyzed(&mut self, id: PhotoId, analysis: &Analysis, at: i64) -> Result<()> {
        let recorded = Recorded {
            analysis: analysis.clone(),
            at,
        };
        self.records.record(&recorded)?;
        self.hashed(id, &analysis.stat, &analysis.hash)?;
        self.join_copies(&analysis.hash, FIRST, |applier, record| {
            applier.attach(record, &recorded)
        })
    }

    /// Has photos of a content, gone or not, learn something of it: the first after this one. More are left to later commits.
    fn join_copies(
        &mut self,
        hash: &ContentHash,
        after: PhotoId,
        mut learn: impl FnMut(&mut Self, &mut Record) -> Result<()>,
    ) -> Result<()> {
        let mut copies = self.records.with_hash(hash, after, MOST_JOINED + 1)?;
        let are_more = copies.len() > MOST_JOINED;
        copies.truncate(MOST_JOINED);
        for copy in &copies {
            self.learn(*copy, &mut learn)?;
        }
        match copies.last().filter(|_| are_more) {
            Some(last) => {
                self.unjoined.insert(*hash, *last);
            }
            None if after != FIRST => {
                self.unjoined.remove(hash);
                self.records.put_unjoined(hash, false)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Has a photo learn what is known of its content.
    fn join(&mut self, id: PhotoId) -> Result<()> {
        self.learn(id, &mut |applier, record| match record.photo.hash {
            Some(hash) => applier.know(record, &hash),
            None => Ok(()),
        })
    }

    fn learn(
        &mut self,
        id: PhotoId,
        learn: &mut impl FnMut(&mut Self, &mut Record) -> Result<()>,
    ) -> Result<()> {
        let Some(known) = self.records.get(id)? else {
            return Ok(());
        };
        let mut record = known.clone();
        learn(self, &mut record)?;
        match record == known {
            true => Ok(()),
            false => self.put(record),
        }
    }

    /// Changes a photo that is not gone.
    fn update(&mut self, id: PhotoId, change: impl FnOnce(&mut Record)) -> Result<()> {
        let Some(mut record) = self.present(id)? else {
            return Ok(());
        };
        change(&mut record);
        self.put(record)
    }

    /// A photo that is not gone.
    pub(super) fn present(&mut self, id: PhotoId) -> Result<Option<Record>> {
        Ok(self.records.get(id)?.filter(|r| !r.gone))
    }

    /// Keeps a record, with all that follows from it: its names, and how long its text is.
    pub(super) fn put(&mut self, mut record: Record) -> Result<()> {
        self.name_by_file(&mut record)?;
        self.name_by_title(&mut record)?;
        let text = plain_text(&record.labels, &record.texts);
        record.photo.text_bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.touched.insert(record.photo.id);
        self.records.put(&record)
    }

    /// Gives a photo whose file is called something else now the name of that. One that only moved keeps its name.
    fn name_by_file(&mut self, record: &mut Record) -> Result<()> {
        let (id, file_name) = (record.photo.id, record.photo.path.file_name());
        if !naming::is_of(&record.photo.name, file_name, id) {
            let is_taken = |n: &[u8]| self.records.is_name_taken(n);
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
            let is_taken = |n: &[u8]| self.records.is_title_name_taken(n);
            record.photo.title_name = Some(naming::unique(&plain, id, is_taken)?);
        }
        Ok(())
    }

    /// What the changes come to, once all of them are applied.
    fn effects(self) -> Result<Vec<Effect>> {
        let mut effects = self.acts;
        for (hash, after) in self.unjoined {
            self.records.put_unjoined(&hash, true)?;
            effects.push(Effect::Unjoined { hash, after });
        }
        for tag in self.made {
            let written = self.records.made(&tag)?;
            effects.push(Effect::Made { tag, written });
        }
        for name in self.saved {
            let query = self.records.saved(&name)?;
            effects.push(Effect::Saved { name, query });
        }
        for id in self.touched {
            effects.push(match self.records.get(id)? {
                Some(record) if !record.gone => Effect::Upsert(record.entry()),
                _ => Effect::Remove(id),
            });
        }
        Ok(effects)
    }
}

/// Whether two files are one and the same as far as the catalog can tell: by their content where that of the first is
/// known, else by size and time.
fn is_same(old: &Photo, new: &Photo) -> bool {
    match old.hash {
        Some(_) => old.hash == new.hash,
        None => old.stat.same_size_and_time(&new.stat),
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}
