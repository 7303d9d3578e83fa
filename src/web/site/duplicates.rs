//! Photos that are alike, group by group.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::details::bytes;
use super::page::{self, Frame, Mistake, counted, visible};
use super::tiles::PhotoTile;
use super::view::ViewQuery;
use crate::catalog::{Photo, PhotoId};
use crate::library::Library;

const A_PAGE: usize = 30;
/// Photos of a group that are shown.
const MOST: usize = 24;

#[derive(Template)]
#[template(path = "duplicates.html")]
struct Duplicates {
    frame: Frame,
    total: String,
    groups: Vec<Group>,
    next: Option<String>,
}

struct Group {
    photos: Vec<Alike>,
    more: u64,
}

struct Alike {
    tile: PhotoTile,
    path: String,
    facts: String,
    /// Of the same bytes as the first.
    is_copy: bool,
}

#[derive(Deserialize)]
pub struct DuplicatesQuery {
    /// Groups after that of this oldest photo.
    after: Option<u32>,
}

pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<DuplicatesQuery>,
) -> Result<Response, Mistake> {
    let page = blocking(move || make(&library, params.after));
    page::html(&page.await?)
}

fn make(library: &Library, after: Option<u32>) -> Result<Duplicates, Failure> {
    let groups = library.index().groups();
    let total = counted(groups.len() as u64);
    let mut rest = groups
        .into_iter()
        .filter(|oldest| after.is_none_or(|after| oldest.0 > after));
    let page: Vec<_> = rest.by_ref().take(A_PAGE).collect();
    let more = rest.next().is_some();
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| format!("/duplicates?after={last}"));
    Ok(Duplicates {
        frame: Frame::new("Duplicates", "/duplicates"),
        total,
        groups: page
            .into_iter()
            .map(|oldest| group(library, oldest))
            .collect(),
        next,
    })
}

fn group(library: &Library, oldest: PhotoId) -> Group {
    let index = library.index();
    let members = index.group(oldest);
    let first = index.photo(oldest).and_then(|p| p.hash);
    let photos = members.iter().take(MOST).filter_map(|id| {
        let photo = index.photo(PhotoId(id))?;
        Some(Alike {
            tile: PhotoTile::of(library, photo.id, &ViewQuery::default())?,
            path: visible(&photo.path.to_string()),
            facts: facts(&photo),
            is_copy: photo.id != oldest && first.is_some() && photo.hash == first,
        })
    });
    Group {
        photos: photos.collect(),
        more: members.len().saturating_sub(MOST as u64),
    }
}

fn facts(photo: &Photo) -> String {
    let size = (photo.width > 0).then(|| format!("{} \u{d7} {}", photo.width, photo.height));
    let date = photo.date.map(|d| d.day_label());
    let all = [size, Some(bytes(photo.stat.size)), date];
    all.into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" \u{b7} ")
}
