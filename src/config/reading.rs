//! Settings read: the file first, then the environment, both under the names of today or of before.

use std::borrow::Cow;
use std::path::Path;

use super::{Config, Error, user_file};

impl Config {
    /// Reads the file at `path`, or the user's own where there is one, and the environment's `KBASEFS_…`.
    ///
    /// # Errors
    /// When a file that was named can't be read, or says something that makes no sense; nothing is changed then.
    pub fn load(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let own = user_file(&env).filter(|own| own.exists());
        let Some(file) = path.map(Path::to_owned).or(own) else {
            return Self::default().with_env("", &env);
        };
        let text = std::fs::read_to_string(&file).map_err(|source| Error::Read {
            path: file.clone(),
            source,
        })?;
        let config = Self::parse(&text, &file.display().to_string())?;
        config.with_env(&text, &env)
    }

    /// Understands the text of a configuration file. `origin` is what errors call it.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let invalid = |message: String| Error::Invalid {
            origin: origin.into(),
            message,
        };
        let text = &once(text).map_err(invalid)?;
        let config: Self = toml::from_str(text).map_err(|e| invalid(one_line(&e, text)))?;
        config.check().map_err(invalid)?;
        Ok(config)
    }

    /// Variables are called like keys: `KBASEFS_WORKERS=4`. `text` is what `self` was read from.
    fn with_env(
        mut self,
        text: &str,
        env: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let text = once(text).unwrap_or(text.into());
        let (Ok(mut table), Ok(known)) = (
            text.parse::<toml::Table>(),
            toml::Table::try_from(Self::default()),
        ) else {
            return Ok(self);
        };
        let simple = known.iter().filter(|(_, value)| !value.is_table());
        let keys = simple.map(|(key, _)| key.as_str()).chain(["catalog"]);
        for key in keys {
            let Some((name, text)) = variable(key, env)? else {
                continue;
            };
            for (_, old) in RENAMED.iter().filter(|(new, _)| *new == key) {
                table.remove(*old);
            }
            table.insert(key.into(), env_value(&text, known.get(key)));
            let parsed = table.clone().try_into::<Self>();
            let checked = parsed
                .map_err(|e| e.message().to_owned())
                .and_then(|config| config.check().map(|()| config));
            self = checked.map_err(|message| Error::Invalid {
                origin: name,
                message,
            })?;
        }
        Ok(self)
    }

    /// The settings as a configuration file, without its secrets.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("plain data has a TOML form")
    }
}

/// Keys that had another name before, which files may still use.
const RENAMED: [(&str, &str); 3] = [
    ("catalog", "index"),
    ("exclude_filter", "exclude"),
    ("cache_size", "cache_entries"),
];

/// A file's text in which every key stands once, by whichever of its names.
///
/// # Errors
/// When both names say something, and not the same.
fn once(text: &str) -> Result<Cow<'_, str>, String> {
    // What is wrong with a text that is no TOML is said with its line, by whoever reads it.
    let Ok(mut table) = text.parse::<toml::Table>() else {
        return Ok(text.into());
    };
    let mut is_twice = false;
    for (new, old) in RENAMED {
        let (Some(now), Some(before)) = (table.get(new), table.get(old)) else {
            continue;
        };
        if now != before {
            return Err(both(new, old));
        }
        table.remove(old);
        is_twice = true;
    }
    Ok(match is_twice {
        true => table.to_string().into(),
        false => text.into(),
    })
}

/// What the environment says of a key, and in which variable: `KBASEFS_` and one of its names.
fn variable(
    key: &str,
    env: &impl Fn(&str) -> Option<String>,
) -> Result<Option<(String, String)>, Error> {
    let named = |key: &str| {
        let name = format!("KBASEFS_{}", key.to_uppercase());
        env(&name).map(|text| (name, text))
    };
    let old = RENAMED.iter().find(|(new, _)| *new == key);
    match (named(key), old.and_then(|(_, old)| named(old))) {
        (Some((name, now)), Some((old, before))) if now != before => Err(Error::Invalid {
            message: both(&name, &old),
            origin: "environment".into(),
        }),
        (now, before) => Ok(now.or(before)),
    }
}

fn both(new: &str, old: &str) -> String {
    format!("{new} and {old} say different things; {old} is the old name of {new}")
}

