//! A store in RAM: for tests, and the reference that other stores are held to.

mod provider_store;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use parking_lot::{Mutex, MutexGuard};
use roaring::RoaringBitmap;

use super::apply::apply;
use super::provider_store::{Declined, Spent};
use super::record::{Record, Recorded};
use super::record_transaction::{ActState, RecordTransaction};
use super::{Result, Store};
use crate::catalog::{
    Act, ActId, Analysis, Change, ContentHash, Detail, Done, Effect, Facts, FileStat, GonePhoto,
    Label, LabelKey, Measured, Numbering, Origin, PhotoId, Role, Searched, Slot, SourcePath,
    Stored, Trace, Words,
};

/// A store that ends with the process.
#[derive(Default)]
pub struct Memory(Mutex<Records>);

#[derive(Clone, Default)]
struct Records {
    photos: BTreeMap<PhotoId, Record>,
    measured: HashMap<ContentHash, Measured>,
    analyses: HashMap<ContentHash, Vec<Recorded>>,
    last_id: u32,
    declined: HashMap<(String, ContentHash), (String, Declined)>,
    spent: BTreeMap<(String, String), Spent>,
    servers: HashMap<String, String>,
    made: BTreeMap<LabelKey, String>,
    saved: BTreeMap<String, String>,
    renamed: BTreeMap<LabelKey, String>,
    /// By number; what they changed is beside them.
    acts: BTreeMap<ActId, Done>,
    traces: BTreeMap<(ActId, Option<PhotoId>, Slot), Trace>,
}

impl Records {
    fn traces_of(&self, act: ActId) -> Vec<Trace> {
        let all = self.traces.iter().filter(|((of, ..), _)| *of == act);
        all.map(|(_, trace)| trace.clone()).collect()
    }

    fn done(&self, done: &Done) -> Done {
        let mut photos: Vec<_> = self
            .traces_of(done.id)
            .into_iter()
            .filter_map(|t| t.photo)
            .collect();
        photos.dedup();
        Done {
            photos: photos.len() as u64,
            photo: photos.first().copied(),
            ..done.clone()
        }
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.0.lock()
    }
}

impl Store for Memory {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        let records = self.lock();
        for (tag, written) in &records.made {
            let (tag, written) = (tag.clone(), written.clone());
            each(Stored::Made { tag, written });
        }
        for (name, query) in &records.saved {
            let (name, query) = (name.clone(), query.clone());
            each(Stored::Saved { name, query });
        }
        each(Stored::AtMost(records.last_id));
        let mut numbering = Numbering::default();
        let present = records.photos.values().filter(|r| !r.gone);
        present.for_each(|record| numbering.hand_over(record.entry(), each));
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        let mut records = self.lock();
        // Nothing else is ever refused here, and a copy costs as much as the catalog has photos.
        let may_be_refused = changes.iter().any(|c| matches!(c, Change::Acted(_)));
        let before = may_be_refused.then(|| records.clone());
        let applied = apply(&mut *records, changes);
        if let (Err(_), Some(before)) = (&applied, before) {
            *records = before;
        }
        applied
    }

    fn analyses(&self, hash: &ContentHash) -> Result<Vec<(Analysis, i64)>> {
        let recorded = self.lock().analyses(hash)?.into_iter();
        Ok(recorded.map(|r| (r.analysis, r.at)).collect())
    }

    fn measured(&self, hash: &ContentHash) -> Result<Option<Measured>> {
        self.lock().measured(hash)
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        let records = self.lock();
        let record = records.photos.get(&id).filter(|r| !r.gone);
        Ok(record.map(Record::detail))
    }

    fn outdated(&self) -> Result<RoaringBitmap> {
        let records = self.lock();
        let all = records.photos.iter();
        let outdated = all.filter(|(_, record)| record.facts.version < Facts::VERSION);
        Ok(outdated.map(|(id, _)| id.0).collect())
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        let found = self.relevance(&[words])?;
        Ok(found.into_iter().map(|(id, _)| id.0).collect())
    }

    fn relevance(&self, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
        let records = self.lock();
        let present = records.photos.values().filter(|r| !r.gone);
        let scored = present.map(|record| {
            let text = Searched::of(&record.detail());
            let score = words.iter().map(|words| relevance(&text, words)).sum();
            (record.photo.id, score)
        });
        Ok(scored.filter(|(_, score)| *score > 0.0).collect())
    }

    fn acts(&self, before: Option<ActId>, most: usize) -> Result<Vec<Done>> {
        let records = self.lock();
        let earlier = records.acts.values().rev();
        let earlier = earlier.filter(|done| before.is_none_or(|id| done.id < id));
        Ok(earlier.take(most).map(|done| records.done(done)).collect())
    }

    fn act(&self, id: ActId) -> Result<Option<(Done, Vec<Trace>)>> {
        let records = self.lock();
        let done = records.acts.get(&id).map(|done| records.done(done));
        Ok(done.map(|done| (done, records.traces_of(id))))
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        let records = self.lock();
        let gone = records.photos.values().filter(|r| r.gone);
        let hashed = gone.filter(|r| r.photo.hash.is_some());
        Ok(hashed.map(|r| r.photo.stat.size).collect())
    }

    fn gone_with_words(&self) -> Result<Vec<GonePhoto>> {
        let records = self.lock();
        let gone = records.photos.values().filter(|r| r.gone && r.is_edited());
        Ok(gone.map(|r| r.photo.clone().into()).collect())
    }

    fn detail_of_gone(&self, id: PhotoId) -> Result<Option<Detail>> {
        let records = self.lock();
        let record = records.photos.get(&id).filter(|r| r.gone);
        Ok(record.map(Record::detail))
    }

    fn size_bytes(&self) -> Result<u64> {
        Ok(0)
    }
}

