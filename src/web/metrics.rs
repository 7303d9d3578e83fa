//! What monitors ask: the counters for Prometheus, whether the process lives, whether it is of use yet; and what is going
//! on, for programs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::failure::Failure;
use super::parts::Parts;
use crate::analysis::{Retry, Scheduler};
use crate::api::{PauseRequest, Paused, Retried, Snapshot};
use crate::library::Library;
use crate::metrics;
use crate::monitor::Monitor;

/// The same on the control socket and over TCP.
pub fn router(parts: Parts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(exposition))
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(snapshot))
        .with_state(parts)
}

/// Every number that is counted, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    responses((status = 200, description = "In its text format", body = String, content_type = "text/plain"))
)]
async fn exposition(State(monitor): State<Arc<Monitor>>) -> Result<Response, Failure> {
    let text = super::blocking(move || Ok(metrics::exposition(monitor.counters()))).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// Whoever can answer lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain"))
)]
async fn alive() -> &'static str {
    "ok\n"
}

/// A catalog is of use as soon as its index is loaded.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    responses(
        (status = 200, description = "It is of use", body = String, content_type = "text/plain"),
        (status = 503, description = "Not yet", body = String, content_type = "text/plain"),
    )
)]
async fn ready(State(library): State<Arc<Library>>) -> (StatusCode, &'static str) {
    match library.is_loaded() {
        true => (StatusCode::OK, "ready\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the index is being loaded\n",
        ),
    }
}

/// What is going on now: rates of the last ten seconds, percentiles of the last minute.
#[utoipa::path(
    get,
    path = "/api/v1/pulse",
    operation_id = "pulse",
    responses((
        status = 200,
        description = "Rates, queues, latencies, errors, caches, memory, spending",
        body = Snapshot,
    ))
)]
async fn snapshot(State(monitor): State<Arc<Monitor>>) -> Result<Json<Snapshot>, Failure> {
    super::blocking(move || Ok(Json(monitor.snapshot()))).await
}

/// Has analyses wait, or go on.
#[utoipa::path(
    post,
    path = "/api/v1/pause",
    operation_id = "pause",
    request_body = PauseRequest,
    responses((status = 200, description = "Whether they wait", body = Paused))
)]
pub async fn pause(
    State(scheduler): State<Arc<Scheduler>>,
    Json(body): Json<PauseRequest>,
) -> Json<Paused> {
    scheduler.pause(body.paused);
    Json(Paused {
        paused: scheduler.is_paused(),
    })
}

/// Gives every photo that failed another chance.
#[utoipa::path(
    post,
    path = "/api/v1/retry",
    operation_id = "retry",
    responses((status = 200, description = "How many have one", body = Retried))
)]
pub async fn retry(State(retry): State<Arc<Retry>>) -> Result<Json<Retried>, Failure> {
    super::blocking(move || {
        let photos = retry.all()? as u64;
        Ok(Json(Retried { photos }))
    })
    .await
}
