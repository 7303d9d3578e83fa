//! A photo folder and the program that serves it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::can_mount::can_mount;
use crate::isolated::isolated;
use reqwest::{Client, RequestBuilder, Response};
use rustix::process::{Pid, Signal, kill_process};

/// How long something may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct TestServer {
    folder: tempfile::TempDir,
    server: Option<Child>,
    /// Without a `/` at the end.
    pub url: String,
    pub client: Client,
}

impl TestServer {
    pub fn new() -> Self {
        kbasefs::app::ready_tls();
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .no_proxy()
            .build()
            .unwrap();
        Self {
            folder,
            server: None,
            url: String::new(),
            client,
        }
    }

    /// So many photos of different shapes and years, served.
    pub fn with_photos(count: u32) -> Self {
        let mut server = Self::new();
        for n in 0..count {
            server.photo(format!("trip {}/IMG_{n:04}.png", n % 3), n);
        }
        server.serve(&[]);
        server
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(Path::new(name.as_ref()))
    }

    /// Makes a photo of an own shape, colour and time.
    pub fn photo(&self, name: impl AsRef<OsStr>, n: u32) {
        let path = self.path("photos").join(Path::new(name.as_ref()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (width, height) = [(96, 64), (64, 96), (80, 80), (160, 60)][n as usize % 4];
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(n * 37) as u8, (x * 2) as u8 ^ n as u8, (y * 3) as u8])
        });
        picture
            .save_with_format(&path, image::ImageFormat::Png)
            .unwrap();
        // Some have the same time.
        let day = 86_400 * u64::from(40 * (n / 2));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_200_000_000 + day);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    }

    /// Settings for whatever starts from now on.
    pub fn configure(&self, settings: &str) {
        let folder = self.path("home/.config/kbasefs");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), settings).unwrap();
    }

    pub fn command(&self, args: &[&OsStr]) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, &self.path("home"));
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        let args: Vec<_> = args.iter().map(OsStr::new).collect();
        let output = self.command(&args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {error}");
        output
    }

    /// Starts the server on a port that is free, and waits until it has looked at the folder.
    pub fn serve(&mut self, more: &[&str]) {
        let photos = self.path("photos");
        self.run(&["scan", photos.to_str().unwrap()]);
        let mut args = vec![
            OsStr::new("serve"),
            photos.as_os_str(),
            OsStr::new("--web=127.0.0.1:0"),
        ];
        args.extend(more.iter().map(OsStr::new));
        let mut command = self.command(&args);
        let mut server = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        self.server = Some(server);
        self.is_at(&line);
    }

    /// Has the server finish what it does, and end.
    pub fn ask_to_end(&self) {
        let server = self.server.as_ref().expect("it was started");
        kill_process(Pid::from_child(server), Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.server.take().unwrap().wait().unwrap()
    }

    /// Mounts the photos, with the page. False where nothing can be mounted.
    pub fn mount(&mut self) -> bool {
        if !can_mount() {
            return false;
        }
        let (photos, mnt) = (self.path("photos"), self.path("mnt"));
        let places = [photos, mnt].map(|path| path.to_str().unwrap().to_owned());
        let output = self.run(&["mount", "--web=127.0.0.1:0", &places[0], &places[1]]);
        self.is_at(&String::from_utf8(output.stdout).unwrap());
        true
    }

    fn is_at(&mut self, line: &str) {
        let url = line.trim().strip_prefix("the page is at ");
        let url = url.expect("it says where it is");
        self.url = url.trim_end_matches('/').to_owned();
    }

    /// Has something done through the control socket, as commands do.
    pub async fn command_asks(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        self.control("POST", path, &body).await
    }

    /// What the control socket answers.
    pub async fn control(
        &self,
        method: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        let indexes = self.path("home/.local/share/kbasefs");
        let index = indexes.read_dir().unwrap().next().unwrap().unwrap().path();
        let mut files = index.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let socket = files.find(|file| file.extension() == Some(OsStr::new("sock")));
        let client = Client::builder().unix_socket(socket.expect("a server has a socket"));
        let client = client.tls_certs_only([]).build().unwrap();
        let method = method.parse().unwrap();
        let asked = client.request(method, format!("http://kbasefs{path}"));
        let answer = asked.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// A change, as the page itself asks for it.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.client
            .post(format!("{}{path}", self.url))
            .header("origin", &self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// What looking starts costs much, and isn't what every test is about.
    pub async fn pause_analysis(&self) {
        let pause = self.post("/dashboard/pause", &[("paused", "true")]);
        assert_eq!(pause.send().await.unwrap().status(), 303);
    }

    pub async fn text(&self, path: &str) -> String {
        let response = self.get(path).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{path}: {}",
            response.status()
        );
        response.text().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// The numbers of all photos.
    pub async fn ids(&self) -> Vec<u64> {
        let photos = self.json("/api/v1/photos?limit=1000").await;
        let photos = photos["photos"].as_array().unwrap().clone();
        photos.iter().map(|p| p["id"].as_u64().unwrap()).collect()
    }

    /// The number of the photo of a file name: which photo the scan meets first is the file system's to say.
    pub async fn id(&self, name: &str) -> u64 {
        let photos = self.json("/api/v1/photos?limit=1000").await;
        let photos = photos["photos"].as_array().unwrap();
        let photo = photos.iter().find(|p| p["path"] == name).expect(name);
        photo["id"].as_u64().unwrap()
    }

    /// Has everything looked at, and waits for it.
    pub async fn analyze_all(&self) {
        let asked = self.client.post(format!("{}/api/v1/analyze", self.url));
        let asked = asked.header("content-type", "application/json").body("{}");
        let answer = asked.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.text().await.unwrap();
    }

    /// Asks until it holds, or the test fails.
    pub async fn eventually(&self, path: &str, holds: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text(path).await;
            if holds(&text) {
                return text;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{path} never came to it: {text}"
            );
            tokio::task::yield_now().await;
        }
    }
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = kbasefs::fuse::detach(&self.path("mnt"));
    }
}
