//! A page in Chromium without a window, by way of chromedriver.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use thirtyfour::{
    By, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, TypingData, WebDriver,
};

pub struct Page {
    browser: WebDriver,
    // Later than the browser, which says goodbye to it.
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
        let mut wanted = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--window-size={width},{height}"),
            &format!("--user-data-dir={}", profile.display()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let all = LoggingPrefsLogLevel::All;
        wanted.set_browser_log_level(all).unwrap();
        let browser = WebDriver::builder(address, wanted).client(client.clone());
        let browser = browser.await.unwrap();
        // A test that fails would wait for ever to end the session: on the one thread that could answer it. The driver takes
        // the browser along.
        browser.clone().leak().unwrap();
        Some(Self {
            browser,
            _driver: driver,
        })
    }

    /// Shows pages as a phone of this size does: no window is as narrow.
    pub async fn be_phone(&self, width: u32, height: u32) {
        let screen =
            json!({"width": width, "height": height, "deviceScaleFactor": 3, "mobile": true});
        let devtools = self.browser.cdp();
        let set = devtools.send_raw("Emulation.setDeviceMetricsOverride", screen);
        set.await.unwrap();
    }

    pub async fn go(&self, url: &str) {
        self.browser.goto(url).await.unwrap();
    }

    pub async fn click(&self, selector: &str) {
        let element = self.browser.find(By::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    pub async fn write(&self, selector: &str, text: impl Into<TypingData>) {
        let element = self.browser.find(By::Css(selector)).await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    /// Keys for whatever has the focus.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let element = self.browser.active_element().await.unwrap();
        element.send_keys(keys).await.unwrap();
    }

    pub async fn run(&self, script: &str) -> Value {
        let answer = self.browser.execute(script, []).await.unwrap();
        answer.json().clone()
    }

    /// A script that calls `arguments[0]` with what it gives.
    pub async fn run_async(&self, script: &str) -> Value {
        let answer = self.browser.execute_async(script, []).await.unwrap();
        answer.json().clone()
    }

    /// What the browser had to complain about.
    pub async fn errors(&self) -> Vec<String> {
        let log = self.browser.browser_log().await.unwrap().into_iter();
        let severe = log.filter(|entry| entry.level == "SEVERE");
        severe.map(|entry| entry.message).collect()
    }
}
