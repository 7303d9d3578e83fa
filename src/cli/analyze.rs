//! `kbasefs analyze`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::target::{self, Catalog, Named};
use super::terminal::{self, printable};
use crate::api::{
    AnalyzeLine, AnalyzeRequest, AnalyzeResult, AnalyzedSum, EncodedPath, Estimate, PHOTOS_HEADER,
    PhotoName, PhotoPath,
};

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
type Work = BTreeMap<PathBuf, (Catalog, Vec<Option<EncodedPath>>, Vec<PhotoName>)>;

pub async fn run(args: Args, finder: Finder) -> anyhow::Result<ExitCode> {
    log::start(&finder.config, "warn");
    let start = Instant::now();
    let mut sum = AnalyzedSum::default();
    for (catalog, folders, photos) in work(&args.what, &finder).await?.into_values() {
        let client = Client::of_new(&catalog, &finder.config).await?;
        let folders = folders.into_iter().map(|within| (within, None));
        let photos = (!photos.is_empty()).then_some((None, Some(photos)));
        for (within_base64, photos) in folders.chain(photos) {
            let request = AnalyzeRequest {
                photos,
                within_base64,
                provider: args.provider.clone(),
                stale: args.stale,
                dry_run: args.dry_run,
            };
            match args.dry_run {
                true => print_estimate(&client.ask(&request).await?, args.json)?,
                false => analyze(&client, &catalog.source, &request, args.json, &mut sum).await?,
            }
        }
    }
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    sum.seconds = start.elapsed().as_secs_f64();
    print_sum(&sum, args.json)?;
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
    request: &AnalyzeRequest,
    json: bool,
    sum: &mut AnalyzedSum,
) -> anyhow::Result<()> {
    let answer = client.request(request).await?;
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
        .lines(|line: AnalyzeLine| {
            let Some((result, failed)) = ended(&line) else {
                return Ok(());
            };
            sum.add(result);
            bar.inc(1);
            match failed {
                _ if json => terminal::json(&line)?,
                Some(failed) => bar.suspend(|| eprintln!("{}", failed.said(source))),
                None => {}
            }
            Ok(())
        })
        .await?;
    bar.finish_and_clear();
    Ok(())
}

/// A photo that nobody looked at, and why.
struct Unanalyzed<'a> {
    path: Option<&'a PhotoPath>,
    reason: Option<&'a str>,
}

impl Unanalyzed<'_> {
    fn said(&self, source: &Path) -> String {
        let path = self.path.map(|path| target::below(source, path));
        let path = path.unwrap_or_else(|| source.into());
        let reason = self.reason.unwrap_or("not analysed");
        printable(&format!("{}: {reason}", path.display()))
    }
}

/// How it ended for the photo of a line; nothing for the last line.
fn ended(line: &AnalyzeLine) -> Option<(AnalyzeResult, Option<Unanalyzed<'_>>)> {
    let (result, path, reason) = match line {
        AnalyzeLine::Photo(line) => (line.result, Some(&line.photo.path), &line.photo.reason),
        AnalyzeLine::Unread(line) => (line.result, None, &line.reason),
        AnalyzeLine::Sum(_) => return None,
    };
    let reason = reason.as_deref();
    let failed = matches!(result, AnalyzeResult::Failed | AnalyzeResult::Refused);
    Some((result, failed.then_some(Unanalyzed { path, reason })))
}

/// Says what an analysis would take.
fn print_estimate(estimate: &Estimate, json: bool) -> std::io::Result<()> {
    if json {
        return terminal::json(estimate);
    }
    for part in &estimate.providers {
        let cost = part.cost.map(|cost| format!("{cost:?}"));
        let time = part.seconds.map(|seconds| format!("about {seconds:.0} s"));
        terminal::say(format_args!(
            "{}: {} pictures, {} tokens in and {} out, cost {}, {}",
            printable(&part.name),
            part.images,
            part.input_tokens,
            part.output_tokens,
            cost.as_deref().unwrap_or("unknown"),
            time.as_deref().unwrap_or("time unknown"),
        ))?;
    }
    Ok(())
}

fn print_sum(sum: &AnalyzedSum, json: bool) -> std::io::Result<()> {
    if json {
        return terminal::json(sum);
    }
    let AnalyzedSum {
        photos,
        analyzed,
        failed,
        skipped,
        seconds,
    } = sum;
    terminal::say(format_args!(
        "{photos} photos: {analyzed} analysed, {failed} failed, {skipped} skipped ({seconds:.1} s)"
    ))
}
