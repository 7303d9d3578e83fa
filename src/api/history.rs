//! What people did: the journal, taking back, doing again.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::{EncodedPath, PhotoPath};
use super::{Method, Request};

/// The program on whose behalf something is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct By {
    /// The name of the program.
    pub process: String,
    /// Its process.
    pub pid: u32,
    /// The user that it runs as.
    pub uid: u32,
}

/// Which acts of the journal.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// At most so many acts.
    pub most: usize,
    /// Only acts on photos below this folder of the source.
    #[param(nullable = false)]
    pub within_base64: Option<EncodedPath>,
}

impl Request for LogQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/log";
    type Answer = Log;
}

/// Acts, the latest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Log {
    /// The acts.
    pub acts: Vec<Act>,
}

/// An act of the journal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Act {
    /// Its number.
    pub act: u64,
    /// Seconds since 1970.
    pub at: i64,
    /// The name of the program that did it.
    pub process: String,
    /// The process that did it.
    pub pid: u32,
    /// The user that it ran as.
    pub uid: u32,
    /// What was done, as `tag beach`.
    pub words: String,
    /// How many photos it changed.
    pub photos: u64,
    /// The path of one of them, relative to the source; left out where it has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path: Option<String>,
    /// Its bytes; left out where `path` is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub path_base64: Option<EncodedPath>,
    /// The act that this one took back.
    #[schema(required)]
    pub undoes: Option<u64>,
    /// The act that this one did again.
    #[schema(required)]
    pub redoes: Option<u64>,
    /// The act that took this one back.
    #[schema(required)]
    pub undone_by: Option<u64>,
}

/// Takes back the last act, one, or all acts of the last seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct UndoRequest {
    /// The number of the act.
    pub act: Option<u64>,
    /// All acts of the last seconds, instead.
    pub seconds: Option<i64>,
    /// Who asks for it.
    #[serde(default)]
    pub by: By,
}

impl Request for UndoRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/undo";
    type Answer = TakenBackActs;
}

/// Does again what was taken back last, or one act.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct RedoRequest {
    /// The number of the act; the one that was taken back last when missing.
    pub act: Option<u64>,
    /// Who asks for it.
    #[serde(default)]
    pub by: By,
}

impl Request for RedoRequest {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/redo";
    type Answer = TakenBackActs;
}

/// What was taken back or done again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TakenBackActs {
    /// One after the other, as they were taken back.
    pub acts: Vec<TakenBack>,
}

/// An act that was taken back, or done again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TakenBack {
    /// Its number.
    pub act: u64,
    /// What had been done.
    pub words: String,
    /// What became of it.
    pub result: TakenBackResult,
    /// The number under which this is in the journal.
    pub by_act: u64,
    /// How many photos are as they were.
    pub photos: u64,
    /// Photos of which something was left alone, because it was changed since.
    pub left_alone: Vec<PhotoPath>,
    /// Of those that were left alone, how many are gone.
    pub gone: u64,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TakenBackResult {
    /// It is taken back.
    Undone,
    /// It is done again.
    Redone,
}
