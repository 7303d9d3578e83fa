//! `kbasefs show`

use std::path::PathBuf;

use serde_json::Value;

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::terminal::{self, printable};

/// Print everything known of one photo
#[derive(clap::Args)]
pub struct Args {
    /// A photo, in the photo folder or in the mount
    photo: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let photo = finder.photo(&args.photo).await?;
    let client = Client::of(&photo.catalog, &finder.config).await?;
    let named = match (&photo.name["id"], &photo.name["path_base64"]) {
        (Value::Number(id), _) => format!("id={id}"),
        (_, Value::String(path)) => format!("path_base64={path}"),
        _ => unreachable!("a photo is named by one of the two"),
    };
    let known = client.get(&format!("/api/v1/photo?{named}")).await?;
    if args.json {
        terminal::say(format_args!("{known}"))?;
        return Ok(());
    }
    for (key, value) in known.as_object().into_iter().flatten() {
        if let Some(text) = text(key, value) {
            terminal::say(format_args!("{key:12} {}", printable(&text)))?;
        }
    }
    Ok(())
}

/// A value as people read it; `None` for one that says nothing.
fn text(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(all) if key == "tags" => {
            let tag = |t: &Value| {
                let name = t["name"].as_str().unwrap_or_default();
                let origin = t["origin"].as_str().unwrap_or_default();
                let sure = t["confidence"].as_f64().unwrap_or_default();
                format!("{name} ({origin} {sure:.2})")
            };
            join(all.iter().map(tag))
        }
        Value::Array(all) => join(all.iter().filter_map(|v| text("", v))),
        other => Some(other.to_string()),
    }
}

fn join(all: impl Iterator<Item = String>) -> Option<String> {
    let all: Vec<_> = all.collect();
    (!all.is_empty()).then(|| all.join(", "))
}
