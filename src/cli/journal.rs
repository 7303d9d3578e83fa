//! `kbasefs log`, `kbasefs undo` and `kbasefs redo`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::report::hinted;
use super::terminal::{self, printable};

/// Print what people did to tags, texts and ratings, the latest first
#[derive(clap::Args)]
pub struct LogArgs {
    /// Folder of photos, or the mount of it; not needed while one is mounted
    #[arg(value_name = "SOURCE|MOUNTPOINT")]
    what: Option<PathBuf>,
    /// How many acts
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    most: usize,
    /// Print a JSON object an act
    #[arg(long)]
    json: bool,
}

/// Take back the last act, or the one of this number in `kbasefs log`; taking that back does it again
#[derive(clap::Args)]
pub struct UndoArgs {
    /// The number of an act
    #[arg(value_name = "N", conflicts_with = "since")]
    act: Option<u64>,
    /// Take back everything of this time: 10m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<i64>,
    #[command(flatten)]
    at: At,
}

/// Do again what was taken back last, or the act of this number
#[derive(clap::Args)]
pub struct RedoArgs {
    /// The number of an act
    #[arg(value_name = "N")]
    act: Option<u64>,
    #[command(flatten)]
    at: At,
}

#[derive(clap::Args)]
struct At {
    /// Folder of photos, or the mount of it; not needed while one is mounted
    #[arg(long, value_name = "SOURCE|MOUNTPOINT")]
    source: Option<PathBuf>,
    /// Print a JSON object an act
    #[arg(long)]
    json: bool,
}

/// Who does what this program asks for.
pub fn by() -> Value {
    json!({
        "process": "kbasefs",
        "pid": std::process::id(),
        "uid": rustix::process::getuid().as_raw(),
    })
}

pub async fn log(args: LogArgs, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target_or_mount(args.what.as_deref()).await?;
    let within = target.within()?;
    let client = Client::of(&target.catalog, &finder.config).await?;
    let asked = within.map(|within| format!("&within_base64={within}"));
    let asked = asked.unwrap_or_default();
    let page = format!("/api/v1/log?most={}{asked}", args.most);
    let found = client.get(&page).await?;
    for act in acts(&found) {
        match args.json {
            true => terminal::say(format_args!("{act}"))?,
            false => terminal::say(format_args!("{}", line(act)))?,
        }
    }
    Ok(())
}

pub async fn undo(args: UndoArgs, finder: Finder) -> anyhow::Result<()> {
    let asked = json!({"act": args.act, "seconds": args.since, "by": by()});
    take_back("/api/v1/undo", asked, args.at, finder).await
}

pub async fn redo(args: RedoArgs, finder: Finder) -> anyhow::Result<()> {
    let asked = json!({"act": args.act, "by": by()});
    take_back("/api/v1/redo", asked, args.at, finder).await
}

async fn take_back(page: &str, asked: Value, at: At, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target_or_mount(at.source.as_deref()).await?;
    if asked["act"].is_null() && target.within()?.is_some() {
        let source = target.catalog.source.display();
        return Err(hinted(
            format!(
                "{}: a part of the catalog of {source}",
                target.folder()?.display()
            ),
            "name an act: `kbasefs log` lists those of the part; or take back all over the catalog",
        ));
    }
    let client = Client::of(&target.catalog, &finder.config).await?;
    let done = client.post(page, &asked).await?.value().await?;
    for act in acts(&done) {
        if at.json {
            terminal::say(format_args!("{act}"))?;
            continue;
        }
        let words = printable(act["words"].as_str().unwrap_or_default());
        let result = act["result"].as_str().unwrap_or_default();
        terminal::say(format_args!(
            "{result} {}: {words} ({} photos)",
            act["act"], act["photos"]
        ))?;
        for photo in act["left_alone"].as_array().into_iter().flatten() {
            let path = printable(photo["path"].as_str().unwrap_or_default());
            terminal::say(format_args!("left alone, edited since: {path}"))?;
        }
    }
    Ok(())
}

fn acts(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["acts"].as_array().into_iter().flatten()
}

fn line(act: &Value) -> String {
    let text = |key: &str| printable(act[key].as_str().unwrap_or_default());
    let at = jiff::Timestamp::from_second(act["at"].as_i64().unwrap_or_default());
    let at = at
        .unwrap_or_default()
        .to_zoned(jiff::tz::TimeZone::system());
    let photos = match (act["photos"].as_u64(), act["path"].as_str()) {
        (Some(1), Some(path)) => printable(path),
        (count, _) => format!("{} photos", count.unwrap_or_default()),
    };
    let undone = match act["undone_by"].as_u64() {
        Some(by) => format!(" [undone by {by}]"),
        None => String::new(),
    };
    format!(
        "{:>5}  {}  {}[{}]  {}: {photos}{undone}",
        act["act"],
        at.strftime("%Y-%m-%d %H:%M:%S"),
        text("process"),
        act["pid"],
        text("words"),
    )
}

/// Seconds of a time like `10m`, `2h`, `1d`.
fn seconds(text: &str) -> Result<i64, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86400,
        Some('w') => 7 * 86400,
        _ => return Err("a number and s, m, h, d or w".into()),
    };
    let number: u32 = text[..text.len() - 1]
        .parse()
        .map_err(|_| "a number and s, m, h, d or w".to_owned())?;
    Ok(i64::from(number) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("10m"), Ok(600));
        assert_eq!(seconds("2d"), Ok(172_800));
        for wrong in ["", "m", "10", "-5m", "1.5h", "10µ"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
