//! `kbasefs import`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::client::Client;
use super::finder::Finder;
use super::target;
use super::{export, log};

/// Take in what sidecars, other programs or another catalog say of the photos
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// An export (a file or its folder), or a folder of sidecars; the sidecars beside the photos when left out
    #[arg(value_name = "DIR|FILE")]
    from: Option<PathBuf>,
    /// What it is, where the name doesn't tell
    #[arg(long, value_parser = ["json", "csv", "xmp"])]
    format: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let target = finder.target(&args.source).await?;
    let within = target.within()?;
    let client = Client::of_new(&target.catalog, &finder.config).await?;
    if client.get("/api/v1/status").await?["photos"] == 0 {
        client.post("/api/v1/scan", &json!({})).await?;
    }
    let from = args.from.as_deref().map(target::named_file).transpose()?;
    let asked = json!({"format": args.format, "from": from, "within_base64": within});
    let report = client.post("/api/v1/import", &asked).await?.value().await?;
    export::print(&report, "changed", args.json)
}
