//! Queries that are kept under a name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Method, Request};

/// Keeps a query, in the place of an earlier one of this name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SaveRequest {
    /// Without a `/`; what can't be a file name is refused.
    pub name: String,
    /// As in the folder `search/`.
    pub query: String,
}

impl Request for SaveRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/saved";
    type Answer = Saved;
}

/// A query that is kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// As it is in `saved/`.
    pub name: String,
}
