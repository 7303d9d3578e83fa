//! What photos say of themselves, in its column: one JSON value each, without what there is nothing to say of.

use std::sync::LazyLock;

use roaring::RoaringBitmap;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::columns;
use crate::catalog::{Facts, Photo, PhotoId};

type Result<T> = rusqlite::Result<T>;

/// The facts that a photo's row holds in this column.
pub fn of(photo: &Photo, row: &Row, column: &str) -> Result<Facts> {
    let known = match row.get_ref(column)? {
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(read),
        _ => None,
    };
    let known =
        known.ok_or_else(|| columns::wrong(0, "photo: what it says of itself is unreadable"))?;
    Ok(Facts {
        format: photo.format,
        width: photo.width,
        height: photo.height,
        date: photo.date,
        ..known
    })
}

/// `None` for what no version wrote.
pub fn read(text: &str) -> Option<Facts> {
    // A list would be taken for the fields in a row.
    let is_object = text.starts_with('{');
    let known = serde_json::from_str(text).ok().or_else(|| newer(text));
    known.filter(|facts: &Facts| is_object && facts.are_possible())
}

/// Of what a newer version wrote in another way, no more can be told. It stands in its column until the file changes.
fn newer(text: &str) -> Option<Facts> {
    let value: Value = serde_json::from_str(text).ok()?;
    let version = u32::try_from(value.get("version")?.as_u64()?).ok()?;
    let facts = Facts {
        version,
        ..Facts::unread()
    };
    (version > Facts::VERSION).then_some(facts)
}

pub fn written(facts: &Facts) -> String {
    static NOTHING: LazyLock<Value> = LazyLock::new(|| value(&Facts::unread()));
    let mut value = value(facts);
    let fields = value.as_object_mut().expect("a struct is an object");
    fields.retain(|name, fact| NOTHING.get(name) != Some(fact));
    value.to_string()
}

fn value(facts: &Facts) -> Value {
    serde_json::to_value(facts).expect("texts and numbers are JSON")
}

/// Writes the facts of a photo over others. Where they are the same to this version, what a newer one added stays.
pub fn replace(connection: &Connection, id: PhotoId, old: &Facts, new: &Facts) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let (old, new) = (written(old), written(new));
    if old != new {
        let sql = "UPDATE photo SET facts = ?2 WHERE id = ?1";
        connection
            .prepare_cached(sql)?
            .execute(params![id.0, new])?;
    }
    Ok(())
}

/// Photos whose facts an earlier version read, gone ones included.
pub fn outdated(connection: &Connection) -> Result<RoaringBitmap> {
    let sql = "SELECT id FROM photo WHERE facts_version < ?1";
    let mut ids = connection.prepare_cached(sql)?;
    let ids = ids.query_map([Facts::VERSION], |row| row.get::<_, u32>(0))?;
    ids.collect()
}
