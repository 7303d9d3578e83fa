//! Who gets in: every request to the page passes here before anything else sees it.
//!
//! Another site's script in the same browser is the attacker: it may make the browser send requests (so changes must name
//! their origin), and may point its own name at this machine (so the name asked for must be one of ours). On a network,
//! whoever comes needs the token as well.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use blake3::Hash;
use parking_lot::Mutex;

use super::super::failure::Failure;

/// The cookie that says that somebody had the token.
pub const COOKIE: &str = "kbasefs_session";
/// Browsers that may be let in at the same time.
const MOST_SESSIONS: usize = 256;

/// What opens the page to other machines. Only its hash is kept.
pub enum Token {
    /// From a file: for as many browsers as know it, and for programs.
    Lasting(Hash),
    /// Printed at the start: for the browser that comes with it first.
    Once(Mutex<Option<Hash>>),
}

impl Token {
    pub fn lasting(text: &str) -> Self {
        Self::Lasting(blake3::hash(text.as_bytes()))
    }

    pub fn once(text: &str) -> Self {
        Self::Once(Mutex::new(Some(blake3::hash(text.as_bytes()))))
    }
}

pub struct AccessGuard {
    /// Of this machine, by which the page may be asked for.
    names: Vec<String>,
    /// On a network, any address: no other site can take one for its name.
    any_address: bool,
    token: Option<Token>,
    sessions: Mutex<VecDeque<Hash>>,
}

impl AccessGuard {
    pub fn new(address: SocketAddr, token: Option<Token>) -> Self {
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy().to_lowercase();
        let mut names = vec!["localhost".to_owned()];
        if !address.ip().is_loopback() {
            names.extend([format!("{host}.local"), host]);
        }
        Self {
            names,
            any_address: !address.ip().is_loopback(),
            token,
            sessions: Mutex::default(),
        }
    }

    /// Lets in whoever has the token: the value of the cookie.
    pub fn admit(&self, token: &str) -> Option<String> {
        let given = blake3::hash(token.trim().as_bytes());
        let fits = match &self.token {
            None => false,
            Some(Token::Lasting(hash)) => *hash == given,
            Some(Token::Once(hash)) => {
                let mut hash = hash.lock();
                hash.take_if(|hash| *hash == given).is_some()
            }
        };
        fits.then(|| {
            let session = secret();
            let mut sessions = self.sessions.lock();
            sessions.push_back(blake3::hash(session.as_bytes()));
            if sessions.len() > MOST_SESSIONS {
                sessions.pop_front();
            }
            session
        })
    }

    /// Why a request is not let through.
    fn refusal(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let host = text(headers, header::HOST).unwrap_or_default();
        if !self.is_ours(host) {
            let hint = "ask for it by the address that kbasefs printed";
            return refuse(
                StatusCode::MISDIRECTED_REQUEST,
                "this is not the page of that name",
                hint,
            );
        }
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::POST if is_same_origin(headers, host) => {}
            Method::POST => {
                let hint =
                    "changes are made on the page itself, or as application/json by programs";
                return refuse(
                    StatusCode::FORBIDDEN,
                    "another site asks for this change",
                    hint,
                );
            }
            _ => {
                return refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "no such method",
                    "use GET or POST",
                );
            }
        }
        let path = request.uri().path();
        // Those say nothing of the catalog.
        let is_probe = matches!(path, "/healthz" | "/readyz");
        let is_open = path == "/login" || path.starts_with("/assets/") || is_probe;
        if is_open || self.knows(headers) {
            return None;
        }
        let is_for_programs = path.starts_with("/api/") || path == "/metrics";
        if is_for_programs || request.method() != Method::GET {
            return refuse(
                StatusCode::UNAUTHORIZED,
                "no token",
                "send it as Authorization: Bearer TOKEN",
            );
        }
        Some(Redirect::to("/login").into_response())
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => self.any_address || address.is_loopback(),
            Err(_) => self.names.iter().any(|own| own.eq_ignore_ascii_case(name)),
        }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let bearer = text(headers, header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer "));
        if let (Token::Lasting(hash), Some(given)) = (token, bearer) {
            return *hash == blake3::hash(given.trim().as_bytes());
        }
        let Some(session) = cookie(headers) else {
            return false;
        };
        let session = blake3::hash(session.as_bytes());
        self.sessions.lock().contains(&session)
    }
}

/// The middleware: the guard, and what every answer says to the browser.
pub async fn guard(
    State(access_guard): State<Arc<AccessGuard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match access_guard.refusal(&request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "private, no-cache"),
];

