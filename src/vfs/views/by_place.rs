//! `by-place/Italy/Rome/`: photos under the nearest city, or under the country where no city is near.

use super::View;
use super::labels::LabelFolders;
use super::query::Matching;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Listing, Step};

pub struct ByPlace;

impl View for ByPlace {
    fn name(&self) -> &'static str {
        "by-place"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::folders(LabelFolders::of(Facet::Country, Query::All)),
            [Step::Label(country)] => {
                let here = Query::Label(country.clone());
                let without_city = here.clone().and(!Query::Facet(Facet::City));
                Listing::of(LabelFolders::of(Facet::City, here), Matching(without_city))
            }
            [Step::Label(country), Step::Label(city), ..] => {
                let country = Query::Label(country.clone());
                Listing::photos(Matching(country.and(Query::Label(city.clone()))))
            }
            _ => Listing::nothing(),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Country)
    }
}
