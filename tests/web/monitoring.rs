//! The dashboard and the alert rules in `contrib/` ask for what the program really says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::metrics::metrics;
use crate::test_server::TestServer;

const DASHBOARD: &str = include_str!("../../contrib/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../contrib/prometheus-alerts.yml");

fn dashboard() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn alerts() -> Vec<Value> {
    let alerts: Value = serde_saphyr::from_str(ALERTS).unwrap();
    alerts["groups"][0]["rules"].as_array().unwrap().clone()
}

/// Every query of both files.
fn queries() -> Vec<String> {
    let shown = dashboard();
    let shown = shown.iter().filter_map(|panel| panel["targets"].as_array());
    let shown = shown.flatten().map(|target| text(&target["expr"]));
    let alerts = alerts().into_iter().map(|alert| text(&alert["expr"]));
    shown.chain(alerts).collect()
}

/// The names of metrics in a query, each with what stands in its braces. Other words have no `_`, but for two.
fn selectors(query: &str) -> Vec<(&str, &str)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = query.match_indices(is_name).map(|(at, _)| at);
    let starts = starts.filter(|&at| !query[..at].ends_with(is_name));
    let words = starts.map(|at| {
        let end = query[at..].find(|c| !is_name(c));
        let (word, rest) = query[at..].split_at(end.unwrap_or(query.len() - at));
        let braces = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        (word, braces.map_or("", |(matchers, _)| matchers))
    });
    let is_other = |word: &str| matches!(word, "histogram_quantile" | "__rate_interval");
    let names = words.filter(|(word, _)| word.contains('_') && !is_other(word));
    names.collect()
}

/// The labels by which a query groups or joins, and those of a selector with the values that they may have.
fn labels<'a>(query: &'a str, matchers: &'a str) -> Vec<(&'a str, Vec<&'a str>)> {
    let lists = ["by (", "on ("].map(|word| query.split(word).skip(1));
    let lists = lists.into_iter().flatten();
    let lists = lists.map(|list| list.split_once(')').expect(query).0);
    let grouped = lists.flat_map(|list| list.split(", ").map(|label| (label, Vec::new())));
    let matchers = matchers.split(", ").filter(|m| !m.is_empty());
    let matched = matchers.map(|matcher| {
        let (label, value) = matcher.split_once('=').expect(matcher);
        let value = value.trim_start_matches('~').trim_matches('"');
        (label, value.split('|').collect())
    });
    // Prometheus gives these itself.
    let is_given = |label: &str| matches!(label, "job" | "instance");
    let all = grouped.chain(matched);
    all.filter(|(label, _)| !is_given(label)).collect()
}

#[tokio::test]
async fn every_query_is_of_what_is_said() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    server.configure("[[provider]]\nname = \"desk\"\nkind = \"ollama\"\nmodel = \"m\"\n");
    // Without a mount, there are only the names of what the kernel asks.
    let is_mounted = server.mount();
    if !is_mounted {
        server.serve(&[]);
    }
    // What is asked counts from its first answer on.
    server.text("/").await;
    let said = metrics(&server).await;
    let mut names = BTreeSet::new();
    for query in queries() {
        for (name, matchers) in selectors(&query) {
            assert!(said.has(name), "{name} in {query}");
            names.insert(name.to_owned());
            if !said.has_series(name) {
                assert!(!is_mounted, "no series of {name} in {query}");
                continue;
            }
            for (label, wanted) in labels(&query, matchers) {
                let values = said.values_of(name, label);
                let is_met = !values.is_empty() && wanted.iter().all(|v| values.contains(*v));
                assert!(is_met, "{label} {wanted:?} of {name} in {query}");
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
fn the_dashboard_is_of_no_installation() {
    let count = |text: &str| DASHBOARD.matches(text).count();
    // One is its own.
    assert_eq!(count("\"uid\":"), count("\"uid\": \"${datasource}\"") + 1);
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let all = "/for /labels/severity /annotations/summary /annotations/description";
    for alert in alerts() {
        for path in all.split(' ') {
            let said = alert.pointer(path).and_then(Value::as_str);
            assert!(said.is_some_and(|s| !s.is_empty()), "{path} of {alert}");
        }
    }
}

#[test]
fn prometheus_takes_the_rules_and_alerts_by_them() {
    for (subject, file) in [
        ("check", "contrib/prometheus-alerts.yml"),
        ("test", "tests/web/alerts.yml"),
    ] {
        let mut command = Command::new("promtool");
        let command = command.args([subject, "rules", file]);
        let Ok(output) = command.current_dir(env!("CARGO_MANIFEST_DIR")).output() else {
            return eprintln!("skipped: promtool is not installed");
        };
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{said}");
    }
}
