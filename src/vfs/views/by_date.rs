//! `by-date/2024/07/14/`: photos under the day on which they were taken.

use super::View;
use super::labels::LabelFolders;
use super::query::Matching;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Listing, Step};

pub struct ByDate;

impl View for ByDate {
    fn name(&self) -> &'static str {
        "by-date"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::folders(LabelFolders::of(Facet::Year, Query::All)),
            // `2024-07` is called `07` in `2024`.
            [Step::Label(year)] => Listing::folders(LabelFolders::parts(Facet::Month, year)),
            [_, Step::Label(month)] => Listing::folders(LabelFolders::parts(Facet::Day, month)),
            [.., Step::Label(day)] => Listing::photos(Matching(Query::Label(day.clone()))),
            _ => Listing::nothing(),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Day)
    }
}
