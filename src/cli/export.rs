//! `kbasefs export`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::target;
use super::terminal::{self, printable};

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
    let client = Client::of(&target.catalog, &finder.config).await?;
    let to = args.to.as_deref().map(target::named_file).transpose()?;
    let asked = json!({"format": args.format, "to": to, "within_base64": within});
    let report = client.post("/api/v1/export", &asked).await?.value().await?;
    print(&report, "written", args.json)
}

/// Prints how an export or import went.
pub fn print(report: &Value, done: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let failed = report["failed"].as_array().map_or(&[][..], Vec::as_slice);
    if as_json {
        terminal::say(format_args!("{report}"))?;
    } else {
        for failure in failed {
            let text = |key: &str| failure[key].as_str().unwrap_or("?");
            eprintln!(
                "{}",
                printable(&format!("{}: {}", text("path"), text("reason")))
            );
        }
        terminal::say(format_args!(
            "{} photos looked at: {} {done}, {} failed",
            report["photos"],
            report["changed"],
            failed.len()
        ))?;
    }
    Ok(match failed {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
