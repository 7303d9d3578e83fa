//! Everything that is known, written into a folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use super::shape;
use crate::api::{ExchangeReport, ExportRequest, FailedFile, FailureBody};
use crate::catalog::SourcePath;
use crate::exchange::{Exchange, Format, Report};
use crate::library::Library;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// Writes everything that is known into a folder.
#[utoipa::path(
    post,
    path = "/api/v1/export",
    operation_id = "export",
    request_body = ExportRequest,
    responses(
        (status = 200, description = "How it went", body = ExchangeReport),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn post(
    State(library): State<Arc<Library>>,
    State(source_files): State<Arc<SourceFiles>>,
    State(instance): State<Arc<Instance>>,
    Json(body): Json<ExportRequest>,
) -> Result<Json<ExchangeReport>, Failure> {
    let source = Arc::clone(&source_files);
    super::at_source(&source_files, move || {
        let format = format(&body.format)?;
        let folder = folder(&body, format, source.root(), &instance)?;
        let exchange = Exchange {
            library: &library,
            source_files: &source,
            folder: shape::within(body.within_base64.as_ref())?,
        };
        Ok(Json(report_shape(exchange.export(format, &folder)?)))
    })
    .await
}

/// Where it is to go.
fn folder(
    body: &ExportRequest,
    format: Format,
    root: &Path,
    instance: &Instance,
) -> Result<PathBuf, Failure> {
    let folder = match &body.to {
        Some(path) => path.resolve(instance)?,
        None if format == Format::Xmp => root.into(),
        None => return Err(Failure::bad_request("only sidecars go into the source")),
    };
    if body.to.is_some() && is_inside(&folder, root) {
        let error = format!("{} is in the photo folder", folder.display());
        return Err(Failure::hinted(
            error,
            "sidecars beside the photos: --into-source",
        ));
    }
    Ok(folder)
}

/// A folder of the source.
pub fn below(root: &Path, folder: &SourcePath) -> PathBuf {
    match folder.as_bytes() {
        [] => root.into(),
        below => root.join(OsStr::from_bytes(below)),
    }
}

pub fn format(name: &str) -> Result<Format, Failure> {
    name.parse()
        .map_err(|_| Failure::bad_request("the format is json, csv or xmp"))
}

/// Whether a folder, which may not be there yet, is in another.
fn is_inside(folder: &Path, root: &Path) -> bool {
    let there = folder.ancestors().find_map(|f| f.canonicalize().ok());
    there.is_some_and(|there| there.starts_with(root))
}

pub fn report_shape(report: Report) -> ExchangeReport {
    let failed = report.failed.into_iter();
    ExchangeReport {
        photos: report.photos,
        changed: report.changed,
        failed: failed
            .map(|(path, reason)| FailedFile { path, reason })
            .collect(),
    }
}
