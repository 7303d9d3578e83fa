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
use crate::app::App;
use crate::metrics::{self, Snapshot};

/// The same on the control socket and over TCP.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(exposition))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/api/v1/pulse", get(snapshot))
        .with_state(app)
}

/// The version of the format that is written.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn exposition(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let text = super::blocking(move || Ok(metrics::exposition(&app.counters()))).await?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}

/// Whoever can answer lives.
async fn alive() -> &'static str {
    "ok\n"
}

/// A catalog is of use as soon as its index is loaded.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match app.library.is_loaded() {
        true => (StatusCode::OK, "ready\n"),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the index is being loaded\n",
        ),
    }
}

async fn snapshot(State(app): State<Arc<App>>) -> Result<Json<Snapshot>, Failure> {
    super::blocking(move || Ok(Json(app.snapshot()))).await
}

#[derive(Deserialize)]
pub struct PauseRequest {
    paused: bool,
}

/// Has analyses wait, or go on.
pub async fn pause(State(app): State<Arc<App>>, Json(body): Json<PauseRequest>) -> Json<Value> {
    app.scheduler.pause(body.paused);
    Json(json!({"paused": app.scheduler.is_paused()}))
}

/// Gives every photo that failed another chance.
pub async fn retry(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    super::blocking(move || Ok(Json(json!({"photos": app.retry_all()?})))).await
}
