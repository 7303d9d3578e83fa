//! `kbasefs tag` and `kbasefs untag`

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::client::Client;
use super::finder::Finder;
use super::report::hinted;
use super::target::Catalog;
use super::{journal, log, terminal};
use crate::api::{PhotoName, TagRequest};

/// Give photos a tag, or take it from them; `kbasefs undo` takes that back
#[derive(clap::Args)]
pub struct Args {
    /// Photos, in the photo folder or in the mount; then a tag, unless --tag names it
    #[arg(required = true, value_name = "PHOTO|TAG")]
    names: Vec<PathBuf>,
    /// A tag; may be given more than once
    #[arg(short, long, value_name = "TAG")]
    tag: Vec<String>,
    /// Print one JSON object a catalog
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: Finder, remove: bool) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let is_file = match args.names.last() {
        Some(last) => finder.is_file(last).await,
        None => false,
    };
    let (photos, tags) = photos_and_tags(args.names, args.tag, is_file)?;
    let mut of_catalog = BTreeMap::<PathBuf, (Catalog, Vec<PhotoName>)>::new();
    for path in photos {
        let photo = finder.photo(&path).await?;
        let known = of_catalog.entry(photo.catalog.file.clone());
        let (_, names) = known.or_insert((photo.catalog, Vec::new()));
        names.push(photo.name);
    }
    for (catalog, photos) in of_catalog.into_values() {
        let client = Client::of(&catalog, &finder.config).await?;
        let request = TagRequest {
            photos,
            tags: tags.clone(),
            remove,
            by: journal::by(),
        };
        let done = client.ask(&request).await?;
        match args.json {
            true => terminal::json(&done)?,
            false => terminal::say(format_args!("{} photos changed", done.photos))?,
        }
        client.settle().await?;
    }
    Ok(())
}

/// Without `--tag` the last name is the tag, which is no file.
fn photos_and_tags(
    mut names: Vec<PathBuf>,
    tags: Vec<String>,
    is_file: bool,
) -> anyhow::Result<(Vec<PathBuf>, Vec<String>)> {
    if !tags.is_empty() {
        return Ok((names, tags));
    }
    let last = names.pop().filter(|_| !names.is_empty());
    let hint = "kbasefs tag PHOTO... TAG, or kbasefs tag --tag TAG PHOTO...";
    let last = last.ok_or_else(|| hinted("no tag is named", hint))?;
    let text = last.to_str().map(str::to_owned);
    match text.filter(|_| !is_file) {
        Some(tag) => Ok((names, vec![tag])),
        None => {
            let message = format!("{}: a file, not a tag", last.display());
            Err(hinted(message, hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_is_the_tag_unless_tags_are_named() {
        let check = |names: &[&str], tags: &[&str]| {
            let is_file = names.contains(&"/etc/passwd");
            let names = names.iter().map(PathBuf::from).collect();
            let tags = tags.iter().map(|t| (*t).to_owned()).collect();
            let (photos, tags) = photos_and_tags(names, tags, is_file).ok()?;
            Some((photos.len(), tags.join("+")))
        };
        assert_eq!(
            check(&["a.jpg", "b.jpg", "dog"], &[]),
            Some((2, "dog".into()))
        );
        assert_eq!(check(&["a.jpg"], &["x", "y"]), Some((1, "x+y".into())));
        assert_eq!(check(&["a.jpg"], &[]), None);
        assert_eq!(check(&["a.jpg", "/etc/passwd"], &[]), None);
    }
}
