//! What monitors ask: the counters for Prometheus, whether the process lives, whether it is of use yet; and what is going
//! on, for programs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::parts::Parts;
use crate::analysis::{Retry, Scheduler};
use crate::library::Library;
use crate::metrics::{self, Snapshot};
use crate::monitor::Monitor;

/// The same on the control socket and over TCP.
pub fn router(parts: Parts) -> Router {
    Router::new()
        .route("/metrics", get(exposition))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/api/v1/pulse", get(snapshot))
        .with_state(parts)
}

async fn exposition(State(monitor): State<Arc<Monitor>>) -> Result<Response, Failure> {
    let text = super::blocking(move || Ok(metrics::exposition(monitor.counters()))).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// Whoever can answer lives.
async fn alive() -> &'static str {
    "ok\n"
}

/// A catalog is of use as soon as its index is loaded.
async fn ready(State(library): State<Arc<Library>>) -> (StatusCode, &'static str) {
    match library.is_loaded() {
        true => (StatusCode::OK, "ready\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the index is being loaded\n",
        ),
    }
}

async fn snapshot(State(monitor): State<Arc<Monitor>>) -> Result<Json<Snapshot>, Failure> {
    super::blocking(move || Ok(Json(monitor.snapshot()))).await
}

#[derive(Deserialize)]
pub struct PauseRequest {
    paused: bool,
}

/// Has analyses wait, or go on.
pub async fn pause(
    State(scheduler): State<Arc<Scheduler>>,
    Json(body): Json<PauseRequest>,
) -> Json<Value> {
    scheduler.pause(body.paused);
    Json(json!({"paused": scheduler.is_paused()}))
}

/// Gives every photo that failed another chance.
pub async fn retry(State(retry): State<Arc<Retry>>) -> Result<Json<Value>, Failure> {
    super::blocking(move || Ok(Json(json!({"photos": retry.all()?})))).await
}
