//! Photos that are gone and of which people said something: what may be theirs now, and giving it over.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::history::By;
use super::path::PhotoPath;
use super::photo::PhotoName;
use super::{Method, Request};

/// Asks for the photos that are gone and of which people said something.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct GoneQuery {}

impl Request for GoneQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/gone";
    type Answer = GonePhotos;
}

/// The photos that are gone and of which people said something.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct GonePhotos {
    /// In order of path.
    pub photos: Vec<GonePhoto>,
}

/// A photo that is gone, what people said of it, and what it may be now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GonePhoto {
    /// Where it was.
    #[serde(flatten)]
    pub path: PhotoPath,
    /// Its number in this catalog.
    pub id: u32,
    /// Tags that people gave it.
    pub tags: Vec<String>,
    /// Tags that people took from it.
    pub denied_tags: Vec<String>,
    /// Stars that people gave it, 0 to 5.
    #[schema(required)]
    pub rating: Option<u8>,
    /// What people called it; empty where they said that it has no title.
    #[schema(required)]
    pub title: Option<String>,
    /// What people wrote of it, likewise.
    #[schema(required)]
    pub description: Option<String>,
    /// Photos that came later, of which nobody said anything, and that are like it: the likeliest first.
    pub candidates: Vec<Successor>,
    /// The number of the one among them that fits, where only one does.
    #[schema(required)]
    pub successor: Option<u32>,
}

/// A photo that one that is gone may be now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Successor {
    /// Where it is.
    #[serde(flatten)]
    pub path: PhotoPath,
    /// Its number in this catalog.
    pub id: u32,
    /// What is the same of both: `file name`, `folder name`, `camera and time`, `picture`.
    pub same: Vec<String>,
}

/// Has what people said of photos that are gone said of others instead, as one act.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveWordsRequest {
    /// Which, and to which.
    pub pairs: Vec<WordsPair>,
    /// Who asks for it.
    #[serde(default)]
    pub by: By,
}

impl Request for GiveWordsRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/gone/adopt";
    type Answer = GivenWords;
}

/// A photo that is gone, and the one of which its words are said from now on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WordsPair {
    /// By the number of it, or by the path that it had last.
    pub gone: PhotoName,
    /// What people say of it already stays.
    pub to: PhotoName,
}

/// What that changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GivenWords {
    /// The number of the act in the journal; `null` where nothing changed.
    #[schema(required)]
    pub act: Option<u64>,
    /// Photos of which the words of another one are said now.
    pub photos: u64,
    /// Photos that are gone and of which something is said still.
    pub left: u64,
}
