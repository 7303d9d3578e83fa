//! `kbasefs catalog adopt`

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::api::{
    AdoptRequest, GiveWordsRequest, GonePhoto, GonePhotos, GoneQuery, PhotoName, Successor,
    WordsPair,
};
use crate::cli::client::Client;
use crate::cli::finder::Finder;
use crate::cli::journal;
use crate::cli::report::hinted;
use crate::cli::resolved_path::ResolvedPath;
use crate::cli::target::{self, Catalog, Target};
use crate::cli::terminal::{self, printable, say};

/// List photos that are gone and of which people said something, with what they may be now; give the words of one to
/// another photo; or take over the catalog of a folder within, and put its file aside
///
/// Photos that were moved and changed at once are new ones to the catalog. `kbasefs undo` takes back what was given over.
#[derive(clap::Args)]
pub struct Args {
    /// A photo that is gone, by its path or number, and the one that has its words from now on; or one folder that has a
    /// catalog of its own within that of another one
    #[arg(value_name = "GONE NEW|FOLDER", num_args = 0..=2)]
    names: Vec<PathBuf>,
    /// Give over the words of every photo that is gone and that only one other photo fits
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// With --all: print what that would do
    #[arg(long, requires = "all")]
    dry_run: bool,
    /// Folder of photos, or the mount of it; not needed while one is mounted
    #[arg(long, value_name = "SOURCE|MOUNTPOINT", conflicts_with = "names")]
    source: Option<PathBuf>,
    /// Print one JSON object a photo that is gone, or one of what was done
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: &Finder) -> anyhow::Result<()> {
    match &args.names[..] {
        [folder] => take_over(folder, args.json, finder).await,
        [gone, new] => give_one(gone, new, args.json, finder).await,
        _ => {
            let target = finder.target_or_mount(args.source.as_deref()).await?;
            whole(&target)?;
            match args.all && !args.dry_run {
                true => give_all(&target.catalog, args.json, finder).await,
                false => list(&target.catalog, &args, finder).await,
            }
        }
    }
}

/// What people are told of photos that are gone and of which something was said.
pub fn sentence(count: u64, source: &str) -> Option<String> {
    let are = match count {
        0 => return None,
        1 => "1 photo of which something was said is gone".to_owned(),
        count => format!("{count} photos of which something was said are gone"),
    };
    let command = format!("`kbasefs catalog adopt --source {source}`");
    Some(format!("{are}: {command} shows what may be theirs now"))
}

/// Words are given over within a catalog, whatever part of it photos were in.
fn whole(target: &Target) -> anyhow::Result<()> {
    let folder = target.folder()?;
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let source = target.catalog.source.display();
    Err(hinted(
        format!("{}: a part of the catalog of {source}", folder.display()),
        format!("name {source}"),
    ))
}

async fn list(catalog: &Catalog, args: &Args, finder: &Finder) -> anyhow::Result<()> {
    let client = Client::looking(catalog, &finder.config).await?;
    let GonePhotos { mut photos } = client.ask(&GoneQuery {}).await?;
    let count = photos.len();
    if args.all {
        photos.retain(|gone| gone.successor.is_some());
    }
    for gone in &photos {
        match args.json {
            true => terminal::json(gone)?,
            false => print(gone)?,
        }
    }
    if args.json {
        return Ok(());
    }
    let words = match (count, args.all) {
        (0, _) => "no photo of which something was said is gone".to_owned(),
        (_, true) => format!("{} of {count} would be given over", photos.len()),
        (_, false) => "`kbasefs catalog adopt GONE NEW` gives over what was said of one; --all does so where one photo fits"
            .to_owned(),
    };
    Ok(say(format_args!("{words}"))?)
}

fn print(gone: &GonePhoto) -> std::io::Result<()> {
    let line = format!("{} ({}): {}", gone.path.path, gone.id, words(gone));
    say(format_args!("{}", printable(&line)))?;
    for candidate in &gone.candidates {
        let line = format!("  {}", found(gone, candidate));
        say(format_args!("{}", printable(&line)))?;
    }
    match gone.candidates.is_empty() {
        true => say(format_args!("  nothing that came later is like it")),
        false => Ok(()),
    }
}

fn found(gone: &GonePhoto, candidate: &Successor) -> String {
    let is = match gone.successor == Some(candidate.id) {
        true => "fits",
        false => "may be",
    };
    let same = candidate.same.join(", ");
    format!(
        "{is} {} ({}): the same {same}",
        candidate.path.path, candidate.id
    )
}

