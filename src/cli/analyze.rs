//! `kbasefs analyze`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::target::{self, Catalog, Named};
use super::terminal::{self, printable};
use crate::web::PHOTOS_HEADER;

/// Look at pictures now, rather than when they are browsed
#[derive(clap::Args)]
pub struct Args {
    /// A folder of photos or its mount, for all of them; or photos
    #[arg(required = true, value_name = "SOURCE|PHOTO")]
    what: Vec<PathBuf>,
    /// Print a JSON object a photo, and a last one that sums up
    #[arg(long)]
    json: bool,
    /// Ask only this provider of the configuration
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Also look again at photos that were described with another model or prompt
    #[arg(long)]
    stale: bool,
    /// Only say how many pictures would be looked at, what that takes and what it costs
    #[arg(long)]
    dry_run: bool,
}

/// What is to be analysed, by catalog: folders as the API takes them, and photos.
type Work = BTreeMap<PathBuf, (Catalog, Vec<Option<String>>, Vec<Value>)>;

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let start = Instant::now();
    let mut sum = Sum::default();
    for (catalog, folders, photos) in work(&args.what, &finder).await?.into_values() {
        let client = Client::of_new(&catalog, &finder.config).await?;
        let folders = folders.into_iter().map(|within| (within, None));
        let photos = (!photos.is_empty()).then_some((None, Some(photos)));
        for (within, photos) in folders.chain(photos) {
            let asked = json!({
                "photos": photos, "within_base64": within, "provider": args.provider, "stale": args.stale,
                "dry_run": args.dry_run,
            });
            match args.dry_run {
                true => estimate(&client, &asked, args.json).await?,
                false => analyze(&client, &catalog.source, &asked, args.json, &mut sum).await?,
            }
        }
    }
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    sum.print(args.json, start.elapsed().as_secs_f64())?;
    Ok(match sum.failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

async fn work(what: &[PathBuf], finder: &Finder) -> anyhow::Result<Work> {
    let mut work = Work::new();
    let of = |catalog: Catalog| (catalog, Vec::new(), Vec::new());
    for path in what {
        match finder.named(path).await? {
            Named::Folder(target) => {
                let within = target.within()?;
                let entry = work.entry(target.catalog.file.clone());
                entry.or_insert_with(|| of(target.catalog)).1.push(within);
            }
            Named::Photo(photo) => {
                let entry = work.entry(photo.catalog.file.clone());
                let (_, _, photos) = entry.or_insert_with(|| of(photo.catalog));
                photos.push(photo.name);
            }
        }
    }
    Ok(work)
}

async fn analyze(
    client: &Client,
    source: &Path,
    asked: &Value,
    json: bool,
    sum: &mut Sum,
) -> anyhow::Result<()> {
    let answer = client.post("/api/v1/analyze", asked).await?;
    let count = answer
        .header(PHOTOS_HEADER)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let bar = match json {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(count),
    };
    let style = "{wide_bar} {pos}/{len} photos, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    answer
        .lines(|line| {
            sum.add(&line);
            bar.inc(u64::from(!line["result"].is_null()));
            if json && !line["result"].is_null() {
                terminal::say(format_args!("{line}"))?;
            }
            if !json && (line["result"] == "failed" || line["result"] == "refused") {
                let reason = line["reason"].as_str().unwrap_or("not analysed");
                let path = target::below(source, &line);
                bar.suspend(|| {
                    eprintln!("{}", printable(&format!("{}: {reason}", path.display())))
                });
            }
            Ok(())
        })
        .await?;
    bar.finish_and_clear();
    Ok(())
}

/// Says what an analysis would take.
async fn estimate(client: &Client, asked: &Value, json: bool) -> anyhow::Result<()> {
    let estimate = client.post("/api/v1/analyze", asked).await?.value().await?;
    if json {
        return Ok(terminal::say(format_args!("{estimate}"))?);
    }
    for part in estimate["providers"].as_array().into_iter().flatten() {
        let text = |key: &str| match &part[key] {
            Value::Null => "unknown".to_owned(),
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        terminal::say(format_args!(
            "{}: {} pictures, {} tokens in and {} out, cost {}, {}",
            printable(&text("name")),
            text("images"),
            text("input_tokens"),
            text("output_tokens"),
            text("cost"),
            match part["seconds"].as_f64() {
                Some(seconds) => format!("about {seconds:.0} s"),
                None => "time unknown".into(),
            }
        ))?;
    }
    Ok(())
}

/// How many photos ended how.
#[derive(Default)]
struct Sum {
    photos: u64,
    analyzed: u64,
    failed: u64,
    skipped: u64,
}

impl Sum {
    fn add(&mut self, line: &Value) {
        let counter = match line["result"].as_str() {
            Some("analyzed") => &mut self.analyzed,
            Some("failed" | "refused") => &mut self.failed,
            Some(_) => &mut self.skipped,
            None => return,
        };
        *counter += 1;
        self.photos += 1;
    }

    fn print(&self, as_json: bool, seconds: f64) -> std::io::Result<()> {
        let Self {
            photos,
            analyzed,
            failed,
            skipped,
        } = self;
        if as_json {
            let sum = json!({
                "photos": photos, "analyzed": analyzed, "failed": failed, "skipped": skipped, "seconds": seconds,
            });
            return terminal::say(format_args!("{sum}"));
        }
        terminal::say(format_args!(
            "{photos} photos: {analyzed} analysed, {failed} failed, {skipped} skipped ({seconds:.1} s)"
        ))
    }
}
