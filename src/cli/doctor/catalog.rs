//! What is known of one catalog, and of what looks at pictures.

use std::path::Path;

use super::super::catalog::{adopt, restore};
use super::super::client::Client;
use super::super::report::Hinted;
use super::super::target::Catalog;
use crate::api::{Finding, ListedBackup, Status, StatusQuery};
use crate::app;
use crate::app::check::{self, Reached};
use crate::backups::{Backups, NotNow, Report};
use crate::config::Config;
use crate::store::disk::shortage;

/// What is said of the file of a catalog: programs that read the JSON know it by its old name.
pub const FILE: &str = "index";

/// What looks at pictures, and whether it can be reached. Nothing that costs money is asked.
pub async fn providers(config: &Config) -> Vec<Finding> {
    match check::reach(config, None, None, false).await {
        Ok(reached) => reached.iter().map(provider).collect(),
        Err(error) => vec![Finding::wrong(
            "provider",
            error.to_string(),
            "`kbasefs config show` shows where the settings come from",
        )],
    }
}

fn provider(reached: &Reached) -> Finding {
    let Reached {
        name, on, model, ..
    } = reached;
    let at = format!("{name}: {model} at {}", reached.url);
    let try_it = || format!("`kbasefs provider test {name}` shows what it says");
    match (&reached.failure, &reached.models) {
        (Some(failure), _) => Finding::wrong("provider", format!("{at}: {failure}"), try_it()),
        (None, Some(models)) if !models.is_empty() && !models.contains(model) => Finding::note(
            "provider",
            format!("{at} isn't among the {} models there", models.len()),
            try_it(),
        ),
        _ => Finding::ok("provider", format!("{at} looks at photos when {on}")),
    }
}

/// A path whose catalog can't be told.
pub fn not_found(error: &anyhow::Error) -> Finding {
    let hint = error.downcast_ref::<Hinted>().and_then(|h| h.hint.clone());
    let hint = hint.unwrap_or_else(|| "name a photo folder, or a mount".into());
    Finding::wrong("catalog", error.to_string(), hint)
}

pub async fn findings(catalog: &Catalog, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![file(&catalog.file)?];
    findings.extend(disk(&catalog.file));
    findings.extend(recovered(&catalog.file));
    findings.extend(put_back(&catalog.file));
    if catalog.file.exists() {
        findings.extend(gone(catalog));
        let backups = Backups::of(&catalog.file, &catalog.source, config.backups);
        let report = backups.report(jiff::Timestamp::now().as_second());
        let report = report.map_err(app::Error::Backups)?;
        findings.extend(backups_found(&report));
    }
    match Client::daemon(catalog).await {
        Err(silent) => findings.push(Finding::wrong(
            "daemon",
            silent.to_string(),
            "kill -CONT it where it is stopped; else `kbasefs umount`, and kill it",
        )),
        Ok(Some(daemon)) => {
            let status = daemon.ask(&StatusQuery::default()).await?;
            findings.extend(of_daemon(&status));
        }
        Ok(None) => findings.push(Finding::ok("daemon", "none runs for this folder")),
    }
    Ok(findings)
}

fn file(file: &Path) -> anyhow::Result<Finding> {
    let name = file.display().to_string();
    if !file.exists() {
        let hint = "kbasefs scan or mount makes one";
        return Ok(Finding::note(FILE, format!("{name}: none yet"), hint));
    }
    let found = match app::catalog_file::check(file) {
        // What is wrong with its disk is said of that.
        Err(app::Error::Store(error)) if error.is_unwritable() => {
            let hint = "it is checked when it can be written";
            return Ok(Finding::note(
                FILE,
                format!("{name}: not checked: {error}"),
                hint,
            ));
        }
        found => found?,
    };
    Ok(match &found[..] {
        [] => Finding::ok(FILE, format!("{name} is sound")),
        [first, ..] => Finding::wrong(
            FILE,
            format!("{name}: {first}"),
            "mount or scan again: what can be read is taken over, and the file is kept",
        ),
    })
}

/// Where nothing can be kept: a mount that runs says so itself.
fn disk(file: &Path) -> Option<Finding> {
    let why = shortage(file)?;
    let hint = "it can be looked at: search, show, status, log and export; make room, or let it be written, for all else";
    Some(Finding::wrong("disk", why, hint))
}

/// What the catalog lost lately.
fn recovered(file: &Path) -> Option<Finding> {
    let note = app::catalog_file::recovered_lately(file)?;
    let message = format!("{}: made of a damaged one, {note}", file.display());
    let hint = "the damaged one is kept beside it; a backup may have what was left out: `kbasefs catalog restore`";
    Some(Finding::note(FILE, message, hint))
}

/// Photos that were moved and changed at once, or removed. What is wrong with a file that can't be read is said of that.
fn gone(catalog: &Catalog) -> Option<Finding> {
    let count = app::catalog_file::gone_with_words(&catalog.file).ok()?;
    let source = catalog.source.display().to_string();
    let message = adopt::sentence(count, &source)?;
    let hint = "what was said of them is kept, and theirs again when they are back";
    Some(Finding::note("photos", message, hint))
}

