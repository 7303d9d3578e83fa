//! Against a server that somebody else wrote after the same protocols: `@copilotkit/aimock`, which `contrib/setup`
//! installs where npm is there. What this program thinks of a protocol and what its own server in these tests thinks of
//! it could be wrong in the same way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use image::RgbImage;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::durability::kbasefs;
use crate::server::DOG;

/// The program and its catalog, and the mock that it asks.
struct TestEnv {
    home: TempDir,
    mock: Child,
    /// Where the mock is, as `host:port`.
    at: String,
}

/// Where `contrib/setup` puts it.
fn program() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("aimock/node_modules/@copilotkit/aimock/dist/cli.js")
}

impl TestEnv {
    /// `None` where the mock isn't installed.
    fn new() -> Option<Self> {
        if !program().exists() {
            eprintln!("skipped: aimock is not installed; contrib/setup does that");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let fixtures = home.path().join("fixtures.json");
        let answer = json!({"match": {"model": "m"}, "response": {"content": DOG}});
        std::fs::write(&fixtures, json!({"fixtures": [answer]}).to_string()).unwrap();
        let mut mock = Command::new("node")
            .arg(program())
            .args([
                "--strict",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--fixtures",
            ])
            .arg(fixtures)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = mock.stdout.take().unwrap();
        let at = BufReader::new(out)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()))
            .expect("aimock says where it listens");
        let env = Self { home, mock, at };
        env.settle();
        Some(env)
    }

    /// Two photos, and a provider a protocol.
    fn settle(&self) {
        let photos = self.home.path().join("photos");
        std::fs::create_dir(&photos).unwrap();
        for n in 0..2 {
            let picture = RgbImage::from_fn(96, 72, |x, y| image::Rgb([n * 90, x as u8, y as u8]));
            picture.save(photos.join(format!("{n}.jpg"))).unwrap();
        }
        let provider = |kind: &str, path: &str| {
            let at = &self.at;
            format!(
                "[[provider]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl = \"http://{at}{path}\"\nmodel = \"m\"\n\
                 api_key = \"sk-of-nobody\"\n"
            )
        };
        let config = [("openai", "/v1"), ("ollama", ""), ("anthropic", "")];
        let config = config.map(|(kind, path)| provider(kind, path)).concat();
        std::fs::write(self.home.path().join("config.toml"), config).unwrap();
    }

    /// The lines that the program prints.
    fn run(&self, args: &[&str]) -> Vec<Value> {
        let config = self.home.path().join("config.toml");
        let all = [&["--config", config.to_str().unwrap()], args].concat();
        let output = kbasefs(self.home.path(), &all).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn photos(&self) -> String {
        self.home.path().join("photos").to_str().unwrap().to_owned()
    }

    /// The requests that the mock got at a path, as it understood them.
    fn requests(&self, path: &str) -> Vec<Value> {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        let host = &self.at;
        write!(stream, "GET /v1/_requests HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        let all: Vec<Value> = serde_json::from_str(body).unwrap();
        all.into_iter().filter(|r| r["path"] == path).collect()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.mock.kill();
        let _ = self.mock.wait();
    }
}

#[test]
fn each_protocol_lists_models_and_gets_an_answer_from_a_server_of_others() {
    let Some(env) = TestEnv::new() else {
        return;
    };
    for kind in ["openai", "ollama", "anthropic"] {
        let photo = format!("{}/0.jpg", env.photos());
        let tried = env
            .run(&["provider", "test", kind, &photo, "--json"])
            .remove(0);
        assert_eq!(tried["models"], json!(["m"]), "{kind}: {tried}");
        assert_eq!(tried["error"], Value::Null, "{kind}: {tried}");
        assert_eq!(
            tried["answer"]["description"], "A dog runs.",
            "{kind}: {tried}"
        );
        assert_eq!(tried["answer"]["tags"][0]["name"], "dog", "{kind}: {tried}");
    }
}

#[test]
fn photos_are_sent_as_pictures_and_described() {
    let Some(env) = TestEnv::new() else {
        return;
    };
    let lines = env.run(&["analyze", &env.photos(), "--provider", "openai", "--json"]);
    assert_eq!(lines.last().unwrap()["analyzed"], 2, "{lines:?}");
    let requests = env.requests("/v1/chat/completions");
    assert_eq!(requests.len(), 2);
    for request in &requests {
        let parts = request["body"]["messages"][1]["content"]
            .as_array()
            .unwrap();
        let urls = parts
            .iter()
            .filter_map(|part| part["image_url"]["url"].as_str());
        let urls: Vec<_> = urls.collect();
        assert!(
            matches!(urls[..], [url] if url.starts_with("data:image/jpeg;base64,/9j/")),
            "{parts:?}"
        );
        assert_eq!(request["body"]["response_format"]["type"], "json_schema");
    }
    let lines = env.run(&["analyze", &env.photos(), "--provider", "ollama", "--json"]);
    assert_eq!(lines.last().unwrap()["analyzed"], 2, "{lines:?}");
    assert_eq!(env.requests("/api/chat").len(), 2);
}
