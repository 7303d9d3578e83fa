//! `tags/beach/`: photos tagged beach, and the tags that narrow them: `tags/beach/sunset/`, `tags/beach/-people/`.
//! Here tags are edited with ordinary commands, but not where photos are shown for what they lack.

use super::View;
use super::labels::LabelFolders;
use super::query::Matching;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Editable, Listing, Step};

pub struct Tags;

/// So many tags are listed below a tag. A photo of `k` tags is listed at most `k * (1 + MOST_NARROWING)` times then, with
/// a `facet_depth` of 2: without it `k * k` times, and there are photos with hundreds of keywords.
const MOST_NARROWING: usize = 32;

impl View for Tags {
    fn name(&self) -> &'static str {
        "tags"
    }

    fn list(&self, steps: &[Step], facet_depth: usize) -> Listing {
        let within = steps.iter().fold(Query::All, |query, step| match step {
            Step::Label(key) => query.and(Query::Label(key.clone())),
            Step::Except(key) => query.and(!Query::Label(key.clone())),
            _ => query,
        });
        let folders = LabelFolders::of(Facet::Tag, within.clone());
        let listing = match steps.len() {
            0 => Listing::folders(folders),
            depth => {
                let listed = match depth < facet_depth {
                    true => MOST_NARROWING,
                    false => 0,
                };
                let path = steps.iter().filter_map(|step| match step {
                    Step::Label(key) => Some(key.clone()),
                    _ => None,
                });
                Listing::of(folders.narrowing(path.collect(), listed), Matching(within))
            }
        };
        listing.needing_analyses()
    }

    fn editable(&self, steps: &[Step]) -> Editable {
        let tags = steps.iter().map(|step| match step {
            Step::Label(key) => Some(key.clone()),
            _ => None,
        });
        let tags = tags.collect::<Option<_>>();
        tags.map_or(Editable::Nothing, Editable::Tags)
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Tag)
    }
}
