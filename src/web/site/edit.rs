//! What somebody says of a photo: it enters the journal as one act, and can be taken back as one.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::based::{self, LONGEST_TAG, TextEdit};
use super::blocking;
use super::details::{DetailSources, Details};
use super::page::{self, Mistake};
use super::view::ViewQuery;
use crate::api::Sort;
use crate::catalog::{Act, ActId, Actor, Deed, Detail, Edit, PhotoId, Role, TextField, clean};
use crate::library::Library;

/// What a form sends; what is missing stays as it is. Beside a text and a list stands what it was when somebody began to
/// edit it, nothing where that is missing: what others said meanwhile is none of this edit.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    title: Option<String>,
    #[serde(default)]
    title_base: String,
    description: Option<String>,
    #[serde(default)]
    description_base: String,
    /// All of them, between commas.
    tags: Option<String>,
    #[serde(default)]
    tags_base: String,
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

impl Said {
    /// The texts that somebody changed.
    fn texts(&self) -> Vec<TextEdit> {
        let fields = [
            (TextField::Title, &self.title_base, &self.title),
            (
                TextField::Description,
                &self.description_base,
                &self.description,
            ),
        ];
        let said = fields.into_iter();
        said.filter_map(|(field, base, text)| TextEdit::new(field, base, text.as_ref()?))
            .collect()
    }
}

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
    match blocking(move || edit(&library, PhotoId(id), &said)).await {
        Ok(act) => shown(sources, PhotoId(id), view_query, act, &headers).await,
        Err(failure) if failure.status == StatusCode::CONFLICT && page::is_for_script(&headers) => {
            let page = blocking(move || Details::of(&sources, PhotoId(id), view_query, None));
            page::html(&page.await?.with_conflict(failure.error))
        }
        Err(failure) => Err(failure.into()),
    }
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
    let detail = || -> Result<Detail, Failure> { library.detail(id)?.ok_or_else(gone) };
    let (edits, words) = edits(&detail()?, said)?;
    if edits.is_empty() {
        return Ok(None);
    }
    let act = Act {
        by: by(),
        words: words.join(", "),
        role: Role::New,
        deeds: vec![Deed::Edit(id, edits)],
    };
    let act = library.act(act)?.map(|(act, _)| act);
    // Who was quicker since the photo was looked at has the text.
    let now = detail()?;
    let texts = said.texts();
    texts
        .iter()
        .try_for_each(|text| text.edit(&now).map(|_| ()))?;
    Ok(act)
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
    for text in said.texts() {
        if let Some(edit) = text.edit(detail)? {
            words.push(text.words());
            edits.push(edit);
        }
    }
    if let Some(list) = &said.tags {
        let (tags, told) = based::tag_edits(detail, &said.tags_base, list);
        edits.extend(tags);
        words.extend(told);
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
