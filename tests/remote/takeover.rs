//! Those who come from the program before kbasefs lose nothing: `contrib/import-predecessor` takes settings and
//! descriptions along.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::durability::{kbasefs, setup};
use crate::server::Server;

/// A Python that can run the script.
fn python() -> Option<&'static str> {
    let can = |python: &&str| {
        let yaml = Command::new(python).args(["-c", "import yaml"]).output();
        yaml.is_ok_and(|output| output.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(can);
    if found.is_none() {
        eprintln!("skipped: no python3 with PyYAML (contrib/setup installs them)");
    }
    found
}

/// Runs the script in a folder; gives what it says, and whether it went well.
fn convert(python: &str, folder: &Path, args: &[&str]) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/import-predecessor");
    let output = Command::new(python)
        .arg(script)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// The configuration that a config.yaml becomes, as the program reads it, and what the script says.
fn converted(python: &str, yaml: &str) -> (toml::Table, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), yaml).unwrap();
    let (well, said) = convert(python, folder.path(), &["config.yaml"]);
    assert!(well, "{said}");
    let config = folder.path().join("config.toml");
    let args = ["--config", config.to_str().unwrap(), "config", "show"];
    let shown = kbasefs(folder.path(), &args).output().unwrap();
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    // What the program shows hides keys, so that the file itself is read once the program has taken it.
    (fs::read_to_string(config).unwrap().parse().unwrap(), said)
}

#[test]
fn a_predecessors_configuration_says_the_same_here() {
    let Some(python) = python() else { return };
    let yaml = "api:\n  api_url: http://localhost:1234/v1/chat/completions\n  model: qwen2-vl-7b\n  timeout: 90s\n  \
        api_key: 'sk-\"1\"'\nsystem_prompt: |\n  Describe it.\n  Briefly.\nparallel_requests: 8\nretry_delay: 2\n\
        cache-ttl: 5m\nexclude_filter: 'thumbs, *.tmp'\nsupported_extensions: [.jpg, .png]\n\
        compression_enabled: false\ntemperature: 0.2\nserver_port: 8080\nlanguage: ''\n";
    let (config, said) = converted(python, yaml);
    let expected = toml::toml! {
        parallel_requests = 8
        retry_delay = 2.0
        cache_ttl = 300
        exclude_filter = ["thumbs", "*.tmp"]
        supported_extensions = [".jpg", ".png"]
        compression_enabled = false

        [[provider]]
        name = "imported"
        kind = "openai"
        url = "http://localhost:1234/v1"
        model = "qwen2-vl-7b"
        timeout = 90
        api_key = "sk-\"1\""
        prompt = "Describe it.\nBriefly.\n"
        temperature = 0.2
    };
    assert_eq!(config, expected);
    assert!(
        said.contains("not taken over: server_port, language"),
        "{said}"
    );
}

#[test]
fn addresses_tell_what_a_server_speaks() {
    let Some(python) = python() else { return };
    for (address, kind, url) in [
        ("http://h:11434/api/chat", "ollama", "http://h:11434"),
        ("http://h:11434/", "ollama", "http://h:11434"),
        ("http://h:1234", "openai", "http://h:1234/v1"),
        ("https://h/v1/", "openai", "https://h/v1"),
        (
            "https://api.anthropic.com/v1/messages",
            "anthropic",
            "https://api.anthropic.com",
        ),
    ] {
        let (config, _) = converted(python, &format!("endpoint: {address}\nmodel: m\n"));
        let provider = &config["provider"][0];
        let found = (provider["kind"].as_str(), provider["url"].as_str());
        assert_eq!(found, (Some(kind), Some(url)), "{address}");
    }
}

#[test]
fn what_the_script_cannot_read_is_said() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, args: &[&str], expected: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        let (well, said) = convert(python, folder.path(), args);
        assert!(!well && said.contains(expected), "{said}");
        assert!(!said.contains("Traceback"), "{said}");
    };
    check("c.yaml", "just text", &["c.yaml"], "no keys and values");
    check("c.yaml", "a: [1", &["c.yaml"], "c.yaml: ");
    check("index.json", "{", &["--source", "."], "index.json: ");
    check("index.json", "{}", &["index.json"], "hint: name their");
    check("config.toml", "", &["c.yaml"], "c.yaml: ");
    check("c.yaml", "cache_ttl: 1", &["c.yaml"], "exists already");
    check("x", "", &["gone.yaml"], "gone.yaml");
}

/// A folder with two empty files, one in a folder of its own, where the index lies.
fn two_files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("photos/sub")).unwrap();
    for name in ["photos/sub/a.jpg", "photos/b.jpg"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    folder
}

/// The lines that an index in `photos/sub` becomes.
fn lines(python: &str, index: &Value) -> Vec<Value> {
    let folder = two_files();
    let file = folder.path().join("photos/sub/index.json");
    let index = index.to_string();
    let root = folder.path().canonicalize().unwrap();
    fs::write(file, index.replace("ROOT", root.to_str().unwrap())).unwrap();
    let (well, said) = convert(python, folder.path(), &["--source", "photos"]);
    assert!(well, "{said}");
    let written = fs::read_to_string(folder.path().join("catalog.jsonl")).unwrap_or_default();
    let lines = written.lines().map(|l| serde_json::from_str(l).unwrap());
    lines.collect()
}

