//! How the catalog is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::analysis::scheduler::ProviderState;
use crate::app::App;
use crate::catalog::Status;
use crate::metrics::Process;
use crate::store::ledger::Spent;

pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    super::blocking(move || Ok(Json(status(&app)?))).await
}

fn status(app: &App) -> Result<Value, Failure> {
    let index = app.library.index();
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
        "source": app.originals.root().to_string_lossy(),
        "mountpoint": app.mountpoint().map(|p| p.to_string_lossy()),
        "page": app.page().map(|url| url.split('?').next()),
        "photos": index.len(),
        "analyzed": app.count(Status::Analyzed),
        "pending": app.count(Status::Pending),
        "failed": app.count(Status::Failed),
        "unsupported": app.count(Status::Unsupported),
        "paused": app.scheduler.is_paused(),
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

/// Each server: whether it is of use, what it did and what it cost.
fn providers(app: &App) -> Vec<Value> {
    let state = |state: ProviderState| {
        let purse = state.provider.server.as_ref().map(|server| &server.purse);
        let paused = purse.and_then(|purse| purse.is_open().err());
        let account = purse.map(|purse| purse.account());
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
            "state": state.down.or(paused.map(|why| why.to_string())).unwrap_or_else(|| "ready".into()),
            "answered": state.answered,
            "stale": state.stale,
            "declined": state.declined,
            "queued": state.counts.queued,
            "running": state.counts.running,
            "parallel": state.limit,
            "today": spent(account.as_ref().map(|a| a.today)),
            "month": spent(account.as_ref().map(|a| a.month)),
        })
    };
    app.scheduler.servers().into_iter().map(state).collect()
}
