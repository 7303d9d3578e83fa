//! One `[[provider]]` table: a model on a server, or the one inside the program.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{On, Secret};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// `/chat/completions`, as OpenAI, LM Studio, llama.cpp, vLLM, OpenRouter and Gemini understand it.
    OpenAi,
    /// Ollama's own `/api/chat`.
    Ollama,
    /// `/v1/messages`.
    Anthropic,
    /// The model inside kbasefs.
    Embedded,
}

impl Kind {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Where the servers of this kind are, and the customary variables for the address and the key.
    fn customs(self) -> Option<(&'static str, &'static str, Option<&'static str>)> {
        match self {
            Self::OpenAi => Some((
                "https://api.openai.com/v1",
                "OPENAI_BASE_URL",
                Some("OPENAI_API_KEY"),
            )),
            Self::Ollama => Some(("http://127.0.0.1:11434", "OLLAMA_HOST", None)),
            Self::Anthropic => Some((
                "https://api.anthropic.com",
                "ANTHROPIC_BASE_URL",
                Some("ANTHROPIC_API_KEY"),
            )),
            Self::Embedded => None,
        }
    }
}

/// What a million tokens cost, in whatever currency the budgets are in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt and the picture.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
}

/// A provider as the user describes it. What is missing is inherited or customary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What it is called in messages and by `--provider`: letters, digits, `-`, `_` and `.`, unique. Answers are kept
    /// under it.
    pub name: String,
    /// What its server speaks.
    pub kind: Kind,
    /// Of the server, `http://host:1234/v1`; `None` for the customary variable, else the customary server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As the server calls it. Empty for the one inside kbasefs.
    #[serde(default)]
    pub model: String,
    /// Remote models: when they are asked for. The embedded one: when photos are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<On>,
    /// Requests at the same time, at most; `None` for what holds for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_requests: Option<usize>,
    /// The key itself. One of the three is enough, and none is needed where the customary variable has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// A file whose first line is the key; `~` is the home folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,
    /// The name of a variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Seconds that a whole request may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Longest side of the picture that is sent, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_side: Option<u32>,
    /// Of the answers, as its English name: `German`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// In place of the built-in instructions; what form the answer has is added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Anything; another one makes earlier answers stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<String>,
    /// Tags that the model should prefer, in place of those of `[tags]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<Vec<String>>,
    /// Of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// From 0 to 2; `None` for the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Whether the model may think before it answers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub think: bool,
    /// How long Ollama keeps the model loaded: `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<String>,
    /// Requests sent in a minute of the clock, at most, whatever came of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// In a local day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// In a month of the calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_month: Option<u64>,
    /// Money in a minute of the clock, at most, in the currency of the price, without which there is no such budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_minute: Option<f64>,
    /// In a local day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_day: Option<f64>,
    /// In a month of the calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<f64>,
    /// `None` where it isn't known: requests are counted then, and no money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

