//! How fast is a mount beside a native folder with the same entries, and beside other file systems in user space?
//!
//! The floor is a file system that knows every answer before it is asked: what FUSE takes by itself. Goals are multiples of
//! the native time, or of the floor's. A second table says where the time goes.
//!
//! Makes 12,000 photos (half a gigabyte; KBASEFS_BENCH_DATA names a folder that keeps them), mounts them, and prints the
//! time through each mount as a multiple of the native time: lower is better. Cold rows need root, who may drop caches; rows
//! of programs that aren't installed say so. Words after `--` pick rows: `cargo bench --bench mounted -- xattr find`.

mod collection;
mod cost;
mod counting;
mod floor;
mod peers;
mod rows;
mod waiting;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use collection::Collection;
use peers::Peer;
use rows::Row;

/// Each row is the median of so many rounds, in each of which every file system has its turn.
const ROUNDS: usize = 7;

fn main() -> io::Result<()> {
    if waiting::ask() || floor::serve()? {
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
    let meant =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let rows = rows::rows(&collection);
    let meant_rows = || rows.iter().filter(|row| meant(row.name));
    print_table(meant_rows(), &collection, &mounts);
    cost::run(meant_rows().filter(|row| row.may_run()), &mounts);
    if let Some(mount) = mounts[0].mountpoint.as_ref().filter(|_| meant("count")) {
        counting::run(&collection, mount)?;
    }
    // A catalog that is mounted is the one that commands take, whatever the home: the next mount has its own.
    drop(mounts);
    if meant("wait") {
        waiting::run(&collection, scratch.path())?;
    }
    Ok(())
}

fn print_table<'a>(
    rows: impl Iterator<Item = &'a Row<'a>>,
    collection: &Collection,
    mounts: &[Peer],
) {
    let names: Vec<_> = mounts.iter().map(Peer::heading).collect();
    let head = ["operation", "goal", "native", "kbasefs / floor"];
    let head: Vec<_> = head
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    println!("| {} |", head.join(" | "));
    println!("| {} |", vec!["---"; head.len()].join(" | "));
    for row in rows {
        println!("| {} |", cells(row, collection, mounts).join(" | "));
    }
}

/// A row as it is printed: the native time, and multiples.
fn cells(row: &Row, collection: &Collection, mounts: &[Peer]) -> Vec<String> {
    let mut cells = vec![row.name.to_owned(), row.goal.to_owned()];
    if !row.may_run() {
        cells.push("only root may drop caches".into());
        return cells;
    }
    let mut places = vec![Some(collection.native.clone())];
    places.extend(mounts.iter().map(|m| m.mountpoint.clone()));
    let rounds: Vec<Vec<_>> = (0..ROUNDS).map(|_| round(row, &places)).collect();
    let native = rounds.iter().filter_map(|round| round[NATIVE]);
    let native = median(native.map(|time| time.as_secs_f64() * 1e3));
    cells.push(native.map_or("-".into(), |ms| format!("{ms:.2} ms")));
    cells.push(ratio(&rounds, OWN, FLOOR));
    cells.extend((OWN..places.len()).map(|place| ratio(&rounds, place, NATIVE)));
    cells
}

/// Where they stand in a round.
const NATIVE: usize = 0;
const OWN: usize = 1;
const FLOOR: usize = 2;

/// The time at each place, one after the other; `None` where the row has no meaning.
fn round(row: &Row, places: &[Option<PathBuf>]) -> Vec<Option<Duration>> {
    let once = |at: &PathBuf| row.prepare(at).and_then(|()| (row.run)(at)).ok();
    places.iter().map(|at| at.as_ref().and_then(once)).collect()
}

/// How many times longer it takes at a place than at another one. What disturbs a round disturbs both, so the ratios of
/// rounds are compared, not times of different rounds.
fn ratio(rounds: &[Vec<Option<Duration>>], place: usize, other: usize) -> String {
    let of = |round: &Vec<Option<Duration>>| {
        Some(round[place]?.as_secs_f64() / round[other]?.as_secs_f64())
    };
    let ratio = median(rounds.iter().filter_map(of));
    ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
