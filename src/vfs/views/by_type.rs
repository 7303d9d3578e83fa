//! `by-type/jpeg/`: photos under the format of the file.

use super::View;
use crate::catalog::Facet;
use crate::index::Membership;
use crate::vfs::{Listing, Step};

pub struct ByType;

impl View for ByType {
    fn name(&self) -> &'static str {
        "by-type"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        super::one_level(Facet::Type, steps)
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Type)
    }
}
