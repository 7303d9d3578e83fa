//! Looking at the photos of a query: page after page, what they have in common, and all tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::{IntoParams, ToSchema};

use super::photo::Photo;

/// Which photos, in what order, and from where on.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PhotosQuery {
    /// A query, as in the folder `search/`; every photo without one.
    #[serde(default)]
    pub q: String,
    /// The order; the best match first for a query with words, else the newest.
    #[param(inline, nullable = false)]
    pub sort: Option<Sort>,
    /// Where the page before ended: its `next`.
    #[param(nullable = false)]
    pub after: Option<String>,
    /// At most so many; 100 if nothing is said.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// In what order photos are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Sort {
    /// The best match first, then the newest.
    Relevance,
    /// By date; what has none comes last.
    Newest,
    /// By date, the earliest first; what has none comes last.
    Oldest,
    /// By file name.
    Name,
    /// What came into the catalog last, first.
    Added,
}

/// A page of photos.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PhotoPage {
    /// How many there are on all pages.
    pub total: u64,
    /// Those of this page.
    pub photos: Vec<Photo>,
    /// What `after` is for the next page; `null` on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// Of which photos, and how many values of each facet.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FacetsQuery {
    /// A query, as in the folder `search/`; every photo without one.
    #[serde(default)]
    pub q: String,
    /// At most so many of each; 100 if nothing is said.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// What the photos of a query have in common.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Facets {
    /// Photos of the query.
    pub total: u64,
    /// By the name of the facet, what narrows the query down.
    pub facets: BTreeMap<String, Vec<Choice>>,
}

/// A way to narrow a query down.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Choice {
    /// As people read it.
    pub value: String,
    /// The query that chooses it as well.
    pub query: String,
    /// Photos that are left then.
    pub photos: u64,
}

/// Which tags.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TagsQuery {
    /// What they begin with.
    #[serde(default)]
    pub prefix: String,
    /// At most so many; 100 if nothing is said.
    #[param(nullable = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// Tags, the most frequent first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tags {
    /// The tags.
    pub tags: Vec<TagCount>,
}

/// A tag, and how many photos have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TagCount {
    /// As it is shown.
    pub tag: String,
    /// Photos that have it.
    pub photos: u64,
}
