//! `unanalyzed/` and `failed/`: how far the analysis is.

use super::View;
use super::query::Matching;
use crate::catalog::{Query, Status};
use crate::index::Membership;
use crate::vfs::{Listing, Step};

/// A folder of the photos that have one status.
pub struct ByStatus {
    name: &'static str,
    status: Status,
}

pub const UNANALYZED: ByStatus = ByStatus {
    name: "unanalyzed",
    status: Status::Pending,
};

pub const FAILED: ByStatus = ByStatus {
    name: "failed",
    status: Status::Failed,
};

impl View for ByStatus {
    fn name(&self) -> &'static str {
        self.name
    }

    fn list(&self, _: &[Step], _: usize) -> Listing {
        Listing::photos(Matching(Query::Status(self.status)))
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.status == self.status)
    }
}
