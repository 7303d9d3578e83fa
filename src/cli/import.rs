//! `kbasefs import`

use std::path::PathBuf;
use std::process::ExitCode;

use super::client::Client;
use super::finder::Finder;
use super::target;
use super::{export, log};
use crate::api::{ImportRequest, ScanRequest, StatusQuery};

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
    if client.ask(&StatusQuery::default()).await?.photos == 0 {
        client.ask(&ScanRequest::default()).await?;
    }
    let request = ImportRequest {
        format: args.format,
        from: args.from.as_deref().map(target::named_file).transpose()?,
        within_base64: within,
    };
    let report = client.ask(&request).await?;
    export::print(&report, "changed", args.json)
}
