//! `kbasefs search`

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::client::Client;
use super::{log_to_terminal, target, terminal};
use crate::config::Config;

/// Print the paths of photos that a query means
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos, or the mount of it
    source: PathBuf,
    /// Words, "phrases", tag:dog, camera:, place:, color:, type:, date:2024-07, is:failed; - for not, OR, ( )
    #[arg(required = true, allow_hyphen_values = true)]
    query: Vec<String>,
    /// Print a JSON object a photo
    #[arg(long)]
    json: bool,
    /// End each path with a zero byte, for xargs -0
    #[arg(short = '0', long)]
    null: bool,
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    log_to_terminal(&config, "warn");
    let source = target::source(&args.source)?;
    let client = Client::informed(&source, config).await?;
    let mut url = reqwest::Url::parse("http://kbasefs/api/v1/search")?;
    url.query_pairs_mut()
        .append_pair("q", &args.query.join(" "));
    let uri = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let found = client.get(&uri).await?;
    let end = if args.null { 0 } else { b'\n' };
    for photo in found["photos"].as_array().into_iter().flatten() {
        if args.json {
            terminal::line(photo.to_string().as_bytes(), b'\n')?;
        } else {
            terminal::line(target::below(&source, photo).as_os_str().as_bytes(), end)?;
        }
    }
    Ok(())
}
