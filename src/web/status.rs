//! How the catalog is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::parts::Parts;
use super::shape;
use crate::analysis::scheduler::ProviderState;
use crate::analysis::{Crawlers, Scheduler};
use crate::backups::Backups;
use crate::catalog::{SourcePath, Status};
use crate::library::Library;
use crate::metrics::{CacheUse, Process};
use crate::monitor::{Instance, Monitor};
use crate::source::Scanner;
use crate::source_files::SourceFiles;
use crate::store::provider_store::Spent;
use crate::store::sqlite::recovered_lately;

#[derive(Deserialize)]
pub struct StatusQuery {
    /// Photos below this folder are counted.
    within_base64: Option<String>,
}

pub async fn get(
    State(about): State<About>,
    Query(params): Query<StatusQuery>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let within = shape::within(params.within_base64.as_deref())?;
        Ok(Json(status(&about, &within)?))
    })
    .await
}

/// What it is asked of.
#[derive(Clone)]
pub struct About {
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    scanner: Arc<Scanner>,
    scheduler: Arc<Scheduler>,
    crawlers: Arc<Crawlers>,
    monitor: Arc<Monitor>,
    backups: Arc<Backups>,
    instance: Arc<Instance>,
}

impl FromRef<Parts> for About {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            library: FromRef::from_ref(parts),
            source_files: FromRef::from_ref(parts),
            scanner: FromRef::from_ref(parts),
            scheduler: FromRef::from_ref(parts),
            crawlers: FromRef::from_ref(parts),
            monitor: FromRef::from_ref(parts),
            backups: FromRef::from_ref(parts),
            instance: FromRef::from_ref(parts),
        }
    }
}

fn status(about: &About, within: &SourcePath) -> Result<Value, Failure> {
    let About {
        scheduler,
        instance,
        ..
    } = about;
    let index = about.library.index();
    let photos = index.photos_below(within.as_bytes());
    let count = |status| index.photos_with(status).intersection_len(&photos);
    let part = (!within.as_bytes().is_empty()).then(|| within.to_string());
    let following = about.scanner.following();
    let work = scheduler.progress();
    let process = Process::now();
    let crawlers: serde_json::Map<_, _> = about
        .crawlers
        .counts()
        .into_iter()
        .map(|(name, accesses)| (name, accesses.into()))
        .collect();
    let bytes = about.library.store().size_bytes()?;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source": about.source_files.root().to_string_lossy(),
        "mountpoint": instance.mountpoint().map(|p| p.to_string_lossy()),
        "page": instance.page().map(|url| url.split('?').next()),
        "part": part,
        "photos": photos.len(),
        "analyzed": count(Status::Analyzed),
        "pending": count(Status::Pending),
        "failed": count(Status::Failed),
        "unsupported": count(Status::Unsupported),
        "paused": scheduler.is_paused(),
        "unkept": scheduler.why_unkept(),
        "unkept_answers": scheduler.unkept_answers(),
        "recovered": recovered_lately(instance.index_file()),
        "queued": work.queued,
        "running": work.running,
        "labels": index.label_count(),
        "catalog": instance.index_file().to_string_lossy(),
        "catalog_bytes": bytes,
        "backups": about.backups.report(Timestamp::now().as_second())?.summary(),
        "index": instance.index_file().to_string_lossy(),
        "index_bytes": bytes,
        "cache": of_cache(&about.monitor.details_cache()),
        "crawlers": crawlers,
        "watched_folders": following.watched,
        "polling": following.polling,
        "away": following.away,
        "previews": of_cache(&about.monitor.previews_cache()),
        "providers": providers(scheduler),
        "rss_bytes": process.resident_bytes,
        "peak_rss_bytes": process.peak_bytes,
        "uptime_s": instance.uptime().as_secs_f64(),
    }))
}

fn of_cache(cache: &CacheUse) -> Value {
    json!({"hits": cache.hits, "misses": cache.misses})
}

/// Each provider: whether it is of use, what it did and what it cost.
fn providers(scheduler: &Scheduler) -> Vec<Value> {
    let state = |state: ProviderState| {
        let budget = state.provider.server.as_ref().map(|server| &server.budget);
        let paused = budget.and_then(|budget| budget.is_open().err());
        let spending = budget.map(|budget| budget.spending());
        let spent = |spent: Option<Spent>| {
            let spent = spent.unwrap_or_default();
            // What part of the requests cost isn't known makes the sum unknown, not small.
            let cost = (spent.unpriced == 0).then_some(spent.cost);
            json!({
                "requests": spent.requests, "input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens,
                "cost": cost,
            })
        };
        json!({
            "name": state.provider.analyzer.name(),
            "model": state.provider.analyzer.model(),
            "is_server": state.provider.server.is_some(),
            "state": state.down.or(paused.map(|why| why.to_string())).unwrap_or_else(|| "ready".into()),
            "answered": state.answered,
            "stale": state.stale,
            "declined": state.declined,
            "queued": state.counts.queued,
            "running": state.counts.running,
            "parallel": state.limit,
            "today": spent(spending.as_ref().map(|a| a.today)),
            "month": spent(spending.as_ref().map(|a| a.month)),
        })
    };
    scheduler.providers().into_iter().map(state).collect()
}
