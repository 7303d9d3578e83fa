//! `by-date/2024/07/14/`: photos under the day on which they were taken.

use super::View;
use crate::catalog::{Facet, LabelKey, Query};
use crate::index::Membership;
use crate::vfs::{Folders, Listing, Photos, Step};

pub struct ByDate;

impl View for ByDate {
    fn name(&self) -> &'static str {
        "by-date"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::labels(Facet::Year, Query::All, Photos::None),
            [Step::Label(year)] => parts(Facet::Month, year),
            [_, Step::Label(month)] => parts(Facet::Day, month),
            [.., Step::Label(day)] => Listing::photos(Query::Label(day.clone())),
            _ => Listing::nothing(),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Day)
    }
}

/// The months of a year, the days of a month: `2024-07` is called `07` in `2024`.
fn parts(facet: Facet, whole: &LabelKey) -> Listing {
    let folders = Folders::Labels {
        facet,
        within: Query::Label(whole.clone()),
        prefix: format!("{}-", whole.folded),
        narrowing: false,
        listed: usize::MAX,
    };
    Listing {
        folders,
        ..Listing::nothing()
    }
}
