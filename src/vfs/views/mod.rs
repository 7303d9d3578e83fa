//! The folders of the root. A new view is one new file and one line in [`views`].

mod all;
mod by_camera;
mod by_color;
mod by_date;
mod by_place;
mod by_rating;
mod by_type;
mod descriptions;
mod duplicates;
mod recent;
mod saved;
mod search;
mod status;
mod tags;
mod titles;

use super::{Listing, Photos, Step};
use crate::catalog::{Facet, Query};
use crate::index::Membership;

/// One way to arrange the photos. Pure: everything it knows is in its arguments.
pub trait View: Sync {
    /// The folder in the root.
    fn name(&self) -> &'static str;

    /// What the folder at these steps below the view's own shows.
    fn list(&self, steps: &[Step], facet_depth: usize) -> Listing;

    /// How many names a photo has in this view, outside folders that narrow others.
    fn links(&self, photo: &Membership) -> u32;
}

/// All views, as the root lists them.
pub fn views() -> &'static [&'static dyn View] {
    &[
        &all::All,
        &tags::Tags,
        &by_date::ByDate,
        &by_camera::ByCamera,
        &by_place::ByPlace,
        &by_color::ByColor,
        &by_type::ByType,
        &by_rating::ByRating,
        &recent::Recent,
        &titles::Titles,
        &descriptions::Descriptions,
        &duplicates::Duplicates,
        &search::Search,
        &saved::Saved,
        &status::UNANALYZED,
        &status::FAILED,
    ]
}

/// A folder for each label of a facet, with its photos and nothing below.
fn one_level(facet: Facet, steps: &[Step]) -> Listing {
    match steps {
        [] => Listing::labels(facet, Query::All, Photos::None),
        [.., Step::Label(key)] => Listing::photos(Query::Label(key.clone())),
        _ => Listing::nothing(),
    }
}
