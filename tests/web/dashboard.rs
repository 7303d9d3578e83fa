//! The dashboard: what is counted, told each second, and the work that it holds and lets go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Json, Router};
use reqwest::Response;
use serde_json::{Value, json};

use crate::test_server::{TestServer, header};

/// The events of one viewer.
struct Events {
    response: Response,
    unread: String,
}

impl Events {
    async fn open(server: &TestServer) -> Self {
        let asked = server.get("/dashboard/events");
        let response = asked.header("accept-encoding", "gzip").send().await;
        Self {
            response: response.unwrap(),
            unread: String::new(),
        }
    }

    /// What the next one holds; `None` when there are no more.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let lines = event
                    .lines()
                    .map(|line| line.strip_prefix("data: ").unwrap());
                let data = lines.collect::<Vec<_>>().join("\n");
                self.unread = rest.to_owned();
                return Some(data);
            }
            let more = self.response.chunk().await.ok()??;
            self.unread += std::str::from_utf8(&more).unwrap();
        }
    }

    async fn until(&mut self, words: &str) -> String {
        loop {
            let event = self.next().await.expect("the dashboard goes on");
            if event.contains(words) {
                return event;
            }
        }
    }
}

async fn press(server: &TestServer, path: &str, form: &[(&str, &str)]) {
    let answer = server.post(path, form).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "location")),
        (303, "/dashboard")
    );
}

async fn pause(server: &TestServer, paused: &str) {
    press(server, "/dashboard/pause", &[("paused", paused)]).await;
}

#[tokio::test]
async fn each_event_is_the_board_as_it_is_then() {
    let server = TestServer::with_photos(3);
    let mut events = Events::open(&server).await;
    assert_eq!(
        header(&events.response, "content-type"),
        "text/event-stream"
    );
    assert_eq!(header(&events.response, "content-encoding"), "");
    let first = events.next().await.unwrap();
    assert!(first.contains(">idle</span>"), "{first}");
    let page = server.text("/dashboard").await;
    let heads = |text: &str| text.matches("<h2>").count();
    // The page has one more: that of the keys.
    assert_eq!(heads(&first), heads(&page));
    assert!(heads(&first) >= 12 && !first.contains("<html"));
    pause(&server, "true").await;
    let second = events.until(">paused</span>").await;
    assert!(second.contains("Resume analyses"));
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    events.until("<dt>asked</dt><dd>1</dd>").await;
}

#[tokio::test]
async fn the_end_of_the_process_is_the_end_of_the_events() {
    let mut server = TestServer::with_photos(1);
    let mut events = Events::open(&server).await;
    assert!(events.next().await.is_some());
    server.ask_to_end();
    while events.next().await.is_some() {}
    assert!(server.ended().success());
}

#[tokio::test]
async fn work_is_held_and_goes_on_at_the_press_of_a_button() {
    let server = TestServer::with_photos(2);
    pause(&server, "true").await;
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    let queued = |text: &str| text.contains("<dt>asked</dt><dd>1</dd>");
    let page = server.eventually("/dashboard", queued).await;
    assert!(page.contains("<dt>looked at</dt><dd>0</dd>"), "{page}");
    pause(&server, "false").await;
    let looked_at = |text: &str| text.contains("<dt>looked at</dt><dd>1</dd>");
    let page = server.eventually("/dashboard", looked_at).await;
    assert!(page.contains("Pause analyses"));
    let wrong = server.post("/dashboard/pause", &[("paused", "perhaps")]);
    assert_eq!(wrong.send().await.unwrap().status(), 422);
}

#[tokio::test]
async fn what_failed_is_tried_again_at_the_press_of_a_button() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    std::fs::write(server.path("photos/broken.jpg"), b"\xff\xd8\xff\xe0 no").unwrap();
    server.serve(&[]);
    let page = server.text("/dashboard").await;
    assert!(page.contains("<button disabled>Retry failed"), "{page}");
    server.post("/failures/retry", &[]).send().await.unwrap();
    let broken = server.id("broken.jpg").await;
    let asked = server.post(&format!("/photo/{broken}/analyze"), &[]);
    asked.send().await.unwrap();
    let failed = |times: u32| format!("<dt>failed</dt><dd>{times}</dd>");
    server
        .eventually("/dashboard", |page| page.contains(&failed(1)))
        .await;
    press(&server, "/dashboard/retry", &[]).await;
    let page = server
        .eventually("/dashboard", |page| page.contains(&failed(2)))
        .await;
    assert!(page.contains("<th scope=\"row\">picture</th>"), "{page}");
}

/// A server of models that counts who asks it.
async fn models() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = async move || -> Json<Value> {
        count.fetch_add(1, Ordering::SeqCst);
        let said =
            json!({"title": "A boat", "description": "A boat.", "tags": [], "kind": "photo"});
        Json(json!({
            "choices": [{"message": {"role": "assistant", "content": said.to_string()}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 700, "completion_tokens": 90},
        }))
    };
    let router = Router::new().route("/v1/chat/completions", axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    // Ends with the test's runtime.
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn a_server_is_asked_nothing_while_analyses_are_paused() {
    let (url, asked) = models().await;
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    server.configure(&format!(
        "[[provider]]\nname = \"desk\"\nkind = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n\
         price = {{ input = 1000.0, output = 1000.0 }}\n"
    ));
    server.serve(&[]);
    pause(&server, "true").await;
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    let desk = |pulse: &str| {
        let pulse: Value = serde_json::from_str(pulse).unwrap();
        let hosts = pulse["hosts"].as_array().unwrap().iter();
        hosts.clone().find(|h| h["name"] == "desk").unwrap().clone()
    };
    let waiting = server
        .eventually("/api/v1/pulse", |pulse| desk(pulse)["waiting"] == 1)
        .await;
    assert_eq!(desk(&waiting)["running"], 0);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    pause(&server, "false").await;
    server
        .eventually("/photo/1", |page| page.contains("A boat"))
        .await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let cost = "<dt>cost today</dt><dd>0.7900</dd>";
    let page = server
        .eventually("/dashboard", |page| page.contains(cost))
        .await;
    assert!(page.contains("<dt>tokens today</dt><dd>700 + 90</dd>"));
}

#[tokio::test]
async fn what_the_kernel_asks_is_shown_beside_a_mount() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    if !server.mount() {
        return;
    }
    assert!(server.path("mnt/all/a.png").exists());
    let page = server.text("/dashboard").await;
    assert!(page.contains("<th scope=\"row\">lookup</th>"), "{page}");
    assert!(!page.contains("Nothing is mounted"));
}

#[tokio::test]
async fn a_terminal_shows_the_same() {
    let server = TestServer::with_photos(2);
    let photos = server.path("photos");
    let photos = photos.to_str().unwrap();
    let said = |args: &[&str]| String::from_utf8(server.run(args).stdout).unwrap();
    let board = said(&["top", photos, "--times", "1"]);
    assert!(board.starts_with("kbasefs ") && board.contains(", idle, up "));
    assert!(board.contains("photos    2 pending, 0 analyzed"), "{board}");
    assert!(!board.contains('\u{1b}'), "{board}");
    let looks = said(&["top", photos, "--json", "-n", "2", "-s", "0.1"]);
    let looks = looks
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let photos: Vec<_> = looks.map(|look| look["photos"][0].clone()).collect();
    assert_eq!(photos, vec![json!({"name": "pending", "count": 2}); 2]);

    let nobody = TestServer::new();
    let nowhere = nobody.path("photos");
    let mut command = nobody.command(&["top".as_ref(), nowhere.as_os_str()]);
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("nothing works on") && error.contains("hint: "));
}
