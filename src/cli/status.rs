//! `kbasefs status`

use std::path::PathBuf;
use std::process::ExitCode;

use super::catalog::adopt;
use super::catalog::restore::local;
use super::client::Client;
use super::finder::Finder;
use super::log;
use super::mounted_catalog::{self, MountedCatalog};
use super::report::{self, hinted};
use super::target::Catalog;
use super::terminal::{self, printable};
use crate::api::{BackupList, CacheHits, EncodedPath, Provider, Status, StatusQuery};
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
    within: Option<EncodedPath>,
    finder: &Finder,
    json: bool,
) -> anyhow::Result<()> {
    let client = Client::looking(catalog, &finder.config).await?;
    let request = StatusQuery {
        within_base64: within,
    };
    let status = client.ask(&request).await?;
    match json {
        true => terminal::json(&status)?,
        false => print(&status)?,
    }
    Ok(())
}

fn print(status: &Status) -> std::io::Result<()> {
    let row = |(name, text): (&str, String)| {
        terminal::say(format_args!("{name:14} {}", printable(&text)))
    };
    counts(status).into_iter().try_for_each(row)?;
    work(status).into_iter().try_for_each(row)?;
    let providers = status.providers.iter().map(provider);
    providers.map(|text| ("provider", text)).try_for_each(row)?;
    process(status).into_iter().try_for_each(row)
}

/// What is known, and whether it can be kept.
fn counts(status: &Status) -> [(&'static str, String); 16] {
    [
        ("version", status.version.clone()),
        ("source", status.source.clone()),
        ("mountpoint", known(&status.mountpoint)),
        ("page", known(&status.page)),
        ("part", known(&status.part)),
        ("photos", status.photos.to_string()),
        ("analyzed", status.analyzed.to_string()),
        ("pending", status.pending.to_string()),
        ("failed", status.failed.to_string()),
        ("unsupported", status.unsupported.to_string()),
        ("gone", known(&gone(status))),
        ("paused", status.paused.to_string()),
        ("unkept", known(&status.unkept)),
        ("unkept_answers", status.unkept_answers.to_string()),
        ("recovered", known(&status.recovered)),
        ("put_back", known(&status.put_back)),
    ]
}

/// Of what is gone, what people said something of.
fn gone(status: &Status) -> Option<String> {
    adopt::sentence(status.gone_with_words, &status.source)
}

/// What goes on.
fn work(status: &Status) -> [(&'static str, String); 13] {
    let crawlers = status.crawlers.iter();
    let crawlers: Vec<_> = crawlers.map(|(name, n)| format!("{name} {n}")).collect();
    [
        ("queued", status.queued.to_string()),
        ("running", status.running.to_string()),
        ("labels", status.labels.to_string()),
        ("catalog", status.catalog.clone()),
        ("catalog_size", mebibytes(status.catalog_bytes)),
        ("backups", backups(&status.backups)),
        ("cache", hits(status.cache)),
        ("crawlers", crawlers.join(", ")),
        ("watched_folders", status.watched_folders.to_string()),
        ("polling", status.polling.to_string()),
        ("away", known(&status.away)),
        ("unresponsive", unresponsive(status.unresponsive)),
        ("previews", hits(status.previews)),
    ]
}

/// What it takes.
fn process(status: &Status) -> [(&'static str, String); 3] {
    let memory = |bytes: Option<u64>| known(&bytes.map(mebibytes));
    [
        ("rss", memory(status.rss_bytes)),
        ("peak_rss", memory(status.peak_rss_bytes)),
        ("uptime_s", format!("{:.0}", status.uptime_s)),
    ]
}

/// Files of the source that are set aside.
fn unresponsive(files: u64) -> String {
    match files {
        0 => "-".into(),
        1 => "1 file does not answer".into(),
        n => format!("{n} files do not answer"),
    }
}

/// How many there are, and what the latest is, or why there is none.
fn backups(backups: &BackupList) -> String {
    let latest = backups.kept.iter().find_map(|backup| backup.made);
    let why = backups.failed.as_deref().or(backups.not_now.as_deref());
    match (latest, why) {
        (Some(made), _) => {
            let failed = backups.failed.iter();
            let failed: String = failed.map(|why| format!("; then none: {why}")).collect();
            format!(
                "{}, the latest of {}{failed}",
                backups.kept.len(),
                local(made)
            )
        }
        (None, Some(why)) => format!("none: {why}"),
        (None, None) => "none yet".into(),
    }
}

/// One line a provider; only a server costs something.
fn provider(provider: &Provider) -> String {
    let Provider {
        name,
        model,
        state,
        answered,
        queued,
        today,
        ..
    } = provider;
    let said = format!("{name} ({model}): {state}; {answered} described, {queued} waiting");
    if !provider.is_server {
        return said;
    }
    let cost = today.cost.map(|cost| format!("{cost:.4}"));
    let cost = cost.as_deref().unwrap_or("unknown");
    format!("{said}; today {} requests, cost {cost}", today.requests)
}

fn known(text: &Option<String>) -> String {
    text.as_deref().unwrap_or("-").to_owned()
}

fn hits(cache: CacheHits) -> String {
    format!("hits {}, misses {}", cache.hits, cache.misses)
}

pub fn mebibytes(bytes: u64) -> String {
    let tenths = (bytes * 10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
