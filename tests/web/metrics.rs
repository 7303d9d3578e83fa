//! What monitors read: the text is what Prometheus takes, the names are its conventions', the values are what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::test_server::{TestServer, header};

/// A text that was read line by line.
#[derive(Default)]
pub struct Exposition {
    /// Of each name.
    kinds: BTreeMap<String, String>,
    /// By name and labels as they are written.
    samples: BTreeMap<(String, String), f64>,
}

impl Exposition {
    /// Reads a text, and fails on whatever isn't as <https://prometheus.io/docs/instrumenting/exposition_formats/> says.
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        let mut helped = BTreeSet::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect(line);
                assert!(
                    !words.is_empty() && helped.insert(name.to_owned()),
                    "{line}"
                );
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect(line);
                let is_known = matches!(kind, "counter" | "gauge" | "histogram");
                assert!(is_known && helped.contains(name), "{line}");
                let again = read.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(again, None, "{line}");
            } else {
                read.sample(line);
            }
        }
        assert_eq!(helped.len(), read.kinds.len());
        read
    }

    fn sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
            None => (series, ""),
        };
        is_name(name);
        pairs(labels);
        assert!(self.kinds.contains_key(self.family(name)), "{line}");
        let value: f64 = value.parse().expect(line);
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let again = self.samples.insert((name.into(), labels.into()), value);
        assert_eq!(again, None, "{line}");
    }

    /// The name that stands in HELP and TYPE.
    fn family<'a>(&self, name: &'a str) -> &'a str {
        let parts = ["_bucket", "_sum", "_count"].into_iter();
        let mut histograms = parts.filter_map(|end| name.strip_suffix(end));
        let histogram = histograms.find(|n| self.kinds.get(*n).is_some_and(|k| k == "histogram"));
        histogram.unwrap_or(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.kinds.contains_key(self.family(name))
    }

    /// Whether there is a number of exactly this name.
    pub fn has_series(&self, name: &str) -> bool {
        self.samples.keys().any(|(n, _)| n == name)
    }

    /// What a label is in all series of a name.
    pub fn values_of(&self, name: &str, label: &str) -> BTreeSet<String> {
        let of_name = self.samples.keys().filter(|(n, _)| n == name);
        let labels = of_name.flat_map(|(_, labels)| pairs(labels));
        labels.filter(|(l, _)| l == label).map(|(_, v)| v).collect()
    }

    pub fn value(&self, name: &str, labels: &str) -> f64 {
        let found = self.samples.get(&(name.into(), labels.into()));
        *found.unwrap_or_else(|| panic!("no {name}{{{labels}}}"))
    }
}

fn is_name(name: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    assert!(
        name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()),
        "{name}"
    );
}

/// The labels of a line, in which `\`, `"` and line ends are escaped.
fn pairs(mut rest: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect(rest);
        is_name(name);
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().expect(rest) {
                (_, '\\') => match chars.next().expect(rest).1 {
                    'n' => value.push('\n'),
                    c @ ('\\' | '"') => value.push(c),
                    other => panic!("\\{other} in {rest}"),
                },
                (at, '"') => break at,
                (_, c) => value.push(c),
            }
        };
        pairs.push((name.into(), value));
        rest = &after[end + 1..];
        rest = match rest.strip_prefix(',') {
            Some(more) => more,
            None => rest,
        };
    }
    pairs
}

pub async fn metrics(server: &TestServer) -> Exposition {
    Exposition::parse(&server.text("/metrics").await)
}

#[tokio::test]
async fn names_and_units_are_prometheus_own() {
    let server = TestServer::with_photos(2);
    let read = metrics(&server).await;
    for (name, kind) in &read.kinds {
        let is_ours = name.starts_with("kbasefs_") || name.starts_with("process_");
        assert!(is_ours, "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        let wrong = [
            "_ms",
            "_millis",
            "_kb",
            "_mb",
            "_percent",
            "_ratio_total",
            "_count",
            "_sum",
            "_bucket",
        ];
        assert!(!wrong.iter().any(|end| name.ends_with(end)), "{name}");
    }
    assert!(read.kinds.len() > 25);
    // Buckets add up, and all series of a histogram have the same ones.
    let mut buckets = BTreeMap::<_, Vec<f64>>::new();
    for ((name, labels), value) in &read.samples {
        if !name.ends_with("_bucket") {
            continue;
        }
        let mut labels = pairs(labels);
        let bound = labels.pop().unwrap();
        assert_eq!(bound.0, "le");
        let series = buckets.entry((name.clone(), labels)).or_default();
        series.push(*value);
    }
    assert!(buckets.len() >= 5 && buckets.values().all(|b| b.len() == 23));
}

