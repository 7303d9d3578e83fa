//! `by-camera/Canon EOS R6/`: photos under the camera that took them.

use super::View;
use crate::catalog::Facet;
use crate::index::Membership;
use crate::vfs::{Listing, Step};

pub struct ByCamera;

impl View for ByCamera {
    fn name(&self) -> &'static str {
        "by-camera"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        super::one_level(Facet::Camera, steps)
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Camera)
    }
}
