//! Counts what the page answers, refusals as well.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::metrics::Traffic;

/// What has no route: addresses are what anybody sends, and don't become labels.
const NOWHERE: &str = "none";

pub async fn count(State(traffic): State<Arc<Traffic>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = path.as_ref().map_or(NOWHERE, MatchedPath::as_str);
    traffic.add(route, response.status().as_u16(), start.elapsed());
    response
}
