//! Giving photos tags, and taking tags from them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::history::By;
use super::photo::PhotoName;
use super::{Method, Request};

/// Which photos, and which tags.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TagRequest {
    /// Those that are changed.
    pub photos: Vec<PhotoName>,
    /// As people write them.
    pub tags: Vec<String>,
    /// Takes them away.
    #[serde(default)]
    pub remove: bool,
    /// Who asks for it.
    #[serde(default)]
    pub by: By,
}

impl Request for TagRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/tag";
    type Answer = Tagged;
}

/// What that changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Tagged {
    /// The number of the act in the journal; `null` where nothing changed.
    #[schema(required)]
    pub act: Option<u64>,
    /// Photos that have other tags now.
    pub photos: u64,
}
