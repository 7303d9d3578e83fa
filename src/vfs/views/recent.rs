//! `recent/`: the photos taken last, a bounded number of them.

use super::View;
use crate::index::Membership;
use crate::vfs::{Edits, Folders, Listing, Photos, Step};

pub struct Recent;

impl View for Recent {
    fn name(&self) -> &'static str {
        "recent"
    }

    fn list(&self, _: &[Step], _: usize) -> Listing {
        Listing {
            folders: Folders::None,
            photos: Photos::Recent,
            needs_analyses: false,
            edits: Edits::None,
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.is_recent)
    }
}
