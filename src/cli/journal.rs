//! `kbasefs log`, `kbasefs undo` and `kbasefs redo`

use std::path::PathBuf;

use super::client::Client;
use super::finder::Finder;
use super::log;
use super::report::hinted;
use super::terminal::{self, printable};
use crate::api::{
    self, Act, By, LogQuery, RedoRequest, TakenBack, TakenBackActs, TakenBackResult, UndoRequest,
};

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
pub fn by() -> By {
    By {
        process: "kbasefs".into(),
        pid: std::process::id(),
        uid: rustix::process::getuid().as_raw(),
    }
}

pub async fn log(args: LogArgs, finder: Finder) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target_or_mount(args.what.as_deref()).await?;
    let within = target.within()?;
    let client = Client::looking(&target.catalog, &finder.config).await?;
    let request = LogQuery {
        most: args.most,
        within_base64: within,
    };
    for act in client.ask(&request).await?.acts {
        match args.json {
            true => terminal::json(&act)?,
            false => terminal::say(format_args!("{}", line(&act)))?,
        }
    }
    Ok(())
}

pub async fn undo(args: UndoArgs, finder: Finder) -> anyhow::Result<()> {
    let request = UndoRequest {
        act: args.act,
        seconds: args.since,
        by: by(),
    };
    take_back(&request, args.act.is_some(), args.at, finder).await
}

pub async fn redo(args: RedoArgs, finder: Finder) -> anyhow::Result<()> {
    let request = RedoRequest {
        act: args.act,
        by: by(),
    };
    take_back(&request, args.act.is_some(), args.at, finder).await
}

async fn take_back(
    request: &impl api::Request<Answer = TakenBackActs>,
    names_an_act: bool,
    at: At,
    finder: Finder,
) -> anyhow::Result<()> {
    log::start(&finder.config, "warn");
    let target = finder.target_or_mount(at.source.as_deref()).await?;
    if !names_an_act && target.within()?.is_some() {
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
    for act in client.ask(request).await?.acts {
        match at.json {
            true => terminal::json(&act)?,
            false => print(&act)?,
        }
    }
    Ok(())
}

fn print(taken: &TakenBack) -> std::io::Result<()> {
    let result = match taken.result {
        TakenBackResult::Undone => "undone",
        TakenBackResult::Redone => "redone",
    };
    let words = printable(&taken.words);
    terminal::say(format_args!(
        "{result} {}: {words} ({} photos)",
        taken.act, taken.photos
    ))?;
    for photo in &taken.left_alone {
        let path = printable(&photo.path);
        terminal::say(format_args!("left alone, edited since: {path}"))?;
    }
    Ok(())
}

fn line(act: &Act) -> String {
    let at = jiff::Timestamp::from_second(act.at).unwrap_or_default();
    let at = at.to_zoned(jiff::tz::TimeZone::system());
    let photos = match (act.photos, &act.path) {
        (1, Some(path)) => printable(path),
        (count, _) => format!("{count} photos"),
    };
    let undone = match act.undone_by {
        Some(by) => format!(" [undone by {by}]"),
        None => String::new(),
    };
    format!(
        "{:>5}  {}  {}[{}]  {}: {photos}{undone}",
        act.act,
        at.strftime("%Y-%m-%d %H:%M:%S"),
        printable(&act.process),
        act.pid,
        printable(&act.words),
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
