//! `kbasefs man`

use std::io;
use std::path::PathBuf;

use clap::CommandFactory;

/// Print the manual page, or write one a command
#[derive(clap::Args)]
pub struct Args {
    /// Folder to write all pages to
    folder: Option<PathBuf>,
}

pub fn run(args: &Args) -> io::Result<()> {
    let command = super::Cli::command();
    match &args.folder {
        Some(folder) => clap_mangen::generate_to(command, folder),
        None => clap_mangen::Man::new(command).render(&mut io::stdout()),
    }
}