#[tokio::test]
async fn values_are_what_happened() {
    let mut server = TestServer::new();
    (0..5).for_each(|n| server.photo(format!("{n}.png"), n));
    std::fs::copy(server.path("photos/1.png"), server.path("photos/copy.png")).unwrap();
    std::fs::write(server.path("photos/broken.jpg"), b"\xff\xd8\xff\xe0 no").unwrap();
    server.serve(&[]);
    let before = metrics(&server).await;
    assert_eq!(before.value("kbasefs_photos", "state=\"pending\""), 7.0);
    assert_eq!(before.value("kbasefs_ready", ""), 1.0);
    server.analyze_all().await;
    let thumbnail = format!("/thumbnail/{}/256", server.id("0.png").await);
    for _ in 0..3 {
        let answer = server.get(&thumbnail).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let after = metrics(&server).await;
    let of = |result: &str| {
        let labels = format!("provider=\"embedded\",result=\"{result}\"");
        after.value("kbasefs_analyses_total", &labels)
    };
    assert_eq!((of("analyzed"), of("failed")), (5.0, 1.0));
    assert_eq!(after.value("kbasefs_photos", "state=\"analyzed\""), 6.0);
    assert_eq!(after.value("kbasefs_photos", "state=\"failed\""), 1.0);
    assert_eq!(
        after.value("kbasefs_analysis_errors_total", "class=\"picture\""),
        1.0
    );
    let stage = |name: &str| {
        let labels = format!("stage=\"{name}\"");
        after.value("kbasefs_analysis_stage_duration_seconds_count", &labels)
    };
    assert_eq!(
        (stage("infer"), stage("decode"), stage("request")),
        (5.0, 6.0, 0.0)
    );
    assert!(stage("read") >= 6.0 && stage("commit") >= 1.0);
    let sum = after.value(
        "kbasefs_analysis_stage_duration_seconds_sum",
        "stage=\"infer\"",
    );
    assert!(sum > 0.0);
    let thumbnails = |result: &str| {
        let labels = format!("cache=\"thumbnails\",result=\"{result}\"");
        after.value("kbasefs_cache_lookups_total", &labels)
    };
    assert_eq!((thumbnails("hit"), thumbnails("miss")), (2.0, 1.0));
    for (name, labels) in [
        ("process_cpu_seconds_total", ""),
        ("process_resident_memory_bytes", ""),
        ("kbasefs_index_size_bytes", ""),
        ("kbasefs_index_disk_free_bytes", ""),
    ] {
        assert!(after.value(name, labels) > 0.0, "{name}");
    }
    let memory = (
        after.value("kbasefs_memory_peak_bytes", ""),
        after.value("kbasefs_memory_limit_bytes", ""),
    );
    assert!(memory.0 >= after.value("process_resident_memory_bytes", ""));
    assert_eq!(memory.1, f64::from(1024 << 20));
}

#[tokio::test]
async fn a_mount_tells_what_the_kernel_asks() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    if !server.mount() {
        return;
    }
    let before = metrics(&server).await;
    let all = server.path("mnt").join("all");
    assert!(all.join("a.png").exists() && all.join("a.png").metadata().is_ok());
    assert_eq!(all.read_dir().unwrap().count(), 1);
    let after = metrics(&server).await;
    let grew = |kind: &str| {
        let name = "kbasefs_fuse_request_duration_seconds_count";
        let labels = format!("kind=\"{kind}\"");
        after.value(name, &labels) - before.value(name, &labels)
    };
    assert!(
        grew("lookup") >= 2.0 && grew("opendir") == 1.0,
        "{}",
        grew("opendir")
    );
    assert_eq!(after.value("kbasefs_mounted", ""), 1.0);
    assert_eq!(
        after.value("kbasefs_fuse_requests_running", "kind=\"lookup\""),
        0.0
    );
}

