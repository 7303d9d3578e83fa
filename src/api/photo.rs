//! What is known of one photo.

use serde::{Deserialize, Serialize};
use strum::Display;
use utoipa::{IntoParams, ToSchema};

use super::path::{EncodedPath, PhotoPath};
use super::{Method, Request};

/// A photo, named by its number or by its path: by one of the two.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PhotoName {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    pub id: Option<u32>,
    /// Its path relative to the source, as URL-safe base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    #[param(nullable = false)]
    pub path_base64: Option<EncodedPath>,
}

impl PhotoName {
    /// By its number.
    pub fn of_id(id: u32) -> Self {
        Self {
            id: Some(id),
            path_base64: None,
        }
    }

    /// By the bytes of its path, relative to the source.
    pub fn of_path(path: &[u8]) -> Self {
        Self {
            id: None,
            path_base64: Some(EncodedPath::of(path)),
        }
    }
}

impl Request for PhotoName {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/photo";
    type Answer = Photo;
}

/// Whether a photo was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PhotoStatus {
    /// Nobody has looked at it yet.
    Pending,
    /// At least one analyzer has answered.
    Analyzed,
    /// Nobody can read or decode it.
    Failed,
    /// There is no decoder for its format.
    Unsupported,
}

/// Who says a tag, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum TagOrigin {
    /// A person, through kbasefs.
    Human,
    /// A sidecar file.
    Xmp,
    /// The picture file itself.
    File,
    /// A model on a server.
    Remote,
    /// A model inside the program.
    Embedded,
}

/// A tag of a photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tag {
    /// As it is shown.
    pub name: String,
    /// Who says it.
    pub origin: TagOrigin,
    /// The analyzer that said it; left out where no model did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub analyzer: Option<String>,
    /// 0 to 1.
    pub confidence: f32,
}

/// Everything known of a photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Photo {
    /// Where it is.
    #[serde(flatten)]
    pub path: PhotoPath,
    /// Its number in this catalog.
    pub id: u32,
    /// In every view but `all/`.
    pub name: String,
    /// Whether it was looked at.
    pub status: PhotoStatus,
    /// Why it failed, or has no description yet; left out where there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Of the content.
    #[schema(required)]
    pub hash: Option<String>,
    /// Bytes.
    pub size: u64,
    /// `jpeg`, `heif`, `nef` and so on.
    pub format: String,
    /// Pixels; 0 where it isn't known.
    pub width: u32,
    /// Pixels; 0 where it isn't known.
    pub height: u32,
    /// When it was taken, in the time of the camera: `2024-07-01T12:30:00`.
    #[schema(required)]
    pub date: Option<String>,
    /// What says so.
    #[schema(required)]
    pub date_source: Option<String>,
    /// Maker and model.
    #[schema(required)]
    pub camera: Option<String>,
    /// Its name.
    #[schema(required)]
    pub lens: Option<String>,
    /// Degrees; north is positive.
    #[schema(required)]
    pub latitude: Option<f64>,
    /// Degrees; east is positive.
    #[schema(required)]
    pub longitude: Option<f64>,
    /// Where it was taken, by name.
    #[schema(required)]
    pub country: Option<String>,
    /// The nearest one.
    #[schema(required)]
    pub city: Option<String>,
    /// Stars, 0 to 5.
    #[schema(required)]
    pub rating: Option<u8>,
    /// The surest first.
    pub colors: Vec<String>,
    /// By whoever is trusted most.
    #[schema(required)]
    pub title: Option<String>,
    /// By whoever is trusted most.
    #[schema(required)]
    pub description: Option<String>,
    /// The surest first.
    pub tags: Vec<Tag>,
    /// Whether a person set the tags as a list, to which models add nothing.
    pub tags_closed: bool,
    /// The models that looked at it.
    pub models: Vec<String>,
}
