//! What somebody says of a photo: it enters the journal as one act, and can be taken back as one.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::blocking;
use super::details::{self, DetailSources, Details};
use super::page::{self, Mistake};
use super::view::ViewQuery;
use crate::api::Sort;
use crate::catalog::{Act, ActId, Actor, Deed, Detail, Edit, PhotoId, Role, TextField, clean};
use crate::library::Library;

/// What a form sends; what is missing stays as it is.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    title: Option<String>,
    description: Option<String>,
    /// All of them, between commas.
    tags: Option<String>,
    /// 0 to 5; empty: nothing is said.
    rating: Option<String>,
    /// One more tag.
    add: Option<String>,
    /// A tag that is wrong.
    remove: Option<String>,
    /// Forget all that people said.
    reset: Option<String>,
    #[serde(default)]
    q: String,
    sort: Option<Sort>,
}

/// Characters.
const LONGEST_TITLE: usize = 500;
const LONGEST_DESCRIPTION: usize = 10_000;
const LONGEST_TAG: usize = 200;

pub async fn post(
    State(library): State<Arc<Library>>,
    State(sources): State<DetailSources>,
    Path(id): Path<u32>,
    headers: HeaderMap,
    Form(said): Form<Said>,
) -> Result<Response, Mistake> {
    let view_query = ViewQuery {
        q: said.q.clone(),
        sort: said.sort,
    };
    let act = blocking(move || edit(&library, PhotoId(id), &said)).await?;
    shown(sources, PhotoId(id), view_query, act, &headers).await
}

/// The photo after something was done: its details for a script, the page for everybody else.
pub async fn shown(
    sources: DetailSources,
    id: PhotoId,
    view_query: ViewQuery,
    act: Option<ActId>,
    headers: &HeaderMap,
) -> Result<Response, Mistake> {
    if page::is_for_script(headers) {
        let page = blocking(move || Details::of(&sources, id, view_query, act));
        return page::html(&page.await?);
    }
    let act = act.map(|act| act.to_string()).unwrap_or_default();
    let query = [
        ("q", view_query.q.as_str()),
        ("sort", view_query.sort_name()),
        ("act", &act),
    ];
    Ok(Redirect::to(&page::link(&format!("/photo/{id}"), &query)).into_response())
}

/// `None` where it says nothing new.
fn edit(library: &Library, id: PhotoId, said: &Said) -> Result<Option<ActId>, Failure> {
    let gone = || Failure::not_found("the catalog has no such photo", "it may have been deleted");
    let detail = library.detail(id)?.ok_or_else(gone)?;
    let (edits, words) = edits(&detail, said)?;
    if edits.is_empty() {
        return Ok(None);
    }
    let act = Act {
        by: by(),
        words: words.join(", "),
        role: Role::New,
        deeds: vec![Deed::Edit(id, edits)],
    };
    Ok(library.act(act)?.map(|(act, _)| act))
}

/// Whoever is at the page.
pub fn by() -> Actor {
    Actor {
        process: "web page".into(),
        pid: std::process::id(),
        uid: rustix::process::getuid().as_raw(),
    }
}

/// What changes, and words for it.
fn edits(detail: &Detail, said: &Said) -> Result<(Vec<Edit>, Vec<String>), Failure> {
    let mut edits = Vec::new();
    let mut words = Vec::new();
    for (field, text, longest) in [
        (TextField::Title, &said.title, LONGEST_TITLE),
        (
            TextField::Description,
            &said.description,
            LONGEST_DESCRIPTION,
        ),
    ] {
        let Some(text) = text else { continue };
        let text = clean(text, longest).unwrap_or_default();
        if text != detail.text(field).map_or("", |t| &t.value) {
            words.push(format!("set {}", field.name()));
            edits.push(Edit::SetText(field, text));
        }
    }
    if let Some(list) = &said.tags {
        let tags: Vec<_> = list
            .split(',')
            .filter_map(|tag| clean(tag, LONGEST_TAG))
            .collect();
        if tags.join(", ") != details::tag_list(detail) {
            words.push("set tags".into());
            edits.push(Edit::SetTags(tags));
        }
    }
    if let Some(stars) = &said.rating {
        rate(stars, &mut edits, &mut words)?;
    }
    if let Some(tag) = &said.add {
        let tag = clean(tag, LONGEST_TAG)
            .ok_or_else(|| Failure::hinted("this is no tag", "write a word"))?;
        words.push(format!("tag {tag}"));
        edits.push(Edit::Tag(tag));
    }
    if let Some(tag) = said.remove.as_deref().filter(|tag| !tag.is_empty()) {
        words.push(format!(
            "untag {}",
            clean(tag, LONGEST_TAG).unwrap_or_default()
        ));
        edits.push(Edit::Untag(tag.to_owned()));
    }
    if said.reset.is_some() {
        words.push("forget edits".into());
        edits.extend(TextField::ALL.map(Edit::ClearText));
        edits.extend([Edit::ClearTags, Edit::ClearRating]);
    }
    Ok((edits, words))
}

fn rate(stars: &str, edits: &mut Vec<Edit>, words: &mut Vec<String>) -> Result<(), Failure> {
    match stars {
        "" => {
            words.push("clear rating".into());
            edits.push(Edit::ClearRating);
        }
        stars => {
            let stars = stars.parse().ok().filter(|stars| *stars <= 5);
            let stars: u8 =
                stars.ok_or_else(|| Failure::hinted("this is no rating", "0 to 5 stars"))?;
            words.push(format!("rate {stars}"));
            edits.push(Edit::SetRating(stars));
        }
    }
    Ok(())
}
