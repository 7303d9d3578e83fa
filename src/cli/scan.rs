//! `kbasefs scan`

use std::path::PathBuf;

use serde_json::json;

use super::client::Client;
use super::{log, target, terminal};
use crate::config::Config;

/// Bring the catalog in step with the photo folder; reads metadata, not pictures
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    log::start(&config, "warn");
    let source = target::source(&args.source)?;
    let client = Client::connect(&source, config).await?;
    let report = client
        .post("/api/v1/scan", &json!({}))
        .await?
        .value()
        .await?;
    if args.json {
        terminal::say(format_args!("{report}"))?;
        return Ok(());
    }
    terminal::say(format_args!(
        "{} photos: {} added, {} changed, {} moved, {} gone ({:.1} s)",
        report["photos"],
        report["added"],
        report["changed"],
        report["moved"],
        report["gone"],
        report["seconds"].as_f64().unwrap_or_default()
    ))?;
    terminal::say(format_args!(
        "{} files looked at, {} opened, {} bytes read a file, {} hashed, {} unreadable",
        report["files"],
        report["opened"],
        report["bytes_per_file"],
        report["hashed"],
        report["unreadable"]
    ))?;
    Ok(())
}
