//! Chromium, driven through chromedriver: the few requests of <https://www.w3.org/TR/webdriver2/> that the tests need.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const LEFT: &str = "\u{e012}";
pub const RIGHT: &str = "\u{e014}";

/// How an element is called in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A page in a browser without a window.
pub struct Page {
    client: Client,
    /// Address of the session.
    session: String,
    _driver: Driver,
}

/// chromedriver, in a group of its own with the browsers that it starts.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may be over already.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Driver {
    /// Starts it, and gives its address.
    fn start() -> Option<(Self, String)> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").process_group(0);
        let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = started else {
            eprintln!("skipped: chromium-driver is not installed");
            return None;
        };
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let driver = Self(child);
        let mut ports = lines.map_while(Result::ok).filter_map(|line| {
            let port = line.split("successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = ports.next().expect("it says its port");
        Some((driver, format!("http://127.0.0.1:{port}")))
    }
}

impl Page {
    /// `None` where there is no browser.
    pub async fn open(client: &Client, profile: &Path, width: u32, height: u32) -> Option<Self> {
        let (driver, address) = Driver::start()?;
        let options = json!({"args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ]});
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let mut page = Self {
            client: client.clone(),
            session: format!("{address}/session"),
            _driver: driver,
        };
        let begun = page
            .post("", json!({"capabilities": {"alwaysMatch": wanted}}))
            .await;
        page.session = format!("{}/{}", page.session, begun["sessionId"].as_str().unwrap());
        Some(page)
    }

    /// Shows pages as a phone of this size does: no window is as narrow.
    pub async fn be_phone(&self, width: u32, height: u32) {
        let screen =
            json!({"width": width, "height": height, "deviceScaleFactor": 3, "mobile": true});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": screen});
        self.post("/goog/cdp/execute", command).await;
    }

    pub async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.post(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.type_into(&element, text).await;
    }

    /// Keys for whatever has the focus.
    pub async fn press(&self, keys: &str) {
        let active = self.call(Method::GET, "/element/active", None).await;
        let active = active[ELEMENT].as_str().unwrap();
        self.type_into(active, keys).await;
    }

    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []}))
            .await
    }

    /// A script that calls `arguments[0]` with what it gives.
    pub async fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", json!({"script": script, "args": []}))
            .await
    }

    /// What the browser had to complain about.
    pub async fn errors(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        let severe = log
            .as_array()
            .unwrap()
            .iter()
            .filter(|e| e["level"] == "SEVERE");
        severe.map(|e| e["message"].to_string()).collect()
    }

    pub async fn quit(self) {
        self.call(Method::DELETE, "", None).await;
    }

    async fn find(&self, selector: &str) -> String {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", wanted).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn type_into(&self, element: &str, text: &str) {
        self.post(
            &format!("/element/{element}/value"),
            json!({ "text": text }),
        )
        .await;
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self
            .client
            .request(method, format!("{}{path}", self.session));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(
            status.is_success(),
            "{path}: {}",
            answer["value"]["message"]
        );
        answer["value"].take()
    }
}
