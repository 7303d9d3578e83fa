//! Which photo of the catalog a line of an import is about.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Exchange;
use crate::catalog::{ContentHash, Photo, PhotoId, SourcePath};
use crate::index::Index;

/// A photo as files name it: the path relative to the source, its bytes as base64 where it is not UTF-8.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Name {
    pub path: String,
    pub path_base64: Option<String>,
}

impl Name {
    pub fn of(path: &SourcePath) -> Self {
        let bytes = path.as_bytes();
        let lossy = std::str::from_utf8(bytes).is_err();
        Self {
            path: path.to_string(),
            path_base64: lossy.then(|| URL_SAFE_NO_PAD.encode(bytes)),
        }
    }

    fn source_path(&self) -> Option<SourcePath> {
        Some(SourcePath::new(match &self.path_base64 {
            Some(text) => URL_SAFE_NO_PAD.decode(text).ok()?,
            None => self.path.clone().into_bytes(),
        }))
    }
}

/// A content hash as files write it.
pub fn parse_hash(text: &str) -> Option<ContentHash> {
    let hash = blake3::Hash::from_hex(text).ok()?;
    Some(ContentHash(*hash.as_bytes()))
}

/// Finds photos by path, and by content where that moved.
pub struct Matcher<'a> {
    exchange: &'a Exchange<'a>,
    index: &'a Index,
    by_hash: HashMap<ContentHash, PhotoId>,
}

impl<'a> Matcher<'a> {
    pub fn new(exchange: &'a Exchange<'a>) -> Self {
        let index = exchange.library.index();
        let photos = exchange.photos().into_iter();
        let mut by_hash = HashMap::new();
        for photo in photos.filter_map(|id| index.photo(id)) {
            if let Some(hash) = photo.hash {
                by_hash.entry(hash).or_insert(photo.id);
            }
        }
        Self {
            exchange,
            index,
            by_hash,
        }
    }

    /// A photo of this content.
    pub fn of_content(&self, hash: &ContentHash) -> Option<Photo> {
        self.index.photo(*self.by_hash.get(hash)?)
    }

    /// The photo at the path, unless it has another content; else one of that content.
    pub fn find(&self, name: &Name, hash: Option<ContentHash>) -> Option<Photo> {
        let path = name.source_path();
        let places = path.iter().flat_map(|p| self.exchange.places(p));
        let mut there = places.filter_map(|p| self.index.photo(self.index.by_path(&p)?));
        let Some(wanted) = hash else {
            return there.next();
        };
        let elsewhere = self.of_content(&wanted);
        there
            .find(|photo| self.fits(photo, wanted, elsewhere.is_some()))
            .or(elsewhere)
    }

    /// Whether a photo is of a content, as far as is known. Cameras give many photos the same name: where another photo
    /// is of the content, the file is read before this one is taken for it.
    fn fits(&self, photo: &Photo, wanted: ContentHash, has_other: bool) -> bool {
        match photo.hash {
            Some(hash) => hash == wanted,
            None if has_other => self.read(photo) == Some(wanted),
            None => true,
        }
    }

    /// `None` when there is no saying now.
    fn read(&self, photo: &Photo) -> Option<ContentHash> {
        let source_files = self.exchange.source_files;
        let hash = source_files.hash(&photo.path, &photo.stat, &|| true);
        hash.unwrap_or_else(|error| {
            tracing::warn!(path = %photo.path, %error, "can't be hashed");
            None
        })
    }
}
