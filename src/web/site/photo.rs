//! One photo: its picture, what is known of it, and the ones before and after it in what is looked at.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::super::failure::Failure;
use super::details::{DetailSources, Details, DetailsQuery};
use super::page::{self, Frame, Mistake, counted};
use super::tiles::thumbnail;
use super::view::View;
use super::{blocking, pictures};
use crate::api::Sort;
use crate::catalog::{ActId, Photo, PhotoId};
use crate::media::formats::shown_by_browsers;
use crate::thumbnails::Size;

#[derive(Template)]
#[template(path = "photo.html")]
struct PhotoPage {
    frame: Frame,
    gallery: String,
    previous: Option<String>,
    next: Option<String>,
    /// Which one it is of how many.
    place: Option<(String, String)>,
    alt: String,
    width: u32,
    height: u32,
    screen: String,
    /// Where browsers can show the file itself.
    original: Option<String>,
    details: String,
    is_busy: bool,
}

pub async fn get(
    State(sources): State<DetailSources>,
    Path(id): Path<u32>,
    Query(params): Query<DetailsQuery>,
) -> Result<Response, Mistake> {
    let page = blocking(move || make(&sources, PhotoId(id), &params));
    page::html(&page.await?)
}

fn make(sources: &DetailSources, id: PhotoId, params: &DetailsQuery) -> Result<PhotoPage, Failure> {
    let library = &sources.library;
    let photo = pictures::photo(library, id.0)?;
    let view_query = params.view_query();
    let view = View::find(library, &view_query)?;
    let is_shown = view.photos.contains(id.0);
    let (before, after, count) = match is_shown {
        true => view.order(library).around(id),
        false => (None, None, 0),
    };
    let link = |id: PhotoId| view_query.link(&format!("/photo/{id}"));
    let details = Details::of(sources, id, view_query.clone(), params.act.map(ActId))?;
    let name = page::visible(&String::from_utf8_lossy(photo.path.file_name()));
    let title = Some(details.title.clone())
        .filter(|t| !t.is_empty())
        .unwrap_or(name);
    let alt = Some(details.description.clone()).filter(|t| !t.is_empty());
    let (width, height) = upright(&photo);
    Ok(PhotoPage {
        frame: Frame {
            q: view_query.q.clone(),
            sort: view_query.sort.map(Sort::name),
            ..Frame::new(title.clone(), "")
        },
        gallery: view_query.link("/"),
        previous: before.map(link),
        next: after.map(link),
        place: is_shown.then(|| (counted(count as u64 + 1), counted(view.photos.len()))),
        alt: alt.unwrap_or_else(|| format!("Photo {title}")),
        width,
        height,
        screen: thumbnail(&photo, Size::Screen),
        original: shown_by_browsers(photo.format).map(|_| format!("/original/{id}")),
        is_busy: sources.analyses.is_running(id),
        details: page::render(&details)?,
    })
}

/// The shape matters only, until the picture is there.
fn upright(photo: &Photo) -> (u32, u32) {
    match (photo.width, photo.height) {
        (0, _) | (_, 0) => (3, 2),
        known => known,
    }
}
