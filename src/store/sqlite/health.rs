//! An index looked after: checked, copied, made smaller.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Error, Result, connect, files_of};

/// What is wrong with the index at `path`; nothing when it is sound. Reads all of it; others may use it meanwhile.
///
/// # Errors
/// When it can't be read at all.
pub fn check(path: &Path) -> Result<Vec<String>> {
    match try_check(path).map_err(Error::from) {
        Err(error @ Error::Damaged) => Ok(vec![error.to_string()]),
        Ok(found) => Ok(found.into_iter().filter(|line| line != "ok").collect()),
        Err(error) => Err(error),
    }
}

fn try_check(path: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = connect(path)?;
    let mut found = connection.prepare("PRAGMA integrity_check(100)")?;
    found.query_map([], |row| row.get(0))?.collect()
}

/// Whether a process that used the index at `path` was killed: the log of its changes is still there then.
pub fn was_left_open(path: &Path) -> bool {
    let [_, log, _] = files_of(path);
    log.metadata().is_ok_and(|m| m.len() > 0)
}

/// Leaves a sign for whoever opens the index next that it is damaged.
pub(super) fn suspect(path: &Path) {
    if let Err(error) = std::fs::write(sign(path), "") {
        tracing::warn!("{}: {error}", sign(path).display());
    }
}

/// Whether there is such a sign; it is taken away.
pub(super) fn is_suspect(path: &Path) -> bool {
    std::fs::remove_file(sign(path)).is_ok()
}

fn sign(path: &Path) -> PathBuf {
    path.with_added_extension("suspect")
}

/// Whether the pages of a database fit together. Reads all of it, but for what the indexes say of the tables.
pub(super) fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(answer == "ok")
}

/// Copies the index at `path`, as it is at this moment, to a new file.
///
/// # Errors
/// When the new file is there already or can't be written.
pub fn backup(path: &Path, to: &Path) -> Result<()> {
    let failed = |source: std::io::Error| Error::Open {
        path: to.into(),
        source: source.into(),
    };
    if to.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let target = to
        .to_str()
        .ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
    connect(path)?.execute("VACUUM INTO ?1", [target])?;
    std::fs::set_permissions(to, Permissions::from_mode(0o600)).map_err(failed)
}

/// Gives back the space that nothing uses any more.
///
/// # Errors
/// When the disk has no room for the copy that this takes.
pub fn vacuum(path: &Path) -> Result<()> {
    let connection = connect(path)?;
    // The copy of it all is for the disk.
    connection.pragma_update(None, "temp_store", "file")?;
    connection.execute_batch("INSERT INTO words (words) VALUES ('optimize'); VACUUM; ANALYZE;")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