#[test]
fn descriptions_are_found_in_lists_and_under_names() {
    let Some(python) = python() else { return };
    let check = |index: Value, expected: &[&str]| {
        let paths = lines(python, &index).into_iter().map(|line| {
            let bytes = URL_SAFE_NO_PAD
                .decode(line["path_base64"].as_str().unwrap())
                .unwrap();
            assert_eq!(line["path"].as_str(), std::str::from_utf8(&bytes).ok());
            String::from_utf8(bytes).unwrap()
        });
        assert_eq!(paths.collect::<Vec<_>>(), expected, "{index}");
    };
    let entry = json!({"short_name": "x", "description": "y", "vl_model": "m", "update_date": "2024-05-01 10:00:00"});
    check(
        json!({"a.jpg": entry, "b.jpg": entry}),
        &["sub/a.jpg", "b.jpg"],
    );
    check(
        json!({"version": 1, "files": {"a.jpg": entry}}),
        &["sub/a.jpg"],
    );
    let mut named = entry.clone();
    named["path"] = json!("ROOT/photos/b.jpg");
    check(json!([named]), &["b.jpg"]);
    check(json!({"../../../etc/passwd": entry}), &[]);
    check(json!({"a\u{0}.jpg": entry}), &[]);
    check(json!({"a.jpg": {"short_name": "x"}}), &[]);
}

#[test]
fn dates_come_in_several_forms() {
    let Some(python) = python() else { return };
    let check = |date: Value, expected: &dyn Fn(&Value) -> bool| {
        let index = json!({"a.jpg": {"description": "y", "update_date": date}});
        let at = &lines(python, &index)[0]["answers"][0]["at"];
        assert!(expected(at), "{date}: {at}");
    };
    check(json!(1_700_000_000), &|at| *at == 1_700_000_000);
    check(json!("2023-11-14T22:13:20Z"), &|at| *at == 1_700_000_000);
    check(json!("2023-11-14T22:13:20.1234567Z"), &|at| {
        *at == 1_700_000_000
    });
    check(json!("2023-11-14 22:13:20"), &|at| {
        at.as_i64()
            .is_some_and(|at| (at - 1_700_000_000).abs() <= 14 * 3600)
    });
    check(json!("yesterday"), &Value::is_null);
}

#[test]
fn settings_and_descriptions_are_taken_over_and_not_paid_for_again() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let home = setup(&server);
    let photos = home.path().join("photos");
    let old = format!(
        "api:\n  api_url: {}/chat/completions\n  model: new-model\n  api_key: sk-very-secret\nparallel_requests: 2\n",
        server.url
    );
    fs::write(home.path().join("old.yaml"), old).unwrap();
    let entry = |title: &str| {
        json!({"short_name": title, "description": format!("{title} on a\u{7} beach"), "vl_model": "old-model",
            "update_date": "2024-05-01T10:00:00Z"})
    };
    let index =
        json!({"00.jpg": entry("Rex"), "01.jpg": entry("Bello"), "gone.jpg": entry("Lassie")});
    fs::write(photos.join("index.json"), index.to_string()).unwrap();
    let args = ["--source", "photos", "--to", "converted", "old.yaml"];
    let (well, said) = convert(python, home.path(), &args);
    assert!(well && !said.contains("very-secret"), "{said}");
    assert!(said.contains("2 converted, 1 of no photo here"), "{said}");

    let converted = home.path().join("converted");
    let config = converted.join("config.toml");
    let run = |args: &[&str]| {
        let all = [&["--config", config.to_str().unwrap()], args].concat();
        let output = kbasefs(home.path(), &all).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (folder, lines) = (text(photos.clone()), text(converted.join("catalog.jsonl")));
    let (well, said) = run(&["import", &folder, &lines]);
    assert!(well && said.contains("2 changed, 0 failed"), "{said}");
    let [first, second] = ["00.jpg", "01.jpg"].map(|name| text(photos.join(name)));
    let (_, shown) = run(&["show", &first, "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["description"], "Rex on a beach");
    assert_eq!(
        (&shown["title"], &shown["models"][0]),
        (&json!("Rex"), &json!("old-model"))
    );
    let (_, again) = run(&["import", &folder, &lines]);
    assert!(again.contains("0 changed, 0 failed"), "{again}");

    let (well, said) = run(&["analyze", &first, &second, "--provider", "imported"]);
    assert!(well && said.contains("2 skipped"), "{said}");
    assert_eq!(server.count(), 0);
    let (well, said) = run(&["analyze", &first, "--provider", "imported", "--stale"]);
    assert!(well && said.contains("1 analysed"), "{said}");
    assert_eq!(server.count(), 1);
}
