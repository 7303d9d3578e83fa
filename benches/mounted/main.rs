//! How fast is a mount beside a native folder with the same entries, and beside other file systems in user space?
//!
//! Makes 12,000 photos (half a gigabyte; KBASEFS_BENCH_DATA names a folder that keeps them), mounts them, and prints the
//! time through each mount as a multiple of the native time: lower is better. Cold rows need root, who may drop caches; rows
//! of programs that aren't installed say so. Words after `--` pick rows: `cargo bench --bench mounted -- xattr find`.

mod collection;
mod counting;
mod peers;
mod rows;
mod waiting;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use collection::Collection;
use peers::Peer;
use rows::{Row, Start};

/// Each row is the median of so many rounds, in each of which every file system has its turn.
const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    if waiting::ask() {
        return Ok(());
    }
    let scratch = tempfile::tempdir()?;
    let kept = std::env::var_os("KBASEFS_BENCH_DATA").map(PathBuf::from);
    let place = kept.unwrap_or_else(|| scratch.path().to_owned());
    let collection = Collection::make(&place)?;
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let mounts = peers::mount_all(&collection, scratch.path())?;
    let names: Vec<_> = mounts.iter().map(Peer::heading).collect();
    println!("| operation | goal | native | {} |", names.join(" | "));
    println!(
        "| --- | --- | --- | {} |",
        vec!["---"; names.len()].join(" | ")
    );
    let meant =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    for row in rows::rows(&collection).iter().filter(|row| meant(row.name)) {
        println!("{}", line(row, &collection, &mounts));
    }
    if let Some(mount) = mounts[0].mountpoint.as_ref().filter(|_| meant("count")) {
        counting::run(&collection, mount)?;
    }
    if meant("wait") {
        waiting::run(&collection, scratch.path())?;
    }
    Ok(())
}

/// A row as it is printed.
fn line(row: &Row, collection: &Collection, mounts: &[Peer]) -> String {
    if row.start == Start::Cold && !rustix::process::geteuid().is_root() {
        return format!(
            "| {} | {} | only root may drop caches |",
            row.name, row.goal
        );
    }
    let mut places = vec![Some(collection.native.clone())];
    places.extend(mounts.iter().map(|m| m.mountpoint.clone()));
    let times = times(row, &places);
    let native = times[0];
    let cell = |time: &Option<Duration>| match (time, native) {
        (Some(time), Some(native)) => format!("{:.2}", time.as_secs_f64() / native.as_secs_f64()),
        _ => "-".into(),
    };
    let cells: Vec<_> = times[1..].iter().map(cell).collect();
    let native = native.map_or("-".into(), |time| {
        format!("{:.2} ms", time.as_secs_f64() * 1e3)
    });
    format!(
        "| {} | {} | {native} | {} |",
        row.name,
        row.goal,
        cells.join(" | ")
    )
}

/// The median at each place, `None` where the row has no meaning.
fn times(row: &Row, places: &[Option<PathBuf>]) -> Vec<Option<Duration>> {
    let mut all = vec![Vec::new(); places.len()];
    for _ in 0..ROUNDS {
        for (place, times) in places.iter().zip(&mut all) {
            times.extend(place.as_ref().and_then(|at| once(row, at)));
        }
    }
    all.into_iter().map(median).collect()
}

fn once(row: &Row, at: &Path) -> Option<Duration> {
    match row.start {
        Start::Cold => drop_caches(),
        // Once fills the caches; the second time finds what the first one changed in them.
        Start::Warm => (0..2).try_for_each(|_| (row.run)(at).map(|_| ())).ok()?,
    }
    (row.run)(at).ok()
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn drop_caches() {
    rustix::fs::sync();
    std::fs::write("/proc/sys/vm/drop_caches", "3").expect("root may drop caches");
}