#[tokio::test]
async fn what_the_page_answers_is_counted_by_route_and_never_by_address() {
    let server = TestServer::with_photos(1);
    for path in ["/photo/1", "/photo/2", "/photo/3", "/no/such", "/nor/such"] {
        server.get(path).send().await.unwrap();
    }
    let stranger = server.get("/photo/1").header("host", "elsewhere.example");
    assert!(stranger.send().await.unwrap().status().is_client_error());
    let read = metrics(&server).await;
    let name = "kbasefs_http_requests_total";
    let count = |labels| read.value(name, labels);
    assert_eq!(count("route=\"/photo/{id}\",code=\"200\""), 1.0);
    assert_eq!(count("route=\"/photo/{id}\",code=\"404\""), 2.0);
    assert_eq!(count("route=\"none\",code=\"404\""), 2.0);
    let times = "kbasefs_http_request_duration_seconds_count";
    assert_eq!(read.value(times, "route=\"/photo/{id}\""), 4.0);
    let routes = read.values_of(name, "route");
    assert!(routes.iter().all(|r| !r.contains("such")), "{routes:?}");
}

#[tokio::test]
async fn probes_say_that_it_lives_and_is_ready() {
    let server = TestServer::with_photos(1);
    assert_eq!(server.text("/healthz").await, "ok\n");
    assert_eq!(server.text("/readyz").await, "ready\n");
    let response = server.get("/metrics").send().await.unwrap();
    assert_eq!(
        header(&response, "content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
}

#[tokio::test]
async fn with_a_token_only_probes_are_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    let token = server.path("token");
    std::fs::write(&token, "0123456789abcdef").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    server.serve(&["--token-file", token.to_str().unwrap()]);
    for (path, status) in [
        ("/metrics", 401),
        ("/api/v1/pulse", 401),
        ("/healthz", 200),
        ("/readyz", 200),
    ] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    let request = server.get("/metrics").bearer_auth("0123456789abcdef");
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(Exposition::parse(&text).has("kbasefs_photos"));
}

/// The check that Prometheus brings along.
#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let server = TestServer::with_photos(1);
    let text = server.text("/metrics").await;
    let mut command = Command::new("promtool");
    let command = command.args(["check", "metrics"]).stdin(Stdio::piped());
    let Ok(mut promtool) = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return eprintln!("skipped: promtool is not installed");
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[tokio::test]
async fn paused_analyses_wait_until_they_are_resumed() {
    let server = TestServer::with_photos(3);
    let pause = |paused: bool| server.command_asks("/api/v1/pause", json!({ "paused": paused }));
    assert_eq!(pause(true).await["paused"], true);
    server.post("/photo/1/analyze", &[]).send().await.unwrap();
    server
        .eventually("/photo/1", |page| page.contains("paused"))
        .await;
    assert_eq!(
        metrics(&server).await.value("kbasefs_analysis_paused", ""),
        1.0
    );
    let refused = server.client.post(format!("{}/api/v1/analyze", server.url));
    let refused = refused
        .header("content-type", "application/json")
        .body("{}");
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("paused"));
    let labels = "provider=\"embedded\",result=\"analyzed\"";
    let waiting = metrics(&server).await;
    assert_eq!(waiting.value("kbasefs_analyses_total", labels), 0.0);
    let queued =
        |text: &str| Exposition::parse(text).value("kbasefs_queue_photos", "priority=\"asked\"");
    server
        .eventually("/metrics", |text| queued(text) == 1.0)
        .await;
    pause(false).await;
    server
        .eventually("/photo/1", |page| page.contains("Looked at by"))
        .await;
    // It is shown as soon as it is recorded, and counted right after.
    let counted = |text: &str| Exposition::parse(text).value("kbasefs_analyses_total", labels);
    server
        .eventually("/metrics", |text| counted(text) == 1.0)
        .await;
}

#[tokio::test]
async fn what_failed_is_tried_again_when_a_command_asks() {
    let mut server = TestServer::new();
    server.photo("a.png", 1);
    std::fs::write(server.path("photos/broken.jpg"), b"\xff\xd8\xff\xe0 no").unwrap();
    server.serve(&[]);
    server.analyze_all().await;
    let failures = |text: &str| {
        let labels = "provider=\"embedded\",result=\"failed\"";
        Exposition::parse(text).value("kbasefs_analyses_total", labels)
    };
    assert_eq!(failures(&server.text("/metrics").await), 1.0);
    let retried = server.command_asks("/api/v1/retry", json!({})).await;
    assert_eq!(retried["photos"], 1);
    let again = |text: &str| failures(text) == 2.0;
    server.eventually("/metrics", again).await;
    assert_eq!(
        metrics(&server)
            .await
            .value("kbasefs_photos", "state=\"failed\""),
        1.0
    );
}