/// The catalog was taken away lately from the process that had it.
fn put_back(file: &Path) -> Option<Finding> {
    let at = app::catalog_file::put_back_lately(file)?;
    let message = format!(
        "{}: was removed or replaced while it was in use, and put back at {at}",
        file.display()
    );
    let hint = "what took its place is kept beside it; `kbasefs catalog restore` brings a backup back, after `umount`";
    Some(Finding::note(FILE, message, hint))
}

/// The backups there are, or why there are none.
fn backups_found(report: &Report) -> Vec<Finding> {
    let summary = report.summary();
    let of_one = |backup: &ListedBackup| match backup.made {
        Some(_) => Finding::ok(BACKUP, restore::line(backup)),
        None => Finding::wrong(
            BACKUP,
            restore::line(backup),
            "remove it: another one is made",
        ),
    };
    if !summary.kept.is_empty() {
        return summary.kept.iter().map(of_one).collect();
    }
    let none = |why: &str| format!("none: {why}");
    let by_hand = "`kbasefs catalog backup SOURCE FILE` makes one at once";
    vec![match &report.not_now {
        None => Finding::note(BACKUP, "none yet", "a mount makes one within minutes"),
        Some(why @ NotNow::NothingSaid) => Finding::ok(BACKUP, none(&why.to_string())),
        Some(why @ NotNow::Off) => Finding::note(
            BACKUP,
            none(&why.to_string()),
            "`backups = 2` keeps two, a day apart or more",
        ),
        Some(why) => Finding::note(BACKUP, none(&why.to_string()), by_hand),
    }]
}

const BACKUP: &str = "backup";

fn of_daemon(status: &Status) -> Vec<Finding> {
    let watched = status.watched_folders;
    let mut findings = vec![match &status.away {
        Some(away) => Finding::wrong("source", away, "it is taken up again when it is back"),
        None if status.polling => Finding::note(
            "source",
            format!("{watched} folders followed, and looked at again and again"),
            "on a network that is as it should be; else raise sysctl fs.inotify.max_user_watches",
        ),
        None => Finding::ok("source", format!("{watched} folders followed")),
    }];
    if status.unresponsive > 0 {
        findings.push(Finding::wrong(
            "source",
            format!("{} of its files do not answer", status.unresponsive),
            "each is tried again when its disk or server answers; the log says which they are",
        ));
    }
    if let Some(why) = &status.unkept {
        findings.push(Finding::wrong(
            FILE,
            format!("{why}: nothing is kept"),
            "make room on its disk, or let it be written: answers that wait are kept then",
        ));
    }
    if let Some(why) = &status.backups.failed {
        findings.push(Finding::wrong(
            BACKUP,
            format!("the last one failed: {why}"),
            "`kbasefs catalog check` says whether the catalog is sound; the older ones are kept",
        ));
    }
    for (name, count) in &status.crawlers {
        findings.push(Finding::note(
            "crawler",
            format!("{name} looked {count} times"),
            "it starts less than others do; contrib/system tells how to leave mounts out",
        ));
    }
    if status.failed > 0 {
        findings.push(Finding::note(
            "photos",
            format!("{} could not be looked at", status.failed),
            "they are in failed/; the attribute user.kbasefs.status says why",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FindingState as State;

    #[test]
    fn a_daemon_tells_what_is_wrong() {
        let states = |status: Status| {
            let found = of_daemon(&status);
            found.iter().map(|f| (f.what, f.state)).collect::<Vec<_>>()
        };
        let well = Status {
            watched_folders: 3,
            ..Status::default()
        };
        assert_eq!(states(well), [("source", State::Ok)]);
        let away = Status {
            away: Some("source /x: gone".into()),
            unresponsive: 3,
            failed: 2,
            crawlers: [("updatedb".to_owned(), 9)].into(),
            ..Status::default()
        };
        let expected = [
            ("source", State::Wrong),
            ("source", State::Wrong),
            ("crawler", State::Note),
            ("photos", State::Note),
        ];
        assert_eq!(states(away), expected);
    }

    #[test]
    fn a_provider_is_named_with_what_is_wrong_with_it() {
        let reached = |failure: Option<&str>, models: Option<&[&str]>| Reached {
            name: "desk".into(),
            kind: "openai",
            url: "http://desk".into(),
            model: "m".into(),
            on: "asked",
            models: models.map(|all| all.iter().map(ToString::to_string).collect()),
            latency: None,
            answer: None,
            failure: failure.map(Into::into),
            spent: None,
        };
        let check = |failure, models, state, message: &str| {
            let found = provider(&reached(failure, models));
            assert_eq!((found.state, found.message.as_str()), (state, message));
        };
        let well = "desk: m at http://desk looks at photos when asked";
        check(None, Some(&["m", "n"]), State::Ok, well);
        check(None, None, State::Ok, well);
        let other = "desk: m at http://desk isn't among the 1 models there";
        check(None, Some(&["n"]), State::Note, other);
        let down = "desk: m at http://desk: nobody answers";
        check(Some("nobody answers"), None, State::Wrong, down);
    }
}
