//! An index looked after: checked, copied, made smaller.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, open, renameat_with};
use rustix::io::Errno;

use super::catalog_lock::is_locked;
use super::header::MAGIC;
use super::opening::{CURRENT_VERSION, files_of, is_derived, plain, refuse_others};
use super::schema::{self, Fit};
use super::write_ahead_log::{connect_keeping_log, keep_log};
use super::{Error, Result, columns, ids, recovery, replace, rows, salvage};

/// What is wrong with the index at `path`; nothing when it is sound. Reads all of it; others may use it meanwhile. Whoever
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
    let connection = connect_keeping_log(path)?;
    match schema::fit(&connection)? {
        Fit::Foreign => Err(Error::Foreign { path: path.into() }),
        Fit::Damaged(found) => Ok(found),
        Fit::Misnumbered { number, version } => Ok(vec![format!(
            "it says that it is of version {number}: its tables are of {version}"
        )]),
        Fit::Version(version) => look_at_all(&connection, version == *CURRENT_VERSION),
        // Nobody here knows what they have to hold.
        Fit::New | Fit::Newer => pages(&connection),
    }
}

/// Whoever opens one of an older version next brings it up to date: what its columns hold is looked at then.
fn look_at_all(index: &Connection, is_current: bool) -> Result<Vec<String>> {
    let mut found = pages(index)?;
    // Values on pages that can't be read are no news.
    if found.is_empty() && is_current {
        columns::check(index, &mut found)?;
        ids::check(index)?;
        found.extend(full_text(index)?);
    }
    Ok(found)
}

/// What is wrong with the tables of words, which SQLite's own check passes over. All of it follows from the rest.
fn full_text(index: &Connection) -> Result<Option<String>> {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, ReadOnly};
    match try_full_text(index) {
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

/// Whether the words of every photo are there, and another one's can be added.
fn try_full_text(index: &Connection) -> rusqlite::Result<bool> {
    let all = index.unchecked_transaction()?;
    // A savepoint has it written, which is taken back with all else.
    all.execute_batch(
        "INSERT INTO words (words) VALUES ('integrity-check');
         INSERT INTO words (rowid, title) VALUES (0, 'word');
         SAVEPOINT written;",
    )?;
    let photos = "SELECT count(*) FROM photo WHERE gone = 0";
    let photos: i64 = all.query_row(photos, [], |row| row.get(0))?;
    let words = "SELECT count(*) FROM words_docsize WHERE id > 0";
    let words: i64 = all.query_row(words, [], |row| row.get(0))?;
    Ok(photos == words || !is_derived(&all)?)
}

fn pages(index: &Connection) -> Result<Vec<String>> {
    let mut pages = index.prepare("PRAGMA integrity_check(100)")?;
    let pages = pages.query_map([], |row| row.get(0))?;
    let mut found = pages.collect::<rusqlite::Result<Vec<String>>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// What the index at `path` lost when another one was made of it, if one was.
///
/// # Errors
/// When it can't be read.
pub fn recovered(path: &Path) -> Result<Option<String>> {
    let sql = "SELECT value FROM meta WHERE key = 'recovered'";
    let note: Option<Vec<u8>> = rows::one(&connect_keeping_log(path)?, sql, [])?;
    Ok(note.map(|note| String::from_utf8_lossy(&note).into_owned()))
}

/// The same, if it can be read and was so lately that somebody may not have heard of it.
pub fn recovered_lately(path: &Path) -> Option<String> {
    let note = recovered(path).ok()??;
    let at: jiff::civil::DateTime = note.get(..19)?.parse().ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (Timestamp::now().duration_since(at) < LATELY).then_some(note)
}

const LATELY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whether a process that used the index at `path` was killed: the log of its changes is still there then.
pub fn was_left_open(path: &Path) -> bool {
    let [_, log, _] = files_of(path);
    log.metadata().is_ok_and(|m| m.len() > 0)
}

/// Leaves a sign for whoever opens the index next that it is damaged: an empty file.
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

/// A connection to an index whose pages fit together. One that is in use was looked at before.
fn whole(path: &Path) -> Result<Connection> {
    let is_unknown = was_left_open(path) && !is_locked(path);
    let connection = connect_keeping_log(path)?;
    if is_unknown && !is_whole(&connection)? {
        suspect(path);
        return Err(Error::Damaged);
    }
    Ok(connection)
}

/// Copies the index at `path`, as it is at this moment, to a new file: whole, or not at all.
///
/// # Errors
/// When the new file is there already or can't be written.
pub fn backup(path: &Path, to: &Path) -> Result<()> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: to.into() });
    }
    let partial = Partial::begin(to)?;
    let index = whole(path)?;
    recovery::copy(&index, &partial.path)?;
    salvage::close(plain(&partial.path)?)?;
    partial.finish(to).map_err(|e| Error::of_new_file(to, e))
}

