//! The photos of a folder: which they are, what each is called there, and which one a name means.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::{Inode, Photos, Tree};
use crate::catalog::{Query, Words};
use crate::index::PackedNames;

impl Tree {
    /// The photos of a listing.
    pub(super) fn photos(&self, photos: &Photos) -> RoaringBitmap {
        match photos {
            Photos::None => RoaringBitmap::new(),
            Photos::In(folder) | Photos::Texts(folder) => self.index().photos_in(*folder),
            Photos::Matching(query) => self.evaluate(query),
            Photos::Found(query, matches) => {
                self.index().evaluate(query, &|words| matches.of(words))
            }
            Photos::Recent => self.index().recent(),
            Photos::Titled => self.index().titled(),
            Photos::Alike(oldest) => self.index().group(*oldest),
        }
    }

    pub(super) fn evaluate(&self, query: &Query) -> RoaringBitmap {
        self.index().evaluate(query, &no_matches)
    }

    /// What a photo is called in a listing that shows it.
    pub(super) fn name_in(&self, photos: &Photos, packed: &PackedNames) -> Option<Vec<u8>> {
        match photos {
            Photos::None => None,
            Photos::In(_) => Some(packed.file_name().into()),
            Photos::Texts(folder) => self.text_name(*folder, packed.file_name()),
            Photos::Matching(_) | Photos::Found(..) | Photos::Recent | Photos::Alike(_) => {
                Some(packed.name().into())
            }
            Photos::Titled => packed.title_name().map(Into::into),
        }
    }

    /// The file that a name means in a listing.
    pub(super) fn find_file(&self, photos: &Photos, name: &[u8]) -> Option<Inode> {
        if let Photos::Texts(folder) = photos {
            return self.photo_of_text(*folder, name).map(Inode::of_text);
        }
        let found = match photos {
            Photos::None | Photos::Texts(_) => None,
            Photos::In(folder) => self.index().in_folder(*folder, name),
            Photos::Matching(query) => self
                .index()
                .by_name(name)
                .filter(|&id| self.index().admits(query, id, &no_matches)),
            Photos::Found(query, matches) => {
                let words = |words: &Words| matches.of(words);
                let named = self.index().by_name(name);
                named.filter(|&id| self.index().admits(query, id, &words))
            }
            Photos::Recent => self
                .index()
                .by_name(name)
                .filter(|&id| self.index().is_recent(id)),
            Photos::Titled => self.index().by_title(name),
            Photos::Alike(oldest) => self
                .index()
                .by_name(name)
                .filter(|&id| self.index().group_of(id) == Some(*oldest)),
        };
        found.map(Inode::of_photo)
    }
}

/// For queries without full-text parts; the others are answered by the store.
pub(super) fn no_matches(_: &Words) -> Arc<RoaringBitmap> {
    Arc::default()
}
