//! What the handlers work with. Each takes the parts that it uses, as `State<…>`, and sees no others.

use std::sync::Arc;

use axum::extract::FromRef;

use super::site::Pages;
use crate::analysis::{Crawlers, Retry, Scheduler};
use crate::backups::Backups;
use crate::exchange::Takeover;
use crate::library::Library;
use crate::metrics::Traffic;
use crate::monitor::{Instance, Monitor};
use crate::source::Scanner;
use crate::source_files::SourceFiles;
use crate::store::Sqlite;
use crate::thumbnails::Thumbnails;

#[derive(Clone, FromRef)]
pub struct Parts {
    pub library: Arc<Library>,
    pub kept: Arc<Sqlite>,
    pub source_files: Arc<SourceFiles>,
    pub scanner: Arc<Scanner>,
    pub takeover: Arc<Takeover>,
    pub scheduler: Arc<Scheduler>,
    pub crawlers: Arc<Crawlers>,
    pub retry: Arc<Retry>,
    pub thumbnails: Arc<Thumbnails>,
    pub monitor: Arc<Monitor>,
    pub traffic: Arc<Traffic>,
    pub backups: Arc<Backups>,
    pub instance: Arc<Instance>,
    pub pages: Pages,
    pub options: Options,
}

/// What users may set.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether pages are compressed on their way.
    pub is_compressed: bool,
    /// Seconds for which browsers keep what doesn't change.
    pub assets_kept: u64,
    /// Seconds for which a page is kept as it was made; 0: not at all.
    pub pages_kept: u64,
    /// Bytes of the largest photo that is read.
    pub largest_photo: u64,
}
