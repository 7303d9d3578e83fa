//! `kbasefs scan`

use std::path::PathBuf;

use super::catalog::adopt;
use super::client::Client;
use super::finder::Finder;
use super::log;
use super::terminal::{self, printable};
use crate::api::ScanRequest;

/// Bring the catalog in step with the photo folder; reads metadata, not pictures
///
/// Ends with 1 when the folder can't be listed. Files and folders in it that can't be read are counted, and stay known.
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
    let request = ScanRequest {
        within_base64: within,
    };
    let report = client.ask(&request).await?;
    if args.json {
        return Ok(terminal::json(&report)?);
    }
    terminal::say(format_args!(
        "{} photos: {} added, {} changed, {} moved, {} gone ({:.1} s)",
        report.photos, report.added, report.changed, report.moved, report.gone, report.seconds
    ))?;
    terminal::say(format_args!(
        "{} files looked at, {} opened, {} bytes read a file, {} read again, {} hashed, {} unreadable, {} unresponsive",
        report.files,
        report.opened,
        report.bytes_per_file,
        report.read_again,
        report.hashed,
        report.unreadable,
        report.unresponsive
    ))?;
    let source = target.catalog.source.display().to_string();
    if let Some(gone) = adopt::sentence(report.gone_with_words, &source) {
        terminal::say(format_args!("{}", printable(&gone)))?;
    }
    Ok(())
}
