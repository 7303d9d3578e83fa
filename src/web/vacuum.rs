//! Making the catalog smaller while people edit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::failure::Failure;
use crate::api::{FailureBody, Vacuumed};
use crate::store::{Sqlite, Store};

/// Gives back the space that the catalog doesn't use, slice by slice: an edit waits for one of them at most.
#[utoipa::path(
    post,
    path = "/api/v1/catalog/vacuum",
    operation_id = "vacuum",
    responses(
        (status = 200, description = "How much it takes", body = Vacuumed),
        (status = 409, description = "It has to be made anew as a whole first", body = FailureBody),
    )
)]
pub async fn post(State(kept): State<Arc<Sqlite>>) -> Result<Json<Vacuumed>, Failure> {
    super::blocking(move || {
        let bytes_before = kept.size_bytes()?;
        let mut vacuum = kept.sliced_vacuum()?.ok_or_else(refusal)?;
        while vacuum.advance()? {}
        Ok(Json(Vacuumed {
            bytes_before,
            bytes_after: kept.size_bytes()?,
        }))
    })
    .await
}

fn refusal() -> Failure {
    Failure::refused(
        StatusCode::CONFLICT,
        "the first time, all of the catalog is made anew: that would hold up every edit in the mount until it is done",
        "unmount it and run the command again; from then on it works in a mount, too",
    )
}
