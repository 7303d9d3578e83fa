//! Settings as plain data: defaults, then the file, then the environment, checked once, here.
//!
//! Knows nothing of where the command line comes in (flags overwrite fields) and of who uses what.

mod check;
mod document;
mod places;
mod provider;
mod reading;
mod secret;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

pub use document::DOCUMENT;
pub use places::{
    catalog_path, catalogs_folder, control_sockets, copies_folder, is_usual_place, previews_folder,
    thumbnails_folder, user_file,
};
pub use provider::{Kind, Price, Provider};
pub use secret::Secret;

/// What the user may set; `config init` writes what each key is for. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The file of the catalog. Else one a source below `$XDG_DATA_HOME/kbasefs`.
    #[serde(alias = "index")]
    pub catalog: Option<PathBuf>,
    /// Backups that are kept of the catalog; 0: none are made.
    pub backups: usize,
    /// Patterns of files and folders to leave out, as in a `.ignore` file.
    #[serde(alias = "exclude")]
    pub exclude_filter: Vec<String>,
    /// Files with other extensions are not looked at. Empty: the content decides.
    pub supported_extensions: Vec<String>,
    /// Pictures looked at at the same time; 0: one a core.
    pub workers: usize,
    /// Files looked at at the same time while scanning; 0: as many as suit the machine.
    pub scan_threads: usize,
    /// How changes of the source are noticed.
    pub watch: Watch,
    /// From one look at the source to the next, where looking again is what it takes. Seconds.
    pub watch_interval_s: f64,
    /// Photos in one commit, at most.
    pub batch_size: usize,
    /// Larger files are listed but not analysed. MiB.
    pub max_file_size_mb: u64,
    /// How long decoding a picture may keep a processor busy; what takes longer is listed but not analysed. Seconds.
    pub decode_time_s: f64,
    /// How deep folders of tags list sub-folders.
    pub facet_depth: usize,
    /// How long reading a description waits for its analysis. Seconds.
    pub xattr_wait_s: f64,
    /// How long the first look at an empty view waits for the first results. Seconds.
    pub first_results_wait_s: f64,
    /// Photos whose texts are kept in memory.
    #[serde(alias = "cache_entries")]
    pub cache_size: u64,
    /// How long something stays in a cache without being used. Seconds; 0: as long as there is room.
    pub cache_ttl: u64,
    /// All caches together, in memory. MiB.
    pub max_memory_mb: u64,
    /// Pictures made ready for servers, on disk. MiB.
    pub preview_cache_mb: u64,
    /// How long browsers may keep pictures and styles of the web pages. Seconds.
    pub static_cache_ttl: u64,
    /// How long a web page is kept ready while the catalog stays the same. Seconds.
    pub template_cache_ttl: u64,
    /// Whether web pages are compressed.
    pub compression_enabled: bool,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives like `kbasefs::fuse=debug`.
    pub log: String,
    /// How the log of a mount is written.
    pub log_format: LogFormat,
    /// Longest side of the picture that is sent to a server. Pixels.
    pub image_max_side: u32,
    /// Requests to one server at the same time, at most.
    pub parallel_requests: usize,
    /// How often a request that failed for the moment is repeated.
    pub max_retries: u32,
    /// Before the first repetition; doubles with each. Seconds.
    pub retry_delay: f64,
    /// For a server to take a connection. Seconds.
    pub connection_timeout: u64,
    /// For the first byte of an answer, and between any two. Seconds.
    pub read_timeout: u64,
    /// For a server to take a request. Seconds.
    pub write_timeout: u64,
    /// Connections kept open for the next request, to all servers together.
    pub max_idle_connections: usize,
    /// To one server.
    pub max_idle_connections_per_host: usize,
    /// When the model inside kbasefs looks at a picture.
    pub embedded: Embedded,
    /// What is made of the words of models on servers.
    pub tags: Tags,
    /// Models, the preferred first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provider: Vec<Provider>,
}

/// The table `[embedded]`: the model inside kbasefs, which a `[[provider]]` of this kind may describe as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// What starts it.
    pub on: On,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// An object a line, for programs that gather logs.
    Json,
}

/// How changes of the source are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// The kernel tells; where it can't (network file systems, too many folders), by looking again.
    Auto,
    /// The kernel tells, on network file systems too, where it knows only what this machine changes.
    Inotify,
    /// By looking again each `watch_interval_s`.
    Poll,
    /// Only when mounted, and by `kbasefs scan`.
    Off,
}

/// What is made of the words that models on servers use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tags {
    /// Words that models should prefer.
    pub vocabulary: Vec<String>,
    /// Whether no other words are taken.
    pub vocabulary_only: bool,
    /// Words never taken.
    pub blocked: Vec<String>,
    /// What is taken in place of a word.
    pub aliases: BTreeMap<String, String>,
}

/// The cheapest kind of access that starts an analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum On {
    /// None at all: every photo, as soon as it is there.
    Always,
    /// A folder was opened that would show the photo.
    Listed,
    /// The photo was read, by a program that doesn't read everything.
    Read,
    /// Its description was asked for.
    Asked,
}

impl On {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self { on: On::Listed }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            catalog: None,
            backups: 2,
            exclude_filter: Vec::new(),
            supported_extensions: Vec::new(),
            workers: 0,
            scan_threads: 0,
            watch: Watch::Auto,
            watch_interval_s: 60.0,
            batch_size: 1000,
            max_file_size_mb: 100,
            decode_time_s: 5.0,
            facet_depth: 2,
            xattr_wait_s: 10.0,
            first_results_wait_s: 2.0,
            cache_size: 10_000,
            cache_ttl: 3600,
            max_memory_mb: 1024,
            preview_cache_mb: 512,
            static_cache_ttl: 3600,
            template_cache_ttl: 300,
            compression_enabled: true,
            log: "info".into(),
            log_format: LogFormat::Text,
            image_max_side: 768,
            parallel_requests: 3,
            max_retries: 3,
            retry_delay: 5.0,
            connection_timeout: 30,
            read_timeout: 60,
            write_timeout: 60,
            max_idle_connections: 100,
            max_idle_connections_per_host: 10,
            embedded: Embedded::default(),
            tags: Tags::default(),
            provider: Vec::new(),
        }
    }
}

/// Why there are no settings. Nothing is done by halves: one wrong value, and none of them holds.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file that was named isn't there, or can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// As it was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key is unknown, or its value makes no sense.
    #[error("{origin}: {message}")]
    Invalid {
        /// The file, or the variable of the environment.
        origin: String,
        /// What is wrong, and in which line.
        message: String,
    },
}
