//! A server of vision models that does what it is told: for each request the next act, then the usual one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// The model says this.
    Say(String),
    /// The model says this and is cut off.
    Cut(String),
    /// A status with a body, and maybe a header.
    Status(u16, String, Option<(&'static str, String)>),
    /// A body as it is, with status 200.
    Raw(String),
    /// The connection breaks in the middle of the answer.
    Break,
}

pub fn say(text: impl Into<String>) -> Act {
    Act::Say(text.into())
}

pub fn status(code: u16) -> Act {
    Act::Status(code, "{}".into(), None)
}

/// What a model usually says.
pub const DOG: &str = r#"{"title": "A dog", "description": "A dog runs.", "tags": [{"name": "Dogs", "confidence": 0.9}], "kind": "photo"}"#;

/// One request as it came.
#[derive(Clone)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Seen {
    /// The picture as base64, wherever the protocol has it.
    pub fn picture(&self) -> &str {
        let messages = self.body["messages"].as_array().unwrap();
        let user = messages.last().unwrap();
        let parts = user["content"].as_array().into_iter().flatten();
        let in_part = parts.filter_map(|part| {
            let url = part["image_url"]["url"].as_str();
            url.map(|u| u.rsplit(',').next().unwrap())
                .or(part["source"]["data"].as_str())
        });
        let ollama = user["images"][0].as_str();
        in_part.chain(ollama).next().expect("there is a picture")
    }
}

#[derive(Default)]
pub struct Inner {
    pub acts: VecDeque<Act>,
    pub usual: Option<Act>,
    pub seen: Vec<Seen>,
    pub running: usize,
    pub most_running: usize,
    pub latency: Duration,
    /// Requests beyond it are turned away.
    pub capacity: Option<usize>,
    /// While set, nobody is answered.
    pub gate: Option<Arc<Notify>>,
}

pub struct Server {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// At an address where one was before.
    pub fn at(address: &str) -> Self {
        let inner = Arc::<Mutex<Inner>>::default();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let state = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(answer).with_state(state);
                let router = router.layer(axum::extract::DefaultBodyLimit::max(64 << 20));
                let serving = axum::serve(listener, router);
                tokio::select! {
                    served = async { serving.await } => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            url,
            inner,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// What it does next, in turn.
    pub fn next(&self, acts: impl IntoIterator<Item = Act>) {
        self.lock().acts.extend(acts);
    }

    pub fn usual(&self, act: Act) {
        self.lock().usual = Some(act);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    pub fn count(&self) -> usize {
        self.lock().seen.len()
    }

    /// How often each picture was sent.
    pub fn pictures(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for seen in &self.lock().seen {
            *counts.entry(seen.picture().to_owned()).or_default() += 1;
        }
        counts
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error says that it has ended.
            let _ = stop.send(());
        }
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    uri: Uri,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == "GET" {
        return respond(
            200,
            json!({"data": [{"id": "m"}], "models": [{"name": "m"}]}).to_string(),
        );
    }
    let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let Ok(body) = serde_json::from_slice(&bytes) else {
        return respond(400, "no JSON".into());
    };
    let seen = Seen {
        path: uri.path().to_owned(),
        headers: parts.headers,
        body,
    };
    let (act, latency, gate) = {
        let mut inner = inner.lock().unwrap();
        inner.seen.push(seen);
        inner.running += 1;
        inner.most_running = inner.most_running.max(inner.running);
        let usual = inner.usual.clone().unwrap_or_else(|| say(DOG));
        let full = inner.capacity.is_some_and(|most| inner.running > most);
        let act = match full {
            true => status(429),
            false => inner.acts.pop_front().unwrap_or(usual),
        };
        (act, inner.latency, inner.gate.clone())
    };
    let running = Running(Arc::clone(&inner));
    if let Some(gate) = gate {
        gate.notified().await;
    }
    tokio::time::sleep(latency).await;
    drop(running);
    perform(&act, uri.path())
}

/// Also a request that the client gave up is over.
struct Running(Arc<Mutex<Inner>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().unwrap().running -= 1;
    }
}

fn perform(act: &Act, path: &str) -> Response {
    match act {
        Act::Say(text) => respond(200, wrapped(path, text, false).to_string()),
        Act::Cut(text) => respond(200, wrapped(path, text, true).to_string()),
        Act::Raw(body) => respond(200, body.clone()),
        Act::Status(code, body, header) => {
            let mut response = respond(*code, body.clone());
            if let Some((name, value)) = header {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
        Act::Break => {
            let pieces = [
                Ok(Bytes::from("{\"choi")),
                Err(std::io::Error::other("broken")),
            ];
            Response::new(Body::from_stream(futures_util::stream::iter(pieces)))
        }
    }
}

fn respond(code: u16, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

fn wrapped(path: &str, text: &str, cut: bool) -> Value {
    match path {
        "/api/chat" => json!({
            "message": {"role": "assistant", "content": text},
            "done": true, "done_reason": if cut { "length" } else { "stop" },
            "prompt_eval_count": 700, "eval_count": 90,
        }),
        "/v1/messages" => json!({
            "content": [{"type": "text", "text": text}],
            "stop_reason": if cut { "max_tokens" } else { "end_turn" },
            "usage": {"input_tokens": 700, "output_tokens": 90},
        }),
        _ => json!({
            "choices": [{
                "message": {"role": "assistant", "content": text},
                "finish_reason": if cut { "length" } else { "stop" },
            }],
            "usage": {"prompt_tokens": 700, "completion_tokens": 90},
        }),
    }
}
