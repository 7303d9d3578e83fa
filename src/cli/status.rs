//! `kbasefs status`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::catalog::restore::local;
use super::client::Client;
use super::finder::Finder;
use super::log;
use super::mounted_catalog::{self, MountedCatalog};
use super::report::{self, hinted};
use super::target::Catalog;
use super::terminal::{self, printable};
use crate::fuse::mountinfo::MountTable;

/// Print how a catalog is doing; of each of your mounts when none is named
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    #[arg(value_name = "SOURCE|MOUNTPOINT")]
    what: Option<PathBuf>,
    /// Print one JSON object a catalog
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let Some(path) = &args.what else {
        return mounted(&finder, args.json).await;
    };
    let target = finder.target(path).await?;
    say(&target.catalog, target.within()?, &finder, args.json).await?;
    Ok(ExitCode::SUCCESS)
}

/// Each mount of this user; one that doesn't answer is no reason to be silent about the others.
async fn mounted(finder: &Finder, json: bool) -> anyhow::Result<ExitCode> {
    let mounts = mounted_catalog::own_mounts()?;
    if mounts.is_empty() {
        return Err(hinted(
            "nothing is mounted",
            "name a photo folder, or mount one",
        ));
    }
    let mut code = ExitCode::SUCCESS;
    for mount in &mounts {
        let said =
            async { say(&MountedCatalog::by(mount).await?.into(), None, finder, json).await };
        // One that was taken away meanwhile is none of this user's mounts any more.
        if let Err(error) = said.await
            && MountTable::read()?.has(mount)
        {
            code = report::failure(&error, false);
        }
    }
    Ok(code)
}

async fn say(
    catalog: &Catalog,
    within: Option<String>,
    finder: &Finder,
    json: bool,
) -> anyhow::Result<()> {
    let client = Client::of(catalog, &finder.config).await?;
    let asked = within.map(|within| format!("?within_base64={within}"));
    let page = format!("/api/v1/status{}", asked.unwrap_or_default());
    let status = client.get(&page).await?;
    match json {
        true => terminal::say(format_args!("{status}"))?,
        false => print(&status)?,
    }
    Ok(())
}

/// What programs still find under the names that it had first.
const OLD_KEYS: [&str; 2] = ["index", "index_bytes"];

fn print(status: &Value) -> std::io::Result<()> {
    for (key, value) in status.as_object().into_iter().flatten() {
        if OLD_KEYS.contains(&key.as_str()) {
            continue;
        }
        let text = match value {
            Value::Null => "-".into(),
            Value::String(text) => text.clone(),
            Value::Array(providers) if key == "providers" => {
                providers.iter().try_for_each(print_provider)?;
                continue;
            }
            Value::Object(_) if key == "backups" => backups(value),
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

/// How many there are, and what the latest is, or why there is none.
fn backups(backups: &Value) -> String {
    let kept = backups["kept"].as_array().map_or(&[][..], Vec::as_slice);
    let latest = kept.iter().find_map(|backup| backup["made"].as_i64());
    let text = |key: &str| backups[key].as_str();
    match (latest, text("failed").or(text("not_now"))) {
        (Some(made), _) => format!("{}, the latest of {}", kept.len(), local(made)),
        (None, Some(why)) => format!("none: {why}"),
        (None, None) => "none yet".into(),
    }
}

/// One line a provider; only a server costs something.
fn print_provider(provider: &Value) -> std::io::Result<()> {
    let text = |key: &str| provider[key].as_str().unwrap_or("-").to_owned();
    let today = &provider["today"];
    let cost = match today["cost"].as_f64() {
        Some(cost) => format!("{cost:.4}"),
        None => "unknown".into(),
    };
    let mut line = format!(
        "{} ({}): {}; {} described, {} waiting",
        text("name"),
        text("model"),
        text("state"),
        provider["answered"],
        provider["queued"],
    );
    if provider["is_server"] == true {
        line += &format!("; today {} requests, cost {cost}", today["requests"]);
    }
    terminal::say(format_args!("{:14} {}", "provider", printable(&line)))
}

pub fn mebibytes(bytes: Option<u64>) -> String {
    let tenths = (bytes.unwrap_or(0) * 10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
