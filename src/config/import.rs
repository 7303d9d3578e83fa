//! The predecessor's `config.yaml` as a configuration of this program.
//!
//! Its keys may be nested in any way; what counts is a key's own name. Knows nothing of files.

use serde_json::Value;

use super::{Config, Error, Kind};

/// A configuration file that says the same, and what it couldn't take over.
#[derive(Debug, PartialEq)]
pub struct Imported {
    pub toml: String,
    pub ignored: Vec<String>,
}

/// Keys that mean the same here: their names there, and whether they are lists.
const SAME: &[(&str, Shape)] = &[
    ("parallel_requests", Shape::Number),
    ("batch_size", Shape::Number),
    ("max_retries", Shape::Number),
    ("retry_delay", Shape::Float),
    ("max_memory_mb", Shape::Number),
    ("cache_size", Shape::Number),
    ("connection_timeout", Shape::Number),
    ("read_timeout", Shape::Number),
    ("write_timeout", Shape::Number),
    ("max_idle_connections", Shape::Number),
    ("max_idle_connections_per_host", Shape::Number),
    ("max_file_size_mb", Shape::Number),
    ("supported_extensions", Shape::List),
    ("exclude_filter", Shape::List),
    ("static_cache_ttl", Shape::Number),
    ("template_cache_ttl", Shape::Number),
    ("compression_enabled", Shape::Truth),
    ("cache_ttl", Shape::Number),
    ("image_max_side", Shape::Number),
];

/// What the model's settings are called there, and here.
const OF_MODEL: &[(&[&str], &str, Shape)] = &[
    (&["model", "vl_model", "model_name"], "model", Shape::Text),
    (&["api_key", "api_token", "token"], "api_key", Shape::Text),
    (
        &["timeout", "request_timeout", "api_timeout"],
        "timeout",
        Shape::Number,
    ),
    (&["system_prompt", "prompt"], "prompt", Shape::Text),
    (&["language"], "language", Shape::Text),
    (&["max_tokens"], "max_tokens", Shape::Number),
    (&["temperature"], "temperature", Shape::Float),
    (&["keep_alive"], "keep_alive", Shape::Text),
];

const ADDRESS: &[&str] = &["api_url", "base_url", "api_base", "endpoint", "url"];

#[derive(Clone, Copy)]
enum Shape {
    Text,
    Number,
    Float,
    Truth,
    List,
}

/// Understands the text of a `config.yaml`. `origin` is what errors call it.
///
/// # Errors
/// When it isn't YAML, or what it says makes no sense here either.
pub fn yaml(text: &str, origin: &str) -> Result<Imported, Error> {
    let invalid = |message: String| Error::Invalid {
        origin: origin.into(),
        message,
    };
    let value: Value = serde_saphyr::from_str(text).map_err(|e| {
        let message = e.to_string();
        invalid(message.lines().next().unwrap_or("not YAML").to_owned())
    })?;
    if !value.is_object() {
        return Err(invalid("no keys and values in it".into()));
    }
    let mut keys = Vec::new();
    flatten(&value, &mut keys);
    let mut table = toml::Table::new();
    let mut provider = toml::Table::new();
    let mut ignored = Vec::new();
    for (key, value) in keys {
        if !take(&key, value, &mut table, &mut provider) {
            ignored.push(key);
        }
    }
    if !provider.is_empty() {
        provider.insert("name".into(), "imported".into());
        provider
            .entry("kind")
            .or_insert_with(|| Kind::OpenAi.name().into());
        let providers = toml::Value::Array(vec![toml::Value::Table(provider)]);
        table.insert("provider".into(), providers);
    }
    let toml = toml::to_string(&table).map_err(|e| invalid(e.to_string()))?;
    Config::parse(&toml, origin)?;
    Ok(Imported { toml, ignored })
}

/// Every key that has a value of its own, by its last name.
fn flatten<'a>(value: &'a Value, keys: &mut Vec<(String, &'a Value)>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => flatten(value, keys),
            _ => keys.push((key.to_lowercase().replace('-', "_"), value)),
        }
    }
}

fn take(key: &str, value: &Value, table: &mut toml::Table, provider: &mut toml::Table) -> bool {
    if let Some((name, shape)) = SAME.iter().find(|(name, _)| *name == key) {
        return put(table, name, value, *shape);
    }
    if let Some((_, name, shape)) = OF_MODEL.iter().find(|(names, ..)| names.contains(&key)) {
        return put(provider, name, value, *shape);
    }
    let Some(url) = value.as_str().filter(|_| ADDRESS.contains(&key)) else {
        return false;
    };
    let (kind, url) = address(url);
    provider.insert("kind".into(), kind.name().into());
    provider.insert("url".into(), url.into());
    true
}

