//! `kbasefs catalog`

pub mod adopt;
mod list;
pub mod restore;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::backoff::{Backoff, is_in_use, to_terminal};
use super::client::Client;
use super::finder::Finder;
use super::target::Catalog;
use super::{export, log, terminal};
use crate::api::{CatalogCheck, VacuumRequest, Vacuumed};
use crate::app::catalog_file;

/// Look after the catalog of a photo folder; also while it is mounted
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Read all of it and say what is wrong
    Check {
        /// Folder of photos, or the mount of it
        source: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Copy it, as it is now, to a new file
    Backup {
        source: PathBuf,
        file: PathBuf,
    },
    Restore(restore::Args),
    List(list::Args),
    Export(export::Args),
    /// Give back the space that it doesn't use
    Vacuum {
        source: PathBuf,
    },
    Adopt(adopt::Args),
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    match args.what {
        What::Restore(args) => restore::run(args, &finder).await?,
        What::List(args) => list::run(&args, &finder)?,
        What::Export(args) => return export::run(args, finder).await,
        What::Check { source, json } => {
            let catalog = finder.target(&source).await?.catalog;
            let file = catalog.existing()?;
            let problems = catalog_file::check(file)?;
            let check = CatalogCheck {
                sound: problems.is_empty(),
                problems,
                recovered: catalog_file::recovered(file),
            };
            return report(&check, json);
        }
        What::Backup { source, file } => {
            let catalog = finder.target(&source).await?.catalog;
            catalog_file::backup(catalog.existing()?, &file)?;
            terminal::say(format_args!("copied to {}", file.display()))?;
        }
        What::Vacuum { source } => {
            let catalog = finder.target(&source).await?.catalog;
            let done = vacuum(&catalog).await?;
            let (before, after) = (done.bytes_before, done.bytes_after);
            terminal::say(format_args!("{before} bytes before, {after} after"))?;
        }
        What::Adopt(args) => adopt::run(args, &finder).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The process that has the catalog does it, if there is one.
async fn vacuum(catalog: &Catalog) -> anyhow::Result<Vacuumed> {
    let file = catalog.existing()?;
    let mut backoff = Backoff::default();
    loop {
        if let Some(daemon) = Client::daemon(catalog).await? {
            return daemon.ask(&VacuumRequest {}).await;
        }
        match catalog_file::vacuum(file).map_err(anyhow::Error::from) {
            Err(error) if is_in_use(&error) => {
                tokio::time::sleep(backoff.pause(error, to_terminal)?).await;
            }
            done => return done,
        }
    }
}

fn report(check: &CatalogCheck, json: bool) -> anyhow::Result<ExitCode> {
    match json {
        true => terminal::json(check)?,
        false => print(check)?,
    }
    Ok(match check.sound {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(check: &CatalogCheck) -> std::io::Result<()> {
    if check.sound {
        terminal::say(format_args!("the catalog is sound"))?;
    }
    if let Some(recovered) = &check.recovered {
        let recovered = terminal::printable(recovered);
        terminal::say(format_args!("it was made of a damaged one: {recovered}"))?;
    }
    for problem in &check.problems {
        terminal::say(format_args!("{}", terminal::printable(problem)))?;
    }
    Ok(())
}