impl Provider {
    /// A provider that says no more than it must.
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            url: None,
            model: String::new(),
            on: None,
            parallel_requests: None,
            api_key: None,
            api_key_file: None,
            api_key_env: None,
            timeout: None,
            max_side: None,
            language: None,
            prompt: None,
            prompt_version: None,
            vocabulary: None,
            max_tokens: None,
            temperature: None,
            think: false,
            keep_alive: None,
            requests_per_minute: None,
            requests_per_day: None,
            requests_per_month: None,
            cost_per_minute: None,
            cost_per_day: None,
            cost_per_month: None,
            price: None,
        }
    }

    /// The address that holds, without a slash at the end.
    pub fn address(&self, env: Env) -> String {
        let Some((default, variable, _)) = self.kind.customs() else {
            return String::new();
        };
        let named = self.url.clone().or_else(|| env(variable));
        let named = named.filter(|url| !url.trim().is_empty());
        let url = named.unwrap_or_else(|| default.into());
        complete(url.trim(), self.kind)
    }

    /// The file that the key is read from, if it is.
    pub fn key_file(&self, env: Env) -> Option<PathBuf> {
        let file = self.api_key_file.as_ref();
        file.map(|path| below_home(path, env))
    }

    /// The key that holds. The customary variable's goes to the customary server only, never to one that is named here.
    ///
    /// # Errors
    /// When a file or variable that is named has no key.
    pub fn key(&self, env: Env) -> Result<Option<Secret>, String> {
        let of = |what: String| format!("provider {}: {what}", self.name);
        if let Some(key) = &self.api_key {
            return Ok(Some(key.clone()));
        }
        if let Some(path) = self.key_file(env) {
            return read_key(&path).map(Some).map_err(of);
        }
        if let Some(variable) = &self.api_key_env {
            let key = env(variable).filter(|key| !key.trim().is_empty());
            let key = key.ok_or_else(|| of(format!("api_key_env: {variable} is not set")))?;
            return Ok(Some(Secret::new(key.trim())));
        }
        let customary = self.kind.customs().and_then(|(_, _, key)| env(key?));
        let customary = customary.filter(|key| !key.trim().is_empty());
        Ok(customary
            .filter(|_| self.is_customary())
            .map(|key| Secret::new(key.trim())))
    }

    /// Whether the address is the one that everybody of this kind uses.
    fn is_customary(&self) -> bool {
        let Some((default, ..)) = self.kind.customs() else {
            return false;
        };
        let url = self.url.as_deref();
        url.is_none_or(|url| {
            let url = complete(url, self.kind);
            let below = url.strip_prefix(default);
            below.is_some_and(|path| path.is_empty() || path.starts_with('/'))
        })
    }

    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("provider {}: {what}", self.name));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            let name: String = self.name.chars().take(64).collect();
            return Err(format!(
                "provider {name:?}: a name is of letters, digits, - _ and . only"
            ));
        }
        if self.kind == Kind::Embedded {
            return Ok(());
        }
        if self.name == Kind::Embedded.name() {
            return wrong("this name belongs to the model inside kbasefs");
        }
        if self.model.trim().is_empty() {
            return wrong("model is missing");
        }
        if let Some(url) = &self.url {
            check_url(url).or_else(|what| wrong(&what))?;
        }
        let keys = [
            self.api_key.is_some(),
            self.api_key_file.is_some(),
            self.api_key_env.is_some(),
        ];
        if keys.iter().filter(|&&there| there).count() > 1 {
            return wrong("one of api_key, api_key_file and api_key_env is enough");
        }
        self.check_numbers().or_else(|what| wrong(&what))
    }

    fn check_numbers(&self) -> Result<(), String> {
        if !self
            .parallel_requests
            .is_none_or(|n| (1..=256).contains(&n))
        {
            return Err("parallel_requests must be from 1 to 256".into());
        }
        if !self.max_side.is_none_or(|n| (64..=2048).contains(&n)) {
            return Err("max_side must be from 64 to 2048".into());
        }
        if !self.timeout.is_none_or(|n| (1..=86_400).contains(&n)) {
            return Err("timeout must be from 1 to 86400 seconds".into());
        }
        if !self.max_tokens.is_none_or(|n| (16..=131_072).contains(&n)) {
            return Err("max_tokens must be from 16 to 131072".into());
        }
        if !self.temperature.is_none_or(|t| (0.0..=2.0).contains(&t)) {
            return Err("temperature must be from 0 to 2".into());
        }
        let costs = [self.cost_per_minute, self.cost_per_day, self.cost_per_month];
        let prices = self.price.map(|p| [p.input, p.output]);
        let mut amounts = costs
            .into_iter()
            .flatten()
            .chain(prices.into_iter().flatten());
        if amounts.any(|n| !n.is_finite() || n < 0.0) {
            return Err("prices and budgets must be 0 or more".into());
        }
        let costs = costs.iter().any(Option::is_some);
        if costs && self.price.is_none() {
            return Err("a budget of money needs a price".into());
        }
        Ok(())
    }
}

fn check_url(url: &str) -> Result<(), String> {
    let rest = url.strip_prefix("http://");
    let rest = rest.or_else(|| url.strip_prefix("https://"));
    let rest = rest.ok_or("url must begin with http:// or https://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err("a password does not belong into the url; use api_key_file".into());
    }
    if host.is_empty() || rest.contains(['?', '#', ' ']) {
        return Err("url must be like http://host:1234/v1".into());
    }
    Ok(())
}

