//! The local API behind the commands: HTTP with JSON over a Unix socket that only its owner can open. The web page over
//! TCP is apart from it, in `site`.
//!
//! Knows the [`Parts`] of a catalog and the shapes of requests and answers; nothing of the command line or the kernel.

mod analyze;
mod catalog;
mod export;
mod failure;
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
mod status;
mod tag;
mod told;

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::UnixListener;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::faults;

pub use parts::{Options, Parts};
pub use site::{Pages, Site, words};

/// Every page of the API.
pub fn router(parts: Parts) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(openapi::Control::openapi())
        .routes(routes!(catalog::get))
        .routes(routes!(inner::adopt))
        .routes(routes!(status::get))
        .routes(routes!(search::get))
        .routes(routes!(saved::post))
        .routes(routes!(photo::get))
        .routes(routes!(scan::post))
        .routes(routes!(analyze::post))
        .routes(routes!(export::post))
        .routes(routes!(import::post))
        .routes(routes!(tag::post))
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
        .layer(from_fn_with_state(
            Arc::clone(&parts.library),
            told::before_answer,
        ))
        .layer(from_fn_with_state(parts, catalog::same))
}

/// A control socket; its file goes with it.
pub struct Socket {
    file: SocketFile,
    listener: UnixListener,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.0) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("control socket {}: {e}", self.0.display());
            }
            _ => {}
        }
    }
}

impl Socket {
    /// Listens at `path`. Whoever calls this owns the catalog, so a socket that is there is a dead process's.
    ///
    /// # Errors
    /// When none can be made there, or something else is called so.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        match path.symlink_metadata() {
            Ok(there) if there.file_type().is_socket() => std::fs::remove_file(path)?,
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            // Something else, where nothing is bound.
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self {
            file: SocketFile(path.into()),
            listener,
        })
    }

    pub fn path(&self) -> &Path {
        &self.file.0
    }

    /// Answers until `end` comes.
    pub async fn serve(
        self,
        parts: Parts,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let _file = self.file;
        let served = axum::serve(self.listener, router(parts));
        served.with_graceful_shutdown(end).await
    }
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
