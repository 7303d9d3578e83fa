//! `kbasefs completions`

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "kbasefs",
        &mut script,
    );
    io::Write::write_all(&mut io::stdout(), &script)
}
