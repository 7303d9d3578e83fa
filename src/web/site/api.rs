//! The JSON API for programs over TCP: looking, and asking for analyses.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::failure::Failure;
use super::super::{analyze, photo, search, status};
use super::blocking;
use super::facets;
use super::gallery;
use super::view::{View, ViewQuery};
use crate::api::{
    Facets, FacetsQuery, FailureBody, Photo, PhotoPage, PhotosQuery, TagCount, Tags, TagsQuery,
};
use crate::catalog::{Facet, fold};
use crate::library::Library;
use crate::web::Parts;

pub fn router(parts: Parts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(status::get))
        .routes(routes!(search::get))
        .routes(routes!(photo::get))
        .routes(routes!(photos))
        .routes(routes!(all_facets))
        .routes(routes!(tags))
        .with_state(parts)
}

/// What begins to answer when the folder was looked through, however long that takes.
pub fn without_timeout(parts: Parts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(analyze::post))
        .with_state(parts)
}

const A_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// The photos of a query, page after page.
#[utoipa::path(
    get,
    path = "/api/v1/photos",
    operation_id = "photos",
    params(PhotosQuery),
    responses(
        (status = 200, description = "A page", body = PhotoPage),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
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
            photos.extend(library.detail(key.photo())?.as_ref().map(Photo::from));
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

/// What the photos of a query have in common, with counts.
#[utoipa::path(
    get,
    path = "/api/v1/facets",
    operation_id = "facets",
    params(FacetsQuery),
    responses(
        (status = 200, description = "The labels that narrow it down", body = Facets),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
async fn all_facets(
    State(library): State<Arc<Library>>,
    Query(params): Query<FacetsQuery>,
) -> Result<Json<Facets>, Failure> {
    blocking(move || {
        let view = View::find(
            &library,
            &ViewQuery {
                q: params.q,
                sort: None,
            },
        )?;
        let most = params.limit.unwrap_or(A_PAGE).min(LARGEST_PAGE);
        let choices = |facet: Facet| {
            let links = facets::choices(&library, &view, facet, most).into_iter();
            let choices = links.map(|link| link.choice).collect();
            (facet.name().to_owned(), choices)
        };
        Ok(Json(Facets {
            total: view.photos.len(),
            facets: Facet::ALL.into_iter().map(choices).collect(),
        }))
    })
    .await
}

/// All tags, the most frequent first.
#[utoipa::path(
    get,
    path = "/api/v1/tags",
    operation_id = "tags",
    params(TagsQuery),
    responses((status = 200, description = "The tags", body = Tags))
)]
async fn tags(
    State(library): State<Arc<Library>>,
    Query(params): Query<TagsQuery>,
) -> Result<Json<Tags>, Failure> {
    blocking(move || {
        let index = library.index();
        let prefix = fold(&params.prefix);
        let mut tags = index.labels_within(Facet::Tag, &index.photos_below(b""));
        tags.retain(|tag| tag.key.folded.starts_with(&*prefix));
        tags.sort_by(|a, b| (b.photos, &a.shown).cmp(&(a.photos, &b.shown)));
        tags.truncate(params.limit.unwrap_or(A_PAGE).min(LARGEST_PAGE));
        let tags = tags.into_iter().map(|tag| TagCount {
            tag: tag.shown,
            photos: tag.photos,
        });
        Ok(Json(Tags {
            tags: tags.collect(),
        }))
    })
    .await
}
