//! Photos that could not be looked at: why, and another try.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::page::{self, Frame, Mistake, counted, visible};
use super::tiles::PhotoTile;
use super::view::ViewQuery;
use crate::analysis::Retry;
use crate::catalog::{PhotoId, Status};
use crate::library::Library;

const A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "failures.html")]
struct Failures {
    frame: Frame,
    total: String,
    unsupported: u64,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    tile: PhotoTile,
    path: String,
    reason: String,
}

#[derive(Deserialize)]
pub struct FailuresQuery {
    after: Option<u32>,
}

pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<FailuresQuery>,
) -> Result<Response, Mistake> {
    let page = blocking(move || make(&library, params.after));
    page::html(&page.await?)
}

fn make(library: &Library, after: Option<u32>) -> Result<Failures, Failure> {
    let failed = library.index().photos_with(Status::Failed);
    let mut rest = failed
        .iter()
        .filter(|id| after.is_none_or(|after| *id > after));
    let page: Vec<_> = rest.by_ref().take(A_PAGE).collect();
    let more = rest.next().is_some();
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| format!("/failures?after={last}"));
    let rows = page
        .into_iter()
        .filter_map(|id| row(library, PhotoId(id)).transpose());
    Ok(Failures {
        frame: Frame::new("Failures", "/failures"),
        total: counted(failed.len()),
        unsupported: library.index().count_with(Status::Unsupported),
        rows: rows.collect::<Result<_, _>>()?,
        next,
    })
}

fn row(library: &Library, id: PhotoId) -> Result<Option<Row>, Failure> {
    let (Some(detail), Some(tile)) = (
        library.detail(id)?,
        PhotoTile::of(library, id, &ViewQuery::default()),
    ) else {
        return Ok(None);
    };
    Ok(Some(Row {
        tile,
        path: visible(&detail.entry.photo.path.to_string()),
        reason: visible(detail.failure.as_deref().unwrap_or("nobody knows why")),
    }))
}

#[derive(Deserialize)]
pub struct Again {
    /// All of them without it.
    photo: Option<u32>,
}

pub async fn retry(
    State(retry): State<Arc<Retry>>,
    Form(again): Form<Again>,
) -> Result<Response, Mistake> {
    let retried = blocking(move || {
        match again.photo {
            Some(photo) => retry.now(&[PhotoId(photo)])?,
            None => retry.all()?,
        };
        Ok(())
    });
    retried.await?;
    Ok(Redirect::to("/failures").into_response())
}
