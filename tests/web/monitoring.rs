//! The dashboard and the alert rules in `contrib/` ask for what the program really says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::metrics::{Exposition, metrics};
use crate::world::World;

const DASHBOARD: &str = include_str!("../../contrib/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../contrib/prometheus-alerts.yml");

fn dashboard() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Every query of both files.
fn queries() -> Vec<String> {
    let shown = dashboard();
    let shown = shown.iter().filter_map(|panel| panel["targets"].as_array());
    let shown = shown.flatten().map(|target| text(&target["expr"]));
    let alerts: Value = serde_saphyr::from_str(ALERTS).unwrap();
    let alerts = alerts["groups"][0]["rules"].as_array().unwrap().clone();
    let alerts = alerts.iter().map(|rule| text(&rule["expr"]));
    shown.chain(alerts).collect()
}

/// The names of metrics in a query, each with what stands in its braces.
fn selectors(query: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = query.match_indices(is_name).map(|(at, _)| at);
    let starts = starts.filter(|&at| !query[..at].ends_with(is_name));
    let words = starts.map(|at| {
        let (word, rest) = match query[at..].find(|c| !is_name(c)) {
            Some(length) => query[at..].split_at(length),
            None => (&query[at..], ""),
        };
        let braces = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        (word, braces.map_or("", |(matchers, _)| matchers))
    });
    let is_metric = |word: &str| word.starts_with("kbasefs_") || word.starts_with("process_");
    words.filter(|(word, _)| is_metric(word)).collect()
}

/// Whether some series of a metric is meant by `label="value"`; a pattern names the values between `|`.
fn is_met(said: &Exposition, name: &str, label: &str, value: &str) -> bool {
    let values = said.values_of(name, label);
    // Of what only a mount or work makes, there is nothing yet.
    let is_there = |value: &str| values.contains(value);
    values.is_empty() || value.split('|').all(is_there)
}

#[tokio::test]
async fn every_query_is_of_what_is_said() {
    let mut world = World::new();
    world.photo("a.png", 1);
    world.configure("[[provider]]\nname = \"desk\"\nkind = \"ollama\"\nmodel = \"m\"\n");
    if !world.mount() {
        return;
    }
    assert!(world.path("mnt/all/a.png").exists());
    let said = metrics(&world).await;
    let mut names = BTreeSet::new();
    for query in queries() {
        for (name, matchers) in selectors(&query) {
            assert!(said.has(name), "{name} in {query}");
            names.insert(name.to_owned());
            for matcher in matchers.split(", ").filter(|m| !m.is_empty()) {
                let (label, value) = matcher.split_once('=').expect(matcher);
                // Prometheus gives these itself.
                if matches!(label, "job" | "instance") {
                    continue;
                }
                let value = value.trim_start_matches('~').trim_matches('"');
                assert!(is_met(&said, name, label, value), "{matcher} in {query}");
            }
        }
    }
    assert!(names.len() >= 20, "{names:?}");
}

#[test]
fn panels_have_numbers_and_places_of_their_own() {
    let mut numbers = BTreeSet::new();
    let mut taken = BTreeMap::new();
    for panel in dashboard() {
        let number = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(numbers.insert(panel["id"].as_u64()), "{panel}");
        assert!(number("x") + number("w") <= 24, "{panel}");
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                let other = taken.insert((x, y), text(&panel["title"]));
                assert_eq!(other, None, "{panel}");
            }
        }
    }
}

#[test]
fn prometheus_takes_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alerts.yml");
    std::fs::write(&file, ALERTS).unwrap();
    let check = Command::new("promtool")
        .args(["check", "rules"])
        .arg(&file)
        .output();
    let Ok(output) = check else {
        return eprintln!("skipped: promtool is not installed");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
