//! Which catalog answers. Whoever found it by a mount says in each request which one is meant: a photo's number means
//! another photo elsewhere.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::failure::Failure;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// The id of the catalog that is meant.
pub const CATALOG_HEADER: &str = "kbasefs-catalog";

/// How long the disk that the source is on may take to say whether it is there.
const DISK_TIMEOUT: Duration = Duration::from_secs(1);

pub async fn get(
    State(instance): State<Arc<Instance>>,
    State(source_files): State<Arc<SourceFiles>>,
) -> Json<Value> {
    let in_place = is_in_place(&source_files).await;
    let encoded = |path: &Path| URL_SAFE_NO_PAD.encode(path.as_os_str().as_bytes());
    Json(json!({
        "id": instance.id(),
        "source_base64": encoded(source_files.root()),
        "index_base64": encoded(instance.index_file()),
        "in_place": in_place,
    }))
}

/// Whether the folder at the source's path is the source, as far as can be told now: somebody may have moved that, and
/// made another one.
pub async fn is_in_place(source_files: &Arc<SourceFiles>) -> bool {
    let source_files = Arc::clone(source_files);
    let looked = tokio::task::spawn_blocking(move || source_files.is_in_place());
    match timeout(DISK_TIMEOUT, looked).await {
        Ok(Ok(Ok(in_place))) => in_place,
        // Nothing is there, or the disk says nothing: whoever reads a photo learns that.
        _ => true,
    }
}

/// Answers nothing that another catalog is asked.
pub async fn same(State(instance): State<Arc<Instance>>, request: Request, next: Next) -> Response {
    let meant = request.headers().get(CATALOG_HEADER);
    if meant.is_none_or(|id| id.as_bytes() == instance.id().as_bytes()) {
        return next.run(request).await;
    }
    let message = "another catalog answers here than the one that is meant";
    Failure::refused(StatusCode::CONFLICT, message, "run the command again").into_response()
}
