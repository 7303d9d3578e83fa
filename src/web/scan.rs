//! Bringing the catalog, or a part of it, in step with the source.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use super::shape;
use crate::api::{FailureBody, ScanReport, ScanRequest};
use crate::library::Library;
use crate::source::Scanner;
use crate::source_files::SourceFiles;

/// Brings the catalog, or a part of it, in step with the source.
#[utoipa::path(
    post,
    path = "/api/v1/scan",
    operation_id = "scan",
    request_body = ScanRequest,
    responses(
        (status = 200, description = "What was done", body = ScanReport),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn post(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(source_files): State<Arc<SourceFiles>>,
    Json(body): Json<ScanRequest>,
) -> Result<Json<ScanReport>, Failure> {
    super::at_source(&source_files, move || {
        let report = scanner.scan_below(&shape::within(body.within_base64.as_ref())?)?;
        let read_again = scanner.read_outdated()?;
        let hashed = scanner.find_copies()?;
        let per_file = report.bytes_read.checked_div(report.opened).unwrap_or(0);
        Ok(Json(ScanReport {
            photos: report.photos,
            files: report.files_seen,
            opened: report.opened,
            bytes_read: report.bytes_read,
            bytes_per_file: per_file,
            added: report.added,
            changed: report.changed,
            moved: report.moved,
            gone: report.gone,
            gone_with_words: library.store().gone_with_words()?.len() as u64,
            unreadable: report.unreadable,
            unresponsive: report.unresponsive,
            other: report.other,
            read_again,
            hashed,
            seconds: report.seconds,
        }))
    })
    .await
}
