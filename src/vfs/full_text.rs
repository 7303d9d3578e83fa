//! Words in photos' texts, answered from memory: what the store said last, for as long as it is true.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{Error, Listing, Photos, Result, Step, Tree};
use crate::catalog::{Query, Words};
use crate::library::Library;
use crate::memory::{Bounds, Cache, Limit};

/// Bytes of answers that are kept.
const KEPT: u64 = 32 << 20;

/// What the store said of the words of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers(HashMap<Words, Arc<RoaringBitmap>>);

impl Answers {
    pub fn of(&self, words: &Words) -> Arc<RoaringBitmap> {
        self.0.get(words).cloned().unwrap_or_default()
    }
}

/// An answer of the store.
#[derive(Clone)]
struct Read {
    /// How many commits there were when it was asked.
    commits: u64,
    photos: Arc<RoaringBitmap>,
}

/// The answers at hand.
pub struct FullText(Cache<Words, Read>);

impl FullText {
    pub fn new(memory: &Limit) -> Self {
        let bounds = Bounds {
            bytes: KEPT,
            ..Bounds::default()
        };
        let bytes = |_: &Words, read: &Read| read.photos.serialized_size();
        Self(memory.cache(bounds, bytes))
    }

    fn answers(&self, query: &Query, commits: u64) -> Result<Answers> {
        let words = query.words().into_iter();
        let answers = words.map(|words| {
            let read = self.0.get(words);
            // Any commit may have changed a text.
            let read = read.filter(|read| read.commits == commits);
            let photos = read.ok_or_else(|| Error::Unread(words.clone()))?.photos;
            Ok((words.clone(), photos))
        });
        answers.collect::<Result<_>>().map(Answers)
    }

    fn read(&self, words: &Words, library: &Library) -> Result<()> {
        let commits = library.commits();
        let photos = Arc::new(library.store().full_text(words)?);
        self.0.insert(words.clone(), Read { commits, photos });
        Ok(())
    }
}

impl Tree {
    /// Reads what the store says of words, for [`Error::Unread`]. Blocks on the disk.
    pub fn read(&self, words: &Words) -> Result<()> {
        self.full_text.read(words, &self.library)
    }

    /// The listing with the answers of the store that it takes.
    ///
    /// # Errors
    /// [`Error::Unread`] when one isn't at hand.
    pub(super) fn answered(&self, mut listing: Listing) -> Result<Listing> {
        if let Photos::Matching(query) = &listing.photos
            && listing.photos.has_words()
        {
            let answers = self.full_text.answers(query, self.library.commits())?;
            listing.photos = Photos::Found(query.clone(), answers);
        }
        Ok(listing)
    }

    /// What the folder at these steps shows, whatever must be read for it. Blocks on the disk.
    pub(super) fn list_read(&self, steps: &[Step]) -> Result<Listing> {
        loop {
            match self.answered(self.list(steps)) {
                Err(Error::Unread(words)) => self.read(&words)?,
                listing => return listing,
            }
        }
    }
}
