//! `by-color/blue/`: photos under their main colours, which the analysis finds.

use super::View;
use crate::catalog::Facet;
use crate::index::Membership;
use crate::vfs::{Listing, Step};

pub struct ByColor;

impl View for ByColor {
    fn name(&self) -> &'static str {
        "by-color"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        Listing {
            needs_analyses: true,
            ..super::one_level(Facet::Color, steps)
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Color)
    }
}
