//! Everything known of one photo.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::failure::Failure;
use super::shape::{Named, PhotoShape};
use crate::app::App;

pub async fn get(
    State(app): State<Arc<App>>,
    Query(named): Query<Named>,
) -> Result<Json<PhotoShape>, Failure> {
    super::blocking(move || {
        let id = named.resolve(&app)?;
        let detail = app.library.detail(id)?;
        let gone = || Failure::not_found("the photo has just gone", "look where it moved to");
        let detail = detail.ok_or_else(gone)?;
        let why = match detail.awaits_description() {
            true => app.scheduler.outlook(id)?.reason(),
            false => None,
        };
        Ok(Json(PhotoShape::from(&detail).because(why)))
    })
    .await
}