/// What a word counts for by where it is, as in the store of SQLite.
fn relevance(text: &Searched, words: &Words) -> f64 {
    let texts = [
        (&text.title, 10.0),
        (&text.tags, 5.0),
        (&text.description, 3.0),
        (&text.path, 1.0),
    ];
    let has = texts.iter().filter(|(text, _)| words.are_in(text));
    has.map(|(_, weight)| weight).sum()
}

impl RecordTransaction for Records {
    fn decline(
        &mut self,
        provider: &str,
        content: &ContentHash,
        version: &str,
        why: &Declined,
    ) -> Result<()> {
        let key = (provider.to_owned(), *content);
        let value = (version.to_owned(), why.clone());
        self.declined.insert(key, value);
        Ok(())
    }

    fn spend(&mut self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        let key = (provider.to_owned(), day.to_owned());
        *self.spent.entry(key).or_default() += *spent;
        Ok(())
    }

    fn get(&mut self, id: PhotoId) -> Result<Option<Record>> {
        Ok(self.photos.get(&id).cloned())
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        self.photos.insert(record.photo.id, record.clone());
        Ok(())
    }

    fn delete(&mut self, id: PhotoId) -> Result<()> {
        self.photos.remove(&id);
        Ok(())
    }

    fn new_id(&mut self) -> Result<PhotoId> {
        self.last_id += 1;
        Ok(PhotoId(self.last_id))
    }

    fn at_path(&mut self, path: &SourcePath) -> Result<Option<PhotoId>> {
        let mut present = self.photos.values().filter(|r| !r.gone);
        let found = present.find(|r| r.photo.path == *path);
        Ok(found.map(|r| r.photo.id))
    }

    fn with_hash(
        &mut self,
        hash: &ContentHash,
        after: PhotoId,
        most: usize,
    ) -> Result<Vec<PhotoId>> {
        let later = self
            .photos
            .range((Bound::Excluded(after), Bound::Unbounded));
        let same = later.filter(|(_, r)| r.photo.hash == Some(*hash));
        Ok(same.map(|(id, _)| *id).take(most).collect())
    }

    /// It ends with the process, and nothing is left to do then.
    fn put_unjoined(&mut self, _: &ContentHash, _: bool) -> Result<()> {
        Ok(())
    }

    fn gone_with_hash(&mut self, hash: &ContentHash, before: PhotoId) -> Result<Option<PhotoId>> {
        let mut gone = self.photos.range(..before).filter(|(_, r)| r.gone);
        let found = gone.find(|(_, r)| r.photo.hash == Some(*hash));
        Ok(found.map(|(id, _)| *id))
    }

    fn gone_file(&mut self, stat: &FileStat) -> Result<Option<PhotoId>> {
        let mut gone = self.photos.values().filter(|r| r.gone);
        let found = gone.find(|r| r.photo.stat.same_content(stat));
        Ok(found.map(|r| r.photo.id))
    }

    fn is_name_taken(&mut self, name: &[u8]) -> Result<bool> {
        Ok(self.photos.values().any(|r| *r.photo.name == *name))
    }

    fn is_title_name_taken(&mut self, name: &[u8]) -> Result<bool> {
        let mut names = self.photos.values().map(|r| r.photo.title_name.as_deref());
        Ok(names.any(|n| n == Some(name)))
    }

    fn measured(&mut self, hash: &ContentHash) -> Result<Option<Measured>> {
        Ok(self.measured.get(hash).cloned())
    }

