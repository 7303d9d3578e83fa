//! `kbasefs config`

mod import;

use std::path::{Path, PathBuf};

use super::report::hinted;
use super::{Common, terminal};
use crate::app;
use crate::config::{DOCUMENT, user_file};

/// Show or write the configuration
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Print the settings that hold, and where they come from
    Show,
    /// Write a file with the default settings, where there is none yet
    Init,
    /// Take over the settings of the program before kbasefs, and what its model said of photos
    Import(import::Args),
}

pub fn run(args: &Args, common: &Common) -> anyhow::Result<()> {
    match &args.what {
        What::Show => {
            let config = common.load()?;
            terminal::say(format_args!("# {}", file(common)?.display()))?;
            print!("{}", config.to_toml());
            Ok(())
        }
        What::Init => init(&file(common)?),
        What::Import(args) => import::run(args, common, &file(common)?),
    }
}

fn file(common: &Common) -> anyhow::Result<PathBuf> {
    let file = common.config.clone().or_else(|| user_file(&app::env));
    file.ok_or_else(|| {
        hinted(
            "no place for a configuration file",
            "set HOME, or use --config FILE",
        )
    })
}

fn init(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).open(path) {
        Ok(mut file) => std::io::Write::write_all(&mut file, DOCUMENT.as_bytes())?,
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{}: exists already", path.display());
            return Err(hinted(message, "edit it, or remove it first"));
        }
        Err(e) => return Err(anyhow::Error::new(e).context(path.display().to_string())),
    }
    terminal::say(format_args!("{}", path.display()))?;
    Ok(())
}
