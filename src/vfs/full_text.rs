//! Words in photos' texts, answered from memory: what the store said last, for as long as it is true.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::namespace::Namespace;
use super::views::query::Found;
use super::{Error, Listing, Result, Step};
use crate::catalog::{Query, Words};
use crate::library::Library;
use crate::memory::{Bounds, Cache, Limit};

/// Bytes of matches that are kept. A bitmap of a word that half of a million photos have takes 128 KB, most take a few.
const CACHE_BYTES: u64 = 32 << 20;

/// What the store said of the words of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct WordMatches(HashMap<Words, Arc<RoaringBitmap>>);

impl WordMatches {
    /// The photos in whose texts these words are.
    pub fn of(&self, words: &Words) -> Arc<RoaringBitmap> {
        self.0.get(words).cloned().unwrap_or_default()
    }
}

/// An answer of the store.
#[derive(Clone)]
struct CachedMatch {
    /// How many commits there were when it was asked.
    commits: u64,
    photos: Arc<RoaringBitmap>,
}

/// The matches at hand.
pub struct FullText(Cache<Words, CachedMatch>);

impl FullText {
    /// Nothing at hand yet.
    pub fn new(memory: &Limit) -> Self {
        let bounds = Bounds {
            bytes: CACHE_BYTES,
            ..Bounds::default()
        };
        let bytes = |_: &Words, read: &CachedMatch| read.photos.serialized_size();
        Self(memory.cache(bounds, bytes))
    }

    fn matches(&self, query: &Query, commits: u64) -> Result<WordMatches> {
        let words = query.words().into_iter();
        let matches = words.map(|words| {
            let read = self.0.get(words);
            // Any commit may have changed a text.
            let read = read.filter(|read| read.commits == commits);
            let photos = read.ok_or_else(|| Error::Unread(words.clone()))?.photos;
            Ok((words.clone(), photos))
        });
        matches.collect::<Result<_>>().map(WordMatches)
    }

    fn read(&self, words: &Words, library: &Library) -> Result<()> {
        let commits = library.commits();
        let photos = Arc::new(library.store().full_text(words)?);
        self.0
            .insert(words.clone(), CachedMatch { commits, photos });
        Ok(())
    }
}

impl Namespace {
    /// Reads what the store says of words, for [`Error::Unread`]. Blocks on the disk.
    pub fn read(&self, words: &Words) -> Result<()> {
        self.full_text.read(words, &self.library)
    }

    /// The listing with the matches of the store that it takes.
    ///
    /// # Errors
    /// [`Error::Unread`] when one isn't at hand.
    pub(super) fn resolve_words(&self, mut listing: Listing) -> Result<Listing> {
        if let Some(query) = listing.photos.unread() {
            let matches = self.full_text.matches(query, self.library.commits())?;
            listing.photos = Box::new(Found(query.clone(), matches));
        }
        Ok(listing)
    }

    /// What the folder at these steps shows, whatever must be read for it. Blocks on the disk.
    pub(super) fn list_blocking(&self, steps: &[Step]) -> Result<Listing> {
        loop {
            match self.resolve_words(self.list(steps)) {
                Err(Error::Unread(words)) => self.read(&words)?,
                listing => return listing,
            }
        }
    }
}