/// An empty text is no value.
fn put(table: &mut toml::Table, name: &str, value: &Value, shape: Shape) -> bool {
    let value = match shape {
        Shape::Text => value
            .as_str()
            .filter(|t| !t.trim().is_empty())
            .map(Into::into),
        Shape::Number => seconds(value).map(|n| toml::Value::Integer(n.ceil() as i64)),
        Shape::Float => seconds(value).map(toml::Value::Float),
        Shape::Truth => value.as_bool().map(Into::into),
        Shape::List => list(value).map(Into::into),
    };
    match value {
        Some(value) => {
            table.insert(name.into(), value);
            true
        }
        None => false,
    }
}

/// A number, or a duration like `30s`, `500ms`, `5m`, `1h`.
fn seconds(value: &Value) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    let text = value.as_str()?.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    match text[end..].trim() {
        "" | "s" | "sec" | "seconds" => Some(number),
        "ms" => Some(number / 1000.0),
        "m" | "min" => Some(number * 60.0),
        "h" => Some(number * 3600.0),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Vec<String>> {
    let words = |text: &str| {
        let words = text.split(',').map(|word| word.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    };
    match value {
        Value::String(text) => Some(words(text)),
        Value::Array(all) => all.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// What the server speaks, and its address without the part that is added to it here.
fn address(url: &str) -> (Kind, String) {
    let url = url.trim().trim_end_matches('/');
    for (end, kind) in [
        ("/api/chat", Kind::Ollama),
        ("/api/generate", Kind::Ollama),
        ("/v1/messages", Kind::Anthropic),
        ("/chat/completions", Kind::OpenAi),
        ("/completions", Kind::OpenAi),
    ] {
        if let Some(start) = url.strip_suffix(end) {
            return (kind, start.to_owned());
        }
    }
    let has_path = url
        .split("://")
        .nth(1)
        .is_some_and(|rest| rest.contains('/'));
    match (has_path, url.ends_with(":11434")) {
        (_, true) => (Kind::Ollama, url.to_owned()),
        (true, _) => (Kind::OpenAi, url.to_owned()),
        (false, false) => (Kind::OpenAi, format!("{url}/v1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predecessors_configuration_says_the_same_here() {
        let text = "api:\n  api_url: http://localhost:1234/v1/chat/completions\n  model: qwen2-vl-7b\n  timeout: 90s\n  \
            api_key: 'sk-1'\nsystem_prompt: |\n  Describe it.\n  Briefly.\nparallel_requests: 8\nretry_delay: 2\n\
            exclude_filter: 'thumbs, *.tmp'\nsupported_extensions: [.jpg, .png]\ncompression_enabled: false\n\
            temperature: 0.2\nserver_port: 8080\n";
        let imported = yaml(text, "config.yaml").unwrap();
        let config = Config::parse(&imported.toml, "f").unwrap();
        let provider = &config.provider[0];
        assert_eq!(
            (provider.name.as_str(), provider.kind),
            ("imported", Kind::OpenAi)
        );
        assert_eq!(provider.url.as_deref(), Some("http://localhost:1234/v1"));
        assert_eq!(
            (provider.model.as_str(), provider.timeout),
            ("qwen2-vl-7b", Some(90))
        );
        assert_eq!(provider.prompt.as_deref(), Some("Describe it.\nBriefly.\n"));
        assert_eq!((config.parallel_requests, config.retry_delay), (8, 2.0));
        assert_eq!(config.exclude_filter, ["thumbs", "*.tmp"]);
        assert_eq!(config.supported_extensions, [".jpg", ".png"]);
        assert!(!config.compression_enabled);
        assert_eq!(imported.ignored, ["server_port"]);
    }

    #[test]
    fn addresses_tell_what_a_server_speaks() {
        let check = |url: &str, kind, expected: &str| {
            assert_eq!(address(url), (kind, expected.to_owned()), "{url}");
        };
        check("http://h:11434/api/chat", Kind::Ollama, "http://h:11434");
        check("http://h:11434/", Kind::Ollama, "http://h:11434");
        check("http://h:1234", Kind::OpenAi, "http://h:1234/v1");
        check("https://h/v1/", Kind::OpenAi, "https://h/v1");
        check(
            "https://api.anthropic.com/v1/messages",
            Kind::Anthropic,
            "https://api.anthropic.com",
        );
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let check = |text: &str, expected: &str| {
            let error = yaml(text, "c.yaml").unwrap_err().to_string();
            assert!(
                error.starts_with("c.yaml: ") && error.contains(expected),
                "{error}"
            );
        };
        check("just text", "no keys and values");
        check("a: [1", "");
        check("api_url: ftp://x\nmodel: m", "must begin with http://");
        check("api_url: http://x", "model is missing");
        check("parallel_requests: 100000", "from 1 to 256");
    }
}
