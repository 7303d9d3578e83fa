//! The process that stays behind: the program started again, which says when the mount is live.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use crate::cli::log::Log;
use crate::cli::page::PageOptions;
use crate::cli::{Common, program, terminal};

/// What it writes when the mount is live, and behind it where the web page is; before that, only errors.
const READY: &str = "ready";
/// What it writes before that in front of each warning, which nobody else is told.
const WARNED: &str = "warned ";

/// Starts it and waits until the mount is live, or passes on why it isn't.
pub fn start(
    source: &Path,
    mountpoint: &Path,
    options: &[String],
    page: Option<&PageOptions>,
    common: &Common,
) -> anyhow::Result<ExitCode> {
    let mut command = program::again()?;
    command
        .args(["mount", "--stay-behind"])
        .arg(source)
        .arg(mountpoint);
    for option in options {
        command.arg("-o").arg(option);
    }
    if let Some(catalog) = &common.catalog {
        command.arg("--catalog").arg(std::path::absolute(catalog)?);
    }
    if let Some(file) = &common.config {
        command.arg("--config").arg(std::path::absolute(file)?);
    }
    if let Some(page) = page {
        command.arg(format!("--web={}", page.address));
        if let Some(file) = &page.token_file {
            command.arg("--token-file").arg(std::path::absolute(file)?);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().expect("it is a pipe");
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if let Some(warning) = line.strip_prefix(WARNED) {
            eprintln!("kbasefs: {}", terminal::printable(warning.trim()));
        } else if let Some(url) = line.strip_prefix(READY) {
            if !url.trim().is_empty() {
                terminal::say(format_args!("the page is at {}", url.trim()))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut errors = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut errors)?;
    }
    eprint!("{errors}");
    let code = child
        .wait()?
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// Says something to whoever waits for the mount.
pub fn warn(words: &str) {
    println!("{WARNED}{}", words.replace('\n', " "));
}

/// Says that the mount is live and what went wrong before, and lets go of the terminal: from now on the log is a file beside the catalog.
pub fn ready(log: &Log, file: &Path, page: Option<&str>) -> io::Result<()> {
    for line in log.move_to(&file.with_extension("log"))? {
        warn(&line);
    }
    println!("{READY} {}", page.unwrap_or_default());
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&null)?;
    // The start of a session fails for the first process of one, which is as good.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")
}
