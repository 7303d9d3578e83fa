//! `kbasefs config import`: the predecessor's configuration, and what its model said of photos.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::cli::client::Client;
use crate::cli::config::write_new;
use crate::cli::finder::Finder;
use crate::cli::report::hinted;
use crate::cli::target::Catalog;
use crate::cli::{Common, on_runtime, terminal};
use crate::config::{Config, import};

#[derive(clap::Args)]
pub struct Args {
    /// The predecessor's config.yaml, or index.json files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder of photos: every index.json in it is taken over
    #[arg(long, value_name = "FOLDER")]
    source: Option<PathBuf>,
}

pub fn run(args: &Args, common: &Common, to: &Path) -> anyhow::Result<()> {
    for file in &args.files {
        match file.extension().is_some_and(|e| e == "json") {
            true => {
                let finder = common.finder()?;
                let taken = async {
                    let catalog = catalog_of(file, args.source.as_deref(), &finder).await?;
                    answers(&catalog, std::slice::from_ref(file), &finder.config).await
                };
                on_runtime(taken)?;
            }
            false => settings(file, to)?,
        }
    }
    let Some(source) = &args.source else {
        return Ok(());
    };
    let finder = common.finder()?;
    on_runtime(async {
        let target = finder.target(source).await?;
        let files = indexes(&target.catalog.source.join(target.folder()?))?;
        answers(&target.catalog, &files, &finder.config).await
    })
}

fn settings(file: &Path, to: &Path) -> anyhow::Result<()> {
    let text = read(file)?;
    let imported = import::yaml(&text, &file.display().to_string())?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = format!(
        "# Taken over from {}. `kbasefs config init` writes a file with every key.\n\n{}",
        file.display(),
        imported.toml
    );
    // There may be a key in it.
    match write_new(to, 0o600, &text) {
        Ok(()) => {}
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{}: there is a configuration already", to.display());
            return Err(hinted(
                message,
                "name another file with --config, or remove it first",
            ));
        }
        Err(e) => return Err(anyhow::Error::new(e).context(to.display().to_string())),
    }
    terminal::say(format_args!("{}", to.display()))?;
    if !imported.ignored.is_empty() {
        let ignored = imported.ignored.join(", ");
        terminal::say(format_args!(
            "not taken over: {}",
            terminal::printable(&ignored)
        ))?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file)
        .map_err(|e| anyhow::Error::new(e).context(file.display().to_string()))
}

/// The catalog of the source that is named, or the one that the file lies in.
async fn catalog_of(file: &Path, named: Option<&Path>, finder: &Finder) -> anyhow::Result<Catalog> {
    if let Some(source) = named {
        return Ok(finder.target(source).await?.catalog);
    }
    let absolute = std::path::absolute(file)?;
    let catalog = finder
        .target(absolute.parent().unwrap_or(&absolute))
        .await?;
    if catalog.catalog.index.exists() {
        return Ok(catalog.catalog);
    }
    let message = format!("{}: in no folder that has a catalog", file.display());
    Err(hinted(
        message,
        "name the folder of photos with --source FOLDER",
    ))
}

