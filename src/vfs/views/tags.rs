//! `tags/beach/`: photos tagged beach, and the tags that narrow them: `tags/beach/sunset/`, `tags/beach/-people/`.
//! Here tags are edited with ordinary commands, but not where photos are shown for what they lack.

use super::View;
use crate::catalog::{Facet, Query};
use crate::index::Membership;
use crate::vfs::{Edits, Folders, Listing, Photos, Step};

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
        let photos = match steps {
            [] => Photos::None,
            _ => Photos::Matching(within.clone()),
        };
        let folders = Folders::Labels {
            facet: Facet::Tag,
            within,
            prefix: String::new(),
            narrowing: !steps.is_empty(),
            listed: match steps.len() {
                0 => usize::MAX,
                depth if depth < facet_depth => MOST_NARROWING,
                _ => 0,
            },
        };
        Listing {
            folders,
            photos,
            needs_analyses: true,
            edits: edits(steps),
        }
    }

    fn links(&self, photo: &Membership) -> u32 {
        photo.labels(Facet::Tag)
    }
}

fn edits(steps: &[Step]) -> Edits {
    let tags = steps.iter().map(|step| match step {
        Step::Label(key) => Some(key.clone()),
        _ => None,
    });
    tags.collect::<Option<_>>().map_or(Edits::None, Edits::Tags)
}
