//! The folders of the root, each with all kinds of folders that it leads to: what they list, how a name is found there, and
//! when that goes stale. A new view is one new file and one line in [`views`].

mod all;
mod by_date;
mod by_place;
mod descriptions;
mod duplicates;
mod facet;
pub(super) mod labels;
pub(super) mod query;
mod recent;
mod root;
pub(super) mod saved;
mod search;
mod status;
mod tags;
mod titles;

use super::{Editable, Listing, Step};
use crate::catalog::Facet;
use crate::index::Membership;
use facet::FacetView;
pub use root::Root;

/// One way to arrange the photos. Pure: everything it knows is in its arguments.
pub trait View: Sync {
    /// The folder in the root.
    fn name(&self) -> &'static str;

    /// What the folder at these steps below the view's own shows.
    fn list(&self, steps: &[Step], facet_depth: usize) -> Listing;

    /// What ordinary commands change there.
    fn editable(&self, _: &[Step]) -> Editable {
        Editable::Nothing
    }

    /// How many names a photo has in this view, outside folders that narrow others.
    fn links(&self, photo: &Membership) -> u32;
}

/// All views, as the root lists them.
pub fn views() -> &'static [&'static dyn View] {
    &[
        &all::All,
        &tags::Tags,
        &by_date::ByDate,
        &FacetView {
            name: "by-camera",
            facet: Facet::Camera,
            needs_analyses: false,
            except: None,
        },
        &by_place::ByPlace,
        &FacetView {
            name: "by-color",
            facet: Facet::Color,
            needs_analyses: true,
            except: None,
        },
        &FacetView {
            name: "by-type",
            facet: Facet::Type,
            needs_analyses: false,
            except: None,
        },
        &FacetView {
            name: "by-rating",
            facet: Facet::Rating,
            needs_analyses: false,
            // Programs also write that a photo is unrated.
            except: Some("0"),
        },
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
