//! `kbasefs show`

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::report;
use super::terminal::{self, printable};
use crate::api::{Photo, Tag};

/// Print everything known of photos
///
/// Those that nothing is known of are told of in the end; the exit code is 1 then.
#[derive(clap::Args)]
pub struct Args {
    /// Photos, in the photo folder or in the mount
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Print one JSON object a photo
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let mut shown = Shown::default();
    let mut code = ExitCode::SUCCESS;
    for path in &args.photos {
        match shown.ask(path, &finder).await {
            Ok(photo) => shown.print(&photo, args.json)?,
            Err(error) => code = report::failure(&error, false),
        }
    }
    Ok(code)
}

/// One photo after the other: however many there are, no more than one is held.
#[derive(Default)]
struct Shown {
    /// The catalog that was asked last, by its file.
    client: Option<(PathBuf, Client)>,
    count: u64,
}

impl Shown {
    async fn ask(&mut self, path: &Path, finder: &Finder) -> anyhow::Result<Photo> {
        let photo = finder.photo(path).await?;
        let file = &photo.catalog.file;
        if self.client.as_ref().is_none_or(|(asked, _)| asked != file) {
            // Whoever holds one catalog may be waited for by who holds another one.
            self.client = None;
            let client = Client::looking(&photo.catalog, &finder.config).await?;
            self.client = Some((file.clone(), client));
        }
        let (_, client) = self.client.as_ref().expect("it was just made");
        client.ask(&photo.name).await
    }

    fn print(&mut self, photo: &Photo, json: bool) -> io::Result<()> {
        self.count += 1;
        if json {
            return terminal::json(photo);
        }
        if self.count > 1 {
            terminal::say(format_args!(""))?;
        }
        for (name, text) in rows(photo) {
            if let Some(text) = text {
                terminal::say(format_args!("{name:12} {}", printable(&text)))?;
            }
        }
        Ok(())
    }
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
