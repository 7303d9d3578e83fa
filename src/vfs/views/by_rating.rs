//! `by-rating/5/`: photos under their stars, 1 to 5. Unrated ones, which programs also write as 0, are in none.

use super::View;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Listing, Photos, Step};

pub struct ByRating;

impl View for ByRating {
    fn name(&self) -> &'static str {
        "by-rating"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::labels(
                Facet::Rating,
                !Query::label(Facet::Rating, "0"),
                Photos::None,
            ),
            [.., Step::Label(stars)] => Listing::photos(Query::Label(stars.clone())),
            _ => Listing::nothing(),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        u32::from(photo.stars > 0)
    }
}
