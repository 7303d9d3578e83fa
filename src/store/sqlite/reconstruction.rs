//! What is lost of a table, put together from where it is kept a second time.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::Result;
use super::columns::{self, is_name, is_path};
use crate::catalog::{Facet, Origin};

/// Photos whose rows can't be read, as far as the indexes of their table tell of them: with number, path, name and
/// content, what people said of them is theirs again, and the next scan reads the rest from their files.
pub fn photos(old: &Connection, new: &Connection) -> Result<u64> {
    let by_name = "SELECT id, name FROM photo INDEXED BY photo_name ORDER BY name";
    let by_path = "SELECT id, path FROM photo INDEXED BY photo_path WHERE gone = 0 ORDER BY path";
    let by_hash =
        "SELECT id, hash FROM photo INDEXED BY photo_content WHERE hash IS NOT NULL ORDER BY hash";
    // As it was called up to version 14.
    let by_hash_before =
        "SELECT id, hash FROM photo INDEXED BY photo_hash WHERE hash IS NOT NULL ORDER BY hash";
    let [names, mut paths, mut hashes, before] =
        [by_name, by_path, by_hash, by_hash_before].map(|sql| kept(old, sql));
    hashes.extend(before);
    paths.retain(|_, path| is_path(path));
    hashes.retain(|_, hash| hash.len() == 32);
    let mut ids: Vec<_> = names.keys().chain(paths.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut insert = new.prepare(
        "INSERT OR IGNORE INTO photo (id, path, name, hash, gone, dev, ino, size, mtime_ns, mode, uid, gid, format, \
         status, width, height) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 384, 0, 0, 'unknown', 'pending', 0, 0)",
    )?;
    let mut rows = 0;
    for id in ids {
        let own = |prefix: &str| format!("{prefix}{id}").into_bytes();
        let name = names.get(&id).filter(|name| is_name(name)).cloned();
        let (name, path) = (name.unwrap_or_else(|| own("photo-")), paths.get(&id));
        let gone = path.is_none();
        let path = path.cloned().unwrap_or_else(|| own("lost-"));
        rows += insert.execute(params![id, path, name, hashes.get(&id), gone])? as u64;
    }
    Ok(rows)
}

/// What an index of the table says of each photo, read from both ends up to where it is damaged.
fn kept(old: &Connection, sql: &str) -> HashMap<u32, Vec<u8>> {
    let mut all = HashMap::new();
    for direction in ["ASC", "DESC"] {
        let read = |all: &mut HashMap<u32, Vec<u8>>| -> rusqlite::Result<()> {
            let mut statement = old.prepare(&format!("{sql} {direction}"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let key = row.get_ref(0)?;
                if let (true, Ok(bytes)) = (columns::fits("photo", "id", key), row.get(1)) {
                    all.insert(row.get(0)?, bytes);
                }
            }
            Ok(())
        };
        if read(&mut all).is_ok() {
            break;
        }
    }
    all
}

/// Labels whose rows can't be read, and those of the file where its facts can't be: with every photo stand the numbers of
/// what is said of it.
pub fn labels(old: &Connection, new: &Connection) -> Result<u64> {
    let dictionary = dictionary(old);
    let mut insert = new.prepare(
        "INSERT INTO label (photo, facet, value, origin, confidence) \
         SELECT ?1, ?2, ?3, ?4, CASE WHEN ?5 THEN 0.0 ELSE ifnull((SELECT max(confidence) FROM analysis_tag \
         JOIN photo ON photo.hash = analysis_tag.hash WHERE photo.id = ?1 AND ?2 = 'tag' AND analysis_tag.name = ?3 \
         AND ?4 IN ('remote', 'embedded')), 1.0) END \
         WHERE NOT EXISTS (SELECT 1 FROM label \
         WHERE photo = ?1 AND facet = ?2 AND value = ?3 AND origin = ?4)",
    )?;
    let mut photos = new.prepare("SELECT id, said, facts_version > 0 FROM photo")?;
    let mut photos = photos.query([])?;
    let mut rows = 0;
    while let Some(row) = photos.next()? {
        let (id, numbers, has_facts): (u32, Vec<u8>, bool) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        for number in numbers.as_chunks().0 {
            let Some([facet, value, origin, denied]) = dictionary.get(&u32::from_be_bytes(*number))
            else {
                continue;
            };
            if !(has_facts && follows_from_facts(facet, origin)) {
                rows += insert.execute(params![id, facet, value, origin, denied])? as u64;
            }
        }
    }
    Ok(rows)
}

fn follows_from_facts(facet: &Value, origin: &Value) -> bool {
    let is = |value: &Value, word: &str| matches!(value, Value::Text(text) if text == word);
    is(origin, Origin::File.name()) && !is(facet, Facet::Color.name())
}

/// What is behind each number.
fn dictionary(old: &Connection) -> HashMap<u32, [Value; 4]> {
    let mut all = HashMap::new();
    for direction in ["ASC", "DESC"] {
        let read = |all: &mut HashMap<u32, [Value; 4]>| -> rusqlite::Result<()> {
            let sql = "SELECT number, facet, value, origin, denied FROM said ORDER BY number";
            let mut statement = old.prepare(&format!("{sql} {direction}"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if columns::check_row("said", row).is_ok() {
                    all.insert(
                        row.get(0)?,
                        [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?],
                    );
                }
            }
            Ok(())
        };
        if read(&mut all).is_ok() {
            break;
        }
    }
    all
}
