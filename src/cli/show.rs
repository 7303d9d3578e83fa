//! `kbasefs show`

use std::path::PathBuf;

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::terminal::{self, printable};
use crate::api::{Photo, Tag};

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
    let client = Client::looking(&photo.catalog, &finder.config).await?;
    let known = client.ask(&photo.name).await?;
    if args.json {
        return Ok(terminal::json(&known)?);
    }
    for (name, text) in rows(&known) {
        if let Some(text) = text {
            terminal::say(format_args!("{name:12} {}", printable(&text)))?;
        }
    }
    Ok(())
}

/// What people read; nothing of what says nothing.
fn rows(photo: &Photo) -> [(&'static str, Option<String>); 26] {
    let tag = |tag: &Tag| format!("{} ({} {:.2})", tag.name, tag.origin, tag.confidence);
    let degrees = |of: Option<f64>| of.map(|degrees| format!("{degrees:?}"));
    [
        ("path", Some(photo.path.path.clone())),
        (
            "path_base64",
            photo.path.path_base64.as_ref().map(ToString::to_string),
        ),
        ("id", Some(photo.id.to_string())),
        ("name", Some(photo.name.clone())),
        ("status", Some(photo.status.to_string())),
        ("reason", photo.reason.clone()),
        ("hash", photo.hash.clone()),
        ("size", Some(photo.size.to_string())),
        ("format", Some(photo.format.clone())),
        ("width", Some(photo.width.to_string())),
        ("height", Some(photo.height.to_string())),
        ("date", photo.date.clone()),
        ("date_source", photo.date_source.clone()),
        ("camera", photo.camera.clone()),
        ("lens", photo.lens.clone()),
        ("latitude", degrees(photo.latitude)),
        ("longitude", degrees(photo.longitude)),
        ("country", photo.country.clone()),
        ("city", photo.city.clone()),
        ("rating", photo.rating.map(|stars| stars.to_string())),
        ("colors", joined(&photo.colors)),
        ("title", photo.title.clone()),
        ("description", photo.description.clone()),
        (
            "tags",
            joined(&photo.tags.iter().map(tag).collect::<Vec<_>>()),
        ),
        ("tag_list", Some(tag_list(photo.tags_closed).to_owned())),
        ("models", joined(&photo.models)),
    ]
}

/// Whether later analyses add tags.
fn tag_list(is_closed: bool) -> &'static str {
    match is_closed {
        true => "closed: a person set it, and models add nothing",
        false => "open: models add what they see",
    }
}

fn joined(all: &[String]) -> Option<String> {
    (!all.is_empty()).then(|| all.join(", "))
}
