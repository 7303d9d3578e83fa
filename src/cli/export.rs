//! `kbasefs export`

use std::path::PathBuf;
use std::process::ExitCode;

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::target;
use super::terminal::{self, printable};
use crate::api::{ExchangeReport, ExportRequest};

/// Write what is known of the photos into files that other programs read
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// Folder to write into: catalog.jsonl, catalog.csv, or a sidecar a photo
    #[arg(value_name = "DIR", required_unless_present = "into_source")]
    to: Option<PathBuf>,
    /// json holds everything and can be taken in again without loss; csv is for spreadsheets; xmp for photo programs
    #[arg(long, value_parser = ["json", "csv", "xmp"])]
    format: String,
    /// Write sidecars beside the photos, the only way in which anything is ever written into the photo folder
    #[arg(long, conflicts_with = "to")]
    into_source: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let target = finder.target(&args.source).await?;
    let within = target.within()?;
    let client = Client::looking(&target.catalog, &finder.config).await?;
    let request = ExportRequest {
        format: args.format,
        to: args.to.as_deref().map(target::named_file).transpose()?,
        within_base64: within,
    };
    let report = client.ask(&request).await?;
    print(&report, "written", args.json)
}

/// Prints how an export or import went.
pub fn print(report: &ExchangeReport, done: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let ExchangeReport {
        photos,
        changed,
        failed,
    } = report;
    if as_json {
        terminal::json(report)?;
    } else {
        for failure in failed {
            let said = format!("{}: {}", failure.path, failure.reason);
            eprintln!("{}", printable(&said));
        }
        terminal::say(format_args!(
            "{photos} photos looked at: {changed} {done}, {} failed",
            failed.len()
        ))?;
    }
    Ok(match failed[..] {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
