//! An answer says what is so already: whoever asked for a change and then looks into a mount sees it there.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use crate::library::Library;

/// Keeps the answer to what may be a change until everybody was told.
pub async fn before_answer(
    State(library): State<Arc<Library>>,
    request: Request,
    next: Next,
) -> Response {
    let only_looks = request.method().is_safe();
    let answer = next.run(request).await;
    if only_looks {
        return answer;
    }
    match tokio::task::spawn_blocking(move || library.wait_until_told()).await {
        Ok(()) => answer,
        Err(e) => Failure::internal(e.to_string()).into_response(),
    }
}
