//! `duplicates/IMG_1.jpg/`: photos that are alike, a folder a group, called like the oldest of them.

use super::View;
use crate::index::Membership;
use crate::vfs::{Edits, Folders, Listing, Photos, Step};

pub struct Duplicates;

impl View for Duplicates {
    fn name(&self) -> &'static str {
        "duplicates"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let (folders, photos) = match steps {
            [] => (Folders::Groups, Photos::None),
            [Step::Group(oldest)] => (Folders::None, Photos::Alike(*oldest)),
            _ => (Folders::None, Photos::None),
        };
        Listing {
            folders,
            photos,
            needs_analyses: true,
            edits: Edits::None,
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.has_duplicate)
    }
}
