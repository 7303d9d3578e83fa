//! What a folder shows, as data: a view plans it, the tree executes it.

use super::full_text::WordMatches;
use super::search::Search;
use crate::catalog::{Facet, LabelKey, PhotoId, Query};
use crate::index::FolderId;

/// What one folder shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    pub folders: Folders,
    pub photos: Photos,
    /// Whether analyses decide what it shows: opening it is an access to every photo not analysed yet.
    pub needs_analyses: bool,
    pub edits: Edits,
}

/// What ordinary commands change in a folder: `mkdir`, `rmdir`, `rm`, `ln`, `mv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Edits {
    /// Nothing.
    None,
    /// Tags: a photo in it has all of these, and the last is what the folder is for. None in the folder of all tags.
    Tags(Vec<LabelKey>),
    /// Which queries are kept, and under which names.
    Saved,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Folders {
    None,
    /// All views, and the files that the tree writes itself: the root.
    Views,
    /// A folder for every query; the latest are listed, and a README.
    Searches,
    /// A folder for every query that is kept.
    Saved,
    /// No folder, but the file that says what is wrong with a query.
    Mistake,
    /// The folders of the source directly below one.
    Source(FolderId),
    /// A folder for each group of photos that are alike.
    Groups,
    /// A folder for each label of a facet.
    Labels {
        facet: Facet,
        /// Only labels that some of these photos have.
        within: Query,
        /// Left out at the front of the folder's name: `2024-` of `2024-07`. Labels that lack it aren't shown.
        prefix: String,
        /// Only labels that some of these photos lack; `-label` then resolves, too.
        narrowing: bool,
        /// How many are listed at most, those of most photos; the others are found when looked up.
        listed: usize,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Photos {
    None,
    /// Those directly in a folder of the source, under their own file names.
    In(FolderId),
    /// Those that a query means, under their catalog names.
    Matching(Query),
    /// The same, with what the store said of its full-text parts.
    Found(Query, WordMatches),
    /// Those taken last, under their catalog names.
    Recent,
    /// Those that have a title, under it.
    Titled,
    /// Those of a group of photos that are alike, under their catalog names.
    Alike(PhotoId),
    /// The texts of those directly in a folder of the source.
    Texts(FolderId),
}

impl Listing {
    /// Whether tags that a person made are shown though no photo has them.
    pub fn shows_made(&self) -> bool {
        matches!(&self.edits, Edits::Tags(path) if path.is_empty())
    }

    /// A folder for each label of a facet among the photos of `within`, and `photos`.
    pub fn labels(facet: Facet, within: Query, photos: Photos) -> Self {
        let folders = Folders::Labels {
            facet,
            within,
            prefix: String::new(),
            narrowing: false,
            listed: usize::MAX,
        };
        Self {
            folders,
            photos,
            needs_analyses: false,
            edits: Edits::None,
        }
    }

    /// Photos and nothing else.
    pub fn photos(query: Query) -> Self {
        Self {
            folders: Folders::None,
            photos: Photos::Matching(query),
            needs_analyses: false,
            edits: Edits::None,
        }
    }

    /// The photos of a search, or what is wrong with it.
    pub fn search(search: &Search) -> Self {
        match search.query() {
            Ok(query) => Self {
                needs_analyses: query.needs_analyses(),
                ..Self::photos(query.clone())
            },
            Err(_) => Self {
                folders: Folders::Mistake,
                ..Self::nothing()
            },
        }
    }

    /// Nothing at all.
    pub fn nothing() -> Self {
        Self {
            folders: Folders::None,
            photos: Photos::None,
            needs_analyses: false,
            edits: Edits::None,
        }
    }
}

impl Photos {
    /// Whether only the store can say which they are.
    pub fn has_words(&self) -> bool {
        match self {
            Self::Matching(query) | Self::Found(query, _) => !query.words().is_empty(),
            _ => false,
        }
    }
}
