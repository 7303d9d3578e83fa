//! Photos that a query means.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{EncodedPath, PhotoPath};
use super::photo::PhotoStatus;
use super::{Method, Request};

/// What is looked for, and where.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// A query, as in the folder `search/`.
    pub q: String,
    /// At most so many; all without it.
    #[param(nullable = false)]
    pub limit: Option<usize>,
    /// Only below this folder of the source.
    #[param(nullable = false)]
    pub within_base64: Option<EncodedPath>,
}

impl Request for SearchQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/search";
    type Answer = Found;
}

/// What was found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// The query as it was understood.
    pub query: String,
    /// How many there are, however many are given.
    pub total: u64,
    /// The most relevant first, then the newest.
    pub photos: Vec<Hit>,
}

/// A photo that was found.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// Where it is.
    #[serde(flatten)]
    pub path: PhotoPath,
    /// Its number in this catalog.
    pub id: u32,
    /// In every view but `all/`.
    pub name: String,
    /// Whether it was looked at.
    pub status: PhotoStatus,
    /// When it was taken, in the time of the camera.
    #[schema(required)]
    pub date: Option<String>,
    /// How well it fits the words of the query; 0 for a query without words.
    pub score: f64,
}
