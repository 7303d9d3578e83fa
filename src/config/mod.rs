//! Settings as plain data: defaults, then the file, then the environment, checked once, here.
//!
//! Knows nothing of where the command line comes in (flags overwrite fields) and of who uses what.

mod places;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use places::{control_sockets, index_file, user_file};

/// What the user may set. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The index file. Else one a source below `$XDG_DATA_HOME/kbasefs`.
    pub index: Option<PathBuf>,
    /// Patterns of files and folders to leave out, as in a `.ignore` file.
    pub exclude: Vec<String>,
    /// Pictures looked at at the same time; 0: one a core.
    pub workers: usize,
    /// Files looked at at the same time while scanning; 0: as many as suit the machine.
    pub scan_threads: usize,
    /// How changes of the source are noticed.
    pub watch: Watch,
    /// From one look at the source to the next, where looking again is what it takes. Seconds.
    pub watch_interval_s: f64,
    /// Larger files are listed but not analysed. MiB.
    pub max_file_size_mb: u64,
    /// How deep folders of tags list sub-folders.
    pub facet_depth: usize,
    /// How long reading a description waits for its analysis. Seconds.
    pub xattr_wait_s: f64,
    /// How long the first look at an empty view waits for the first results. Seconds.
    pub first_results_wait_s: f64,
    /// Photos whose texts are kept in memory.
    pub cache_entries: u64,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives like `kbasefs::fuse=debug`.
    pub log: String,
    pub log_format: LogFormat,
    /// When the model inside kbasefs looks at a picture.
    pub embedded: Embedded,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    pub on: On,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// How changes of the source are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// The kernel tells; where it can't (network file systems, too many folders), by looking again.
    Auto,
    Inotify,
    Poll,
    /// Only when mounted, and by `kbasefs scan`.
    Off,
}

/// The cheapest kind of access that starts an analyzer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    Listed,
    Read,
    Asked,
}

