//! What people did: the journal, taking back, doing again.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Query, State};

use super::failure::Failure;
use super::shape;
use crate::api::{
    self, By, FailureBody, Log, LogQuery, PhotoPath, RedoRequest, TakenBackActs, TakenBackResult,
    UndoRequest,
};
use crate::catalog::{ActId, Actor, Done, PhotoId, Role, SourcePath, Trace};
use crate::library::{Library, TakenBack, UndoError, Which};

impl From<By> for Actor {
    fn from(by: By) -> Self {
        let By { process, pid, uid } = by;
        Self { process, pid, uid }
    }
}

fn act_shape(library: &Library, done: Done) -> api::Act {
    let (undoes, redoes) = match done.role {
        Role::Undoes(of) => (Some(of.0), None),
        Role::Redoes(of) => (None, Some(of.0)),
        Role::New | Role::Continues(_) => (None, None),
    };
    let photo = done.photo.and_then(|id| path(library, id));
    let (path, path_base64) =
        photo.map_or((None, None), |photo| (Some(photo.path), photo.path_base64));
    api::Act {
        act: done.id.0,
        at: done.at,
        process: done.by.process,
        pid: done.by.pid,
        uid: done.by.uid,
        words: done.words,
        photos: done.photos,
        path,
        path_base64,
        undoes,
        redoes,
        undone_by: done.undone_by.map(|id| id.0),
    }
}

fn path(library: &Library, id: PhotoId) -> Option<PhotoPath> {
    Some((&library.index().photo(id)?.path).into())
}

/// What people did, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/log",
    operation_id = "log",
    params(LogQuery),
    responses(
        (status = 200, description = "The acts", body = Log),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<LogQuery>,
) -> Result<Json<Log>, Failure> {
    super::blocking(move || {
        let within = shape::within(params.within_base64.as_ref())?;
        let acts = acts(&library, &within, params.most)?.into_iter();
        Ok(Json(Log {
            acts: acts.map(|done| act_shape(&library, done)).collect(),
        }))
    })
    .await
}

/// The latest acts that changed a photo below a folder; any acts where that is the source itself.
fn acts(library: &Library, within: &SourcePath, most: usize) -> Result<Vec<Done>, Failure> {
    let store = library.store();
    if within.as_bytes().is_empty() {
        return Ok(store.acts(None, most)?);
    }
    let photos = library.index().photos_below(within.as_bytes());
    let is_there = |trace: &Trace| trace.photo.is_some_and(|id| photos.contains(id.0));
    let (mut found, mut before) = (Vec::new(), None);
    while found.len() < most {
        let some = store.acts(before, PAGE)?;
        let Some(last) = some.last() else { break };
        before = Some(last.id);
        for done in some {
            let act = store.act(done.id)?;
            if act.is_some_and(|(_, traces)| traces.iter().any(is_there)) {
                found.push(done);
            }
        }
    }
    found.truncate(most);
    Ok(found)
}

/// Acts looked through at a time.
const PAGE: usize = 100;

/// Takes back the last act, one, or all acts of the last seconds.
#[utoipa::path(
    post,
    path = "/api/v1/undo",
    operation_id = "undo",
    request_body = UndoRequest,
    responses(
        (status = 200, description = "What was taken back", body = TakenBackActs),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
        (status = 404, description = "There is nothing to take back", body = FailureBody),
    )
)]
pub async fn undo(
    State(library): State<Arc<Library>>,
    Json(body): Json<UndoRequest>,
) -> Result<Json<TakenBackActs>, Failure> {
    super::blocking(move || {
        let which = match (body.act, body.seconds) {
            (None, None) => Which::Last,
            (Some(act), None) => Which::Act(ActId(act)),
            (None, Some(seconds)) => Which::Since(now().saturating_sub(seconds)),
            (Some(_), Some(_)) => {
                return Err(Failure::bad_request("name an act or a time, not both"));
            }
        };
        let done = library.undo(which, &body.by.into())?;
        Ok(Json(taken_back(&library, done)))
    })
    .await
}

/// Does again what was taken back last, or one act.
#[utoipa::path(
    post,
    path = "/api/v1/redo",
    operation_id = "redo",
    request_body = RedoRequest,
    responses(
        (status = 200, description = "What was done again", body = TakenBackActs),
        (status = 404, description = "There is nothing to do again", body = FailureBody),
    )
)]
pub async fn redo(
    State(library): State<Arc<Library>>,
    Json(body): Json<RedoRequest>,
) -> Result<Json<TakenBackActs>, Failure> {
    super::blocking(move || {
        let done = library.redo(body.act.map(ActId), &body.by.into())?;
        Ok(Json(taken_back(&library, vec![done])))
    })
    .await
}

fn taken_back(library: &Library, acts: Vec<TakenBack>) -> TakenBackActs {
    let shape = |taken: TakenBack| {
        let left = taken.left_alone.iter().filter_map(|&id| path(library, id));
        let left: Vec<_> = left.collect();
        api::TakenBack {
            act: taken.act.id.0,
            words: taken.act.words,
            result: match taken.role {
                Role::Redoes(_) => TakenBackResult::Redone,
                _ => TakenBackResult::Undone,
            },
            by_act: taken.by.0,
            photos: taken.photos,
            gone: (taken.left_alone.len() - left.len()) as u64,
            left_alone: left,
        }
    };
    TakenBackActs {
        acts: acts.into_iter().map(shape).collect(),
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

impl From<UndoError> for Failure {
    fn from(error: UndoError) -> Self {
        let hint = match &error {
            UndoError::Store(_) => return Self::internal(error.to_string()),
            UndoError::Undone { act, .. } => format!("`kbasefs redo {act}` does it again"),
            _ => "`kbasefs log` lists what was done".into(),
        };
        Self::not_found(error.to_string(), &hint)
    }
}
