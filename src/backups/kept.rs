//! The folder of a catalog's backups, and what is in it. Numbers give their order: clocks are set back.

use std::io;
use std::path::{Path, PathBuf};

use crate::config;
use crate::store::sqlite::Holdings;

/// A backup that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its path.
    pub file: PathBuf,
    /// Its place in their order: a later one has a higher number.
    pub number: u64,
    /// Its size.
    pub bytes: u64,
    /// Nothing where it can't be read.
    pub holds: Option<Holdings>,
}

/// What was said and paid since a copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Entries of the log.
    pub edits: u64,
    /// Answers of servers.
    pub answers: u64,
}

impl Backup {
    /// When it was made, in seconds since 1970.
    pub fn made(&self) -> Option<i64> {
        self.holds.as_ref()?.copied
    }
}

/// What a catalog holds beyond a copy of it; nothing where that can't be told: they may be of different catalogs.
pub fn since_copy(now: &Holdings, copy: &Holdings) -> Option<Since> {
    let beyond = |now: i64, copy: i64| u64::try_from(now - copy).ok();
    let (all, had) = (now.progress, copy.progress);
    (now.id == copy.id).then_some(Since {
        edits: beyond(all.last_act, had.last_act)?,
        answers: beyond(all.answers, had.answers)?,
    })
}

/// Where backups of a catalog are: in a folder of their own beside it.
pub fn folder(catalog: &Path) -> PathBuf {
    match config::is_usual_place(catalog) {
        true => catalog.with_file_name("backups"),
        false => catalog.with_added_extension("backups"),
    }
}

/// The file of a backup.
fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{BEFORE}{number}{AFTER}"))
}

const BEFORE: &str = "catalog-";
const AFTER: &str = ".sqlite";

/// Those in a folder, the latest first. What is called otherwise is somebody else's.
///
/// # Errors
/// When the folder can't be read; one that isn't there has none.
pub fn all(folder: &Path) -> io::Result<Vec<Backup>> {
    let entries = match folder.read_dir() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if let Some(number) = number(&entry.file_name().to_string_lossy())
            && metadata.is_file()
        {
            let file = entry.path();
            all.push(Backup {
                holds: read(&file),
                file,
                number,
                bytes: metadata.len(),
            });
        }
    }
    all.sort_by_key(|backup| std::cmp::Reverse(backup.number));
    Ok(all)
}

fn number(name: &str) -> Option<u64> {
    let number = name.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    // A number with a zero in front would be another file than the one that is made of it.
    number
        .parse()
        .ok()
        .filter(|n: &u64| n.to_string() == number && *n < MOST_NUMBERS)
}

/// A larger number isn't one of ours: one a day takes longer than that.
const MOST_NUMBERS: u64 = 1 << 32;

/// The file of the next one. Where somebody has put something of that name, the next number is taken.
pub fn next(folder: &Path, kept: &[Backup]) -> PathBuf {
    let last = kept.first().map_or(0, |latest| latest.number);
    let mut files = (last + 1..).map(|number| file(folder, number));
    let is_free = |file: &PathBuf| file.symlink_metadata().is_err();
    files.find(is_free).expect("not every number is taken")
}

fn read(file: &Path) -> Option<Holdings> {
    Holdings::of_copy(file)
        .inspect_err(|error| tracing::warn!("backup {}: {error}", file.display()))
        .ok()
}

/// How many newer ones have to be there before the last one goes of before the catalog was mended, or made anew: two weeks
/// of them.
const APART: u64 = 14;

/// Which of them go, the latest first among `all`, so that `most` are left. Of before the catalog was mended or made anew,
/// the last one stays beside the latest at all for a while: it may have what was lost.
pub fn surplus(all: &[Backup], most: usize) -> Vec<&Backup> {
    let Some(latest) = all.first() else {
        return Vec::new();
    };
    let before = all.iter().position(|backup| is_of_before(backup, latest));
    let apart = before
        .map(|at| (at, &all[at]))
        .filter(|(at, backup)| most > 1 && *at >= most && latest.number - backup.number < APART);
    let apart = apart.map(|(_, backup)| backup);
    let usual = most - usize::from(apart.is_some());
    let rest = all.iter().skip(usual);
    rest.filter(|backup| Some(*backup) != apart).collect()
}

/// Whether the catalog was mended or made anew since.
fn is_of_before(backup: &Backup, latest: &Backup) -> bool {
    match (&backup.holds, &latest.holds) {
        (Some(one), Some(other)) => (&one.id, &one.recovered) != (&other.id, &other.recovered),
        _ => false,
    }
}

/// Removes one. That somebody did so meanwhile is as good.
pub fn remove(backup: &Backup) -> io::Result<()> {
    match std::fs::remove_file(&backup.file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Progress;

    fn backup(number: u64, id: &str, recovered: Option<&str>) -> Backup {
        Backup {
            file: file(Path::new("/b"), number),
            number,
            bytes: 1,
            holds: Some(Holdings {
                progress: Progress::default(),
                source: None,
                id: Some(id.into()),
                copied: None,
                recovered: recovered.map(Into::into),
            }),
        }
    }

    #[test]
    fn the_latest_stay_and_for_a_while_the_last_one_before_damage() {
        let check = |all: &[(u64, Option<&str>)], most, expected: &[u64]| {
            let all: Vec<_> = all.iter().map(|(n, note)| backup(*n, "a", *note)).collect();
            let gone = surplus(&all, most);
            assert_eq!(gone.iter().map(|b| b.number).collect::<Vec<_>>(), expected);
        };
        check(&[], 2, &[]);
        check(&[(2, None), (1, None)], 2, &[]);
        check(&[(3, None), (2, None), (1, None)], 2, &[1]);
        let mended = [(4, Some("x")), (3, Some("x")), (2, None), (1, None)];
        check(&mended, 2, &[3, 1]);
        check(&mended, 3, &[1]);
        check(&mended, 1, &[3, 2, 1]);
        check(&[(3, Some("x")), (2, None), (1, None)], 2, &[1]);
        check(&[(15, Some("x")), (14, Some("x")), (2, None)], 2, &[14]);
        check(&[(16, Some("x")), (15, Some("x")), (2, None)], 2, &[2]);
    }

    #[test]
    fn a_catalog_that_was_lost_keeps_a_backup_for_a_while() {
        let all = [(5, "new"), (4, "new"), (3, "old"), (2, "old")];
        let all = all.map(|(number, id)| backup(number, id, None));
        let gone = surplus(&all, 2).into_iter().map(|b| b.number);
        assert_eq!(gone.collect::<Vec<_>>(), [4, 2]);
    }

    #[test]
    fn what_is_called_otherwise_is_no_backup() {
        assert_eq!(number("catalog-12.sqlite"), Some(12));
        for name in [
            "catalog-012.sqlite",
            "catalog-.sqlite",
            "catalog-1.sqlite.kbasefs-partial",
            "x",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn backups_have_a_folder_of_their_own_beside_the_catalog() {
        let check = |catalog: &str, expected: &str| {
            assert_eq!(folder(Path::new(catalog)), Path::new(expected));
        };
        check(
            "/h/.local/share/kbasefs/Pictures-0123456789abcdef/catalog.sqlite",
            "/h/.local/share/kbasefs/Pictures-0123456789abcdef/backups",
        );
        check("/x/catalog.sqlite", "/x/catalog.sqlite.backups");
        check("/x/own.db", "/x/own.db.backups");
    }
}
