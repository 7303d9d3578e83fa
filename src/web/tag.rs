//! Giving photos tags, and taking tags from them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::failure::Failure;
use crate::api::{FailureBody, PhotoName, TagRequest, Tagged};
use crate::catalog::{Act, Deed, Edit, PhotoId, Role, clean};
use crate::library::Library;
use crate::source::Scanner;
use crate::source_files::SourceFiles;

/// The longest tag, in characters: that of models, and more.
const LONGEST: usize = 200;

/// Gives photos tags, or takes tags from them.
#[utoipa::path(
    post,
    path = "/api/v1/tag",
    operation_id = "tag",
    request_body = TagRequest,
    responses(
        (status = 200, description = "What that changed", body = Tagged),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
        (status = 404, description = "The catalog has no such photo", body = FailureBody),
        (status = 409, description = "The file has changed since the last scan", body = FailureBody),
    )
)]
pub async fn post(
    State(library): State<Arc<Library>>,
    State(scanner): State<Arc<Scanner>>,
    State(source_files): State<Arc<SourceFiles>>,
    Json(body): Json<TagRequest>,
) -> Result<Json<Tagged>, Failure> {
    let is_by_path = body.photos.iter().any(PhotoName::is_path);
    super::at_source_if(is_by_path, &source_files, move || {
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
        let (act, photos) = done.map_or((None, 0), |(done, _)| (Some(done.id.0), done.photos));
        Ok(Json(Tagged { act, photos }))
    })
    .await
}
