//! Which catalog answers. Whoever found it by a mount says in each request which one is meant: a photo's number means
//! another photo elsewhere.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::app::App;

/// The id of the catalog that is meant.
pub const CATALOG_HEADER: &str = "kbasefs-catalog";

pub async fn get(State(app): State<Arc<App>>) -> Json<Value> {
    let encoded = |path: &Path| URL_SAFE_NO_PAD.encode(path.as_os_str().as_bytes());
    Json(json!({
        "id": app.id(),
        "source_base64": encoded(app.originals.root()),
        "index_base64": encoded(app.index_file()),
    }))
}

/// Answers nothing that another catalog is asked.
pub async fn same(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let meant = request.headers().get(CATALOG_HEADER);
    if meant.is_none_or(|id| id.as_bytes() == app.id().as_bytes()) {
        return next.run(request).await;
    }
    let message = "another catalog answers here than the one that is meant";
    Failure::refused(StatusCode::CONFLICT, message, "run the command again").into_response()
}
