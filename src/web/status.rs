//! How the catalog is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::shape;
use crate::analysis::scheduler::ProviderState;
use crate::app::{self, App};
use crate::catalog::{SourcePath, Status};
use crate::metrics::Process;
use crate::store::provider_store::Spent;

#[derive(Deserialize)]
pub struct StatusQuery {
    /// Photos below this folder are counted.
    within_base64: Option<String>,
}

pub async fn get(
    State(app): State<Arc<App>>,
    Query(params): Query<StatusQuery>,
) -> Result<Json<Value>, Failure> {
    super::blocking(move || {
        let within = shape::within(params.within_base64.as_deref())?;
        Ok(Json(status(&app, &within)?))
    })
    .await
}

fn status(app: &App, within: &SourcePath) -> Result<Value, Failure> {
    let index = app.library.index();
    let photos = index.photos_below(within.as_bytes());
    let count = |status| index.photos_with(status).intersection_len(&photos);
    let part = (!within.as_bytes().is_empty()).then(|| within.to_string());
    let following = app.following();
    let work = app.scheduler.progress();
    let process = Process::now();
    let crawlers: serde_json::Map<_, _> = app
        .crawlers
        .counts()
        .into_iter()
        .map(|(name, accesses)| (name, accesses.into()))
        .collect();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "source": app.source_files.root().to_string_lossy(),
        "mountpoint": app.mountpoint().map(|p| p.to_string_lossy()),
        "page": app.page().map(|url| url.split('?').next()),
        "part": part,
        "photos": photos.len(),
        "analyzed": count(Status::Analyzed),
        "pending": count(Status::Pending),
        "failed": count(Status::Failed),
        "unsupported": count(Status::Unsupported),
        "paused": app.scheduler.is_paused(),
        "unkept": app.scheduler.why_unkept(),
        "unkept_answers": app.scheduler.unkept_answers(),
        "recovered": app::index::recovered_lately(app.index_file()),
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
        "previews": {"hits": app.previews.hits(), "misses": app.previews.misses()},
        "providers": providers(app),
        "rss_bytes": process.resident_bytes,
        "peak_rss_bytes": process.peak_bytes,
        "uptime_s": app.uptime().as_secs_f64(),
    }))
}

/// Each provider: whether it is of use, what it did and what it cost.
fn providers(app: &App) -> Vec<Value> {
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
    app.scheduler.providers().into_iter().map(state).collect()
}
