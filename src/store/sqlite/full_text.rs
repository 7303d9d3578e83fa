//! Photos found by words.

use roaring::RoaringBitmap;
use rusqlite::Connection;

use crate::catalog::{PhotoId, Words};

type Result<T> = rusqlite::Result<T>;

/// The photos that have the words in a row.
pub fn photos(connection: &Connection, words: &Words) -> Result<RoaringBitmap> {
    let mut found = connection.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1")?;
    let found = found.query_map([match_expression(&[words])], |row| row.get::<_, u32>(0))?;
    found.collect()
}

/// How well each photo that has any of the words fits them.
pub fn relevance(connection: &Connection, words: &[&Words]) -> Result<Vec<(PhotoId, f64)>> {
    // Weights in the order of the columns: title, description, tags, path. The better, the further below 0.
    let mut found = connection.prepare_cached(
        "SELECT rowid, -bm25(words, 10.0, 3.0, 5.0, 1.0) FROM words WHERE words MATCH ?1",
    )?;
    let found = found.query_map([match_expression(words)], |row| {
        Ok((PhotoId(row.get(0)?), row.get(1)?))
    })?;
    found.collect()
}

/// FTS5's expression for any of these words, each in a row. Words are letters, digits and accents: nothing in them
/// has a meaning of its own. The syntax is at <https://www.sqlite.org/fts5.html#full_text_query_syntax>.
fn match_expression(words: &[&Words]) -> String {
    let phrases = words.iter().map(|words| {
        let star = if words.is_open() { "*" } else { "" };
        format!("\"{}\"{star}", words.words().join(" "))
    });
    phrases.collect::<Vec<_>>().join(" OR ")
}
