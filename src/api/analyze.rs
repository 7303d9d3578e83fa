//! Analysing on purpose, having analyses wait, and trying failed ones again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path::EncodedPath;
use super::photo::{Photo, PhotoName};
use super::{Method, Request};

/// How many photos the answer is about.
pub const PHOTOS_HEADER: &str = "kbasefs-photos";

/// What is to be looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AnalyzeRequest {
    /// Every photo of the source, or of a folder of it, when missing.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photos: Option<Vec<PhotoName>>,
    /// A folder of the source.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_base64: Option<EncodedPath>,
    /// Only this one is to look; else all inside the program, and the preferred server.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Also at photos that it has looked at with another model or prompt.
    #[serde(default)]
    pub stale: bool,
    /// Only say what it would take.
    #[serde(default)]
    pub dry_run: bool,
}

/// Of one with `dry_run`; any other is answered by a [`AnalyzeLine`] a photo.
impl Request for AnalyzeRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/analyze";
    type Answer = Estimate;
}

/// What an analysis would take, by what the requests of this month took.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Photos that were asked for.
    pub photos: u64,
    /// What each provider would do.
    pub providers: Vec<ProviderEstimate>,
}

/// The part of one provider.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderEstimate {
    /// As the settings name it.
    pub name: String,
    /// The model that looks at photos.
    pub model: String,
    /// Photos that it would look at.
    pub images: u64,
    /// Tokens sent, pictures included.
    pub input_tokens: u64,
    /// Tokens answered.
    pub output_tokens: u64,
    /// `null` where no price is known.
    #[schema(required)]
    pub cost: Option<f64>,
    /// `null` where it isn't known how fast it is.
    #[schema(required)]
    pub seconds: Option<f64>,
}

/// A line of the answer: one for each photo as it is done, and a last one that sums up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnalyzeLine {
    /// A photo that is done.
    Photo(Box<AnalyzedPhoto>),
    /// A photo that is done, and can't be read now.
    Unread(UnreadPhoto),
    /// The last line.
    Sum(AnalyzedSum),
}

/// A photo that was looked at, and what is known of it now. `reason` says why it failed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AnalyzedPhoto {
    /// What is known of it now.
    #[serde(flatten)]
    pub photo: Photo,
    /// How it ended.
    pub result: AnalyzeResult,
}

/// A photo of which nothing can be read now: it has gone, or the catalog can't be read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnreadPhoto {
    /// The number of the photo.
    pub id: u32,
    /// Why the catalog can't be read; left out where the photo has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// Why the analysis failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// How it ended.
    pub result: AnalyzeResult,
}

/// How the analysis of a photo ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnalyzeResult {
    /// Somebody looked at it.
    Analyzed,
    /// Nobody can look at it.
    Failed,
    /// Whoever was asked wouldn't, or couldn't, look at it now.
    Refused,
    /// There was nothing to do.
    Skipped,
}

/// How many ended how; what was refused counts as failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnalyzedSum {
    /// All photos that were asked for.
    pub photos: u64,
    /// Photos that somebody looked at.
    pub analyzed: u64,
    /// Photos that failed or were refused.
    pub failed: u64,
    /// Photos for which there was nothing to do.
    pub skipped: u64,
    /// From the first to the last.
    pub seconds: f64,
}

impl AnalyzedSum {
    /// Counts one more photo.
    pub fn add(&mut self, result: AnalyzeResult) {
        self.photos += 1;
        match result {
            AnalyzeResult::Analyzed => self.analyzed += 1,
            AnalyzeResult::Failed | AnalyzeResult::Refused => self.failed += 1,
            AnalyzeResult::Skipped => self.skipped += 1,
        }
    }
}

/// Whether analyses are to wait.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct PauseRequest {
    /// False lets them go on.
    pub paused: bool,
}

/// Whether they wait.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Paused {
    /// Whether none is begun.
    pub paused: bool,
}

/// How many photos have another chance.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Retried {
    /// Photos that had failed.
    pub photos: u64,
}
