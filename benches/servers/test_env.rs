//! The program at home, and the server it asks.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::isolated::isolated;
use crate::server::ANSWER;
use crate::{SERVE, myself};

/// A home with a configuration, and a server in a process of its own.
pub struct TestEnv {
    home: tempfile::TempDir,
    server: Child,
    url: String,
}

impl TestEnv {
    pub fn new(setting: &str, parallel: usize) -> Self {
        let mut server = myself()
            .env(SERVE, setting)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server starts");
        let mut url = String::new();
        let out = server.stdout.take().expect("its output is piped");
        BufReader::new(out)
            .read_line(&mut url)
            .expect("the server says where it is");
        let url = url.trim().to_owned();
        let home = tempfile::tempdir().expect("there is room for temporary files");
        let config = format!(
            "retry_delay = 0.2\n[[provider]]\nname = \"desk\"\nkind = \"openai\"\nurl = \"{url}/v1\"\nmodel = \"m\"\n\
             parallel_requests = {parallel}\n"
        );
        std::fs::write(home.path().join("config.toml"), config)
            .expect("there is room for a configuration");
        Self { home, server, url }
    }

    /// The program, with nothing but this home.
    fn program(&self) -> Command {
        let program = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        let mut command = isolated(program, self.home.path());
        command
            .arg("--config")
            .arg(self.home.path().join("config.toml"));
        command
    }

    pub fn analyze(&self, photos: &Path) -> Child {
        let mut command = self.program();
        command
            .arg("analyze")
            .arg(photos)
            .args(["--provider", "desk", "--json"]);
        command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// The photos whose answers are in the index.
    pub fn kept(&self, photos: &Path) -> HashSet<String> {
        let to = self.home.path().join("exported");
        let mut command = self.program();
        command.arg("export").arg(photos).arg(&to);
        let status = command
            .args(["--format", "json"])
            .stdout(Stdio::null())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the answers are exported"
        );
        let text = std::fs::read_to_string(to.join("catalog.jsonl")).expect("it was written");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("what is exported is JSON"));
        lines
            .filter(|line| line["description"] == ANSWER)
            .filter_map(|line| line["path"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn stats(&self) -> Value {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))
            .expect("the server is there");
        write!(stream, "GET /stats HTTP/1.1\r\nconnection: close\r\n\r\n")
            .expect("the server reads");
        let mut text = String::new();
        stream
            .read_to_string(&mut text)
            .expect("the server answers");
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).expect("the server counts")
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