/// What people said of it, on one line.
fn words(gone: &GonePhoto) -> String {
    let tags = |what: &str, tags: &[String]| {
        (!tags.is_empty()).then(|| format!("{what} {}", tags.join(", ")))
    };
    let text =
        |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text:?}"));
    let said = [
        tags("tags", &gone.tags),
        tags("not", &gone.denied_tags),
        gone.rating.map(|stars| format!("{stars} stars")),
        text("title", &gone.title),
        text("description", &gone.description),
    ];
    let said: Vec<_> = said.into_iter().flatten().collect();
    match said.is_empty() {
        true => "what models add to it".to_owned(),
        false => said.join("; "),
    }
}

async fn give_one(gone: &Path, new: &Path, json: bool, finder: &Finder) -> anyhow::Result<()> {
    let to = finder.photo(new).await?;
    let gone = name_of_gone(gone, &to.catalog)?;
    let pairs = vec![WordsPair { gone, to: to.name }];
    give(&to.catalog, pairs, json, finder).await
}

async fn give_all(catalog: &Catalog, json: bool, finder: &Finder) -> anyhow::Result<()> {
    let client = Client::of(catalog, &finder.config).await?;
    let gone = client.ask(&GoneQuery {}).await?.photos;
    drop(client);
    let pair = |gone: &GonePhoto| {
        Some(WordsPair {
            gone: PhotoName::of_id(gone.id),
            to: PhotoName::of_id(gone.successor?),
        })
    };
    let pairs = gone.iter().filter_map(pair).collect();
    give(catalog, pairs, json, finder).await
}

async fn give(
    catalog: &Catalog,
    pairs: Vec<WordsPair>,
    json: bool,
    finder: &Finder,
) -> anyhow::Result<()> {
    let by = journal::by();
    let client = Client::of(catalog, &finder.config).await?;
    let done = client.ask(&GiveWordsRequest { pairs, by }).await?;
    if json {
        return Ok(terminal::json(&done)?);
    }
    let (photos, left) = (done.photos, done.left);
    Ok(say(format_args!(
        "what was said of {photos} gone photos is said of those that they are now; {left} are left"
    ))?)
}

/// A photo that is gone, by its number, or by a path below the source: nobody can look at what it leads to.
fn name_of_gone(gone: &Path, catalog: &Catalog) -> anyhow::Result<PhotoName> {
    if let Some(id) = gone.to_str().and_then(|number| number.parse().ok()) {
        return Ok(PhotoName::of_id(id));
    }
    let absolute = std::path::absolute(gone)?;
    let below = absolute.ancestors().skip(1).find_map(|folder| {
        let resolved = ResolvedPath::of(folder).ok()?;
        let rest = absolute.strip_prefix(folder).ok()?;
        let place = match &resolved.mount {
            Some(mount) => resolved.below(mount).strip_prefix("all").ok()?.join(rest),
            None => resolved
                .path
                .join(rest)
                .strip_prefix(&catalog.source)
                .ok()?
                .to_owned(),
        };
        Some(place)
    });
    let below = match below {
        Some(below) => below,
        // As the list writes it.
        None if gone.is_relative() => gone.to_owned(),
        None => {
            let source = catalog.source.display();
            return Err(hinted(
                format!("{}: not in {source}", gone.display()),
                "name a photo that was in the same photo folder",
            ));
        }
    };
    Ok(PhotoName::of_path(below.as_os_str().as_bytes()))
}

/// Takes over the catalog of a folder that is a part of another one's.
async fn take_over(folder: &Path, json: bool, finder: &Finder) -> anyhow::Result<()> {
    let (inner, outer) = finder.to_adopt(folder).await?;
    let client = Client::of(&outer, &finder.config).await?;
    let request = AdoptRequest {
        source: target::named_file(&inner.source)?,
        index: target::named_file(&inner.file)?,
    };
    let told = client.ask(&request).await?;
    if json {
        return Ok(terminal::json(&told)?);
    }
    let (report, aside) = (&told.report, printable(&told.aside));
    say(format_args!(
        "{} photos looked at: {} changed; its file is put aside as {aside}",
        report.photos, report.changed
    ))?;
    let left = report.failed.len();
    if left > 0 {
        say(format_args!(
            "what was said of {left} photos that the catalog doesn't have is in there only"
        ))?;
    }
    Ok(())
}
