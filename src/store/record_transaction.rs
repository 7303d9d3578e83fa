//! What a back end gives for the time of one commit: records to read and to write.

use super::Result;
use super::record::{Record, Recorded};
use crate::catalog::{
    Act, ActId, ContentHash, Declined, FileStat, LabelKey, Measured, PhotoId, Slot, SourcePath,
    Spent, Trace,
};

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActState {
    Holds,
    /// This act took it back.
    UndoneBy(ActId),
}

impl ActState {
    pub fn of(undone_by: Option<ActId>) -> Self {
        undone_by.map_or(Self::Holds, Self::UndoneBy)
    }
}

/// Where records are kept while changes are applied. Every call sees what the calls before it did.
pub trait RecordTransaction {
    /// A photo, gone or not.
    fn get(&mut self, id: PhotoId) -> Result<Option<Record>>;
    /// Keeps a record, in the place of an earlier one of this photo.
    fn put(&mut self, record: &Record) -> Result<()>;
    /// Forgets a photo, and what people said of it: it is another one by now.
    fn delete(&mut self, id: PhotoId) -> Result<()>;
    /// An id that no photo ever had.
    fn new_id(&mut self) -> Result<PhotoId>;
    /// The photo at a path that is not gone.
    fn at_path(&mut self, path: &SourcePath) -> Result<Option<PhotoId>>;
    /// Photos of a content, gone or not, in order of id: those after this one, and so many at most.
    fn with_hash(
        &mut self,
        hash: &ContentHash,
        after: PhotoId,
        most: usize,
    ) -> Result<Vec<PhotoId>>;
    /// Keeps whether some photos of a content have still to learn what is known of it.
    fn put_unjoined(&mut self, hash: &ContentHash, is_unjoined: bool) -> Result<()>;
    /// The first photo that is gone and had this content, of those before this one.
    fn gone_with_hash(&mut self, hash: &ContentHash, before: PhotoId) -> Result<Option<PhotoId>>;
    /// A photo that is gone and was this file, by inode, size and time.
    fn gone_file(&mut self, stat: &FileStat) -> Result<Option<PhotoId>>;
    /// Whether a photo, gone or not, has this catalog name.
    fn is_name_taken(&mut self, name: &[u8]) -> Result<bool>;
    /// Whether a photo, gone or not, has this name for its title.
    fn is_title_name_taken(&mut self, name: &[u8]) -> Result<bool>;
    /// What was measured in a content, if it was decoded.
    fn measured(&mut self, hash: &ContentHash) -> Result<Option<Measured>>;
    /// Keeps what was measured in a content, in the place of what was before.
    fn put_measured(&mut self, hash: &ContentHash, measured: &Measured) -> Result<()>;
    /// What analyzers said of a content, the latest last.
    fn analyses(&mut self, hash: &ContentHash) -> Result<Vec<Recorded>>;
    /// Keeps an analysis, in the place of an earlier one of the same analyzer and content.
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
    /// Keeps how a made tag is written; `None`: nobody made it any more.
    fn put_made(&mut self, tag: &LabelKey, written: Option<&str>) -> Result<()>;
    /// The query that is kept under a name.
    fn saved(&mut self, name: &str) -> Result<Option<String>>;
    /// Keeps a query under a name, or forgets it.
    fn put_saved(&mut self, name: &str, query: Option<&str>) -> Result<()>;
    /// What a tag of models is called now, if it was renamed.
    fn renamed(&mut self, tag: &LabelKey) -> Result<Option<String>>;
    /// Keeps what a tag of models is called, or that it is called like itself.
    fn put_renamed(&mut self, tag: &LabelKey, to: Option<&str>) -> Result<()>;
    /// Photos, gone or not, of which models say this tag, in order of id.
    fn said_by_models(&mut self, tag: &LabelKey) -> Result<Vec<PhotoId>>;
    /// Puts an act into the journal, without what it changed.
    fn add_act(&mut self, act: &Act, at: i64) -> Result<ActId>;
    /// What became of an act; `None` where the journal has none of this number.
    fn act_state(&mut self, act: ActId) -> Result<Option<ActState>>;
    /// All that an act changed, what it changed of one photo together.
    fn traces(&mut self, act: ActId) -> Result<Vec<Trace>>;
    /// An act that went on is called otherwise.
    fn reword(&mut self, act: ActId, words: &str) -> Result<()>;
    /// An act was taken back by another one, or holds again.
    fn set_undone(&mut self, act: ActId, by: Option<ActId>) -> Result<()>;
    /// What acts changed of a photo they changed of another one too, but for what they changed there anyway.
    fn copy_traces(&mut self, from: PhotoId, to: PhotoId) -> Result<()>;
    /// The journal forgets what acts changed of a photo.
    fn drop_traces(&mut self, photo: PhotoId) -> Result<()>;
    /// What an act changed there.
    fn trace(&mut self, act: ActId, photo: Option<PhotoId>, slot: &Slot) -> Result<Option<Trace>>;
    /// Keeps what an act changed, in the place of what it changed there before; drops it when that comes to nothing.
    fn put_trace(&mut self, act: ActId, trace: &Trace) -> Result<()>;
}
