//! The command line: one file a command. Turns flags into settings once, and errors into messages.

mod analyze;
mod backoff;
mod catalog;
mod client;
mod completions;
mod config;
mod decode_worker;
mod doctor;
mod export;
mod finder;
mod import;
mod journal;
mod log;
mod man;
mod memory_limits;
mod mount;
mod mounted_catalog;
mod owner;
mod page;
mod probe;
mod program;
mod provider;
mod report;
mod resolved_path;
mod scan;
mod search;
mod serve;
mod show;
mod status;
mod tag;
mod target;
mod terminal;
mod top;
mod umount;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::app;
use crate::config::Config;
use crate::panics;
use finder::Finder;

/// Mount a photo folder and browse it by what is in the pictures.
#[derive(Parser)]
#[command(name = "kbasefs", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(clap::Args)]
struct Common {
    /// Configuration file, in place of the user's own
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File of the catalog, in place of one below $XDG_DATA_HOME/kbasefs
    #[arg(long, global = true, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// What `--catalog` was called before; [`Self::settle`] empties it
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    index: Option<PathBuf>,
}

impl Common {
    /// Takes the old name of an option for the new one.
    ///
    /// # Errors
    /// When both are given, and differ.
    fn settle(&mut self) -> Result<(), clap::Error> {
        let Some(old) = self.index.take() else {
            return Ok(());
        };
        match self.catalog.replace(old.clone()) {
            Some(new) if new != old => Err(Cli::command().error(
                ErrorKind::ArgumentConflict,
                format!(
                    "--catalog {} and --index {} name different files; --index is the old name of --catalog",
                    new.display(),
                    old.display()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What finds catalogs for a command.
    fn finder(&self) -> anyhow::Result<Finder> {
        Ok(Finder::new(self.load()?, self.catalog.clone()))
    }

    /// The settings that hold: flags overwrite what the file and the environment say.
    fn load(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref(), app::env)?;
        if self.catalog.is_some() {
            config.catalog.clone_from(&self.catalog);
        }
        Ok(config)
    }
}

#[derive(Subcommand)]
enum Command {
    Mount(mount::Args),
    Umount(umount::Args),
    Serve(serve::Args),
    #[command(hide = true)]
    Guard(mount::guard::watch::Args),
    #[command(hide = true)]
    Probe(probe::Args),
    #[command(hide = true)]
    DecodeWorker(decode_worker::Args),
    Scan(scan::Args),
    Analyze(analyze::Args),
    Search(search::Args),
    Show(show::Args),
    Tag(tag::Args),
    /// Take a tag from photos, for good, whoever gave it; `kbasefs undo` takes that back
    Untag(tag::Args),
    Log(journal::LogArgs),
    Undo(journal::UndoArgs),
    Redo(journal::RedoArgs),
    Status(status::Args),
    Top(top::Args),
    Export(export::Args),
    Import(import::Args),
    Provider(provider::Args),
    #[command(alias = "index")]
    Catalog(catalog::Args),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs what the command line says.
pub fn run() -> ExitCode {
    panics::end_the_process();
    let args = match mount::helper::call(std::env::args_os().collect()) {
        mount::helper::Call::Command(args) => args,
        mount::helper::Call::Fake => return ExitCode::SUCCESS,
    };
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error),
    };
    let is_mount = matches!(cli.command, Command::Mount(_) | Command::Umount(_));
    match execute(cli) {
        Ok(code) => code,
        Err(error) => report::failure(&error, is_mount),
    }
}

fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(args)?;
    cli.common.settle()?;
    Ok(cli)
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let common = &cli.common;
    match cli.command {
        Command::Mount(args) => return mount::run(args, common),
        Command::Serve(args) => return serve::run(args, common),
        Command::Umount(args) => on_runtime(umount::run(args, common.finder()?))?,
        Command::Guard(args) => mount::guard::watch::run(args)?,
        Command::Probe(args) => probe::run(&args)?,
        Command::DecodeWorker(args) => decode_worker::run(&args)?,
        Command::Scan(args) => on_runtime(scan::run(args, common.finder()?))?,
        Command::Analyze(args) => return on_runtime(analyze::run(args, common.finder()?)),
        Command::Search(args) => on_runtime(search::run(args, common.finder()?))?,
        Command::Show(args) => return on_runtime(show::run(args, common.finder()?)),
        Command::Tag(args) => on_runtime(tag::run(args, common.finder()?, false))?,
        Command::Untag(args) => on_runtime(tag::run(args, common.finder()?, true))?,
        Command::Log(args) => on_runtime(journal::log(args, common.finder()?))?,
        Command::Undo(args) => on_runtime(journal::undo(args, common.finder()?))?,
        Command::Redo(args) => on_runtime(journal::redo(args, common.finder()?))?,
        Command::Status(args) => return on_runtime(status::run(args, common.finder()?)),
        Command::Top(args) => on_runtime(top::run(args, common.finder()?))?,
        Command::Export(args) => return on_runtime(export::run(args, common.finder()?)),
        Command::Import(args) => return on_runtime(import::run(args, common.finder()?)),
        Command::Provider(args) => return on_runtime(provider::run(args, common.load()?)),
        Command::Doctor(args) => return on_runtime(doctor::run(args, common.finder()?)),
        Command::Catalog(args) => return on_runtime(catalog::run(args, common.finder()?)),
        Command::Config(args) => config::run(&args, common)?,
        Command::Completions(args) => completions::run(&args)?,
        Command::Man(args) => man::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn on_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    memory_limits::check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
