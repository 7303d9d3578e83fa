//! `kbasefs top`

mod board;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::client::Client;
use super::finder::Finder;
use super::report::hinted;
use super::{log, terminal};
use crate::api::PulseQuery;

/// Show what a catalog is doing, live, until Ctrl-C
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it; needed where none or several are mounted
    #[arg(value_name = "SOURCE|MOUNTPOINT")]
    what: Option<PathBuf>,
    /// Seconds from one look to the next
    #[arg(long, short = 's', value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// How often to look, in place of until Ctrl-C
    #[arg(long, short = 'n', value_name = "COUNT")]
    times: Option<u64>,
    /// Print one JSON object a look
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let fits = number.filter(|n| (0.1..=3600.0).contains(n));
    fits.ok_or_else(|| "from 0.1 to 3600 seconds".into())
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let catalog = finder.target_or_mount(args.what.as_deref()).await?.catalog;
    let Some(client) = Client::daemon(&catalog).await? else {
        return Err(hinted(
            format!("nothing works on {}", catalog.source.display()),
            "`kbasefs mount` or `kbasefs serve` it first; `kbasefs status` tells what is known",
        ));
    };
    let screen = Screen::open(!args.json && io::stdout().is_terminal())?;
    let shown = show(&args, &client, &screen);
    tokio::select! {
        ended = shown => ended,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

async fn show(args: &Args, client: &Client, screen: &Screen) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(args.interval));
    let mut looks = 0;
    while args.times.is_none_or(|times| looks < times) {
        ticks.tick().await;
        let snapshot = client.ask(&PulseQuery {}).await?;
        match args.json {
            true => terminal::json(&snapshot)?,
            false => screen.show(&board::lines(&snapshot))?,
        }
        looks += 1;
    }
    Ok(())
}

/// The terminal's second screen, if it is one; what was on the first is there again afterwards.
struct Screen {
    is_terminal: bool,
}

impl Screen {
    fn open(is_terminal: bool) -> io::Result<Self> {
        if is_terminal {
            write!(io::stdout(), "\x1b[?1049h\x1b[?25l")?;
        }
        Ok(Self { is_terminal })
    }

    fn show(&self, lines: &[String]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.is_terminal {
            true => {
                let lines = lines.join("\x1b[K\r\n");
                write!(out, "\x1b[H{lines}\x1b[J")?;
            }
            false => writeln!(out, "{}\n", lines.join("\n"))?,
        }
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_terminal {
            // A terminal that is gone needs nothing.
            let _ = write!(io::stdout(), "\x1b[?25h\x1b[?1049l");
            let _ = io::stdout().flush();
        }
    }
}