/// `OLLAMA_HOST` may be a host and port only; a server that listens everywhere is reached here.
fn complete(url: &str, kind: Kind) -> String {
    let mut url = url.trim_end_matches('/').to_owned();
    if !url.contains("://") {
        url = format!("http://{url}");
    }
    if kind != Kind::Ollama {
        return url;
    }
    url = url.replace("://0.0.0.0", "://127.0.0.1");
    let authority = url.split("://").nth(1).unwrap_or_default();
    let has_port = authority.contains('/')
        || authority
            .rsplit(']')
            .next()
            .is_some_and(|a| a.contains(':'));
    match has_port || url.starts_with("https://") {
        true => url,
        false => url + ":11434",
    }
}

fn below_home(path: &Path, env: Env) -> PathBuf {
    match (path.strip_prefix("~"), env("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}

/// The first line of a file.
fn read_key(path: &Path) -> Result<Secret, String> {
    let failed = |what: &str| format!("api_key_file {}: {what}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| failed(&e.to_string()))?;
    let key = text.lines().map(str::trim).find(|line| !line.is_empty());
    key.map(Secret::new).ok_or_else(|| failed("no key in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn provider(kind: Kind, url: Option<&str>) -> Provider {
        Provider {
            url: url.map(str::to_owned),
            ..Provider::new("desk", kind)
        }
    }

    #[test]
    fn addresses_are_named_or_customary() {
        let check = |kind, url, set: &[(&str, &str)], expected: &str| {
            assert_eq!(provider(kind, url).address(&env(set)), expected);
        };
        let ollama = |host| [("OLLAMA_HOST", host)];
        check(Kind::OpenAi, None, &[], "https://api.openai.com/v1");
        check(
            Kind::OpenAi,
            None,
            &[("OPENAI_BASE_URL", "http://h/v1/")],
            "http://h/v1",
        );
        check(Kind::OpenAi, Some("http://d:1/v1/"), &[], "http://d:1/v1");
        check(Kind::Ollama, None, &[], "http://127.0.0.1:11434");
        check(Kind::Ollama, None, &ollama("box:99"), "http://box:99");
        check(Kind::Ollama, None, &ollama("box"), "http://box:11434");
        check(
            Kind::Ollama,
            None,
            &ollama("0.0.0.0"),
            "http://127.0.0.1:11434",
        );
        check(Kind::Ollama, None, &ollama("https://box"), "https://box");
    }

    fn key(provider: &Provider, set: &[(&str, &str)]) -> Option<String> {
        let key = provider.key(&env(set)).unwrap();
        key.map(|k| k.expose().to_owned())
    }

    #[test]
    fn the_customary_key_goes_to_the_customary_server_only() {
        let set = [("OPENAI_API_KEY", "sk-1")];
        assert_eq!(
            key(&provider(Kind::OpenAi, None), &set).as_deref(),
            Some("sk-1")
        );
        let official = provider(Kind::OpenAi, Some("https://api.openai.com/v1"));
        assert_eq!(key(&official, &set).as_deref(), Some("sk-1"));
        let other = provider(Kind::OpenAi, Some("http://10.0.0.1/v1"));
        assert_eq!(key(&other, &set), None);
        let alike = provider(
            Kind::Anthropic,
            Some("https://api.anthropic.com.evil.example"),
        );
        assert_eq!(key(&alike, &[("ANTHROPIC_API_KEY", "sk-3")]), None);
        let named = Provider {
            api_key_env: Some("OPENAI_API_KEY".into()),
            ..other
        };
        assert_eq!(key(&named, &set).as_deref(), Some("sk-1"));
    }

    #[test]
    fn a_key_comes_from_a_file_or_says_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "\n sk-2 \n").unwrap();
        let mut desk = provider(Kind::OpenAi, None);
        desk.api_key_file = Some(file);
        assert_eq!(key(&desk, &[]).as_deref(), Some("sk-2"));
        desk.api_key_file = Some("~/none".into());
        let home = folder.path().display().to_string();
        let set = [("HOME", home.as_str())];
        let error = desk.key(&env(&set)).unwrap_err();
        assert!(error.starts_with("provider desk: api_key_file"), "{error}");
        assert!(error.contains(&home), "{error}");
    }
}
