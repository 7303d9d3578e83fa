//! Everything known of one photo.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::failure::Failure;
use super::shape::{Named, PhotoShape};
use crate::analysis::Scheduler;
use crate::library::Library;
use crate::source::Scanner;

pub async fn get(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(scheduler): State<Arc<Scheduler>>,
    Query(named): Query<Named>,
) -> Result<Json<PhotoShape>, Failure> {
    super::blocking(move || {
        let id = named.resolve(&library, &scanner)?;
        let detail = library.detail(id)?;
        let gone = || Failure::not_found("the photo has just gone", "look where it moved to");
        let detail = detail.ok_or_else(gone)?;
        let why = match detail.awaits_description() {
            true => scheduler.outlook(id)?.reason(),
            false => None,
        };
        Ok(Json(PhotoShape::from(&detail).because(why)))
    })
    .await
}
