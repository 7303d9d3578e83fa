//! What is known of one catalog, and of what looks at pictures.

use std::path::Path;

use serde_json::Value;

use super::super::client::Client;
use super::Finding;
use crate::app;
use crate::config::Config;

/// What looks at pictures, as far as the settings say: their tables.
pub fn providers(config: &Config) -> Vec<Finding> {
    let settings: toml::Table = config.to_toml().parse().unwrap_or_default();
    let when = |table: &toml::Table| {
        let on = table.get("on")?.as_str()?;
        Some(on.to_owned())
    };
    let tables = settings.iter().filter_map(|(name, value)| {
        let on = when(value.as_table()?)?;
        Some(Finding::ok(
            "provider",
            format!("{name} looks at photos when {on}"),
        ))
    });
    tables.collect()
}

pub async fn findings(source: &Path, config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![index(source, config)?];
    match Client::daemon(source, config).await? {
        Some(daemon) => findings.extend(of_daemon(&daemon.get("/api/v1/status").await?)),
        None => findings.push(Finding::ok("daemon", "none runs for this folder")),
    }
    Ok(findings)
}

fn index(source: &Path, config: &Config) -> anyhow::Result<Finding> {
    let file = app::index_file(source, config)?;
    let name = file.display().to_string();
    if !file.exists() {
        let hint = "kbasefs scan or mount makes one";
        return Ok(Finding::note("index", format!("{name}: none yet"), hint));
    }
    Ok(match &app::index::check(source, config)?[..] {
        [] => Finding::ok("index", format!("{name} is sound")),
        [first, ..] => Finding::wrong(
            "index",
            format!("{name}: {first}"),
            "mount or scan again: what can be read is taken over, and the file is kept",
        ),
    })
}

fn of_daemon(status: &Value) -> Vec<Finding> {
    let number = |key: &str| status[key].as_u64().unwrap_or(0);
    let mut findings = vec![match status["away"].as_str() {
        Some(away) => Finding::wrong("source", away, "it is taken up again when it is back"),
        None if status["polling"] == true => Finding::note(
            "source",
            format!(
                "{} folders followed, and looked at again and again",
                number("watched_folders")
            ),
            "on a network that is as it should be; else raise sysctl fs.inotify.max_user_watches",
        ),
        None => Finding::ok(
            "source",
            format!("{} folders followed", number("watched_folders")),
        ),
    }];
    let crawlers = status["crawlers"].as_object();
    for (name, count) in crawlers.into_iter().flatten() {
        findings.push(Finding::note(
            "crawler",
            format!("{name} looked {count} times"),
            "it starts less than others do; contrib/system tells how to leave mounts out",
        ));
    }
    if number("failed") > 0 {
        findings.push(Finding::note(
            "photos",
            format!("{} could not be looked at", number("failed")),
            "they are in failed/; the attribute user.kbasefs.status says why",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_daemon_tells_what_is_wrong() {
        let states = |status: Value| {
            let found = of_daemon(&status);
            found.iter().map(|f| (f.what, f.state)).collect::<Vec<_>>()
        };
        let well = serde_json::json!({"watched_folders": 3, "polling": false, "away": null});
        assert_eq!(states(well), [("source", State::Ok)]);
        let away = serde_json::json!({"away": "source /x: gone", "failed": 2, "crawlers": {"updatedb": 9}});
        let expected = [
            ("source", State::Wrong),
            ("crawler", State::Note),
            ("photos", State::Note),
        ];
        assert_eq!(states(away), expected);
    }

    #[test]
    fn a_provider_is_a_table_of_the_settings() {
        let found = providers(&Config::default());
        assert!(
            found
                .iter()
                .any(|f| f.message == "embedded looks at photos when listed")
        );
    }
}
