//! `all/`: the source tree as it is.

use super::View;
use crate::index::{FolderId, Membership};
use crate::vfs::{Folders, Listing, Photos, Step};

pub struct All;

impl View for All {
    fn name(&self) -> &'static str {
        "all"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let folder = match steps.last() {
            Some(Step::Source(folder)) => *folder,
            _ => FolderId::TOP,
        };
        Listing {
            folders: Folders::Source(folder),
            photos: Photos::In(folder),
            ..Listing::nothing()
        }
    }

    fn links(&self, _: &Membership) -> u32 {
        1
    }
}