/// Every `index.json` below a folder; links aren't followed.
fn indexes(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && entry.file_name() == "index.json" {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

async fn answers(catalog: &Catalog, files: &[PathBuf], config: &Config) -> anyhow::Result<()> {
    let source = catalog.source.as_path();
    let mut answers = Vec::new();
    for file in files {
        let index: Value = serde_json::from_str(&read(file)?)
            .map_err(|e| anyhow::Error::new(e).context(file.display().to_string()))?;
        let folder = file.canonicalize()?;
        let folder = folder.parent().unwrap_or(source).to_owned();
        collect(&index, None, source, &folder, &mut answers);
    }
    if answers.is_empty() {
        terminal::say(format_args!("{} files say nothing of photos", files.len()))?;
        return Ok(());
    }
    let client = Client::of_new(catalog, config).await?;
    let mut sum = [0u64; 4];
    let names = ["taken", "skipped", "failed", "unknown"];
    for part in answers.chunks(500) {
        let counts = client
            .post("/api/v1/adopt", &json!({"answers": part}))
            .await?
            .value()
            .await?;
        for (sum, name) in sum.iter_mut().zip(names) {
            *sum += counts[name].as_u64().unwrap_or(0);
        }
    }
    let [taken, skipped, failed, unknown] = sum;
    terminal::say(format_args!(
        "{} descriptions in {} files: {taken} taken over, {skipped} known already, {failed} failed, {unknown} of no photo here",
        answers.len(),
        files.len()
    ))?;
    Ok(())
}

/// Finds descriptions wherever they are in an index: in a list of entries that name their file, or under its name.
fn collect(
    value: &Value,
    name: Option<&str>,
    source: &Path,
    folder: &Path,
    answers: &mut Vec<Value>,
) {
    const FILE: [&str; 7] = [
        "path",
        "file",
        "filename",
        "file_name",
        "original_path",
        "image",
        "name",
    ];
    if let Value::Array(all) = value {
        return all
            .iter()
            .for_each(|entry| collect(entry, None, source, folder, answers));
    }
    let Some(fields) = value.as_object() else {
        return;
    };
    if !value["description"].is_string() {
        return fields
            .iter()
            .for_each(|(key, entry)| collect(entry, Some(key), source, folder, answers));
    }
    let own = FILE.iter().find_map(|key| value[*key].as_str());
    let file = own.or(name).and_then(|file| inside(file, source, folder));
    if let Some(path) = file {
        answers.push(json!({
            "path_base64": URL_SAFE_NO_PAD.encode(path.as_os_str().as_bytes()),
            "model": value["vl_model"].as_str().or(value["model"].as_str()),
            "at": date(&value["update_date"]),
            "answer": {
                "title": value["short_name"].as_str().filter(|t| !t.trim().is_empty()),
                "description": value["description"],
                "tags": value.get("tags").unwrap_or(&Value::Null),
            },
        }));
    }
}

/// A path relative to the source: of a file beside the index, or in the source, or given as a whole.
fn inside(file: &str, source: &Path, folder: &Path) -> Option<PathBuf> {
    let places = [folder.join(file), source.join(file)];
    let place = places
        .iter()
        .find(|place| place.is_file())
        .unwrap_or(&places[0]);
    let place = place.canonicalize().unwrap_or_else(|_| place.clone());
    place.strip_prefix(source).ok().map(Path::to_owned)
}

/// Seconds since 1970, from a number or a date in one of the usual forms.
fn date(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let text = value.as_str()?.trim();
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_second());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(
        civil
            .to_zoned(jiff::tz::TimeZone::system())
            .ok()?
            .timestamp()
            .as_second(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_found_in_lists_and_under_names() {
        let source = tempfile::tempdir().unwrap();
        let root = source.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("sub")).unwrap();
        for name in ["sub/a.jpg", "b.jpg"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let check = |index: Value, expected: &[&str]| {
            let mut answers = Vec::new();
            collect(&index, None, &root, &root.join("sub"), &mut answers);
            let paths = answers.iter().map(|a| {
                let bytes = URL_SAFE_NO_PAD
                    .decode(a["path_base64"].as_str().unwrap())
                    .unwrap();
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
        named["path"] = root.join("b.jpg").to_str().unwrap().into();
        check(json!([named]), &["b.jpg"]);
        check(json!({"../../../etc/passwd": entry}), &[]);
        check(json!({"a.jpg": {"short_name": "x"}}), &[]);
    }

    #[test]
    fn dates_come_in_several_forms() {
        assert_eq!(date(&json!(1_700_000_000)), Some(1_700_000_000));
        assert_eq!(date(&json!("2023-11-14T22:13:20Z")), Some(1_700_000_000));
        assert!(date(&json!("2023-11-14 22:13:20")).is_some());
        assert_eq!(date(&json!("yesterday")), None);
    }
}