/// 256 random bits, as text.
pub fn secret() -> String {
    let mut bytes = [0; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(&mut bytes[filled..], flags)
            .expect("the kernel has random numbers");
    }
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

/// Whether a change comes from a page of this server, or from no browser: a form of another site can't send JSON
/// without asking first, and nobody here answers such questions.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    match text(headers, header::ORIGIN) {
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        None => match headers.get("sec-fetch-site") {
            Some(site) => site == "same-origin",
            None => is_json(headers),
        },
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn without_port(host: &str) -> Option<&str> {
    let name = match host.rfind(':') {
        Some(at) if host[at + 1..].bytes().all(|b| b.is_ascii_digit()) => &host[..at],
        _ => host,
    };
    (!name.is_empty()).then_some(name)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).into_iter();
    let pairs = pairs
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    values.next()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn refuse(status: StatusCode, error: &str, hint: &str) -> Option<Response> {
    Some(Failure::refused(status, error, hint).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access_guard(address: &str, token: Option<Token>) -> AccessGuard {
        AccessGuard::new(address.parse().unwrap(), token)
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(axum::body::Body::empty()).unwrap()
    }

    fn check(
        access_guard: &AccessGuard,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        status: Option<u16>,
    ) {
        let refusal = access_guard.refusal(&request(method, path, headers));
        let refused = refusal.map(|r| r.status().as_u16());
        assert_eq!(refused, status, "{method} {path} {headers:?}");
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let local = access_guard("127.0.0.1:8080", None);
        let hosts = [
            "127.0.0.1:8080",
            "localhost:9000",
            "LOCALHOST",
            "[::1]:8080",
            "127.0.0.1",
        ];
        for host in hosts {
            check(&local, "GET", "/", &[("host", host)], None);
        }
        let others = [
            "evil.example",
            "evil.example:8080",
            "192.168.1.2:8080",
            "localhost.evil.example",
            "",
            ":80",
        ];
        for host in others {
            check(&local, "GET", "/", &[("host", host)], Some(421));
        }
        check(&local, "GET", "/", &[], Some(421));
        let open = access_guard("0.0.0.0:8080", None);
        check(&open, "GET", "/", &[("host", "192.168.1.2:8080")], None);
        check(&open, "GET", "/", &[("host", "evil.example")], Some(421));
    }

    #[test]
    fn changes_come_from_the_page_itself_or_from_no_browser() {
        let local = access_guard("127.0.0.1:8080", None);
        let host = ("host", "127.0.0.1:8080");
        let post = |headers: &[(&str, &str)], status| {
            let headers = [&[host], headers].concat();
            check(&local, "POST", "/undo", &headers, status);
        };
        post(&[("origin", "http://127.0.0.1:8080")], None);
        post(&[("sec-fetch-site", "same-origin")], None);
        post(&[("content-type", "application/json; charset=utf-8")], None);
        post(&[], Some(403));
        post(&[("origin", "null")], Some(403));
        post(&[("origin", "http://evil.example")], Some(403));
        post(&[("origin", "http://127.0.0.1:8081")], Some(403));
        post(
            &[
                ("origin", "http://evil.example"),
                ("content-type", "application/json"),
            ],
            Some(403),
        );
        post(
            &[
                ("sec-fetch-site", "cross-site"),
                ("content-type", "application/json"),
            ],
            Some(403),
        );
        post(&[("content-type", "text/plain")], Some(403));
        check(&local, "PUT", "/", &[host], Some(405));
        check(&local, "OPTIONS", "/api/v1/analyze", &[host], Some(405));
    }

    #[test]
    fn a_token_opens_the_page_and_one_that_is_printed_does_so_once() {
        let lasting = access_guard("0.0.0.0:1", Some(Token::lasting("a long enough secret")));
        let host = ("host", "10.0.0.1:1");
        check(&lasting, "GET", "/", &[host], Some(303));
        check(&lasting, "GET", "/login", &[host], None);
        for path in ["/api/v1/status", "/api/v1/pulse", "/metrics"] {
            check(&lasting, "GET", path, &[host], Some(401));
        }
        for path in ["/healthz", "/readyz"] {
            check(&lasting, "GET", path, &[host], None);
            check(
                &lasting,
                "GET",
                path,
                &[("host", "evil.example")],
                Some(421),
            );
        }
        let bearer = |token: &str| format!("Bearer {token}");
        check(
            &lasting,
            "GET",
            "/",
            &[host, ("authorization", &bearer("a long enough secret"))],
            None,
        );
        check(
            &lasting,
            "GET",
            "/api/v1/status",
            &[host, ("authorization", &bearer("wrong"))],
            Some(401),
        );

        let once = access_guard("0.0.0.0:1", Some(Token::once("printed")));
        assert_eq!(once.admit("wrong"), None);
        let session = once.admit("printed").unwrap();
        assert_eq!(once.admit("printed"), None);
        let cookie = format!("other=1; {COOKIE}={session}");
        check(&once, "GET", "/", &[host, ("cookie", &cookie)], None);
        check(
            &once,
            "GET",
            "/",
            &[host, ("cookie", "kbasefs_session=guess")],
            Some(303),
        );
        check(
            &once,
            "GET",
            "/",
            &[host, ("authorization", &bearer("printed"))],
            Some(303),
        );
    }
}
