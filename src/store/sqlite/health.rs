//! A catalog looked after: checked.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::catalog_lock::is_locked;
use super::opening::{CURRENT_VERSION, files_of, is_derived, refuse_others};
use super::schema::{self, Fit};
use super::write_ahead_log::connect_keeping_log;
use super::{Error, Result, columns, ids, replace, rows};

/// What is wrong with the catalog at `path`; nothing when it is sound. Reads all of it; others may use it meanwhile. Whoever
/// opens it next makes another one of it, if anything is.
///
/// # Errors
/// When it can't be read at all.
pub fn check(path: &Path) -> Result<Vec<String>> {
    let found = match try_check(path) {
        // There is nothing that a sound one doesn't answer to.
        Err(error @ (Error::Damaged | Error::Refused(_) | Error::Backend(_))) => {
            vec![error.to_string()]
        }
        found => found?,
    };
    if !found.is_empty() {
        suspect(path);
    }
    Ok(found)
}

fn try_check(path: &Path) -> Result<Vec<String>> {
    refuse_others(path)?;
    findings(&connect_keeping_log(path)?, path)
}

/// What is wrong in what a connection sees of the file at `path`.
pub(super) fn findings(catalog: &Connection, path: &Path) -> Result<Vec<String>> {
    match schema::fit(catalog)? {
        Fit::Foreign => Err(Error::Foreign { path: path.into() }),
        Fit::Damaged(found) => Ok(found),
        Fit::Misnumbered { number, version } => Ok(vec![format!(
            "it says that it is of version {number}: its tables are of {version}"
        )]),
        Fit::Version(version) => look_at_all(catalog, version == CURRENT_VERSION),
        // Nobody here knows what they have to hold.
        Fit::New | Fit::Newer => pages(catalog),
    }
}

/// Whoever opens one of an older version next brings it up to date: what its columns hold is looked at then.
fn look_at_all(catalog: &Connection, is_current: bool) -> Result<Vec<String>> {
    let mut found = pages(catalog)?;
    // Values on pages that can't be read are no news.
    if found.is_empty() && is_current {
        columns::check(catalog, &mut found)?;
        ids::check(catalog)?;
        found.extend(full_text(catalog)?);
    }
    Ok(found)
}

/// What is wrong with the tables of words, which SQLite's own check passes over. All of it follows from the rest.
fn full_text(catalog: &Connection) -> Result<Option<String>> {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, ReadOnly};
    match try_full_text(catalog) {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some("words: not those of all photos".into())),
        Err(error) => match error.sqlite_error_code() {
            // It asks as if it wrote: nobody can tell just now.
            Some(DatabaseBusy | DatabaseLocked | ReadOnly) => Ok(None),
            _ => match Error::from(error) {
                error @ (Error::Damaged | Error::Refused(_) | Error::Backend(_)) => {
                    Ok(Some(format!("words: {error}")))
                }
                error => Err(error),
            },
        },
    }
}

/// Whether the words of every photo are there, and another one's can be added. SQLite's check of the pages has looked at
/// what is said of them; that takes long, and others write meanwhile.
fn try_full_text(catalog: &Connection) -> rusqlite::Result<bool> {
    let all = catalog.unchecked_transaction()?;
    let photos = "SELECT count(*) FROM photo WHERE gone = 0";
    let photos: i64 = all.query_row(photos, [], |row| row.get(0))?;
    let words = "SELECT count(*) FROM words_docsize WHERE id > 0";
    let words: i64 = all.query_row(words, [], |row| row.get(0))?;
    let is_derived = is_derived(&all)?;
    all.rollback()?;
    let word = catalog.unchecked_transaction()?;
    // A savepoint has it written, which is taken back with all else.
    word.execute_batch("INSERT INTO words (rowid, title) VALUES (0, 'word'); SAVEPOINT written;")?;
    Ok(photos == words || !is_derived)
}

fn pages(catalog: &Connection) -> Result<Vec<String>> {
    let mut pages = catalog.prepare("PRAGMA integrity_check(100)")?;
    let pages = pages.query_map([], |row| row.get(0))?;
    let mut found = pages.collect::<rusqlite::Result<Vec<String>>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// What the catalog at `path` lost when another one was made of it, if one was.
///
/// # Errors
/// When it can't be read.
pub fn recovered(path: &Path) -> Result<Option<String>> {
    note(path, "recovered")
}

/// What [`recovered`] says, if it can be read and was so lately that somebody may not have heard of it.
pub fn recovered_lately(path: &Path) -> Option<String> {
    lately(path, "recovered")
}

/// When the file was last removed or replaced while a process had it, which put it back; if that was lately.
pub fn put_back_lately(path: &Path) -> Option<String> {
    lately(path, PUT_BACK)
}

const PUT_BACK: &str = "put_back";

/// Keeps in the catalog that it is put back.
pub(super) fn note_put_back(catalog: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, CAST(datetime('now') || ' UTC' AS BLOB))";
    catalog.execute(sql, [PUT_BACK]).map(|_| ())
}

fn note(path: &Path, key: &str) -> Result<Option<String>> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    let note: Option<Vec<u8>> = rows::one(&connect_keeping_log(path)?, sql, [key])?;
    Ok(note.map(|note| String::from_utf8_lossy(&note).into_owned()))
}

/// A note that begins with its time, in UTC.
fn lately(path: &Path, key: &str) -> Option<String> {
    let note = note(path, key).ok()??;
    let at: jiff::civil::DateTime = note.get(..19)?.parse().ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (Timestamp::now().duration_since(at) < LATELY).then_some(note)
}

const LATELY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whether a process that used the catalog at `path` was killed: the log of its changes is still there then.
pub fn was_left_open(path: &Path) -> bool {
    let [_, log, _] = files_of(path);
    log.metadata().is_ok_and(|m| m.len() > 0)
}

/// Leaves a sign for whoever opens the catalog next that it is damaged: an empty file.
pub(super) fn suspect(path: &Path) {
    let mut new = OpenOptions::new();
    match new.write(true).create_new(true).open(sign(path)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            tracing::warn!("{}: {error}", sign(path).display());
        }
        _ => {}
    }
}

/// Whether there is such a sign.
pub(super) fn is_suspect(path: &Path) -> bool {
    let there = sign(path).symlink_metadata();
    there.is_ok_and(|m| m.is_file() && m.len() == 0)
}

/// Takes the sign away.
pub(super) fn is_trusted(path: &Path) -> io::Result<()> {
    match is_suspect(path) {
        true => replace::absent_is_fine(std::fs::remove_file(sign(path))),
        false => Ok(()),
    }
}

fn sign(path: &Path) -> PathBuf {
    path.with_added_extension("suspect")
}

/// Whether the pages of a database fit together. Reads all of it, but for what the indexes say of the tables.
pub(super) fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(answer == "ok")
}

/// A connection to a catalog whose pages fit together. One that is in use was looked at before. Nothing has been written
/// to the file of another program or of a later version.
pub(super) fn whole(path: &Path) -> Result<Connection> {
    refuse_others(path)?;
    let is_unknown = was_left_open(path) && !is_locked(path);
    let connection = connect_keeping_log(path)?;
    if is_unknown && !is_whole(&connection)? {
        suspect(path);
        return Err(Error::Damaged);
    }
    match schema::fit(&connection)? {
        Fit::Newer => Err(schema::newer(path)),
        Fit::Foreign => Err(Error::Foreign { path: path.into() }),
        _ => Ok(connection),
    }
}
