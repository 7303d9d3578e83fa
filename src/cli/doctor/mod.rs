//! `kbasefs doctor`

mod catalog;
mod system;

use std::path::PathBuf;
use std::process::ExitCode;

use super::finder::Finder;
use super::{log, terminal};
use crate::api::{Diagnosis, Finding, FindingState};

/// Check what a mount needs and how it is doing, and say what to do
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it: its catalog is checked as well
    source: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
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
    let diagnosis = Diagnosis {
        well: findings.iter().all(|f| f.state != FindingState::Wrong),
        findings,
    };
    match args.json {
        true => terminal::json(&diagnosis)?,
        false => diagnosis.findings.iter().try_for_each(print)?,
    }
    Ok(match diagnosis.well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(finding: &Finding) -> std::io::Result<()> {
    let mark = match finding.state {
        FindingState::Ok => "ok",
        FindingState::Note => "note",
        FindingState::Wrong => "WRONG",
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
