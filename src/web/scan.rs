//! Bringing the catalog in step with the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::app::App;

pub async fn post(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let report = app.scan()?;
        let hashed = app.find_copies()?;
        let per_file = report.bytes_read.checked_div(report.opened).unwrap_or(0);
        Ok(Json(json!({
            "photos": report.photos,
            "files": report.files_seen,
            "opened": report.opened,
            "bytes_read": report.bytes_read,
            "bytes_per_file": per_file,
            "added": report.added,
            "changed": report.changed,
            "moved": report.moved,
            "gone": report.gone,
            "unreadable": report.unreadable,
            "other": report.other,
            "hashed": hashed,
            "seconds": report.seconds,
        })))
    })
    .await
}
