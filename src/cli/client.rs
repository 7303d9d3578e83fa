//! The API of a catalog, the same way whether a daemon runs or not: through its socket, or in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::backoff::{Backoff, is_in_use, to_terminal};
use super::program;
use super::report::{Hinted, hinted};
use super::target::Catalog;
use crate::api::{self, CATALOG_HEADER, FailureBody, Request as _, StatusQuery};
use crate::app::{self, App};
use crate::config::{self, Config};
use crate::decoding::Decoders;
use crate::web;

/// How long an answer may take that needs nothing.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long photos are read after an edit, while its command ends.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);

pub enum Client {
    Daemon {
        http: reqwest::Client,
        /// The catalog that is meant, where the daemon was found by its mount.
        id: Option<String>,
    },
    /// In this process, which owns the catalog for as long as this is there.
    Own { router: Router, app: Box<App> },
}

type Open = fn(&Path, Config, Decoders) -> Result<App, app::Error>;

/// An answer whose body comes piece by piece.
pub struct Answer {
    headers: HeaderMap,
    body: BoxStream<'static, anyhow::Result<Bytes>>,
}

impl Client {
    /// The catalog for a question, or for what needs one: it must be there.
    ///
    /// # Errors
    /// When it isn't, or can't be opened.
    pub async fn of(catalog: &Catalog, config: &Config) -> anyhow::Result<Self> {
        if let Some(daemon) = Self::daemon(catalog).await? {
            return Ok(daemon);
        }
        catalog.existing()?;
        Self::of_new(catalog, config).await
    }

    /// The catalog for a question that changes nothing: as [`Self::of`], and a copy of it where it can't be written.
    ///
    /// # Errors
    /// When it isn't there, or can't be read.
    pub async fn looking(catalog: &Catalog, config: &Config) -> anyhow::Result<Self> {
        match Self::of(catalog, config).await {
            Err(error) if is_unwritable(&error) => {
                let looked = Self::opened(catalog, config, App::look).await?;
                eprintln!("kbasefs: {error}: what is shown is a copy of it");
                Ok(looked)
            }
            opened => opened,
        }
    }

    /// The catalog for what makes one where there is none.
    pub async fn of_new(catalog: &Catalog, config: &Config) -> anyhow::Result<Self> {
        let mut backoff = Backoff::default();
        loop {
            if let Some(daemon) = Self::daemon(catalog).await? {
                return Ok(daemon);
            }
            match Self::opened(catalog, config, App::open).await {
                Err(error) if is_in_use(&error) => {
                    tokio::time::sleep(backoff.pause(error, to_terminal)?).await;
                }
                own => return own,
            }
        }
    }

    /// Opens the catalog in this process.
    async fn opened(catalog: &Catalog, config: &Config, open: Open) -> anyhow::Result<Self> {
        let (source, config) = (catalog.source.clone(), catalog.settings(config));
        let decoders = program::decoders(&config);
        let open = move || open(&source, config, decoders);
        let app = tokio::task::spawn_blocking(open).await??;
        let router = web::router(app.web());
        let app = Box::new(app);
        Ok(Self::Own { router, app })
    }

    /// The daemon that owns the catalog, if there is one.
    ///
    /// # Errors
    /// When it is there and doesn't answer: it is stopped, or stuck.
    pub async fn daemon(catalog: &Catalog) -> anyhow::Result<Option<Self>> {
        if let Some(served) = &catalog.served {
            return Ok(Some(Self::of_mount(&served.socket, &served.id)?));
        }
        for socket in config::control_sockets(&catalog.file, &app::env) {
            if tokio::net::UnixStream::connect(&socket).await.is_ok() {
                let http = http(&socket)?;
                let daemon = Self::Daemon { http, id: None };
                return daemon.alive(&catalog.source).await.map(Some);
            }
        }
        Ok(None)
    }

    /// The daemon at a socket, for the catalog of this id only.
    pub fn of_mount(socket: &Path, id: &str) -> anyhow::Result<Self> {
        let (http, id) = (http(socket)?, Some(id.to_owned()));
        Ok(Self::Daemon { http, id })
    }

    /// The kernel connects to the socket of a process that is stopped as well.
    async fn alive(self, source: &Path) -> anyhow::Result<Self> {
        let asked = self.send(Method::GET, "/healthz", String::new());
        if tokio::time::timeout(HEALTH_TIMEOUT, asked).await.is_ok() {
            return Ok(self);
        }
        Err(hinted(
            format!(
                "{}: the process that has its catalog doesn't answer",
                source.display()
            ),
            "it is stopped or stuck: `kbasefs umount` takes its mount away, and a kill ends it",
        ))
    }

    /// What is answered.
    pub async fn ask<R: api::Request>(&self, request: &R) -> anyhow::Result<R::Answer> {
        let whole = self.request(request).await?.whole().await?;
        serde_json::from_slice(&whole).map_err(|e| foreign(R::PATH, &e))
    }

