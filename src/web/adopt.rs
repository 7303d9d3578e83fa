//! Taking over what another program's model said: one line of JSON in the end that sums up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::shape::Named;
use crate::analysis::AnalysisResult;
use crate::analysis::parse;
use crate::analysis::scheduler::Adopted;
use crate::analysis::tag_normalizer::TagNormalizer;
use crate::app::App;
use crate::catalog::clean;

#[derive(Deserialize)]
pub struct AdoptRequest {
    answers: Vec<Said>,
}

/// What was said of one photo.
#[derive(Deserialize)]
struct Said {
    #[serde(flatten)]
    photo: Named,
    model: Option<String>,
    /// Seconds since 1970.
    at: Option<i64>,
    /// In any of the shapes in which models answer.
    answer: Value,
}

pub async fn post(
    State(app): State<Arc<App>>,
    Json(body): Json<AdoptRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        app.scan()?;
        let mut counts = [0u64; 4];
        for said in &body.answers {
            let at = match adopt(&app, said) {
                None => 3,
                Some(AnalysisResult::Analyzed) => 0,
                Some(AnalysisResult::Skipped) => 1,
                Some(AnalysisResult::Failed(_) | AnalysisResult::Refused(_)) => 2,
            };
            counts[at] += 1;
        }
        let [taken, skipped, failed, unknown] = counts;
        Ok(Json(
            json!({"taken": taken, "skipped": skipped, "failed": failed, "unknown": unknown}),
        ))
    })
    .await
}

/// `None` for a photo that isn't there, or an answer that says nothing.
fn adopt(app: &App, said: &Said) -> Option<AnalysisResult> {
    let photo = said.photo.resolve(app).ok()?;
    let answer = parse::of_object(&said.answer, &TagNormalizer::new(false)).ok()?;
    let model = said.model.as_deref().and_then(|model| clean(model, 200));
    let adopted = Adopted {
        photo,
        model: model.unwrap_or_else(|| "unknown".into()),
        at: said.at,
        answer,
    };
    let largest = app.config.max_file_size_mb << 20;
    Some(app.scheduler.adopt(&app.originals, largest, adopted))
}
