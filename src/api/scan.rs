//! Bringing a catalog in step with its source.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::EncodedPath;
use super::{Method, Request};

/// What is to be looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ScanRequest {
    /// Only this folder of the source.
    pub within_base64: Option<EncodedPath>,
}

impl Request for ScanRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/scan";
    type Answer = ScanReport;
}

/// What a scan did.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ScanReport {
    /// Photos in the catalog afterwards.
    pub photos: u64,
    /// Regular files come across, pictures or not.
    pub files: u64,
    /// Files that were opened.
    pub opened: u64,
    /// Of all files that were opened.
    pub bytes_read: u64,
    /// Of those that were opened.
    pub bytes_per_file: u64,
    /// Photos that are new.
    pub added: u64,
    /// Photos whose file has other content or other permissions.
    pub changed: u64,
    /// Photos that have another path.
    pub moved: u64,
    /// Photos that are no longer there.
    pub gone: u64,
    /// Photos that are gone, now or since long, and of which people said something.
    pub gone_with_words: u64,
    /// Folders and files that could not be read; what was known below them is kept.
    pub unreadable: u64,
    /// Files that don't answer; what was known of them is kept, and they are tried again later.
    #[serde(default)]
    #[schema(required)]
    pub unresponsive: u64,
    /// Files that are no pictures.
    pub other: u64,
    /// Files that an earlier version read, and this one finds more in.
    pub read_again: u64,
    /// Files of the same size as another one, read to find copies.
    pub hashed: u64,
    /// How long it took.
    pub seconds: f64,
}
