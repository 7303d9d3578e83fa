//! What is known, written for other programs and taken in from them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::{EncodedPath, FilePath};
use super::{Method, Request};

/// What is to be written, and where to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportRequest {
    /// `json`, `csv` or `xmp`.
    pub format: String,
    /// The folder; the source itself when missing: sidecars beside the photos.
    pub to: Option<FilePath>,
    /// Only photos below this folder. Paths begin at the source.
    pub within_base64: Option<EncodedPath>,
}

impl Request for ExportRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/export";
    type Answer = ExchangeReport;
}

/// What is to be taken in, and from where.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportRequest {
    /// `json`, `csv` or `xmp`; what the file or folder says it is when missing.
    pub format: Option<String>,
    /// A file, or a folder; the sidecars in the source when missing.
    pub from: Option<FilePath>,
    /// Only for photos below this folder. Paths begin at the source, or at the folder.
    pub within_base64: Option<EncodedPath>,
}

impl Request for ImportRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/import";
    type Answer = ExchangeReport;
}

/// How an export or import went.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ExchangeReport {
    /// Photos, or lines of a file, looked at.
    pub photos: u64,
    /// Sidecars written, or photos of which something else is known now.
    pub changed: u64,
    /// What it couldn't be done for.
    pub failed: Vec<FailedFile>,
}

/// A file or a line that could not be written or taken in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FailedFile {
    /// Of the photo, as the file names it.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}
