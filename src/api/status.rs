//! How a catalog is doing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::backups::BackupList;
use super::path::EncodedPath;
use super::pulse::Bill;
use super::{Method, Request};

/// Which photos are counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// Photos below this folder of the source are counted.
    #[param(nullable = false)]
    pub within_base64: Option<EncodedPath>,
}

impl Request for StatusQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/status";
    type Answer = Status;
}

/// Asks a process of any version what would be lost with it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct UnkeptQuery {}

impl Request for UnkeptQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = StatusQuery::PATH;
    type Answer = Unkept;
}

/// The part of [`Status`] that tells what can't be kept.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Unkept {
    /// Why nothing can be kept.
    pub unkept: Option<String>,
    /// Answers of servers that wait to be kept.
    #[serde(default)]
    pub unkept_answers: u64,
}

/// How the catalog is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Of the program that answers.
    pub version: String,
    /// The photo folder.
    pub source: String,
    /// Where it is mounted.
    #[schema(required)]
    pub mountpoint: Option<String>,
    /// Where the web page is.
    #[schema(required)]
    pub page: Option<String>,
    /// The folder whose photos are counted; `null` for all of the source.
    #[schema(required)]
    pub part: Option<String>,
    /// All photos of that folder.
    pub photos: u64,
    /// Photos that at least one analyzer has answered.
    pub analyzed: u64,
    /// Photos that nobody has looked at yet.
    pub pending: u64,
    /// Photos that nobody can read or decode.
    pub failed: u64,
    /// Photos for whose format there is no decoder.
    pub unsupported: u64,
    /// Photos that are gone and of which people said something.
    pub gone_with_words: u64,
    /// No analysis is begun until somebody says so.
    pub paused: bool,
    /// Why nothing can be kept, and so nothing is analysed.
    #[schema(required)]
    pub unkept: Option<String>,
    /// Answers of servers that wait to be kept.
    pub unkept_answers: u64,
    /// What the catalog's file lost when it was damaged lately.
    #[schema(required)]
    pub recovered: Option<String>,
    /// When the catalog's file was removed or replaced while it was in use, lately; it was put back.
    #[schema(required)]
    pub put_back: Option<String>,
    /// Photos that wait to be looked at.
    pub queued: u64,
    /// Photos that are looked at now.
    pub running: u64,
    /// Different labels: tags, dates, places and so on.
    pub labels: u64,
    /// The catalog's file.
    pub catalog: String,
    /// Bytes of that file and of its log.
    pub catalog_bytes: u64,
    /// The copies of it that are kept.
    pub backups: BackupList,
    /// As `catalog`, under its first name.
    pub index: String,
    /// As `catalog_bytes`, under its first name.
    pub index_bytes: u64,
    /// Of what is known of photos.
    pub cache: CacheHits,
    /// How often the programs that crawl all files looked, by their names.
    pub crawlers: BTreeMap<String, u64>,
    /// Folders that the kernel watches.
    pub watched_folders: u64,
    /// Whether folders are looked at again and again.
    pub polling: bool,
    /// Why the photo folder can't be read now.
    #[schema(required)]
    pub away: Option<String>,
    /// Files of it that don't answer, each of which is tried again later.
    #[serde(default)]
    #[schema(required)]
    pub unresponsive: u64,
    /// Of pictures made small.
    pub previews: CacheHits,
    /// In the order in which they are preferred.
    pub providers: Vec<Provider>,
    /// Memory of the process; `null` where the system doesn't say.
    #[schema(required)]
    pub rss_bytes: Option<u64>,
    /// The most that it ever was.
    #[schema(required)]
    pub peak_rss_bytes: Option<u64>,
    /// Since the start of the program.
    pub uptime_s: f64,
}

/// How often a cache had what it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CacheHits {
    /// Times that it had it.
    pub hits: u64,
    /// Times that it hadn't.
    pub misses: u64,
}

/// Something that looks at photos.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provider {
    /// As the settings name it.
    pub name: String,
    /// The model that looks at photos.
    pub model: String,
    /// False of the model inside the program.
    pub is_server: bool,
    /// `ready`, or why it is of no use now.
    pub state: String,
    /// Photos that it answered, in any version.
    pub answered: u64,
    /// Photos whose answer is of an earlier version.
    pub stale: u64,
    /// Photos that it has no answer for.
    pub declined: u64,
    /// Photos that wait for it.
    pub queued: u64,
    /// Photos that it looks at now.
    pub running: u64,
    /// The most that run at the same time, as things are.
    pub parallel: u64,
    /// What it took today.
    pub today: Bill,
    /// What it took this month.
    pub month: Bill,
}
