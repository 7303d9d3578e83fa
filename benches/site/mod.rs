//! The page as people start it: a process of its own, asked over HTTP.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Client;

/// A page that is served, until it is dropped.
pub struct Site {
    pub server: Child,
    pub client: Client,
    pub url: String,
}

impl Site {
    /// Runs `kbasefs serve`, as the command says it, and waits until it has said where the page is.
    pub fn start(mut command: Command) -> Result<Self, Box<dyn Error>> {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn()?;
        let mut line = String::new();
        let output = server.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let url = line.trim_end().rsplit(' ').next().unwrap_or_default();
        Ok(Self {
            server,
            client: Client::builder().no_proxy().build()?,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// What the kernel says of the process's memory, in MiB.
    pub fn memory(&self, what: &str) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kibibytes.ok_or("no such line")?.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
