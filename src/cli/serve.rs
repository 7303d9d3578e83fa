//! `kbasefs serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::backoff::to_terminal;
use super::client::Client;
use super::owner::{self, Owner};
use super::page::{self, PageOptions};
use super::terminal::{self, printable};
use super::{Common, log, memory_limits};
use crate::api::OpenPageRequest;
use crate::config::Config;

/// Show a catalog as a web page, with or without a mount
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    #[arg(value_name = "SOURCE|MOUNTPOINT")]
    what: PathBuf,
    /// Where; other machines reach it only where this is not 127.0.0.1, and need a token then
    #[arg(long, value_name = "ADDR", default_value_t = page::USUAL, value_parser = page::address)]
    web: SocketAddr,
    /// File with the token that opens the page; without one, an address for one browser is printed where a token is needed
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

pub fn run(args: Args, common: &Common) -> anyhow::Result<ExitCode> {
    memory_limits::check()?;
    let finder = common.finder()?;
    let options = PageOptions {
        address: args.web,
        token_file: args.token_file,
    };
    let runtime = Runtime::new()?;
    let target = runtime.block_on(finder.target(&args.what))?;
    if target.within().is_ok_and(|part| part.is_some()) {
        let source = printable(&target.catalog.source.display().to_string());
        eprintln!("kbasefs: the page shows all of {source}");
    }
    let catalog = target.catalog;
    if let Some(daemon) = runtime.block_on(Client::daemon(&catalog))? {
        runtime.block_on(ask(&daemon, &options))?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = catalog.settings(&finder.config);
    serve(&catalog.source, config, &options, runtime)?;
    Ok(ExitCode::SUCCESS)
}

/// Has the process that owns the catalog open its page.
async fn ask(daemon: &Client, options: &PageOptions) -> anyhow::Result<()> {
    let request = OpenPageRequest {
        address: options.address,
        token: options.token_file.as_deref().map(page::token).transpose()?,
    };
    let page = daemon.ask(&request).await?;
    let already = if page.opened { "" } else { " already" };
    terminal::say(format_args!("the page is{already} at {}", page.url))?;
    Ok(())
}

/// Owns the catalog until it is told to end.
fn serve(
    source: &Path,
    config: Config,
    options: &PageOptions,
    runtime: Runtime,
) -> anyhow::Result<()> {
    let _log = log::start(&config, "warn,kbasefs=info");
    let app = Arc::new(owner::begin(source, &config, to_terminal)?);
    let site = options.bind()?;
    let url = site.url();
    let owner = Owner::start(&app, &runtime, owner::listen(app.instance(), &runtime)?)?;
    page::open(&runtime, site, app.web());
    terminal::say(format_args!("the page is at {url}"))?;
    runtime.block_on(signalled())?;
    owner.end(&app, runtime)
}

async fn signalled() -> std::io::Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