/// A copy that isn't complete yet. One that a killed process left is written over.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn begin(to: &Path) -> Result<Self> {
        let path = to.with_added_extension("kbasefs-partial");
        let begun = Self::try_begin(&path).map_err(|e| Error::of_new_file(&path, e));
        begun.map(|file| Self { path, file })
    }

    fn try_begin(path: &Path) -> io::Result<File> {
        let mut new = OpenOptions::new();
        new.write(true).create_new(true).mode(0o600);
        let file = match new.open(path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => left_behind(path)?,
            opened => opened?,
        };
        file.try_lock().map_err(io::Error::from)?;
        // What the killed process would have taken back of it is nothing to the next.
        remove_journal(path)?;
        file.set_len(0)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(file)
    }

    /// Calls it by its name, unless another file has come to be called like this.
    fn finish(self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let noreplace = RenameFlags::NOREPLACE;
        match renameat_with(CWD, &self.path, CWD, to, noreplace) {
            // Not every file system can: there a second name is as good.
            Err(Errno::INVAL | Errno::NOSYS) => std::fs::hard_link(&self.path, to)?,
            renamed => renamed?,
        }
        replace::sync_folder_of(to)
    }
}

/// The file that a killed process was copying to: nobody else's, and nothing but the beginning of a database.
fn left_behind(path: &Path) -> io::Result<File> {
    let how = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, how, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Err(error) => return Err(error.into()),
    };
    let there = file.metadata()?;
    let is_own = there.uid() == rustix::process::geteuid().as_raw();
    let mut start = [0; MAGIC.len()];
    let is_begun = there.len() == 0 || {
        let read = file.read_exact_at(&mut start, 0);
        read.is_ok() && (start == *MAGIC || start == [0; MAGIC.len()])
    };
    match there.is_file() && there.nlink() == 1 && is_own && is_begun {
        true => Ok(file),
        false => Err(ErrorKind::AlreadyExists.into()),
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is called otherwise when it is complete; else the next backup writes over it.
        let _ = remove_journal(&self.path);
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Beside a copy that is being written SQLite keeps what it was before:
/// <https://www.sqlite.org/tempfiles.html#rollback_journals>.
fn remove_journal(copy: &Path) -> io::Result<()> {
    let journal = PathBuf::from([copy.as_os_str(), "-journal".as_ref()].join("".as_ref()));
    match std::fs::remove_file(journal) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Gives back the space that nothing uses any more.
///
/// # Errors
/// When the disk has no room for the copy that this takes.
pub fn vacuum(path: &Path) -> Result<()> {
    let connection = whole(path)?;
    // The copy of it all is for the disk.
    connection.pragma_update(None, "temp_store", "file")?;
    connection.execute_batch("INSERT INTO words (words) VALUES ('optimize'); VACUUM; ANALYZE;")?;
    keep_log(&connection, false)?;
    // The whole file went through the log, which keeps that length otherwise.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
