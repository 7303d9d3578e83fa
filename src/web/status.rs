//! How the catalog is doing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, Query, State};
use jiff::Timestamp;

use super::failure::Failure;
use super::parts::Parts;
use super::shape;
use crate::analysis::scheduler::ProviderState;
use crate::analysis::{Crawlers, Scheduler};
use crate::api::{self, CacheHits, FailureBody, Provider, StatusQuery};
use crate::backups::Backups;
use crate::catalog::{SourcePath, Status};
use crate::library::Library;
use crate::metrics::{CacheUse, Process};
use crate::monitor::{Instance, Monitor};
use crate::source::Scanner;
use crate::source_files::SourceFiles;
use crate::store::disk::shortage;
use crate::store::sqlite::{put_back_lately, recovered_lately};

/// How the catalog is doing.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "status",
    params(StatusQuery),
    responses(
        (status = 200, description = "Counts, and what it takes", body = api::Status),
        (status = 400, description = "What is wrong, and what to do", body = FailureBody),
    )
)]
pub async fn get(
    State(about): State<About>,
    Query(params): Query<StatusQuery>,
) -> Result<Json<api::Status>, Failure> {
    super::blocking(move || {
        let within = shape::within(params.within_base64.as_ref())?;
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

fn status(about: &About, within: &SourcePath) -> Result<api::Status, Failure> {
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
    let bytes = about.library.store().size_bytes()?;
    let file = instance.catalog_path().to_string_lossy();
    let backups = about.backups.report(Timestamp::now().as_second())?;
    Ok(api::Status {
        version: env!("CARGO_PKG_VERSION").into(),
        source: about.source_files.root().to_string_lossy().into_owned(),
        mountpoint: instance
            .mountpoint()
            .map(|p| p.to_string_lossy().into_owned()),
        page: instance.page().map(without_token),
        part,
        photos: photos.len(),
        analyzed: count(Status::Analyzed),
        pending: count(Status::Pending),
        failed: count(Status::Failed),
        unsupported: count(Status::Unsupported),
        gone_with_words: about.library.store().gone_with_words()?.len() as u64,
        paused: scheduler.is_paused(),
        unkept: scheduler
            .why_unkept()
            .or_else(|| shortage(instance.catalog_path()).map(Into::into)),
        unkept_answers: scheduler.unkept_answers(),
        recovered: recovered_lately(instance.catalog_path()),
        put_back: put_back_lately(instance.catalog_path()),
        queued: work.queued,
        running: work.running,
        labels: index.label_count() as u64,
        catalog: file.clone().into_owned(),
        catalog_bytes: bytes,
        backups: backups.summary(),
        index: file.into_owned(),
        index_bytes: bytes,
        cache: of_cache(&about.monitor.details_cache()),
        crawlers: about.crawlers.counts().into_iter().collect(),
        watched_folders: following.watched as u64,
        polling: following.polling,
        away: following.away,
        unresponsive: about.scanner.unresponsive() as u64,
        previews: of_cache(&about.monitor.previews_cache()),
        providers: scheduler.providers().into_iter().map(provider).collect(),
        rss_bytes: process.resident_bytes,
        peak_rss_bytes: process.peak_bytes,
        uptime_s: instance.uptime().as_secs_f64(),
    })
}

fn of_cache(cache: &CacheUse) -> CacheHits {
    CacheHits {
        hits: cache.hits,
        misses: cache.misses,
    }
}

/// The address of the page, without what opens it.
fn without_token(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

/// Whether it is of use, what it did and what it cost.
fn provider(state: ProviderState) -> Provider {
    let budget = state.provider.server.as_ref().map(|server| &server.budget);
    let paused = budget.and_then(|budget| budget.is_open().err());
    let paused = paused.map(|why| why.to_string());
    let spending = budget.map(|budget| budget.spending()).unwrap_or_default();
    Provider {
        name: state.provider.analyzer.name().into(),
        model: state.provider.analyzer.model().into(),
        is_server: state.provider.server.is_some(),
        state: state.down.or(paused).unwrap_or_else(|| "ready".into()),
        answered: state.answered,
        stale: state.stale,
        declined: state.declined,
        queued: state.counts.queued,
        running: state.counts.running,
        parallel: state.limit as u64,
        today: spending.today.into(),
        month: spending.month.into(),
    }
}
