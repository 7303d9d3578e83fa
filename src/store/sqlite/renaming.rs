//! Renamed tags in their table, and what models said.

use rusqlite::Connection;

use super::rows;
use crate::catalog::{Facet, LabelKey, PhotoId};

type Result<T> = rusqlite::Result<T>;

/// What a tag of models is called now, if it was renamed.
pub fn renamed(connection: &Connection, tag: &LabelKey) -> Result<Option<String>> {
    let sql = "SELECT written FROM renamed WHERE folded = ?1";
    rows::one(connection, sql, [&tag.folded])
}

/// Keeps what a tag of models is called, or that it is called like itself.
pub fn put_renamed(connection: &Connection, tag: &LabelKey, to: Option<&str>) -> Result<()> {
    match to {
        Some(to) => connection
            .prepare_cached("INSERT OR REPLACE INTO renamed (folded, written) VALUES (?1, ?2)")?
            .execute([&tag.folded, to]),
        None => connection
            .prepare_cached("DELETE FROM renamed WHERE folded = ?1")?
            .execute([&tag.folded]),
    }?;
    Ok(())
}

const BY_MODELS: &str = "FROM label WHERE facet = 'tag' AND origin IN ('remote', 'embedded')";

/// Photos of which models say this tag, in order of id. Walks over all that they say.
pub fn said_by_models(connection: &Connection, tag: &LabelKey) -> Result<Vec<PhotoId>> {
    let sql = format!("SELECT DISTINCT value {BY_MODELS}");
    let mut values = connection.prepare_cached(&sql)?;
    let values = values.query_map([], |row| row.get::<_, String>(0))?;
    let sql = format!("SELECT photo {BY_MODELS} AND value = ?1");
    let mut photos = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for value in values {
        let value = value?;
        if LabelKey::new(Facet::Tag, &value) == *tag {
            let photos = photos.query_map([value], |row| row.get(0).map(PhotoId))?;
            found.extend(photos.collect::<Result<Vec<_>>>()?);
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
