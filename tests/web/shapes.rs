//! What programs rely on: the fields of every `--json` and of the control socket, each with its types, as `shapes.txt` has
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::api::mismatch;
use crate::test_server::TestServer;

/// Types by place.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn add(shape: &mut Shape, at: &str, value: &Value) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
    };
    shape.entry(at.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| add(shape, &format!("{at}[]"), item)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| add(shape, &format!("{at}.{name}"), value)),
        _ => {}
    }
}

/// The shapes that were met, each under the name of what was asked.
#[derive(Default)]
struct Album(BTreeMap<String, Shape>);

impl Album {
    /// The lines that a command prints, whatever its exit code.
    fn command(&mut self, server: &TestServer, name: &str, options: &[&str], args: &[&OsStr]) {
        let words = name
            .split(' ')
            .chain(["--json"])
            .chain(options.iter().copied());
        let args: Vec<_> = words.map(OsStr::new).chain(args.iter().copied()).collect();
        let output = server.command(&args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!text.is_empty(), "{args:?}: {error}");
        for line in text.lines() {
            let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{args:?}: {e}"));
            self.value(name, &value);
        }
    }

    fn value(&mut self, name: &str, value: &Value) {
        add(self.0.entry(name.to_owned()).or_default(), "$", value);
    }

    /// What the control socket answers, which is as it describes itself.
    async fn answer(
        &mut self,
        server: &TestServer,
        described: &Value,
        (method, path): (&str, &str),
        body: &Value,
    ) {
        let answer = server.control(method, path, body).await;
        let path = path.split('?').next().unwrap();
        let operation = &described["paths"][path][method.to_lowercase()];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} is not described");
        assert_eq!(mismatch(&answer, schema, described, path), None, "{path}");
        self.value(&format!("{method} {path}"), &answer);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, shape) in &self.0 {
            writeln!(text, "{name}").unwrap();
            for (at, kinds) in shape {
                let kinds: Vec<_> = kinds.iter().copied().collect();
                writeln!(text, "  {at}: {}", kinds.join(" or ")).unwrap();
            }
        }
        text
    }
}

/// Photos of which one has a name that isn't UTF-8, and one is broken.
fn photos() -> TestServer {
    let server = TestServer::new();
    (0..3).for_each(|n| server.photo(format!("trip/{n}.png"), n));
    server.photo(OsStr::from_bytes(b"trip/\xff.png"), 8);
    std::fs::write(server.path("photos/broken.jpg"), b"\xff\xd8\xff\xe0 no").unwrap();
    server
}

#[tokio::test]
async fn every_field_that_is_printed_or_answered_stays() {
    let mut server = photos();
    server.serve(&[]);
    server.pause_analysis().await;
    let path = |name: &str| server.path(name).into_os_string();
    let (all, part, out) = (path("photos"), path("photos/trip"), path("out"));
    let (photo, second) = (path("photos/trip/0.png"), path("photos/trip/1.png"));
    let broken = path("photos/broken.jpg");
    let lossy = server
        .path("photos/trip")
        .join(OsStr::from_bytes(b"\xff.png"));
    let lossy = lossy.into_os_string();
    let table = path("table.csv");
    std::fs::write(&table, "path,title\nnowhere.png,a\ntrip/0.png,b\n").unwrap();
    // A rate needs two moments.
    let is_told = |pulse: &str| !pulse.contains("\"images_lately\":[]");
    server.eventually("/api/v1/pulse", is_told).await;
    let mut album = Album::default();
    let before: [(&str, &[&str], &[&OsStr]); 14] = [
        ("scan", &[], &[&all]),
        ("status", &[], &[&all]),
        ("status", &[], &[&part]),
        ("search", &["--limit=9"], &[&all, "trip".as_ref()]),
        ("tag", &["--tag=beach"], &[&photo, &lossy]),
        ("untag", &["--tag=beach"], &[&lossy]),
        ("undo", &["1", "--source"], &[&all]),
        ("redo", &["--source"], &[&all]),
        ("log", &[], &[&all]),
        ("export", &["--format=csv"], &[&all, &out]),
        ("import", &[], &[&all, &table]),
        ("catalog check", &[], &[&all]),
        ("catalog list", &[], &[]),
        ("top", &["-n1"], &[&all]),
    ];
    for (name, options, args) in before {
        album.command(&server, name, options, args);
    }
    let asked: [(&str, &str, Value); 8] = [
        ("GET", "/api/v1/catalog", Value::Null),
        ("GET", "/api/v1/log?most=9", Value::Null),
        ("GET", "/api/v1/search?q=trip", Value::Null),
        (
            "POST",
            "/api/v1/saved",
            json!({"name": "n", "query": "trip"}),
        ),
        ("POST", "/api/v1/web", json!({"address": "127.0.0.1:0"})),
        ("POST", "/api/v1/retry", json!({})),
        ("POST", "/api/v1/pause", json!({"paused": true})),
        ("POST", "/api/v1/pause", json!({"paused": false})),
    ];
    let described = server
        .control("GET", "/api/v1/openapi.json", &Value::Null)
        .await;
    for (method, path, body) in asked {
        album
            .answer(&server, &described, (method, path), &body)
            .await;
    }
    let after: [(&str, &[&str], &[&OsStr]); 8] = [
        ("analyze --dry-run", &[], &[&all]),
        ("analyze", &[], &[&photo, &broken]),
        ("show", &[], &[&photo]),
        ("show", &[], &[&second]),
        ("show", &[], &[&broken]),
        ("doctor", &[], &[&all]),
        ("provider list", &[], &[]),
        ("provider test", &[], &[]),
    ];
    for (name, options, args) in after {
        album.command(&server, name, options, args);
    }
    adoption(&mut album);
    words_of_gone(&mut album, &described).await;
    let text = album.text();
    assert!(text == include_str!("shapes.txt"), "{text}");
}

/// The catalog of a folder that is taken over by the one around it.
fn adoption(album: &mut Album) {
    let server = photos();
    let part = server.path("photos/trip");
    for folder in ["photos/trip", "photos"] {
        server.run(&["scan", server.path(folder).to_str().unwrap()]);
    }
    album.command(&server, "catalog adopt", &[], &[part.as_os_str()]);
}

/// A photo that is gone, and one that it may be now.
async fn words_of_gone(album: &mut Album, described: &Value) {
    let mut server = photos();
    server.serve(&[]);
    server.pause_analysis().await;
    let (all, photo) = (server.path("photos"), server.path("photos/trip/0.png"));
    let run = |args: &[&OsStr]| assert!(server.command(args).status().unwrap().success());
    run(&["tag".as_ref(), photo.as_ref(), "beach".as_ref()]);
    std::fs::remove_file(&photo).unwrap();
    server.photo("later/trip/0.png", 9);
    run(&["scan".as_ref(), all.as_ref()]);
    let gone = server.control("GET", "/api/v1/gone", &Value::Null).await;
    let gone = &gone["photos"][0];
    let (id, to) = (&gone["id"], &gone["candidates"][0]["id"]);
    let body = json!({"pairs": [{"gone": {"id": id}, "to": {"id": to}}]});
    for (asked, body) in [
        (("GET", "/api/v1/gone"), Value::Null),
        (("POST", "/api/v1/gone/adopt"), body),
    ] {
        album.answer(&server, described, asked, &body).await;
    }
}
