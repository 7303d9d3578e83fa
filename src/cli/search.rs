//! `kbasefs search`

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::client::Client;
use super::finder::Finder;
use super::target;
use super::{log, terminal};
use crate::api::{SaveRequest, SearchQuery};

const QUERIES: &str = "\
Queries:
  dogs \"red car\" sun*          words of titles, descriptions, tags, file names and folders
  a b    a OR b    -a    ( )    both; either; without
  tag:dog                       this very tag
  camera:canon lens: place:italy country: city: color:blue    these words in its name
  type:jpeg folder:trip name:*.nef
  rating:>=3 date:2024 date:2024-07..2024-09 size:>10MB width:>=4000 height:
  has:place is:analyzed is:unanalyzed is:failed is:unsupported is:duplicate is:edited
  is:portrait is:landscape is:square is:screenshot

Options go before the query; quote it for the shell: kbasefs search ~/Pictures 'dog -beach date:2024'";

/// Print the paths of photos that a query means, the most relevant first, then the newest
#[derive(clap::Args)]
#[command(after_help = QUERIES)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// Words, "phrases", tag:dog, date:2024-07, rating:>=3, is:failed and more; - for not, OR, ( )
    #[arg(required = true, allow_hyphen_values = true, value_parser = part)]
    query: Vec<String>,
    /// Print at most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Keep the query under this name in saved/
    #[arg(long, value_name = "NAME")]
    save: Option<String>,
    /// Print a JSON object a photo
    #[arg(long)]
    json: bool,
    /// End each path with a zero byte, for xargs -0
    #[arg(short = '0', long)]
    null: bool,
}

/// A part of the query may begin with a hyphen, but what begins with two was meant as an option.
fn part(text: &str) -> Result<String, &'static str> {
    match text.starts_with("--") {
        true => Err("options go before the query"),
        false => Ok(text.to_owned()),
    }
}

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target(&args.source).await?;
    let within = target.within()?;
    let client = match args.save {
        Some(_) => Client::of(&target.catalog, &finder.config).await?,
        None => Client::looking(&target.catalog, &finder.config).await?,
    };
    let query = args.query.join(" ");
    if let Some(name) = args.save {
        let query = query.clone();
        client.ask(&SaveRequest { name, query }).await?;
    }
    let request = SearchQuery {
        q: query,
        limit: args.limit,
        within_base64: within,
    };
    let found = client.ask(&request).await?;
    let end = if args.null { 0 } else { b'\n' };
    for photo in &found.photos {
        if args.json {
            terminal::line(&serde_json::to_vec(photo)?, b'\n')?;
        } else {
            let path = target::below(&target.catalog.source, &photo.path);
            terminal::line(path.as_os_str().as_bytes(), end)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::QUERIES;
    use crate::catalog::FIELDS;

    #[test]
    fn the_help_names_every_field() {
        for field in FIELDS {
            assert!(
                QUERIES.contains(&format!("{}:", field.name)),
                "{}",
                field.name
            );
        }
    }
}
