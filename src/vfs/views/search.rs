//! `search/<query>/`: the photos that a query means. Any query is a folder; nothing is stored by looking.

use super::View;
use crate::index::Membership;
use crate::vfs::{Folders, Listing, Step};

pub struct Search;

impl View for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing {
                folders: Folders::Searches,
                ..Listing::nothing()
            },
            [.., Step::Search(search)] => Listing::search(search),
            _ => Listing::nothing(),
        }
    }

    /// A search narrows what other folders show.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}
