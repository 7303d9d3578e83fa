//! Taking over the catalog of a folder within the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::report_shape;
use super::failure::Failure;
use super::shape::FilePath;
use crate::exchange::Takeover;
use crate::monitor::Instance;

#[derive(Deserialize)]
pub struct AdoptInnerRequest {
    /// The folder whose catalog it is.
    source: FilePath,
    index: FilePath,
}

pub async fn adopt(
    State(takeover): State<Arc<Takeover>>,
    State(instance): State<Arc<Instance>>,
    Json(body): Json<AdoptInnerRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let folder = body.source.resolve(&instance)?;
        let taken = takeover.run(&folder, &body.index.resolve(&instance)?)?;
        let mut told = report_shape(&taken.report);
        told["aside"] = json!(taken.aside.to_string_lossy());
        Ok(Json(told))
    })
    .await
}
