//! Which catalog answers, what is wrong with its file, and taking over the one of a folder within.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::exchange::ExchangeReport;
use super::path::{EncodedPath, FilePath};
use super::{Method, Request};

/// The id of the catalog that is meant, in a request.
pub const CATALOG_HEADER: &str = "kbasefs-catalog";

/// Asks which catalog answers.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CatalogQuery {}

impl Request for CatalogQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/catalog";
    type Answer = CatalogIdentity;
}

/// Which catalog answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogIdentity {
    /// Of the catalog, and of no other one.
    pub id: String,
    /// The photo folder.
    pub source_base64: EncodedPath,
    /// The catalog's file.
    pub index_base64: EncodedPath,
    /// Whether the folder at the path of the source is the one that is shown.
    #[serde(default = "unless_told")]
    #[schema(required)]
    pub in_place: bool,
}

/// Versions that didn't look said nothing.
fn unless_told() -> bool {
    true
}

/// Takes over the catalog of a folder within the source.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdoptRequest {
    /// The folder whose catalog it is.
    pub source: FilePath,
    /// The file of that catalog.
    pub index: FilePath,
}

impl Request for AdoptRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/catalog/adopt";
    type Answer = Adopted;
}

/// What was taken over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Adopted {
    /// How the words of it were taken over.
    #[serde(flatten)]
    pub report: ExchangeReport,
    /// Where the file of the catalog that was taken over is now.
    pub aside: String,
}

/// Has a catalog made smaller while people edit.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct VacuumRequest {}

impl Request for VacuumRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/catalog/vacuum";
    type Answer = Vacuumed;
}

/// What came of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Vacuumed {
    /// Bytes of the file and of its log before.
    pub bytes_before: u64,
    /// Bytes of them afterwards.
    pub bytes_after: u64,
}

/// What `kbasefs catalog check` finds.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogCheck {
    /// Whether nothing is wrong.
    pub sound: bool,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// What was lost when the file was made of a damaged one.
    pub recovered: Option<String>,
}

/// A catalog of `kbasefs catalog list`.
#[derive(Clone, Debug, Serialize)]
pub struct KeptCatalog {
    /// Its file.
    pub catalog: String,
    /// Bytes of that file and of its log.
    pub catalog_bytes: u64,
    /// The photo folder; `null` where the file can't be read.
    pub source: Option<String>,
    /// Whether a process has it now.
    pub in_use: bool,
}