impl Default for Embedded {
    fn default() -> Self {
        Self { on: On::Listed }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            index: None,
            exclude: Vec::new(),
            workers: 0,
            scan_threads: 0,
            watch: Watch::Auto,
            watch_interval_s: 60.0,
            max_file_size_mb: 300,
            facet_depth: 2,
            xattr_wait_s: 10.0,
            first_results_wait_s: 2.0,
            cache_entries: 10_000,
            log: "info".into(),
            log_format: LogFormat::Text,
            embedded: Embedded::default(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{origin}: {message}")]
    Invalid { origin: String, message: String },
}

impl Config {
    /// Reads the file at `path`, or the user's own where there is one, and the environment's `KBASEFS_…`.
    ///
    /// # Errors
    /// When a file that was named can't be read, or says something that makes no sense; nothing is changed then.
    pub fn load(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let own = user_file(&env);
        let mut config = match (path, own) {
            (Some(path), _) => Self::read(path)?,
            (None, Some(own)) if own.exists() => Self::read(&own)?,
            _ => Self::default(),
        };
        config.apply(&env)?;
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Understands the text of a configuration file. `origin` is what errors call it.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let invalid = |message: String| Error::Invalid {
            origin: origin.into(),
            message,
        };
        let config: Self = toml::from_str(text).map_err(|e| invalid(one_line(&e, text)))?;
        config.check().map_err(invalid)?;
        Ok(config)
    }

    /// Variables are called like keys: `KBASEFS_WORKERS=4`.
    fn apply(&mut self, env: &impl Fn(&str) -> Option<String>) -> Result<(), Error> {
        let Ok(toml::Value::Table(mut table)) = toml::Value::try_from(&*self) else {
            return Ok(());
        };
        let Ok(toml::Value::Table(known)) = toml::Value::try_from(Self::default()) else {
            return Ok(());
        };
        let keys = known.keys().map(String::as_str).chain(["index"]);
        for key in keys.filter(|key| !known.get(*key).is_some_and(toml::Value::is_table)) {
            let name = format!("KBASEFS_{}", key.to_uppercase());
            let Some(text) = env(&name) else { continue };
            let value = env_value(key, &text);
            table.insert(key.into(), value);
            let parsed = toml::Value::Table(table.clone()).try_into::<Self>();
            let checked = parsed
                .map_err(|e| e.message().to_owned())
                .and_then(|config| config.check().map(|()| config));
            *self = checked.map_err(|message| Error::Invalid {
                origin: name,
                message,
            })?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let seconds = [
            ("xattr_wait_s", self.xattr_wait_s),
            ("first_results_wait_s", self.first_results_wait_s),
        ];
        for (key, value) in seconds {
            if !(0.0..=3600.0).contains(&value) {
                return Err(format!(
                    "{key} is {value}; it must be from 0 to 3600 seconds"
                ));
            }
        }
        if !(0.1..=86400.0).contains(&self.watch_interval_s) {
            return Err(format!(
                "watch_interval_s is {}; it must be from 0.1 to 86400 seconds",
                self.watch_interval_s
            ));
        }
        if self.max_file_size_mb == 0 {
            return Err("max_file_size_mb is 0; it must be at least 1".into());
        }
        if !(1..=6).contains(&self.facet_depth) {
            return Err(format!(
                "facet_depth is {}; it must be from 1 to 6",
                self.facet_depth
            ));
        }
        if self.workers > 256 || self.scan_threads > 256 {
            return Err("more than 256 threads help nobody".into());
        }
        Ok(())
    }

    /// The settings as a configuration file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain data has a TOML form")
    }
}

/// A number or word as it is; lists are separated by colons, as in `PATH`.
fn env_value(key: &str, text: &str) -> toml::Value {
    if key == "exclude" {
        let all = text.split(':').filter(|t| !t.is_empty());
        return toml::Value::Array(all.map(|t| toml::Value::String(t.into())).collect());
    }
    if key.ends_with("_s")
        && let Ok(number) = text.parse::<f64>()
    {
        return toml::Value::Float(number);
    }
    let number = text.parse::<i64>().map(toml::Value::Integer);
    number.unwrap_or_else(|_| toml::Value::String(text.into()))
}

/// The first line of what is wrong, and where.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().lines().next().unwrap_or("not TOML");
    match error.span() {
        Some(span) => {
            let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let error = Config::parse(text, "f").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_line() {
        check(
            "workers = 2\nwrokers = 3",
            "f: line 2: unknown field `wrokers`",
        );
        check("workers = \"many\"", "line 1: invalid type");
        check("[embedded]\non = \"never\"", "unknown variant");
        check("xattr_wait_s = -1", "from 0 to 3600");
        check("watch_interval_s = 0", "from 0.1 to 86400");
        check("watch = \"sometimes\"", "unknown variant");
        check("max_file_size_mb = 0", "at least 1");
        check("workers =", "line 1");
    }

    #[test]
    fn the_environment_comes_after_the_file_and_is_checked_like_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "workers = 2\nfacet_depth = 3").unwrap();
        let env = |name: &str| match name {
            "KBASEFS_WORKERS" => Some("5".into()),
            "KBASEFS_EXCLUDE" => Some("*.tmp:cache".into()),
            "KBASEFS_XATTR_WAIT_S" => Some("3".into()),
            "KBASEFS_INDEX" => Some("/x/y".into()),
            _ => None,
        };
        let config = Config::load(Some(&file), env).unwrap();
        assert_eq!((config.workers, config.facet_depth), (5, 3));
        assert_eq!(config.exclude, ["*.tmp", "cache"]);
        assert_eq!(
            (config.xattr_wait_s, config.index),
            (3.0, Some("/x/y".into()))
        );
        let wrong = |name: &str| (name == "KBASEFS_WORKERS").then(|| "many".to_owned());
        let error = Config::load(Some(&file), wrong).unwrap_err().to_string();
        assert!(error.starts_with("KBASEFS_WORKERS: "), "{error}");
    }

    #[test]
    fn the_written_form_reads_back() {
        let config = Config {
            index: Some("/x".into()),
            ..Config::default()
        };
        assert_eq!(Config::parse(&config.to_toml(), "f").unwrap(), config);
    }
}
