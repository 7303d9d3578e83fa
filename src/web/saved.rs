//! Queries that are kept under a name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use crate::api::{FailureBody, SaveRequest, Saved};
use crate::catalog::{Act, Actor, Deed, Role, parse_query, saved_name};
use crate::library::Library;

/// Keeps a query, in the place of an earlier one of this name.
#[utoipa::path(
    post,
    path = "/api/v1/saved",
    operation_id = "save",
    request_body = SaveRequest,
    responses(
        (status = 200, description = "It is kept", body = Saved),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn post(
    State(library): State<Arc<Library>>,
    Json(body): Json<SaveRequest>,
) -> Result<Json<Saved>, Failure> {
    super::blocking(move || save(&library, &body).map(Json)).await
}

fn save(library: &Library, body: &SaveRequest) -> Result<Saved, Failure> {
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
    Ok(Saved { name })
}
