//! Queries that are kept under a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::catalog::{Act, Actor, Deed, Role, parse_query, saved_name};
use crate::library::Library;

#[derive(Deserialize)]
pub struct SaveRequest {
    name: String,
    query: String,
}

/// Keeps a query, in the place of an earlier one of this name.
pub async fn post(
    State(library): State<Arc<Library>>,
    Json(body): Json<SaveRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || save(&library, &body).map(Json)).await
}

fn save(library: &Library, body: &SaveRequest) -> Result<Value, Failure> {
    parse_query(&body.query).map_err(|e| Failure::query(&body.query, e))?;
    let name = saved_name(&body.name)
        .ok_or_else(|| Failure::bad_request("no saved query can have this name"))?;
    let query = Some(body.query.trim().to_owned());
    library.act(Act {
        by: Actor {
            process: "kbasefs".into(),
            pid: std::process::id(),
            uid: rustix::process::getuid().as_raw(),
        },
        words: format!("save {name}"),
        role: Role::New,
        deeds: vec![Deed::Save {
            name: name.clone(),
            query,
        }],
    })?;
    Ok(json!({ "name": name }))
}
