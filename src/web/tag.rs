//! Giving photos tags, and taking tags from them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::journal::By;
use super::shape::Named;
use crate::catalog::{Act, Deed, Edit, PhotoId, Role, clean};
use crate::library::Library;
use crate::source::Scanner;

/// The longest tag, in characters: that of models, and more.
const LONGEST: usize = 200;

#[derive(Deserialize)]
pub struct TagRequest {
    photos: Vec<Named>,
    tags: Vec<String>,
    /// Takes them away.
    #[serde(default)]
    remove: bool,
    #[serde(default)]
    by: By,
}

pub async fn post(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    Json(body): Json<TagRequest>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let photos = body
            .photos
            .iter()
            .map(|named| named.resolve_for_edit(&library, &scanner));
        let photos = photos.collect::<Result<Vec<PhotoId>, _>>()?;
        let tags = body.tags.iter().map(|tag| {
            let unusable = || Failure::bad_request(format!("{tag:?} is no tag"));
            clean(tag, LONGEST).ok_or_else(unusable)
        });
        let tags = tags.collect::<Result<Vec<_>, _>>()?;
        let (verb, edit): (_, fn(String) -> Edit) = match body.remove {
            true => ("untag", Edit::Untag),
            false => ("tag", Edit::Tag),
        };
        let edits: Vec<_> = tags.iter().cloned().map(edit).collect();
        let act = Act {
            by: body.by.into(),
            words: format!("{verb} {}", tags.join(" and ")),
            role: Role::New,
            deeds: photos
                .into_iter()
                .map(|id| Deed::Edit(id, edits.clone()))
                .collect(),
        };
        let done = match library.act(act)? {
            Some((id, _)) => library.store().act(id)?,
            None => None,
        };
        let (act, changed) = done.map_or((None, 0), |(done, _)| (Some(done.id.0), done.photos));
        Ok(Json(json!({ "act": act, "photos": changed })))
    })
    .await
}
