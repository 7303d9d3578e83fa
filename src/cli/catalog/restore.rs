//! `kbasefs catalog restore`

use std::path::{Path, PathBuf};

use crate::api::{ListedBackup, Restored};
use crate::app::{self, catalog_file};
use crate::backups::{Backups, since_copy};
use crate::cli::finder::Finder;
use crate::cli::report::hinted;
use crate::cli::target::Catalog;
use crate::cli::terminal::{self, printable, say};

/// List the backups of a catalog, or bring one back; the catalog of before is kept beside it
#[derive(clap::Args)]
pub struct Args {
    /// Folder of photos
    source: PathBuf,
    /// Backup to bring back: one of those that are listed, by its name, or any other copy of the catalog
    file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, finder: &Finder) -> anyhow::Result<()> {
    let catalog = finder.target(&args.source).await?.catalog;
    let backups = Backups::of(&catalog.file, &catalog.source, finder.config.backups);
    match &args.file {
        None => list(&catalog, &backups, args.json),
        Some(file) => restore(&catalog, &backups, file, args.json),
    }
}

fn list(catalog: &Catalog, backups: &Backups, json: bool) -> anyhow::Result<()> {
    let report = backups.report(jiff::Timestamp::now().as_second());
    let report = report.map_err(app::Error::Backups)?;
    if report.kept.is_empty() {
        // Whoever has no catalog either is told so.
        catalog.existing()?;
    }
    let summary = report.summary();
    if json {
        return Ok(terminal::json(&summary)?);
    }
    for backup in &summary.kept {
        say(format_args!("{}", printable(&line(backup))))?;
    }
    if summary.kept.is_empty() {
        let why = summary
            .not_now
            .as_deref()
            .unwrap_or("a mount makes one soon");
        say(format_args!("no backup yet: {why}"))?;
    }
    Ok(())
}

/// One backup, as people are told of it.
pub fn line(backup: &ListedBackup) -> String {
    let name = &backup.file;
    match backup.made {
        Some(made) => format!("{name} of {}{}", local(made), since(backup)),
        None => format!("{name}: can't be read"),
    }
}

fn since(backup: &ListedBackup) -> String {
    match (backup.edits_since, backup.answers_since) {
        (Some(edits), Some(answers)) => {
            format!("; since then {edits} edits and {answers} answers of servers")
        }
        _ => String::new(),
    }
}

/// A moment as people write it.
pub fn local(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let at = at.to_zoned(jiff::tz::TimeZone::system());
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn restore(catalog: &Catalog, backups: &Backups, file: &Path, json: bool) -> anyhow::Result<()> {
    let copy = found(backups, file)?;
    let place = &catalog.file;
    if catalog.served.is_some() || app::is_in_use(place) {
        return Err(hinted(
            format!("{}: is in use, and can't be replaced", place.display()),
            "`kbasefs umount` its mount, or wait for the other command",
        ));
    }
    // What was there may be damaged: then nobody can tell what it has beyond the copy.
    let before = catalog_file::holdings(place).ok();
    let holds = catalog_file::holdings_of_copy(&copy).map_err(|error| {
        let message = format!("{}: can't be brought back: {error}", copy.display());
        hinted(
            message,
            "`kbasefs catalog restore SOURCE` lists the backups",
        )
    })?;
    let aside = catalog_file::restore(place, &copy, &catalog.source)?;
    let aside = Some(aside).filter(|file| file.exists());
    let since = before.and_then(|before| since_copy(&before, &holds));
    if json {
        return Ok(terminal::json(&Restored {
            restored: copy.to_string_lossy().into_owned(),
            made: holds.copied,
            aside: aside.map(|file| file.to_string_lossy().into_owned()),
            edits_since: since.as_ref().map(|since| since.edits),
            answers_since: since.as_ref().map(|since| since.answers),
        })?);
    }
    let of = holds.copied.map(|made| format!(" of {}", local(made)));
    let copy = copy.display().to_string();
    let back = format!("{copy}{} is brought back", of.unwrap_or_default());
    say(format_args!("{}", printable(&back)))?;
    let Some(aside) = aside else { return Ok(()) };
    let lost = match since {
        Some(since) => format!(
            "{} edits and {} answers of servers since then are only in the catalog of before: {}",
            since.edits,
            since.answers,
            aside.display()
        ),
        None => format!("the catalog of before is kept: {}", aside.display()),
    };
    Ok(say(format_args!("{}", printable(&lost)))?)
}

/// The file that is meant: where it is said to be, or among the backups.
fn found(backups: &Backups, file: &Path) -> anyhow::Result<PathBuf> {
    if file.exists() {
        return Ok(std::path::absolute(file)?);
    }
    let listed = backups.folder().join(file);
    let is_name = file.components().count() == 1;
    match is_name && listed.exists() {
        true => Ok(listed),
        false => Err(hinted(
            format!("{}: there is no such backup", file.display()),
            "`kbasefs catalog restore SOURCE` lists them",
        )),
    }
}
