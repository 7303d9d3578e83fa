//! Taking over the catalog of a folder within the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::export::report_shape;
use super::failure::Failure;
use super::shape::FilePath;
use crate::app::App;
use crate::exchange::Exchange;

#[derive(Deserialize)]
pub struct AdoptInnerRequest {
    /// The folder whose catalog it is.
    source: FilePath,
    index: FilePath,
}

pub async fn adopt(
    State(app): State<Arc<App>>,
    Json(body): Json<AdoptInnerRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let inner = app.inner(&body.source.resolve(&app)?, &body.index.resolve(&app)?)?;
        let exchange = Exchange {
            library: &app.library,
            source_files: &app.source_files,
            folder: inner.folder.clone(),
        };
        let report = exchange.adopt(&inner.index)?;
        app.inherit(&inner)?;
        let mut told = report_shape(&report);
        let aside = inner.put_aside()?;
        told["aside"] = json!(aside.to_string_lossy());
        Ok(Json(told))
    })
    .await
}
