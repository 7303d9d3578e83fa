//! The web page: pages for people and a JSON API, over TCP, for a browser on this machine or, with a token, another one.
//!
//! Apart from the control socket's API on purpose: what that one can do beyond looking and editing (writing exports
//! anywhere, say) is not here at all. Photos are named by number; nothing that a browser sends is ever a file name.

mod activity;
mod analysis;
mod api;
mod assets;
mod auth;
mod based;
mod dashboard;
mod details;
mod duplicates;
mod edit;
mod facets;
mod failures;
mod gallery;
mod help;
mod listen;
mod login;
pub mod open;
mod order;
mod page;
mod photo;
mod pictures;
mod providers;
mod tiles;
mod traffic;
mod view;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::failure::Failure;
use super::{Options, Parts, at_source, blocking, metrics, openapi, told};
use crate::memory::Limit;
use analysis::Analyses;
use auth::{AccessGuard, Token};
use dashboard::Live;
use listen::Bounds;
use page::PageCache;

pub use dashboard::words;

/// What all pages share.
#[derive(Clone)]
pub struct Pages {
    page_cache: Arc<PageCache>,
    analyses: Arc<Analyses>,
    live: Arc<Live>,
    decoding: Decoding,
}

/// So many pictures are decoded at the same time.
#[derive(Clone)]
struct Decoding(Arc<Semaphore>);

/// Bytes of a request's body: a description is the longest thing that anybody sends.
const LARGEST_REQUEST: usize = 64 << 10;
/// For a request to arrive, and for the answer to begin.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A browser keeps six.
const CONNECTIONS: Bounds = Bounds {
    connections: 256,
    head: REQUEST_TIMEOUT,
};
/// Bytes; what is shorter is sent as it is.
const WORTH_COMPRESSING: u16 = 860;

impl Pages {
    /// What they keep in memory counts.
    pub fn new(memory: &Limit, options: &Options) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            page_cache: Arc::new(PageCache::new(memory, options.pages_kept)),
            analyses: Arc::default(),
            live: Arc::default(),
            decoding: Decoding(Arc::new(Semaphore::new(cores))),
        }
    }
}

impl FromRef<Parts> for Arc<PageCache> {
    fn from_ref(parts: &Parts) -> Self {
        Arc::clone(&parts.pages.page_cache)
    }
}

impl FromRef<Parts> for Arc<Analyses> {
    fn from_ref(parts: &Parts) -> Self {
        Arc::clone(&parts.pages.analyses)
    }
}

impl FromRef<Parts> for Arc<Live> {
    fn from_ref(parts: &Parts) -> Self {
        Arc::clone(&parts.pages.live)
    }
}

impl FromRef<Parts> for Decoding {
    fn from_ref(parts: &Parts) -> Self {
        parts.pages.decoding.clone()
    }
}

impl Decoding {
    /// Waits until another picture may be decoded: as long as this is kept.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        turn.map_err(|e| Failure::internal(e.to_string()))
    }
}

/// A place at which the page can be had.
pub struct Site {
    listener: TcpListener,
    address: SocketAddr,
    access_guard: AccessGuard,
    /// Part of the address for whoever comes first.
    once: Option<String>,
}

impl Site {
    /// Listens. On an address that others can reach, a token is asked for: this one, or one that is made up.
    pub fn bind(address: SocketAddr, token: Option<&str>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let once = (token.is_none() && !address.ip().is_loopback()).then(auth::secret);
        let token = token
            .map(Token::lasting)
            .or(once.as_deref().map(Token::once));
        Ok(Self {
            listener,
            address,
            access_guard: AccessGuard::new(address, token),
            once,
        })
    }

    /// What people enter in their browser.
    pub fn url(&self) -> String {
        let page = format!("http://{}/", self.address);
        match &self.once {
            Some(token) => format!("{page}login?token={token}"),
            None => page,
        }
    }

    /// Answers for as long as the process lives.
    pub async fn serve(self, parts: Parts) -> io::Result<()> {
        parts.instance.opened_page(self.url());
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let router = router(parts, Arc::new(self.access_guard));
        listen::serve(listener, router, CONNECTIONS).await
    }
}

/// Every page, and everything around them.
fn router(parts: Parts, access_guard: Arc<AccessGuard>) -> Router {
    let login = Router::new()
        .route("/login", get(login::get).post(login::post))
        .with_state(Arc::clone(&access_guard));
    let (programs, mut document) = OpenApiRouter::with_openapi(openapi::Site::openapi())
        .merge(api::router(parts.clone()))
        .merge(metrics::router(parts.clone()))
        .merge(openapi::router())
        .split_for_parts();
    let (without_timeout, more) = api::without_timeout(parts.clone()).split_for_parts();
    document.merge(more);
    let router = people(parts.clone())
        .merge(openapi::describe(programs, &document))
        .merge(login)
        .fallback(page::not_found)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .merge(without_timeout)
        .layer(RequestBodyLimitLayer::new(LARGEST_REQUEST))
        .layer(RequestBodyTimeoutLayer::new(REQUEST_TIMEOUT))
        .layer(from_fn_with_state(access_guard, auth::guard))
        .layer(from_fn_with_state(parts.clone(), traffic::count));
    match parts.options.is_compressed {
        true => router.layer(
            CompressionLayer::new()
                .compress_when(assets::IsText(SizeAbove::new(WORTH_COMPRESSING))),
        ),
        false => router,
    }
}

fn people(parts: Parts) -> Router {
    Router::new()
        .route("/", get(gallery::get))
        .route("/photo/{id}", get(photo::get))
        .route("/photo/{id}/details", get(details::get))
        .route("/photo/{id}/edit", post(edit::post))
        .route("/photo/{id}/analyze", post(analysis::post))
        .route("/photo/{id}/analysis", get(analysis::get))
        .route("/thumbnail/{id}/{pixels}", get(pictures::thumbnail))
        .route("/original/{id}", get(pictures::original))
        .route("/duplicates", get(duplicates::get))
        .route("/failures", get(failures::get))
        .route("/failures/retry", post(failures::retry))
        .route("/providers", get(providers::get))
        .route("/activity", get(activity::get))
        .route("/dashboard", get(dashboard::get))
        .route("/dashboard/events", get(dashboard::events))
        .route("/dashboard/pause", post(dashboard::pause))
        .route("/dashboard/retry", post(dashboard::retry))
        .route("/undo", post(activity::undo))
        .route("/redo", post(activity::redo))
        .route("/help", get(help::get))
        .route("/assets/{name}", get(assets::get))
        .route("/favicon.ico", get(assets::icon))
        .layer(from_fn_with_state(
            Arc::clone(&parts.library),
            told::before_answer,
        ))
        .with_state(parts)
}
