//! `by-place/Italy/Rome/`: photos under the nearest city, or under the country where no city is near.

use super::View;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Listing, Photos, Step};

pub struct ByPlace;

impl View for ByPlace {
    fn name(&self) -> &'static str {
        "by-place"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::labels(Facet::Country, Query::All, Photos::None),
            [Step::Label(country)] => {
                let here = Query::Label(country.clone());
                let without_city = here.clone().and(!Query::Facet(Facet::City));
                Listing::labels(Facet::City, here, Photos::Matching(without_city))
            }
            [Step::Label(country), Step::Label(city), ..] => {
                Listing::photos(Query::Label(country.clone()).and(Query::Label(city.clone())))
            }
            _ => Listing::nothing(),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Country)
    }
}
