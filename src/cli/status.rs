//! `kbasefs status`

use std::path::PathBuf;

use serde_json::Value;

use super::client::Client;
use super::report::hinted;
use super::terminal::{self, printable};
use super::{log, target};
use crate::config::Config;
use crate::fuse::mounts;

/// Print how a catalog is doing; of every mount when none is named
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    #[arg(value_name = "SOURCE|MOUNTPOINT")]
    what: Option<PathBuf>,
    /// Print one JSON object a catalog
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    log::start(&config, "warn");
    let sources = match &args.what {
        Some(path) => vec![target::source(path)?],
        None => mounts::all()
            .into_iter()
            .map(|(_, mount)| mount.source)
            .collect(),
    };
    if sources.is_empty() {
        return Err(hinted(
            "nothing is mounted",
            "name a photo folder, or mount one",
        ));
    }
    for source in sources {
        let client = Client::informed(&source, config.clone()).await?;
        let status = client.get("/api/v1/status").await?;
        match args.json {
            true => terminal::say(format_args!("{status}"))?,
            false => print(&status)?,
        }
    }
    Ok(())
}

fn print(status: &Value) -> std::io::Result<()> {
    for (key, value) in status.as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => "-".into(),
            Value::String(text) => text.clone(),
            Value::Array(providers) if key == "providers" => {
                providers.iter().try_for_each(print_provider)?;
                continue;
            }
            Value::Object(parts) => {
                let part = |(name, n): (&String, &Value)| format!("{name} {n}");
                parts.iter().map(part).collect::<Vec<_>>().join(", ")
            }
            Value::Number(n) if key.ends_with("_bytes") => mebibytes(n.as_u64()),
            other => other.to_string(),
        };
        terminal::say(format_args!(
            "{:14} {}",
            key.trim_end_matches("_bytes"),
            printable(&text)
        ))?;
    }
    Ok(())
}

/// One line a server.
fn print_provider(provider: &Value) -> std::io::Result<()> {
    let text = |key: &str| provider[key].as_str().unwrap_or("-").to_owned();
    let today = &provider["today"];
    let cost = match today["cost"].as_f64() {
        Some(cost) => format!("{cost:.4}"),
        None => "unknown".into(),
    };
    let line = format!(
        "{} ({}): {}; {} described, {} waiting; today {} requests, cost {cost}",
        text("name"),
        text("model"),
        text("state"),
        provider["answered"],
        provider["queued"],
        today["requests"],
    );
    terminal::say(format_args!("{:14} {}", "provider", printable(&line)))
}

fn mebibytes(bytes: Option<u64>) -> String {
    let tenths = (bytes.unwrap_or(0) * 10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
