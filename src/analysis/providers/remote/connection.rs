//! HTTP to one server: pooled connections, deadlines, bounded answers, no redirects.

use std::sync::Once;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::timeout;

use super::failures::{self, Trouble};
use super::{Dialect, Settings, seconds};
use crate::analysis::{Failure, Outage};

/// Bytes of an answer; what is longer is no answer. The longest that settings allow, in the second try, is half a
/// million tokens: about 2 MB.
const LARGEST: usize = 8 << 20;

/// How long each part of a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the server takes the connection, TLS included.
    pub connect: Duration,
    /// From the connection to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub read: Duration,
    /// From the connection to the last byte of the answer.
    pub total: Duration,
}

/// Connections kept for the next request.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// At most so many to one server.
    pub idle: usize,
}

/// A client of one server. Its name is in every reason, its key in none.
pub struct Connection {
    name: String,
    url: String,
    origin: String,
    client: Client,
    timeouts: Timeouts,
    /// Never shown: servers like to repeat it.
    secret: Option<secrecy::SecretString>,
}

/// Chooses how TLS computes, once a process. Before that no client can be made.
pub fn ready_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that somebody else has chosen, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

impl Connection {
    pub fn new(settings: &Settings, dialect: &dyn Dialect) -> Result<Self, String> {
        ready_tls();
        let url = Url::parse(&settings.url).map_err(|e| format!("url: {e}"))?;
        let key = settings.key.as_ref().map(ExposeSecret::expose_secret);
        let mut client = Client::builder()
            .default_headers(headers(dialect, key)?)
            .user_agent(concat!("kbasefs/", env!("CARGO_PKG_VERSION")))
            // A redirect may lead anywhere, and the key would go with it.
            .redirect(redirect::Policy::none())
            .connect_timeout(settings.timeouts.connect)
            .pool_max_idle_per_host(settings.pool.idle)
            .tcp_nodelay(true);
        if is_local(&url) {
            client = client.no_proxy();
        }
        if url.scheme() == "http" {
            // Without TLS, no certificates have to be there.
            client = client.tls_certs_only([]);
        }
        Ok(Self {
            name: settings.name.clone(),
            url: settings.url.clone(),
            origin: url.origin().ascii_serialization(),
            client: client.build().map_err(|e| e.to_string())?,
            timeouts: settings.timeouts,
            secret: settings.key.clone(),
        })
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.send(self.client.get(format!("{}{path}", self.url)))
            .await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let request = self.client.post(format!("{}{path}", self.url));
        self.send(request.json(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Trouble> {
        let total = self.timeouts.total;
        let whole = timeout(total, self.exchange(request)).await;
        let result = whole.unwrap_or_else(|_| Err(Trouble::Lost(self.slow(total))));
        result.map_err(|trouble| self.without_secret(trouble))
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Value, Trouble> {
        let first_byte = self.timeouts.connect + self.timeouts.first_byte;
        let response = match timeout(first_byte, request.send()).await {
            Ok(response) => response.map_err(|e| self.unsent(&e))?,
            Err(_) => return Err(Trouble::Lost(self.slow(first_byte))),
        };
        let status = response.status();
        let rest = response.headers().get(RETRY_AFTER);
        let rest =
            rest.and_then(|value| failures::retry_after(value.to_str().ok()?, Timestamp::now()));
        let body = self.read(response).await;
        if !status.is_success() {
            let body = String::from_utf8_lossy(body.as_deref().unwrap_or_default()).into_owned();
            return Err(failures::of_status(&self.name, status, &body, rest));
        }
        self.understood(&body?)
    }

    fn understood(&self, body: &[u8]) -> Result<Value, Trouble> {
        let body: Value = serde_json::from_slice(body).map_err(|_| {
            let reason = format!("{}: the answer is not JSON", self.name);
            Trouble::Lost(Failure::Unusable { reason })
        })?;
        failures::inside(&self.name, &body).map_or(Ok(body), Err)
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            let piece = match timeout(self.timeouts.read, response.chunk()).await {
                Ok(piece) => piece,
                Err(_) => return Err(Trouble::Lost(self.slow(self.timeouts.read))),
            };
            let lost = |e| Trouble::Lost(self.transient(&said(&e)));
            let Some(piece) = piece.map_err(lost)? else {
                return Ok(body);
            };
            body.extend_from_slice(&piece);
            if body.len() > LARGEST {
                let reason = format!("{}: the answer has no end", self.name);
                return Err(Trouble::Lost(Failure::Unusable { reason }));
            }
        }
    }

    /// No answer at all.
    fn unsent(&self, error: &reqwest::Error) -> Trouble {
        let said = said(error);
        if error.is_connect() {
            return Trouble::Failed(Failure::Host {
                reason: format!("{}: {said}", self.name),
                outage: Outage::Unreachable,
            });
        }
        Trouble::Lost(self.transient(&said))
    }

    fn slow(&self, waited: Duration) -> Failure {
        self.transient(&format!("no answer within {}", seconds(waited)))
    }

    fn transient(&self, what: &str) -> Failure {
        Failure::Transient {
            reason: format!("{}: {what}", self.name),
            retry_after: None,
        }
    }

    fn without_secret(&self, trouble: Trouble) -> Trouble {
        let Some(secret) = self.secret.as_ref().map(ExposeSecret::expose_secret) else {
            return trouble;
        };
        let hide = |text: String| text.replace(secret, "(hidden)");
        let in_failure = |failure: Failure| match failure {
            Failure::Transient {
                reason,
                retry_after,
            } => Failure::Transient {
                reason: hide(reason),
                retry_after,
            },
            Failure::Busy {
                reason,
                retry_after,
            } => Failure::Busy {
                reason: hide(reason),
                retry_after,
            },
            Failure::Host { reason, outage } => Failure::Host {
                reason: hide(reason),
                outage,
            },
            Failure::Permanent { reason } => Failure::Permanent {
                reason: hide(reason),
            },
            Failure::Unusable { reason } => Failure::Unusable {
                reason: hide(reason),
            },
            Failure::Refused { reason } => Failure::Refused {
                reason: hide(reason),
            },
        };
        match trouble {
            Trouble::Rejected(words) => Trouble::Rejected(hide(words)),
            Trouble::Failed(failure) => Trouble::Failed(in_failure(failure)),
            Trouble::Lost(failure) => Trouble::Lost(in_failure(failure)),
        }
    }
}

fn headers(dialect: &dyn Dialect, key: Option<&str>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in dialect.headers(key) {
        let unfit = |_| "the key has characters that no key has".to_owned();
        let mut value = HeaderValue::from_str(&value).map_err(unfit)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// What is here is not behind a proxy.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|a| a.is_loopback())
}

/// The innermost reason, which says most, without the address.
fn said(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    crate::catalog::clean(&text, 200).unwrap_or_else(|| "the connection failed".into())
}
