//! The local API behind the commands: HTTP with JSON over a Unix socket that only its owner can open. The web page over
//! TCP is apart from it, in `site`.
//!
//! Knows the [`Parts`] of a catalog and the shapes of requests and answers; nothing of the command line or the kernel.

mod analyze;
mod catalog;
mod export;
mod failure;
mod gone;
mod import;
mod inner;
mod journal;
mod metrics;
mod openapi;
mod parts;
mod photo;
mod saved;
mod scan;
mod search;
mod shape;
mod site;
mod socket;
mod status;
mod tag;
mod told;
mod vacuum;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::faults;
use crate::source_files::SourceFiles;

pub use parts::{Options, Parts};
pub use site::{Pages, Site, words};
pub use socket::Socket;

/// Bytes of a request on the control socket. A command line may have 6 MiB of names, see execve(2); a name as JSON has up to
/// ten times as many.
const LARGEST_REQUEST: usize = 64 << 20;

/// Every page of the API.
pub fn router(parts: Parts) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(openapi::Control::openapi())
        .routes(routes!(catalog::get))
        .routes(routes!(inner::adopt))
        .routes(routes!(vacuum::post))
        .routes(routes!(status::get))
        .routes(routes!(search::get))
        .routes(routes!(saved::post))
        .routes(routes!(photo::get))
        .routes(routes!(scan::post))
        .routes(routes!(analyze::post))
        .routes(routes!(export::post))
        .routes(routes!(import::post))
        .routes(routes!(tag::post))
        .routes(routes!(gone::get))
        .routes(routes!(gone::adopt))
        .routes(routes!(journal::get))
        .routes(routes!(journal::undo))
        .routes(routes!(journal::redo))
        .routes(routes!(site::open::post))
        .routes(routes!(metrics::pause))
        .routes(routes!(metrics::retry))
        .with_state(parts.clone())
        .merge(metrics::router(parts.clone()))
        .merge(openapi::router())
        .split_for_parts();
    openapi::describe(router, &document)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .layer(from_fn_with_state(
            Arc::clone(&parts.library),
            told::before_answer,
        ))
        .layer(from_fn_with_state(parts, catalog::same))
}

/// Runs what blocks on the disk off the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, failure::Failure> + Send + 'static,
) -> Result<T, failure::Failure> {
    faults::may_panic("api");
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(failure::Failure::internal(e.to_string())),
    }
}

/// Runs what waits for the source, which may never answer.
async fn at_source<T: Send + 'static>(
    source_files: &SourceFiles,
    work: impl FnOnce() -> Result<T, failure::Failure> + Send + 'static,
) -> Result<T, failure::Failure> {
    let permit = source_files.limiter().permit().await;
    blocking(move || {
        let done = work();
        drop(permit);
        done
    })
    .await
}

/// Runs what waits for the source, or only for the catalog: a photo that is named by its path has to be looked at.
async fn at_source_if<T: Send + 'static>(
    is_by_path: bool,
    source_files: &SourceFiles,
    work: impl FnOnce() -> Result<T, failure::Failure> + Send + 'static,
) -> Result<T, failure::Failure> {
    match is_by_path {
        true => at_source(source_files, work).await,
        false => blocking(work).await,
    }
}