    fn put_measured(&mut self, hash: &ContentHash, measured: &Measured) -> Result<()> {
        self.measured.insert(*hash, measured.clone());
        Ok(())
    }

    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>> {
        Ok(self.analyses.get(hash).cloned().unwrap_or_default())
    }

    fn record(&mut self, recorded: &Recorded) -> Result<()> {
        let kept = self.analyses.entry(recorded.analysis.hash).or_default();
        kept.retain(|r| r.analysis.analyzer != recorded.analysis.analyzer);
        kept.push(recorded.clone());
        kept.sort_by(|a, b| (a.at, &a.analysis.analyzer).cmp(&(b.at, &b.analysis.analyzer)));
        Ok(())
    }

    fn made(&mut self, tag: &LabelKey) -> Result<Option<String>> {
        Ok(self.made.get(tag).cloned())
    }

    fn put_made(&mut self, tag: &LabelKey, written: Option<&str>) -> Result<()> {
        match written {
            Some(written) => self.made.insert(tag.clone(), written.into()),
            None => self.made.remove(tag),
        };
        Ok(())
    }

    fn saved(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.saved.get(name).cloned())
    }

    fn put_saved(&mut self, name: &str, query: Option<&str>) -> Result<()> {
        match query {
            Some(query) => self.saved.insert(name.into(), query.into()),
            None => self.saved.remove(name),
        };
        Ok(())
    }

    fn renamed(&mut self, tag: &LabelKey) -> Result<Option<String>> {
        Ok(self.renamed.get(tag).cloned())
    }

    fn put_renamed(&mut self, tag: &LabelKey, to: Option<&str>) -> Result<()> {
        match to {
            Some(to) => self.renamed.insert(tag.clone(), to.into()),
            None => self.renamed.remove(tag),
        };
        Ok(())
    }

    fn said_by_models(&mut self, tag: &LabelKey) -> Result<Vec<PhotoId>> {
        let by_model = |l: &Label| matches!(l.origin, Origin::Embedded | Origin::Remote);
        let says = |r: &&Record| r.labels.iter().any(|l| by_model(l) && l.key() == *tag);
        Ok(self
            .photos
            .values()
            .filter(says)
            .map(|r| r.photo.id)
            .collect())
    }

    fn add_act(&mut self, act: &Act, at: i64) -> Result<ActId> {
        let id = ActId(self.acts.last_key_value().map_or(0, |(id, _)| id.0) + 1);
        let done = Done {
            id,
            at,
            by: act.by.clone(),
            words: act.words.clone(),
            role: match act.role {
                Role::Continues(_) => Role::New,
                role => role,
            },
            undone_by: None,
            photos: 0,
            photo: None,
        };
        self.acts.insert(id, done);
        Ok(id)
    }

    fn act_state(&mut self, act: ActId) -> Result<Option<ActState>> {
        let done = self.acts.get(&act);
        Ok(done.map(|done| ActState::of(done.undone_by)))
    }

    fn traces(&mut self, act: ActId) -> Result<Vec<Trace>> {
        Ok(self.traces_of(act))
    }

    fn reword(&mut self, act: ActId, words: &str) -> Result<()> {
        if let Some(done) = self.acts.get_mut(&act) {
            done.words = words.into();
        }
        Ok(())
    }

    fn set_undone(&mut self, act: ActId, by: Option<ActId>) -> Result<()> {
        if let Some(done) = self.acts.get_mut(&act) {
            done.undone_by = by;
        }
        Ok(())
    }

    fn trace(&mut self, act: ActId, photo: Option<PhotoId>, slot: &Slot) -> Result<Option<Trace>> {
        Ok(self.traces.get(&(act, photo, slot.clone())).cloned())
    }

    fn copy_traces(&mut self, from: PhotoId, to: PhotoId) -> Result<()> {
        let of_one = self.traces.values().zip(self.traces.keys());
        let of_one = of_one.filter(|(_, (_, photo, _))| *photo == Some(from));
        let copies = of_one.map(|(trace, (act, _, slot))| {
            let (photo, trace) = (Some(to), trace.clone());
            ((*act, photo, slot.clone()), Trace { photo, ..trace })
        });
        for (at, trace) in copies.collect::<Vec<_>>() {
            self.traces.entry(at).or_insert(trace);
        }
        Ok(())
    }

    fn drop_traces(&mut self, photo: PhotoId) -> Result<()> {
        self.traces.retain(|(_, of, _), _| *of != Some(photo));
        Ok(())
    }

    fn put_trace(&mut self, act: ActId, trace: &Trace) -> Result<()> {
        let at = (act, trace.photo, trace.slot.clone());
        match trace.before == trace.after {
            true => self.traces.remove(&at),
            false => self.traces.insert(at, trace.clone()),
        };
        Ok(())
    }
}
