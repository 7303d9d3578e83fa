//! `saved/<name>/`: the photos that a query means which somebody keeps. `mkdir` keeps one, `rmdir` forgets it.

use std::sync::Arc;

use super::View;
use super::search::photos_of;
use crate::catalog::{escape, unescape};
use crate::index::{Membership, SavedQuery};
use crate::vfs::listing::{Changed, Editable, Names, Shown, Subfolder, Subfolders, cookies};
use crate::vfs::{Listing, Search, Step};

pub struct Saved;

impl View for Saved {
    fn name(&self) -> &'static str {
        "saved"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::folders(SavedQueries),
            [.., Step::Saved { search, .. }] => photos_of(search),
            _ => Listing::nothing(),
        }
    }

    fn editable(&self, steps: &[Step]) -> Editable {
        match steps {
            [] => Editable::Saved,
            _ => Editable::Nothing,
        }
    }

    /// A saved search narrows what other folders show.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}

/// A folder for every query that is kept.
#[derive(Debug)]
struct SavedQueries;

impl Subfolders for SavedQueries {
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder> {
        let saved = shown.index.all_saved().into_iter();
        let folders = saved.map(|saved| Subfolder {
            cookie: cookies::FIRST + u64::from(saved.number),
            name: escape(&saved.name).into(),
            step: step(&saved),
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], shown: Shown<'_>) -> Option<Step> {
        let name = unescape(std::str::from_utf8(name).ok()?)?;
        shown.index.saved(&name).map(|saved| step(&saved))
    }

    fn stale(&self, change: &mut Changed<'_>) -> Names {
        let saved = change.delta.saved.iter();
        saved.map(|name| escape(name).into()).collect()
    }
}

/// The folder of a query that is kept.
pub fn step(saved: &SavedQuery) -> Step {
    Step::Saved {
        name: saved.name.clone(),
        search: Arc::new(Search::new(saved.query.clone())),
    }
}
