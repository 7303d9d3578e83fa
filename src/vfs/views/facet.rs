//! Views of one level: a folder for each label of a facet, with its photos and nothing below.

use super::View;
use super::labels::LabelFolders;
use super::query::Matching;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Listing, Step};

/// Such a view is data.
pub struct FacetView {
    pub name: &'static str,
    pub facet: Facet,
    /// Whether analyses find the labels.
    pub needs_analyses: bool,
    /// The label that has no folder here.
    pub except: Option<&'static str>,
}

impl View for FacetView {
    fn name(&self) -> &'static str {
        self.name
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        let listing = match steps {
            [] => Listing::folders(LabelFolders::of(self.facet, self.within())),
            [.., Step::Label(key)] => Listing::photos(Matching(Query::Label(key.clone()))),
            _ => Listing::nothing(),
        };
        Listing {
            needs_analyses: self.needs_analyses,
            ..listing
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        match self.facet {
            Facet::Rating => u32::from(photo.stars > 0),
            facet => photo.labels(facet),
        }
    }
}

impl FacetView {
    fn within(&self) -> Query {
        match self.except {
            Some(value) => !Query::label(self.facet, value),
            None => Query::All,
        }
    }
}
