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
use crate::blocking::unblock;
use crate::monitor::Instance;
use crate::source_files::SourceFiles;

/// How long the disk that the source is on may take to say whether it is there.
const DISK_TIMEOUT: Duration = Duration::from_millis(500);

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

/// Whether the folder at the source's path is the source: somebody may have moved that, and made another one. Where the disk
/// doesn't answer, what it said last.
pub async fn is_in_place(source_files: &Arc<SourceFiles>) -> bool {
    let looking = Arc::clone(source_files);
    let looked = unblock(move || looking.look_in_place(DISK_TIMEOUT));
    let looked = timeout(DISK_TIMEOUT, looked).await;
    looked.unwrap_or_else(|_| source_files.was_in_place())
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
