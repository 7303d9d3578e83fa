//! What people did, with which program, and taking it back.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::details::{DetailSources, when};
use super::edit::{self, by};
use super::page::{self, Frame, Mistake, counted, visible};
use super::view::ViewQuery;
use crate::api::Sort;
use crate::catalog::{ActId, Done, PhotoId, Role};
use crate::library::{Library, Which};

const A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "activity.html")]
struct Activity {
    frame: Frame,
    acts: Vec<Row>,
    next: Option<String>,
    /// Photos of which something was said that are gone.
    gone: usize,
}

struct Row {
    act: u64,
    when: String,
    words: String,
    process: String,
    photos: String,
    is_one: bool,
    /// One of them: its number and its name.
    photo: Option<(u32, String)>,
    is_undone: bool,
    /// Whether it is itself the undoing or the repeating of something.
    is_return: bool,
}

#[derive(Deserialize)]
pub struct ActivityQuery {
    before: Option<u64>,
}

pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<ActivityQuery>,
) -> Result<Response, Mistake> {
    let page = blocking(move || make(&library, params.before.map(ActId)));
    page::html(&page.await?)
}

fn make(library: &Library, before: Option<ActId>) -> Result<Activity, Failure> {
    let mut acts = library.store().acts(before, A_PAGE + 1)?;
    let more = acts.len() > A_PAGE;
    acts.truncate(A_PAGE);
    let next = acts
        .last()
        .filter(|_| more)
        .map(|last| format!("/activity?before={}", last.id));
    Ok(Activity {
        frame: Frame::new("Activity", "/activity"),
        acts: acts.into_iter().map(|done| row(library, done)).collect(),
        next,
        gone: library.store().gone_with_words()?.len(),
    })
}

fn row(library: &Library, done: Done) -> Row {
    let photo = done.photo.and_then(|id| library.index().photo(id));
    let name = |id: PhotoId, path: &[u8]| (id.0, visible(&String::from_utf8_lossy(path)));
    Row {
        act: done.id.0,
        when: when(done.at),
        words: visible(&done.words),
        process: visible(&done.by.process),
        photos: counted(done.photos),
        is_one: done.photos == 1,
        photo: photo.map(|p| name(p.id, p.path.file_name())),
        is_undone: done.undone_by.is_some(),
        is_return: done.role != Role::New,
    }
}

#[derive(Deserialize)]
pub struct Back {
    act: u64,
    /// The photo whose page asks.
    photo: Option<u32>,
    #[serde(default)]
    q: String,
    sort: Option<Sort>,
}

pub async fn undo(
    State(library): State<Arc<Library>>,
    State(sources): State<DetailSources>,
    headers: HeaderMap,
    Form(back): Form<Back>,
) -> Result<Response, Mistake> {
    let act = ActId(back.act);
    let done = blocking(move || Ok(library.undo(Which::Act(act), &by())?));
    done.await?;
    returned(sources, back, &headers).await
}

pub async fn redo(
    State(library): State<Arc<Library>>,
    State(sources): State<DetailSources>,
    headers: HeaderMap,
    Form(back): Form<Back>,
) -> Result<Response, Mistake> {
    let act = ActId(back.act);
    let done = blocking(move || Ok(library.redo(Some(act), &by())?));
    done.await?;
    returned(sources, back, &headers).await
}

/// To where it was asked for.
async fn returned(
    sources: DetailSources,
    back: Back,
    headers: &HeaderMap,
) -> Result<Response, Mistake> {
    let Some(photo) = back.photo else {
        return Ok(Redirect::to("/activity").into_response());
    };
    let view_query = ViewQuery {
        q: back.q,
        sort: back.sort,
    };
    edit::shown(
        sources,
        PhotoId(photo),
        view_query,
        Some(ActId(back.act)),
        headers,
    )
    .await
}
