//! The photos of a query, side by side, page after page, and what they have in common.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::facets::{self, Chip, FacetBox};
use super::order::Key;
use super::page::{self, Frame, Mistake, PageCache, counted};
use super::tiles::{Division, PhotoTile, Tile};
use super::view::{View, ViewQuery};
use crate::analysis::Scheduler;
use crate::api::Sort;
use crate::catalog::{Facet, Status};
use crate::library::Library;

/// Photos on a page, if the address doesn't say.
const A_PAGE: usize = 80;
const LARGEST_PAGE: usize = 1000;

#[derive(Deserialize)]
pub struct GalleryQuery {
    #[serde(default)]
    q: String,
    sort: Option<Sort>,
    after: Option<String>,
    n: Option<usize>,
}

impl GalleryQuery {
    fn view_query(&self) -> ViewQuery {
        ViewQuery {
            q: self.q.clone(),
            sort: self.sort,
        }
    }
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct Gallery {
    frame: Frame,
    total: String,
    is_one: bool,
    tiles: Vec<Tile>,
    next: Option<String>,
    chips: Vec<Chip>,
    facets: Vec<FacetBox>,
    sorts: Vec<SortLink>,
    saved: Vec<(String, String)>,
    progress: Option<String>,
}

struct SortLink {
    words: &'static str,
    href: String,
    is_chosen: bool,
}

/// The tiles alone, for scrolling on.
#[derive(Template)]
#[template(path = "tiles.html")]
struct More {
    tiles: Vec<Tile>,
    next: Option<String>,
}

/// A query that can't be understood.
#[derive(Template)]
#[template(path = "no_query.html")]
struct NoQuery {
    frame: Frame,
    error: String,
    pointed: String,
    hint: String,
}

pub async fn get(
    State(library): State<Arc<Library>>,
    State(scheduler): State<Arc<Scheduler>>,
    State(page_cache): State<Arc<PageCache>>,
    uri: Uri,
    Query(params): Query<GalleryQuery>,
    headers: HeaderMap,
) -> Result<Response, Mistake> {
    let only_tiles = page::is_for_script(&headers) && params.after.is_some();
    let name = format!("{only_tiles} {uri}");
    let view_query = params.view_query();
    let page = blocking(move || {
        page_cache.get_or_make(name, library.commits(), || {
            make(&library, &scheduler, &params, only_tiles)
        })
    });
    match page.await {
        Ok(html) => Ok(page::part(html)),
        Err(Failure {
            error,
            hint,
            pointed: Some(pointed),
            ..
        }) => no_query(view_query, error, hint, pointed),
        Err(failure) => Err(failure.into()),
    }
}

fn no_query(
    view_query: ViewQuery,
    error: String,
    hint: Option<String>,
    pointed: String,
) -> Result<Response, Mistake> {
    let page = NoQuery {
        frame: frame(&view_query, "This is no query"),
        error: page::visible(&error),
        pointed,
        hint: page::visible(&hint.unwrap_or_default()),
    };
    Ok((StatusCode::BAD_REQUEST, Html(page::render(&page)?)).into_response())
}

fn frame(view_query: &ViewQuery, title: &str) -> Frame {
    Frame {
        q: view_query.q.clone(),
        sort: view_query.sort.map(Sort::name),
        ..Frame::new(title, "/")
    }
}

fn make(
    library: &Library,
    scheduler: &Scheduler,
    params: &GalleryQuery,
    only_tiles: bool,
) -> Result<String, Failure> {
    let view = View::find(library, &params.view_query())?;
    let after = match &params.after {
        Some(text) => Some(key(text)?),
        None => None,
    };
    let most = params.n.unwrap_or(A_PAGE).clamp(1, LARGEST_PAGE);
    let (keys, more) = view.order(library).page(after.as_ref(), most);
    view.is_looked_at(
        library,
        scheduler,
        keys.iter().map(|k| k.photo().0).collect(),
    );
    let next = keys.last().filter(|_| more).map(|last| next(params, last));
    let tiles = tiles(library, &view, after.as_ref(), &keys);
    match only_tiles {
        true => page::render(&More { tiles, next }),
        false => page::render(&whole(library, &view, tiles, next)),
    }
}

pub fn key(text: &str) -> Result<Key, Failure> {
    let no_key = || Failure::hinted("this page begins nowhere", "start from the first one");
    text.parse().map_err(|()| no_key())
}

fn next(params: &GalleryQuery, last: &Key) -> String {
    let n = params.n.map(|n| n.to_string()).unwrap_or_default();
    let parameters = [
        ("q", params.q.as_str()),
        ("sort", params.sort.map_or("", Sort::name)),
        ("n", &n),
        ("after", &last.to_string()),
    ];
    page::link("/", &parameters)
}

fn tiles(library: &Library, view: &View, after: Option<&Key>, keys: &[Key]) -> Vec<Tile> {
    let index = library.index();
    let heading = |division: Division, key: &Key| {
        division.heading(index.photo(key.photo()).and_then(|p| p.date))
    };
    let labels = |facet| index.labels_within(facet, &view.photos).len() as u64;
    let division = match view.sort.is_by_date() {
        true => Division::of(view.photos.len(), labels(Facet::Year), labels(Facet::Month)),
        false => Division::None,
    };
    let mut last = after.and_then(|key| heading(division, key));
    let mut tiles = Vec::with_capacity(keys.len());
    for key in keys {
        let now = heading(division, key);
        if now != last {
            tiles.extend(now.clone().map(Tile::Heading));
            last = now;
        }
        let tile = PhotoTile::of(library, key.photo(), &view.view_query);
        tiles.extend(tile.map(|tile| Tile::Photo(Box::new(tile))));
    }
    tiles
}

fn whole(library: &Library, view: &View, tiles: Vec<Tile>, next: Option<String>) -> Gallery {
    let total = view.photos.len();
    let title = match view.view_query.q.is_empty() {
        true => "Photos".to_owned(),
        false => page::visible(&view.view_query.q),
    };
    let sort = |sort: Sort| SortLink {
        words: sort.words(),
        href: ViewQuery {
            sort: Some(sort),
            ..view.view_query.clone()
        }
        .link("/"),
        is_chosen: view.sort == sort,
    };
    let has_words = !view.query.wanted_words().is_empty();
    let sorts = Sort::ALL
        .into_iter()
        .filter(|s| has_words || *s != Sort::Relevance);
    let saved = library.index().all_saved().into_iter();
    let saved = saved.map(|saved| {
        (
            page::visible(&saved.name),
            page::link("/", &[("q", &saved.query)]),
        )
    });
    Gallery {
        frame: frame(&view.view_query, &title),
        total: counted(total),
        is_one: total == 1,
        tiles,
        next,
        chips: facets::chips(view),
        facets: facets::boxes(library, view),
        sorts: sorts.map(sort).collect(),
        saved: saved.collect(),
        progress: progress(library),
    }
}

/// How far the analysis is, while it isn't done.
fn progress(library: &Library) -> Option<String> {
    let pending = library.index().count_with(Status::Pending);
    let done = library.index().count_with(Status::Analyzed);
    let words = || format!("{} of {} looked at", counted(done), counted(done + pending));
    (pending > 0).then(words)
}
