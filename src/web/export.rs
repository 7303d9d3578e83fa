//! Everything that is known, written into a folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::shape::{self, FilePath};
use crate::app::App;
use crate::catalog::SourcePath;
use crate::exchange::{Exchange, Format, Report};

#[derive(Deserialize)]
pub struct ExportRequest {
    format: String,
    /// The folder; the source itself when missing: sidecars beside the photos.
    to: Option<FilePath>,
    /// Only photos below this folder. Paths begin at the source.
    within_base64: Option<String>,
}

pub async fn post(
    State(app): State<Arc<App>>,
    Json(body): Json<ExportRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || export(&app, &body).map(Json)).await
}

fn export(app: &App, body: &ExportRequest) -> Result<Value, Failure> {
    let format = format(&body.format)?;
    let root = app.source_files.root();
    let within = shape::within(body.within_base64.as_deref())?;
    let folder = match &body.to {
        Some(path) => path.resolve(app)?,
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
    let exchange = Exchange {
        library: &app.library,
        source_files: &app.source_files,
        folder: within,
    };
    Ok(report_shape(&exchange.export(format, &folder)?))
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
        .map_err(|()| Failure::bad_request("the format is json, csv or xmp"))
}

/// Whether a folder, which may not be there yet, is in another.
fn is_inside(folder: &Path, root: &Path) -> bool {
    let there = folder.ancestors().find_map(|f| f.canonicalize().ok());
    there.is_some_and(|there| there.starts_with(root))
}

pub fn report_shape(report: &Report) -> Value {
    let failed = report.failed.iter();
    let failed = failed.map(|(path, reason)| json!({"path": path, "reason": reason}));
    json!({
        "photos": report.photos,
        "changed": report.changed,
        "failed": failed.collect::<Vec<_>>(),
    })
}
