//! Opening the page of a daemon that runs already: asked through its control socket.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::Site;
use crate::web::Parts;

#[derive(Deserialize)]
pub struct OpenRequest {
    address: SocketAddr,
    token: Option<String>,
}

/// Where the page is; it is opened unless it is open.
pub async fn post(
    State(parts): State<Parts>,
    Json(body): Json<OpenRequest>,
) -> Result<Json<Value>, Failure> {
    if let Some(url) = parts.instance.page() {
        return Ok(Json(json!({"url": url, "opened": false})));
    }
    let site = Site::bind(body.address, body.token.as_deref());
    let failed = |e| {
        Failure::hinted(
            format!("{}: {e}", body.address),
            "name another address with --web ADDR",
        )
    };
    let site = site.map_err(failed)?;
    let url = site.url();
    tokio::spawn(async move {
        if let Err(e) = site.serve(parts).await {
            tracing::error!("web page: {e}");
        }
    });
    Ok(Json(json!({"url": url, "opened": true})))
}
