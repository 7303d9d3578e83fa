//! `saved/<name>/`: the photos that a query means which somebody keeps. `mkdir` keeps one, `rmdir` forgets it.

use super::View;
use crate::index::Membership;
use crate::vfs::{Edits, Folders, Listing, Step};

pub struct Saved;

impl View for Saved {
    fn name(&self) -> &'static str {
        "saved"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing {
                folders: Folders::Saved,
                edits: Edits::Saved,
                ..Listing::nothing()
            },
            [.., Step::Saved { search, .. }] => Listing::search(search),
            _ => Listing::nothing(),
        }
    }

    /// A saved search narrows what other folders show.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}
