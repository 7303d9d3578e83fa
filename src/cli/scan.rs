//! `kbasefs scan`

use std::path::PathBuf;

use serde_json::json;

use super::client::Client;
use super::finder::Finder;
use super::{log, terminal};

/// Bring the catalog in step with the photo folder; reads metadata, not pictures
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target(&args.source).await?;
    let within = target.within()?;
    let client = Client::of_new(&target.catalog, &finder.config).await?;
    let report = client
        .post("/api/v1/scan", &json!({"within_base64": within}))
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
        "{} files looked at, {} opened, {} bytes read a file, {} read again, {} hashed, {} unreadable",
        report["files"],
        report["opened"],
        report["bytes_per_file"],
        report["read_again"],
        report["hashed"],
        report["unreadable"]
    ))?;
    Ok(())
}
