//! `kbasefs config`

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
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

/// Writes a file that must not be there yet: whole, or not at all.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut builder = tempfile::Builder::new();
    let builder = builder
        .prefix(".kbasefs-")
        .permissions(Permissions::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

fn init(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match write_new(path, DOCUMENT) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{}: exists already", path.display());
            return Err(hinted(message, "edit it, or remove it first"));
        }
        Err(e) => return Err(anyhow::Error::new(e).context(path.display().to_string())),
    }
    terminal::say(format_args!("{}", path.display()))?;
    Ok(())
}
