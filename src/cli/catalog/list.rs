//! `kbasefs catalog list`

use crate::app::catalog_file;
use crate::cli::finder::Finder;
use crate::cli::status::mebibytes;
use crate::cli::terminal::{self, printable, say};

/// List your catalogs: the photo folder, the size, whether it is in use, and the file
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object a catalog
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, finder: &Finder) -> anyhow::Result<()> {
    for catalog in catalog_file::all(&finder.config)? {
        if args.json {
            terminal::json(&catalog)?;
            continue;
        }
        let source = catalog.source.as_deref().unwrap_or("(can't be read)");
        let size = mebibytes(catalog.catalog_bytes);
        let in_use = if catalog.in_use { "in use" } else { "-" };
        let line = format!("{source}  {size}  {in_use}  {}", catalog.catalog);
        say(format_args!("{}", printable(&line)))?;
    }
    Ok(())
}
