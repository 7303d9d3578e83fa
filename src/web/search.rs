//! Photos that a query means.

use std::cell::Cell;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::shape::PathShape;
use crate::app::App;
use crate::catalog::{PhotoId, parse_query};

#[derive(Deserialize)]
pub struct Asked {
    q: String,
}

#[derive(Serialize)]
pub struct Found {
    photos: Vec<Hit>,
}

#[derive(Serialize)]
struct Hit {
    #[serde(flatten)]
    path: PathShape,
    id: u32,
    name: String,
    status: &'static str,
    date: Option<String>,
}

pub async fn get(
    State(app): State<Arc<App>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Found>, Failure> {
    super::blocking(move || search(&app, &asked.q).map(Json)).await
}

fn search(app: &App, query: &str) -> Result<Found, Failure> {
    let query = parse_query(query)?;
    let broken = Cell::new(None);
    let words = |words: &str| match app.library.store().full_text(words) {
        Ok(photos) => photos,
        Err(error) => {
            broken.set(Some(error));
            RoaringBitmap::new()
        }
    };
    let photos = app.library.index().evaluate(&query, &words);
    if let Some(error) = broken.take() {
        return Err(error.into());
    }
    let photos = photos.iter().map(PhotoId);
    let mut photos: Vec<_> = photos
        .filter_map(|id| app.library.index().photo(id))
        .collect();
    photos.sort_by(|a, b| a.path.cmp(&b.path));
    let hits = photos.iter().map(|photo| Hit {
        path: (&photo.path).into(),
        id: photo.id.0,
        name: String::from_utf8_lossy(&photo.name).into_owned(),
        status: photo.status.name(),
        date: photo.date.map(|d| d.to_string()),
    });
    Ok(Found {
        photos: hits.collect(),
    })
}