/// A text, number or truth as the default is one; lists are separated by colons, as in `PATH`.
fn env_value(text: &str, default: Option<&toml::Value>) -> toml::Value {
    let word = || toml::Value::String(text.into());
    match default {
        Some(toml::Value::Array(_)) => {
            let all = text.split(':').filter(|t| !t.is_empty());
            toml::Value::Array(all.map(|t| toml::Value::String(t.into())).collect())
        }
        Some(toml::Value::Float(_)) => text.parse().map_or_else(|_| word(), toml::Value::Float),
        Some(toml::Value::Integer(_)) => text.parse().map_or_else(|_| word(), toml::Value::Integer),
        Some(toml::Value::Boolean(_)) => text.parse().map_or_else(|_| word(), toml::Value::Boolean),
        _ => word(),
    }
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
    use crate::config::Secret;

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
        check("decode_time_s = 0", "from 0.1 to 86400");
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
            "KBASEFS_EXCLUDE_FILTER" => Some("*.tmp:cache".into()),
            "KBASEFS_XATTR_WAIT_S" => Some("3".into()),
            "KBASEFS_INDEX" => Some("/x/y".into()),
            _ => None,
        };
        let config = Config::load(Some(&file), env).unwrap();
        assert_eq!((config.workers, config.facet_depth), (5, 3));
        assert_eq!(config.exclude_filter, ["*.tmp", "cache"]);
        assert_eq!(
            (config.xattr_wait_s, config.catalog),
            (3.0, Some("/x/y".into()))
        );
        let wrong = |name: &str| (name == "KBASEFS_WORKERS").then(|| "many".to_owned());
        let error = Config::load(Some(&file), wrong).unwrap_err().to_string();
        assert!(error.starts_with("KBASEFS_WORKERS: "), "{error}");
    }

    #[test]
    fn the_written_form_reads_back() {
        let config = Config {
            catalog: Some("/x".into()),
            ..Config::default()
        };
        assert_eq!(Config::parse(&config.to_toml(), "f").unwrap(), config);
    }

    #[test]
    fn keys_may_have_the_names_they_had_before() {
        let config = Config::parse("exclude = [\"x\"]\ncache_entries = 7\nindex = \"/x\"", "f");
        let config = config.unwrap();
        assert_eq!(config.exclude_filter, ["x"]);
        assert_eq!(config.cache_size, 7);
        assert_eq!(config.catalog, Some("/x".into()));
    }

    #[test]
    fn both_names_of_a_key_have_to_say_the_same() {
        let config = Config::parse("workers = 2\nindex = \"/x\"\ncatalog = \"/x\"", "f").unwrap();
        assert_eq!((config.workers, config.catalog), (2, Some("/x".into())));
        check(
            "index = \"/x\"\ncatalog = \"/y\"",
            "f: catalog and index say different things; index is the old name of catalog",
        );
        let load = |catalog: &str, index: &str| {
            let env = |name: &str| match name {
                "KBASEFS_CATALOG" => Some(catalog.to_owned()).filter(|text| !text.is_empty()),
                "KBASEFS_INDEX" => Some(index.to_owned()).filter(|text| !text.is_empty()),
                _ => None,
            };
            Config::load(None, env).map(|config| config.catalog)
        };
        for (catalog, index) in [("/x", ""), ("", "/x"), ("/x", "/x")] {
            assert_eq!(load(catalog, index).unwrap(), Some("/x".into()));
        }
        let error = load("/x", "/y").unwrap_err().to_string();
        let expected = "environment: KBASEFS_CATALOG and KBASEFS_INDEX say different things";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn providers_are_checked_and_their_keys_are_not_shown() {
        let provider = "[[provider]]\nname = \"desk\"\nkind = \"openai\"\n";
        let more = |lines: &str| format!("{provider}{lines}");
        check(provider, "f: provider desk: model is missing");
        check(
            &more("model = \"m\"\nurl = \"ftp://x\""),
            "must begin with http://",
        );
        check(&more("model = \"m\"\nurl = \"http://a:b@x\""), "password");
        check(&more("model = \"m\"\ncost_per_day = 1"), "needs a price");
        check(&more("model = \"m\"\nmax_side = 5000"), "from 64 to 2048");
        check(
            &more("model = \"m\"\napi_key = \"a\"\napi_key_env = \"b\""),
            "is enough",
        );
        check(&more("modle = \"m\""), "unknown field `modle`");
        check(&more("kind2 = 1"), "line 4");
        let twice = more("model = \"m\"\n").repeat(2);
        check(&twice, "two providers are called desk");

        let config = Config::parse(&more("model = \"m\"\napi_key = \"sk-1\""), "f").unwrap();
        assert!(!config.to_toml().contains("sk-1"), "{}", config.to_toml());
        assert!(!format!("{config:?}").contains("sk-1"));
        let env = |name: &str| (name == "KBASEFS_WORKERS").then(|| "5".to_owned());
        let text = more("model = \"m\"\napi_key = \"sk-1\"");
        let config = config.with_env(&text, &env).unwrap();
        assert_eq!(config.workers, 5);
        assert_eq!(config.provider[0].api_key, Some(Secret::new("sk-1")));
    }
}
