//! A catalog made smaller: as a whole where nobody uses it, or slice by slice beside edits.
//!
//! Making all of it anew holds the write lock from beginning to end. Only a file that was made anew so once can give pages
//! back in pieces afterwards (<https://www.sqlite.org/pragma.html#pragma_auto_vacuum>): a new catalog keeps its tables at the
//! places that are known of every new catalog, which its repair relies on.

use std::path::Path;
use std::time::Duration;

use parking_lot::MutexGuard;
use rusqlite::Connection;

use super::health::whole;
use super::write_ahead_log::keep_log;
use super::{Result, Sqlite, write_lock};

/// Makes all of the file anew, without the space that nothing uses any more. From then on it can be made smaller in slices.
///
/// # Errors
/// When the disk has no room for the copy that this takes.
pub fn vacuum(path: &Path) -> Result<()> {
    let connection = whole(path)?;
    // The copy of it all is for the disk.
    connection.pragma_update(None, "temp_store", "file")?;
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.execute_batch("INSERT INTO words (words) VALUES ('optimize'); VACUUM; ANALYZE;")?;
    keep_log(&connection, false)?;
    // The whole file went through the log, which keeps that length otherwise.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Pages of a slice, of the file or of the index of words: some milliseconds.
const SLICE: i64 = 256;

/// What is to be done in the next slice.
enum Stage {
    /// Joins the pieces of the index of words.
    Words {
        is_first: bool,
    },
    /// Gives back free pages, in so many slices at most: edits go on to free others.
    Pages {
        slices: i64,
    },
    /// Counts, of a part of the rows, what queries are planned by.
    Statistics,
    /// Has the file and its log cut to their length.
    Files,
    Done,
}

/// A catalog in use that is being made smaller. Between two slices nothing is locked.
pub(crate) struct SlicedVacuum<'a> {
    store: &'a Sqlite,
    stage: Stage,
}

impl Sqlite {
    /// Begins to make it smaller beside edits; `None` where the file has to be made anew for that.
    pub(crate) fn sliced_vacuum(&self) -> Result<Option<SlicedVacuum<'_>>> {
        let mode: i64 = self.read(|catalog| number(catalog, "PRAGMA auto_vacuum"))?;
        Ok((mode == INCREMENTAL).then_some(SlicedVacuum {
            store: self,
            stage: Stage::Words { is_first: true },
        }))
    }
}

/// What `PRAGMA auto_vacuum` says of a file that gives pages back in pieces.
const INCREMENTAL: i64 = 2;

impl SlicedVacuum<'_> {
    /// Does the next slice; says whether there is another one.
    pub fn advance(&mut self) -> Result<bool> {
        let store = self.store;
        self.stage = store.with_recovery(|| {
            let writer = store.writer();
            let next = self.stage.slice(&writer);
            // Whoever waits has its turn.
            MutexGuard::unlock_fair(writer);
            Ok(next?)
        })?;
        Ok(!matches!(self.stage, Stage::Done))
    }
}

impl Stage {
    fn slice(&self, writer: &Connection) -> rusqlite::Result<Self> {
        // What is lost of it in a power cut is done again.
        writer.pragma_update(None, "synchronous", "normal")?;
        match *self {
            Self::Words { is_first } => Ok(match merge(writer, is_first)? {
                true => Self::Words { is_first: false },
                false => Self::Pages {
                    slices: free_pages(writer)? / SLICE + 1,
                },
            }),
            Self::Pages { slices } => {
                give_back(writer)?;
                Ok(match slices > 1 && free_pages(writer)? > 0 {
                    true => Self::Pages { slices: slices - 1 },
                    false => Self::Statistics,
                })
            }
            Self::Statistics => {
                // As SQLite advises for large files: <https://www.sqlite.org/lang_analyze.html#approx>.
                writer.pragma_update(None, "analysis_limit", 400)?;
                writer.execute_batch("ANALYZE")?;
                Ok(Self::Files)
            }
            Self::Files => truncate(writer).map(|()| Self::Done),
            Self::Done => Ok(Self::Done),
        }
    }
}

/// Joins pieces of the index of words; says whether there are more: <https://www.sqlite.org/fts5.html#the_merge_command>.
fn merge(writer: &Connection, is_first: bool) -> rusqlite::Result<bool> {
    // Less than 0 has all pieces joined in the end, not only small ones.
    let pages = if is_first { -SLICE } else { SLICE };
    let before = number(writer, "SELECT total_changes()")?;
    let sql = "INSERT INTO words (words, rank) VALUES ('merge', ?1)";
    writer.execute(sql, [pages])?;
    Ok(number(writer, "SELECT total_changes()")? - before >= 2)
}

/// Gives back free pages, one with each step of the statement.
fn give_back(writer: &Connection) -> rusqlite::Result<()> {
    let mut pages = writer.prepare(&format!("PRAGMA incremental_vacuum({SLICE})"))?;
    let mut pages = pages.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

fn free_pages(catalog: &Connection) -> rusqlite::Result<i64> {
    number(catalog, "PRAGMA freelist_count")
}

/// Puts what is in the log into the file, beside which others write, and then cuts both, unless somebody reads or writes:
/// waiting for readers would hold up whoever writes.
fn truncate(writer: &Connection) -> rusqlite::Result<()> {
    writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    writer.busy_timeout(Duration::ZERO)?;
    let cut = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    writer.busy_timeout(write_lock::BUSY_TIMEOUT)?;
    cut
}

fn number(catalog: &Connection, sql: &str) -> rusqlite::Result<i64> {
    catalog.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{health, size};
    use super::*;
    use crate::catalog::{Act, Actor, Change, Deed, Role};
    use crate::store::Store;

    /// A catalog with free pages for some slices.
    fn with_free_pages(is_incremental: bool) -> (tempfile::TempDir, PathBuf, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite");
        let open = || Sqlite::open(&path, folder.path()).unwrap();
        drop(open());
        if is_incremental {
            vacuum(&path).unwrap();
        }
        let store = open();
        let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
            INSERT INTO meta (key, value) SELECT 'x' || n, zeroblob(3000) FROM n;
            DELETE FROM meta WHERE key GLOB 'x*';";
        store.writer().execute_batch(many).unwrap();
        (folder, path, store)
    }

    fn free(store: &Sqlite) -> i64 {
        free_pages(&store.writer()).unwrap()
    }

    #[test]
    fn an_edit_has_its_turn_after_every_slice() {
        let (_folder, path, store) = with_free_pages(true);
        let before = (free(&store), size(&path));
        assert!(before.0 > 4 * SLICE, "{before:?}");
        let (mut slices, mut between) = (0, 0);
        let mut vacuum = store.sliced_vacuum().unwrap().unwrap();
        while vacuum.advance().unwrap() {
            slices += 1;
            let deeds = vec![Deed::Make(format!("tag {slices}"))];
            let act = Act {
                by: Actor::default(),
                words: "make".into(),
                role: Role::New,
                deeds,
            };
            let is_underway = (1..before.0).contains(&free(&store));
            store.commit(&[Change::Acted(Box::new(act))]).unwrap();
            between += u32::from(is_underway);
        }
        assert!(between >= 4, "{between} of {slices}");
        assert!(free(&store) < SLICE);
        assert!(size(&path) < before.1 / 4);
        assert_eq!(store.acts(None, 99).unwrap().len(), slices);
        drop(store);
        assert_eq!(health::check(&path).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_was_never_made_anew_has_no_slices() {
        let (_folder, _path, store) = with_free_pages(false);
        assert!(store.sliced_vacuum().unwrap().is_none());
    }
}
