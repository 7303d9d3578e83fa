//! Everything known of one photo.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::failure::Failure;
use crate::analysis::Scheduler;
use crate::api::{FailureBody, Photo, PhotoName};
use crate::library::Library;
use crate::source::Scanner;
use crate::source_files::SourceFiles;

/// Everything known of one photo.
#[utoipa::path(
    get,
    path = "/api/v1/photo",
    operation_id = "photo",
    params(PhotoName),
    responses(
        (status = 200, description = "The photo", body = Photo),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
        (status = 404, description = "What is wrong, and what to do", body = FailureBody),
        (status = 409, description = "The file has changed since the last scan", body = FailureBody),
    )
)]
pub async fn get(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(source_files): State<Arc<SourceFiles>>,
    State(scheduler): State<Arc<Scheduler>>,
    Query(named): Query<PhotoName>,
) -> Result<Json<Photo>, Failure> {
    super::at_source_if(named.is_path(), &source_files, move || {
        let id = named.resolve(&library, &scanner)?;
        let detail = library.detail(id)?;
        let gone = || Failure::not_found("the photo has just gone", "look where it moved to");
        let detail = detail.ok_or_else(gone)?;
        let why = match detail.awaits_description() {
            true => scheduler.outlook(id)?.reason(),
            false => None,
        };
        Ok(Json(Photo::from(&detail).because(why)))
    })
    .await
}
