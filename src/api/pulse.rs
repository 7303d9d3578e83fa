//! What is going on now: rates of the last ten seconds, percentiles of the last minute.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Method, Request};

/// Asks what is going on.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PulseQuery {}

impl Request for PulseQuery {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/pulse";
    type Answer = Snapshot;
}

/// Rates, queues, latencies, errors, caches, memory, spending.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = Pulse)]
pub struct Snapshot {
    /// Of the program that answers.
    pub version: String,
    /// Since the start of the program.
    pub uptime_s: f64,
    /// No analysis is begun until somebody says so.
    pub paused: bool,
    /// Photos looked at.
    pub images_per_second: f64,
    /// Since the start.
    pub ends: Ends,
    /// By state; none while the index is being loaded.
    pub photos: Vec<Count>,
    /// By how much they are wanted, the most first.
    pub queue: Vec<Count>,
    /// The model inside the program first, then servers in the order in which they are asked.
    pub hosts: Vec<HostUse>,
    /// How long each part of an analysis takes.
    pub stages: Vec<Latency>,
    /// What went wrong, by kind.
    pub errors: Vec<Trouble>,
    /// How often each had what it was asked for.
    pub caches: Vec<Share>,
    /// What the process takes.
    pub memory: Memory,
    /// What the process takes.
    pub cpu: Cpu,
    /// Requests of the kernel.
    pub requests_per_second: f64,
    /// What the kernel asked; empty without a mount.
    pub requests: Vec<Latency>,
    /// Of the catalog's file.
    #[schema(required)]
    pub index_bytes: Option<u64>,
    /// Those that are free on the disk of the catalog's file.
    #[schema(required)]
    pub index_free_bytes: Option<u64>,
    /// Images a second, of each of the last seconds.
    pub images_lately: Vec<f64>,
}

/// How many of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// The kind.
    pub name: String,
    /// How many there are.
    pub count: u64,
}

/// How long things take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// What is done.
    pub name: String,
    /// Since the start.
    pub count: u64,
    /// Of the last ten seconds.
    pub per_second: f64,
    /// Begun, and not answered.
    pub running: u64,
    /// Seconds, of the last minute; `null` when there was nothing.
    #[schema(required)]
    pub p50: Option<f64>,
    /// As `p50`, for 95 of 100.
    #[schema(required)]
    pub p95: Option<f64>,
    /// As `p50`, for 99 of 100.
    #[schema(required)]
    pub p99: Option<f64>,
}

/// Errors of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// The kind.
    pub name: String,
    /// Since the start.
    pub count: u64,
    /// Those of the last minute.
    pub last_minute: u64,
}

/// How often a cache had what it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Which cache.
    pub name: String,
    /// Since the start.
    pub hits: u64,
    /// Since the start.
    pub misses: u64,
    /// 0 to 1, since the start; `null` when nothing was asked.
    #[schema(required)]
    pub rate: Option<f64>,
    /// The same, in the last minute.
    #[schema(required)]
    pub rate_lately: Option<f64>,
}

/// Of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Memory {
    /// Resident now; `null` where the system doesn't say.
    #[schema(required)]
    pub now_bytes: Option<u64>,
    /// The most that it ever was.
    #[schema(required)]
    pub peak_bytes: Option<u64>,
    /// What the settings allow.
    pub limit_bytes: u64,
}

/// Time of processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cpu {
    /// Since the start, of all threads together.
    pub seconds: f64,
    /// Processors kept busy.
    pub now: f64,
}

/// Something that looks at photos.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct HostUse {
    /// As the settings name it.
    pub name: String,
    /// The model that looks at photos.
    pub model: String,
    /// How its work ended.
    pub ends: Ends,
    /// Photos that wait for it.
    pub waiting: u64,
    /// What it is doing just now: photos of the model inside the program, requests of a server.
    pub running: u64,
    /// The most that it may do at a time, as things are.
    pub limit: u64,
    /// Why it is of no use now.
    #[schema(required)]
    pub trouble: Option<String>,
    /// Whether that is because the money is spent.
    pub is_spent: bool,
    /// What it took today; `null` of what costs nothing.
    #[schema(required)]
    pub today: Option<Bill>,
}

/// How the work on photos ended, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ends {
    /// Photos that were looked at.
    pub analyzed: u64,
    /// Got the results of another photo of the same content.
    pub copied: u64,
    /// Photos that nobody can read or decode.
    pub failed: u64,
}

/// What a server took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bill {
    /// Requests that were sent.
    pub requests: u64,
    /// Tokens sent, pictures included.
    pub input_tokens: u64,
    /// Tokens answered.
    pub output_tokens: u64,
    /// `null` where what some requests cost isn't known.
    #[schema(required)]
    pub cost: Option<f64>,
}
