//! `kbasefs completions`

use std::io;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell
#[derive(clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args) -> io::Result<()> {
    let mut script = Vec::new();
    let mut command = visible(&super::Cli::command());
    clap_complete::generate(args.shell, &mut command, "kbasefs", &mut script);
    io::Write::write_all(&mut io::stdout(), &script)
}

/// A command without what is hidden, of which some shells would be told all the same.
fn visible(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
    let commands = command.get_subcommands().filter(|one| !one.is_hide_set());
    let mut shown = Command::new(command.get_name().to_owned())
        .args(arguments)
        .subcommands(commands.map(visible));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    match command.get_version() {
        Some(version) => shown.version(version.to_owned()),
        None => shown,
    }
}
