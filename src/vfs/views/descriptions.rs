//! `descriptions/`: the source tree with a text file in the place of each photo, so that `grep -r "red car"` finds it.

use super::View;
use crate::index::{FolderId, Membership};
use crate::vfs::{Edits, Folders, Listing, Photos, Step};

pub struct Descriptions;

impl View for Descriptions {
    fn name(&self) -> &'static str {
        "descriptions"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let folder = match steps.last() {
            Some(Step::Source(folder)) => *folder,
            _ => FolderId::TOP,
        };
        Listing {
            folders: Folders::Source(folder),
            photos: Photos::Texts(folder),
            needs_analyses: false,
            edits: Edits::None,
        }
    }

    /// The texts are files of their own.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}
