//! Queries that are kept under a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::app::App;
use crate::catalog::{Act, Actor, Deed, Role, parse_query, saved_name};

#[derive(Deserialize)]
pub struct Wanted {
    name: String,
    query: String,
}

/// Keeps a query, in the place of an earlier one of this name.
pub async fn post(
    State(app): State<Arc<App>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || save(&app, &wanted).map(Json)).await
}

fn save(app: &App, wanted: &Wanted) -> Result<Value, Failure> {
    parse_query(&wanted.query).map_err(|e| Failure::query(&wanted.query, e))?;
    let name = saved_name(&wanted.name)
        .ok_or_else(|| Failure::bad_request("no saved query can have this name"))?;
    let query = Some(wanted.query.trim().to_owned());
    app.library.act(Act {
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