    /// Has something done of which is told piece by piece.
    pub async fn request<R: api::Request>(&self, request: &R) -> anyhow::Result<Answer> {
        let (method, path, body) = match R::METHOD {
            api::Method::Get => {
                let query = serde_urlencoded::to_string(request)?;
                (Method::GET, format!("{}?{query}", R::PATH), String::new())
            }
            api::Method::Post => {
                let body = serde_json::to_string(request)?;
                (Method::POST, R::PATH.to_owned(), body)
            }
        };
        self.send(method, &path, body).await
    }

    /// After an edit in this process: reads the photos of which something was said now, so that they are known again
    /// wherever their files go from here on. Takes a few seconds at most; a daemon and the next scan do so by themselves.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let Self::Own { app, .. } = self else {
            return Ok(());
        };
        let scanner = Arc::clone(app.scanner());
        let until = Instant::now() + SETTLED_WITHIN;
        tokio::task::spawn_blocking(move || scanner.hash_said(until)).await??;
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, body: String) -> anyhow::Result<Answer> {
        let (status, answer) = match self {
            Self::Daemon { http, id } => {
                let request = http.request(method, format!("http://kbasefs{path}"));
                let request = match id {
                    Some(id) => request.header(CATALOG_HEADER, id),
                    None => request,
                };
                let request = request.header("content-type", "application/json");
                let response = request.body(body).send().await?;
                let (status, headers) = (response.status(), response.headers().clone());
                let body = response.bytes_stream().map(|piece| Ok(piece?)).boxed();
                (status, Answer { headers, body })
            }
            Self::Own { router, .. } => {
                let request = Request::builder().method(method).uri(path);
                let request = request.header("content-type", "application/json");
                let response = router
                    .clone()
                    .oneshot(request.body(Body::from(body))?)
                    .await?;
                let (parts, body) = response.into_parts();
                let body = body.into_data_stream().map(|piece| Ok(piece?)).boxed();
                let headers = parts.headers;
                (parts.status, Answer { headers, body })
            }
        };
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer.whole().await?;
        match self {
            // Whoever knows the path says in words what is wrong.
            Self::Daemon { .. } if said.is_empty() => Err(self.unknown(path).await),
            _ => Err(refusal(&said).into()),
        }
    }

    /// The daemon doesn't know what it is asked: another version of the program started it.
    async fn unknown(&self, path: &str) -> anyhow::Error {
        let version = match self.version().await {
            Some(version) => format!("is of another version ({version})"),
            None => "is of another version".to_owned(),
        };
        let path = path.split('?').next().unwrap_or(path);
        hinted(
            format!("{path}: the process that has the catalog {version}, and doesn't know this"),
            REMOUNT,
        )
    }

    /// Which one has the catalog, if it is one that says so.
    async fn version(&self) -> Option<String> {
        let Self::Daemon { http, id } = self else {
            return None;
        };
        let request = http.get(format!("http://kbasefs{}", StatusQuery::PATH));
        let request = match id {
            Some(id) => request.header(CATALOG_HEADER, id),
            None => request,
        };
        let answer = request.send().await.ok()?.bytes().await.ok()?;
        let VersionOnly { version } = serde_json::from_slice(&answer).ok()?;
        Some(version)
    }
}

/// Whether a catalog is there that can't be written.
fn is_unwritable(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<app::Error>();
    matches!(error, Some(app::Error::Store(store)) if store.is_unwritable())
}

/// Speaks to a control socket. No TLS goes over it: no certificates need be there.
fn http(socket: &Path) -> anyhow::Result<reqwest::Client> {
    app::ready_tls();
    let client = reqwest::Client::builder().unix_socket(socket);
    Ok(client.tls_certs_only([]).build()?)
}

/// What the API says when it refuses.
fn refusal(body: &[u8]) -> Hinted {
    match serde_json::from_slice::<FailureBody>(body) {
        Ok(failure) => Hinted {
            message: failure.error,
            hint: failure.hint,
            pointed: failure.pointed,
        },
        Err(_) => Hinted {
            message: String::from_utf8_lossy(body).into_owned(),
            hint: None,
            pointed: None,
        },
    }
}

/// What to do about a process of another version.
const REMOUNT: &str = "another version of kbasefs started it: `kbasefs umount`, and mount again";

/// The part of [`api::Status`] that every version answers.
#[derive(Deserialize)]
struct VersionOnly {
    version: String,
}

/// What another version of the program says.
fn foreign(path: &str, error: &serde_json::Error) -> anyhow::Error {
    hinted(
        format!("{path}: the process that has the catalog answers in another way: {error}"),
        REMOUNT,
    )
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    async fn whole(mut self) -> anyhow::Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(piece) = self.body.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }

    /// Hands over each line as it comes.
    pub async fn lines<T: DeserializeOwned>(
        mut self,
        mut each: impl FnMut(T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut buffer = Vec::new();
        while let Some(piece) = self.body.next().await {
            buffer.extend_from_slice(&piece?);
            while let Some(end) = buffer.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                each(serde_json::from_slice(&line)?)?;
            }
        }
        Ok(())
    }
}
