//! `kbasefs doctor`

mod catalog;
mod system;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::finder::Finder;
use super::{log, terminal};

/// Check what a mount needs and how it is doing, and say what to do
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it: its catalog is checked as well
    source: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One thing looked at.
#[derive(Debug, Serialize, PartialEq)]
pub struct Finding {
    what: &'static str,
    state: State,
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// It works, with less than there could be.
    Note,
    Wrong,
}

impl Finding {
    pub fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self::new(what, State::Ok, message, None)
    }

    pub fn note(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(what, State::Note, message, Some(hint.into()))
    }

    pub fn wrong(what: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(what, State::Wrong, message, Some(hint.into()))
    }

    fn new(
        what: &'static str,
        state: State,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let message = message.into();
        Self {
            what,
            state,
            message,
            hint,
        }
    }
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let mut findings = system::findings();
    findings.extend(catalog::providers(&finder.config).await);
    if let Some(path) = &args.source {
        match finder.target(path).await {
            Ok(target) => {
                findings.extend(catalog::findings(&target.catalog, &finder.config).await?)
            }
            Err(error) => findings.push(catalog::not_found(&error)),
        }
    }
    let wrong = findings.iter().any(|f| f.state == State::Wrong);
    match args.json {
        true => terminal::say(format_args!(
            "{}",
            json!({"well": !wrong, "findings": findings})
        ))?,
        false => findings.iter().try_for_each(print)?,
    }
    Ok(match wrong {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn print(finding: &Finding) -> std::io::Result<()> {
    let mark = match finding.state {
        State::Ok => "ok",
        State::Note => "note",
        State::Wrong => "WRONG",
    };
    let what = match finding.what {
        catalog::FILE => "catalog",
        what => what,
    };
    let message = terminal::printable(&finding.message);
    terminal::say(format_args!("{mark:6} {what:16} {message}"))?;
    match &finding.hint {
        Some(hint) => terminal::say(format_args!(
            "{:23} hint: {}",
            "",
            terminal::printable(hint)
        )),
        None => Ok(()),
    }
}
