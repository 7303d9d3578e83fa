//! A store in RAM: for tests, and the reference that other stores are held to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use roaring::RoaringBitmap;

use super::record::{Record, Recorded};
use super::shelf::{self, Shelf};
use super::{Result, Store};
use crate::catalog::{
    Change, ContentHash, Detail, Effect, Entry, Facet, FileStat, Label, PhotoId, SourcePath,
    TextField,
};

#[derive(Default)]
pub struct Memory(Mutex<Records>);

#[derive(Default)]
struct Records {
    photos: BTreeMap<PhotoId, Record>,
    analyses: HashMap<ContentHash, Vec<Recorded>>,
    last_id: u32,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.0
            .lock()
            .expect("nothing panics while it holds the records")
    }
}

impl Store for Memory {
    fn load(&self, each: &mut dyn FnMut(Entry)) -> Result<()> {
        let records = self.lock();
        let present = records.photos.values().filter(|r| !r.gone);
        present.for_each(|record| each(record.entry()));
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        shelf::apply(&mut *self.lock(), changes)
    }

    fn detail(&self, id: PhotoId) -> Result<Option<Detail>> {
        let records = self.lock();
        let record = records.photos.get(&id).filter(|r| !r.gone);
        Ok(record.map(Record::detail))
    }

    fn full_text(&self, words: &str) -> Result<RoaringBitmap> {
        let records = self.lock();
        let present = records.photos.values().filter(|r| !r.gone);
        let matching = present.filter(|record| has_words(record, words));
        Ok(matching.map(|r| r.photo.id.0).collect())
    }

    fn gone_sizes(&self) -> Result<Vec<u64>> {
        let records = self.lock();
        let gone = records.photos.values().filter(|r| r.gone);
        let hashed = gone.filter(|r| r.photo.hash.is_some());
        Ok(hashed.map(|r| r.photo.stat.size).collect())
    }

    fn size_bytes(&self) -> Result<u64> {
        Ok(0)
    }
}

/// Without stemming: words as they are, the last one as a beginning.
fn has_words(record: &Record, words: &str) -> bool {
    let text = searched(record);
    let has: Vec<_> = tokens(&text).collect();
    let wanted = words.to_lowercase();
    let wanted: Vec<_> = tokens(&wanted).collect();
    let Some((last, whole)) = wanted.split_last() else {
        return false;
    };
    has.iter().any(|w| w.starts_with(last)) && whole.iter().all(|w| has.contains(w))
}

fn searched(record: &Record) -> String {
    let detail = record.detail();
    let texts = TextField::ALL.into_iter().filter_map(|f| detail.text(f));
    let mut all: Vec<_> = texts.map(|t| t.value.clone()).collect();
    let labels = Label::effective(&record.labels);
    let tags = labels.into_iter().filter(|l| l.facet == Facet::Tag);
    all.extend(tags.map(|l| l.value.clone()));
    all.push(record.photo.path.to_string());
    all.join(" ").to_lowercase()
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|w| !w.is_empty())
}

impl Shelf for Records {
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

    fn with_hash(&mut self, hash: &ContentHash) -> Result<Vec<PhotoId>> {
        let same = self.photos.values();
        let same = same.filter(|r| r.photo.hash == Some(*hash));
        Ok(same.map(|r| r.photo.id).collect())
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

    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>> {
        Ok(self.analyses.get(hash).cloned().unwrap_or_default())
    }

    fn record(&mut self, recorded: &Recorded) -> Result<()> {
        let kept = self.analyses.entry(recorded.outcome.hash).or_default();
        kept.retain(|r| r.outcome.analyzer != recorded.outcome.analyzer);
        kept.push(recorded.clone());
        Ok(())
    }
}
