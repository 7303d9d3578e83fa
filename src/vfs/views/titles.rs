//! `titles/`: photos under their titles, `Sunset over the bay.jpg`.

use super::View;
use crate::index::Membership;
use crate::vfs::{Edits, Folders, Listing, Photos, Step};

pub struct Titles;

impl View for Titles {
    fn name(&self) -> &'static str {
        "titles"
    }

    fn list(&self, _: &[Step], _: usize) -> Listing {
        Listing {
            folders: Folders::None,
            photos: Photos::Titled,
            needs_analyses: true,
            edits: Edits::None,
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.has_title)
    }
}
