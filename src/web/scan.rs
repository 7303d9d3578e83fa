//! Bringing the catalog, or a part of it, in step with the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::shape;
use crate::source::Scanner;

#[derive(Deserialize)]
pub struct ScanRequest {
    /// Only this folder.
    within_base64: Option<String>,
}

pub async fn post(
    State(scanner): State<Arc<Scanner>>,
    Json(body): Json<ScanRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let report = scanner.scan_below(&shape::within(body.within_base64.as_deref())?)?;
        let read_again = scanner.read_outdated()?;
        let hashed = scanner.find_copies()?;
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
            "read_again": read_again,
            "hashed": hashed,
            "seconds": report.seconds,
        })))
    })
    .await
}
