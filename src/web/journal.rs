//! What people did: the journal, taking back, doing again.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Failure;
use super::shape::{self, PathShape};
use crate::catalog::{ActId, Actor, Done, PhotoId, Role, SourcePath, Trace};
use crate::library::{Library, TakenBack, UndoError, Which};

/// The program on whose behalf something is done.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct By {
    process: String,
    pid: u32,
    uid: u32,
}

impl From<By> for Actor {
    fn from(by: By) -> Self {
        let By { process, pid, uid } = by;
        Self { process, pid, uid }
    }
}

#[derive(Deserialize)]
pub struct JournalQuery {
    most: usize,
    /// Only acts on photos below this folder.
    within_base64: Option<String>,
}

#[derive(Deserialize)]
pub struct Undo {
    act: Option<u64>,
    /// All acts of the last seconds, instead.
    seconds: Option<i64>,
    #[serde(default)]
    by: By,
}

#[derive(Deserialize)]
pub struct Redo {
    act: Option<u64>,
    #[serde(default)]
    by: By,
}

/// An act of the journal.
#[derive(Serialize)]
struct ActShape {
    act: u64,
    /// Seconds since 1970.
    at: i64,
    process: String,
    pid: u32,
    uid: u32,
    words: String,
    photos: u64,
    /// One of them.
    #[serde(flatten)]
    photo: Option<PathShape>,
    undoes: Option<u64>,
    redoes: Option<u64>,
    undone_by: Option<u64>,
}

fn act_shape(library: &Library, done: Done) -> ActShape {
    let (undoes, redoes) = match done.role {
        Role::Undoes(of) => (Some(of.0), None),
        Role::Redoes(of) => (None, Some(of.0)),
        Role::New | Role::Continues(_) => (None, None),
    };
    ActShape {
        act: done.id.0,
        at: done.at,
        process: done.by.process,
        pid: done.by.pid,
        uid: done.by.uid,
        words: done.words,
        photos: done.photos,
        photo: done.photo.and_then(|id| path(library, id)),
        undoes,
        redoes,
        undone_by: done.undone_by.map(|id| id.0),
    }
}

fn path(library: &Library, id: PhotoId) -> Option<PathShape> {
    Some((&library.index().photo(id)?.path).into())
}

pub async fn get(
    State(library): State<Arc<Library>>,
    Query(params): Query<JournalQuery>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let within = shape::within(params.within_base64.as_deref())?;
        let acts = acts(&library, &within, params.most)?.into_iter();
        let acts: Vec<_> = acts.map(|done| act_shape(&library, done)).collect();
        Ok(Json(json!({ "acts": acts })))
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

pub async fn undo(
    State(library): State<Arc<Library>>,
    Json(body): Json<Undo>,
) -> Result<Json<Value>, Failure> {
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

pub async fn redo(
    State(library): State<Arc<Library>>,
    Json(body): Json<Redo>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let done = library.redo(body.act.map(ActId), &body.by.into())?;
        Ok(Json(taken_back(&library, vec![done])))
    })
    .await
}

fn taken_back(library: &Library, acts: Vec<TakenBack>) -> Value {
    let shape = |taken: TakenBack| {
        let left = taken.left_alone.iter().filter_map(|&id| path(library, id));
        let left: Vec<_> = left.collect();
        json!({
            "act": taken.act.id.0,
            "words": taken.act.words,
            "result": match taken.role {
                Role::Redoes(_) => "redone",
                _ => "undone",
            },
            "by_act": taken.by.0,
            "photos": taken.photos,
            "left_alone": left,
            "gone": taken.left_alone.len() - left.len(),
        })
    };
    json!({ "acts": acts.into_iter().map(shape).collect::<Vec<_>>() })
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
