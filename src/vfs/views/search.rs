//! `search/<query>/`: the photos that a query means. Any query is a folder; nothing is stored by looking.

use std::sync::Arc;

use super::View;
use super::query::Matching;
use crate::index::Membership;
use crate::vfs::generated::{self, Location};
use crate::vfs::listing::{Changed, Names, Shown, Subfolder, Subfolders, cookies};
use crate::vfs::search::MISTAKE;
use crate::vfs::{self, Listing, Step};

pub struct Search;

impl View for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn list(&self, steps: &[Step], _: usize) -> Listing {
        match steps {
            [] => Listing::folders(Searches),
            [.., Step::Search(search)] => photos_of(search),
            _ => Listing::nothing(),
        }
    }

    /// A search narrows what other folders show.
    fn links(&self, _: &Membership) -> u32 {
        0
    }
}

/// The photos of a search, or what is wrong with it.
pub fn photos_of(search: &vfs::Search) -> Listing {
    match search.query() {
        Ok(query) => Listing {
            needs_analyses: query.needs_analyses(),
            ..Listing::photos(Matching(query.clone()))
        },
        Err(_) => Listing::folders(Mistake),
    }
}

/// A folder for every query; the latest are listed, and a README.
#[derive(Debug)]
struct Searches;

impl Subfolders for Searches {
    fn list(&self, shown: Shown<'_>) -> Vec<Subfolder> {
        let named = shown.recent_searches.names().into_iter();
        let folders = named.zip(cookies::FIRST..).filter_map(|(name, cookie)| {
            let search = vfs::Search::named(&name)?;
            let step = Step::Search(Arc::new(search));
            Some(Subfolder { cookie, name, step })
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], _: Shown<'_>) -> Option<Step> {
        vfs::Search::named(name).map(|search| Step::Search(Arc::new(search)))
    }

    /// Any name is and stays a query; which are listed isn't kept.
    fn stale(&self, _: &mut Changed<'_>) -> Names {
        Names::new()
    }

    /// Looking at searches changes which are listed.
    fn is_steady(&self) -> bool {
        false
    }

    fn generated(&self) -> Vec<(usize, &'static [u8])> {
        generated::files_in(Location::Search)
    }
}

/// No folder, but the file that says what is wrong with a query.
#[derive(Debug)]
struct Mistake;

impl Subfolders for Mistake {
    fn list(&self, _: Shown<'_>) -> Vec<Subfolder> {
        vec![Subfolder {
            cookie: cookies::FIRST,
            name: MISTAKE.into(),
            step: Step::Mistake,
        }]
    }

    fn find(&self, name: &[u8], _: Shown<'_>) -> Option<Step> {
        (name == MISTAKE).then_some(Step::Mistake)
    }

    fn stale(&self, _: &mut Changed<'_>) -> Names {
        Names::new()
    }
}
