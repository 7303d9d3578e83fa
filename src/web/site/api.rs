//! The JSON API for programs, as `openapi.json` describes it: looking, and asking for analyses.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::shape::PhotoShape;
use super::super::{analyze, photo, search, status};
use super::blocking;
use super::facets;
use super::gallery;
use super::order::Sort;
use super::view::{View, ViewQuery};
use crate::catalog::{Facet, fold};
use crate::library::Library;
use crate::web::Parts;

pub fn router(parts: Parts) -> Router {
    Router::new()
        .route("/api/v1/status", get(status::get))
        .route("/api/v1/search", get(search::get))
        .route("/api/v1/photo", get(photo::get))
        .route("/api/v1/photos", get(photos))
        .route("/api/v1/facets", get(all_facets))
        .route("/api/v1/tags", get(tags))
        .route("/api/v1/openapi.json", get(openapi))
        .with_state(parts)
}

/// What begins to answer when the folder was looked through, however long that takes.
pub fn without_timeout(parts: Parts) -> Router {
    Router::new()
        .route("/api/v1/analyze", post(analyze::post))
        .with_state(parts)
}

const OPENAPI: &str = include_str!("../assets/openapi.json");

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

const A_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

#[derive(Deserialize)]
struct PhotosQuery {
    #[serde(default)]
    q: String,
    sort: Option<Sort>,
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct PhotoPage {
    total: u64,
    photos: Vec<PhotoShape>,
    /// What `after` is for the next page.
    next: Option<String>,
}

async fn photos(
    State(library): State<Arc<Library>>,
    Query(params): Query<PhotosQuery>,
) -> Result<Json<PhotoPage>, Failure> {
    blocking(move || {
        let view = View::find(
            &library,
            &ViewQuery {
                q: params.q,
                sort: params.sort,
            },
        )?;
        let after = params.after.as_deref().map(gallery::key).transpose()?;
        let most = params.limit.unwrap_or(A_PAGE).clamp(1, LARGEST_PAGE);
        let (keys, more) = view.order(&library).page(after.as_ref(), most);
        let mut photos = Vec::with_capacity(keys.len());
        for key in &keys {
            photos.extend(library.detail(key.photo())?.as_ref().map(PhotoShape::from));
        }
        let next = keys.last().filter(|_| more).map(ToString::to_string);
        Ok(Json(PhotoPage {
            total: view.photos.len(),
            photos,
            next,
        }))
    })
    .await
}

#[derive(Deserialize)]
struct FacetsQuery {
    #[serde(default)]
    q: String,
    limit: Option<usize>,
}

async fn all_facets(
    State(library): State<Arc<Library>>,
    Query(params): Query<FacetsQuery>,
) -> Result<Json<Value>, Failure> {
    blocking(move || {
        let view = View::find(
            &library,
            &ViewQuery {
                q: params.q,
                sort: None,
            },
        )?;
        let most = params.limit.unwrap_or(A_PAGE).min(LARGEST_PAGE);
        let choices = |facet| facets::choices(&library, &view, facet, most);
        let facets: serde_json::Map<_, _> = Facet::ALL
            .into_iter()
            .map(|facet| (facet.name().to_owned(), json!(choices(facet))))
            .collect();
        Ok(Json(json!({"total": view.photos.len(), "facets": facets})))
    })
    .await
}

#[derive(Deserialize)]
struct TagsQuery {
    /// What they begin with.
    #[serde(default)]
    prefix: String,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct TagCount {
    tag: String,
    photos: u64,
}

/// The most frequent first.
async fn tags(
    State(library): State<Arc<Library>>,
    Query(params): Query<TagsQuery>,
) -> Result<Json<Value>, Failure> {
    blocking(move || {
        let index = library.index();
        let prefix = fold(&params.prefix);
        let mut tags = index.labels_within(Facet::Tag, &index.photos_below(b""));
        tags.retain(|tag| tag.key.folded.starts_with(&prefix));
        tags.sort_by(|a, b| (b.photos, &a.shown).cmp(&(a.photos, &b.shown)));
        tags.truncate(params.limit.unwrap_or(A_PAGE).min(LARGEST_PAGE));
        let tags = tags.into_iter().map(|tag| TagCount {
            tag: tag.shown,
            photos: tag.photos,
        });
        Ok(Json(json!({ "tags": tags.collect::<Vec<_>>() })))
    })
    .await
}
