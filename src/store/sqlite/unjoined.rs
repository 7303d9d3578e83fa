//! Photos of one content, some at a time, and which contents have photos that don't know yet what is known of them.

use rusqlite::{Connection, params};

use super::rows;
use crate::catalog::{ContentHash, PhotoId};

/// Photos of a content after this one, so many at most.
pub fn copies(
    connection: &Connection,
    hash: &ContentHash,
    after: PhotoId,
    most: usize,
) -> rusqlite::Result<Vec<PhotoId>> {
    let sql = "SELECT id FROM photo WHERE hash = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    let mut ids = connection.prepare_cached(sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let ids = ids.query_map(params![hash.0, after.0, most], |row| {
        row.get(0).map(PhotoId)
    })?;
    ids.collect()
}

/// Keeps whether a content has such photos.
pub fn put(connection: &Connection, hash: &ContentHash, is_unjoined: bool) -> rusqlite::Result<()> {
    let sql = match is_unjoined {
        true => "INSERT OR REPLACE INTO meta (key, value) VALUES ('unjoined ' || hex(?1), ?1)",
        false => "DELETE FROM meta WHERE key = 'unjoined ' || hex(?1)",
    };
    connection.execute(sql, [hash.0])?;
    Ok(())
}

/// All photos of such contents.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<PhotoId>> {
    let sql = "SELECT photo.id FROM meta JOIN photo ON photo.hash = meta.value \
        WHERE meta.key GLOB 'unjoined *'";
    rows::list(connection, sql)
}

/// No content has such photos any more.
pub fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM meta WHERE key GLOB 'unjoined *'", [])?;
    Ok(())
}
