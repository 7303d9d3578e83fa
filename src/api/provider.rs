//! What came of trying a provider: `kbasefs provider list` and `kbasefs provider test`.

use serde::Serialize;

/// Whether a provider can be reached, and what it said.
#[derive(Debug, Serialize)]
pub struct ProviderTest {
    /// As the settings name it.
    pub name: String,
    /// The protocol.
    pub kind: &'static str,
    /// Where it is.
    pub url: String,
    /// The model that is asked.
    pub model: String,
    /// When it looks at photos.
    pub on: &'static str,
    /// Whether it answered anything.
    pub reachable: bool,
    /// Those that it has; `null` where it doesn't say.
    pub models: Option<Vec<String>>,
    /// Of the answer; without one, of the list of models.
    pub latency_s: Option<f64>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// `null` where it wasn't asked.
    pub answer: Option<ProviderAnswer>,
    /// Tokens sent; `null` where it costs nothing or wasn't asked.
    pub input_tokens: Option<u64>,
    /// Tokens answered.
    pub output_tokens: Option<u64>,
    /// `null` where no price is known.
    pub cost: Option<f64>,
}

/// What it says of a picture.
#[derive(Debug, Serialize)]
pub struct ProviderAnswer {
    /// A few words.
    pub title: Option<String>,
    /// A sentence or more.
    pub description: Option<String>,
    /// The surest first.
    pub tags: Vec<ProviderAnswerTag>,
}

/// A tag that it gives.
#[derive(Debug, Serialize)]
pub struct ProviderAnswerTag {
    /// After it was cleaned.
    pub name: String,
    /// 0 to 1.
    pub confidence: f32,
}
