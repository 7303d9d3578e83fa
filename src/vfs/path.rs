//! The steps of a path through the tree. Parsed once, by the parent's listing.

use std::sync::Arc;

use super::Search;
use crate::catalog::{LabelKey, PhotoId};
use crate::index::FolderId;

/// One component of a path, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A view, by its place in [`super::views::views`]. Always the first step.
    View(usize),
    /// Photos that have this label.
    Label(LabelKey),
    /// Photos that do not.
    Except(LabelKey),
    /// A folder of the source.
    Source(FolderId),
    /// A group of photos that are alike, by its oldest photo.
    Group(PhotoId),
    /// Photos that a query means.
    Search(Arc<Search>),
    /// Photos that a query means which is kept under a name.
    Saved { name: String, search: Arc<Search> },
    /// The file that says what is wrong with the query before it.
    Mistake,
}
