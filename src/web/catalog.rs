//! Which catalog answers. Whoever found it by a mount says in each request which one is meant: a photo's number means
//! another photo elsewhere.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::failure::Failure;
use crate::api::{CATALOG_HEADER, CatalogIdentity};
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// How long the disk that the source is on may take to say whether it is there.
const DISK_TIMEOUT: Duration = Duration::from_secs(1);

/// Which catalog answers.
#[utoipa::path(
    get,
    path = "/api/v1/catalog",
    operation_id = "catalog",
    responses((status = 200, description = "What tells it from others", body = CatalogIdentity))
)]
pub async fn get(
    State(instance): State<Arc<Instance>>,
    State(source_files): State<Arc<SourceFiles>>,
) -> Json<CatalogIdentity> {
    let in_place = is_in_place(&source_files).await;
    Json(CatalogIdentity {
        id: instance.id().into(),
        source_base64: source_files.root().into(),
        index_base64: instance.catalog_path().into(),
        in_place,
    })
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
