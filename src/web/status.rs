//! How the catalog is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::app::App;
use crate::catalog::Status;

pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    super::blocking(move || Ok(Json(status(&app)?))).await
}

fn status(app: &App) -> Result<Value, Failure> {
    let index = app.library.index();
    let following = app.following();
    let work = app.scheduler.progress();
    let crawlers: serde_json::Map<_, _> = app
        .crawlers
        .counts()
        .into_iter()
        .map(|(name, accesses)| (name, accesses.into()))
        .collect();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source": app.originals.root().to_string_lossy(),
        "mountpoint": app.mountpoint().map(|p| p.to_string_lossy()),
        "photos": index.len(),
        "analyzed": app.count(Status::Analyzed),
        "pending": app.count(Status::Pending),
        "failed": app.count(Status::Failed),
        "unsupported": app.count(Status::Unsupported),
        "queued": work.queued,
        "running": work.running,
        "labels": index.label_count(),
        "index": app.index_file().to_string_lossy(),
        "index_bytes": app.library.store().size_bytes()?,
        "cache": {"hits": app.cache.hits(), "misses": app.cache.misses()},
        "crawlers": crawlers,
        "watched_folders": following.watched,
        "polling": following.polling,
        "away": following.away,
        "rss_bytes": memory("VmRSS:"),
        "peak_rss_bytes": memory("VmHWM:"),
        "uptime_s": app.uptime().as_secs_f64(),
    }))
}

/// A line of `/proc/self/status`, in bytes; `None` where the kernel doesn't say.
fn memory(line: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = text.lines().find_map(|l| l.strip_prefix(line))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
