//! What was measured in contents, in its table.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns;
use crate::catalog::{ContentHash, Facet, Label, Measured, Origin};

type Result<T> = rusqlite::Result<T>;

/// What was measured in a content, if it was decoded.
pub fn measured(connection: &Connection, hash: &ContentHash) -> Result<Option<Measured>> {
    let sql = "SELECT width, height, perceptual_hash, colors FROM measured WHERE hash = ?1";
    let mut found = connection.prepare_cached(sql)?;
    let found = found.query_row([hash.0], |row| {
        columns::check_row("measured", row)?;
        let colors = read_colors(row.get_ref(3)?.as_str()?);
        let colors = colors.ok_or_else(|| columns::wrong(3, "no list of colours"))?;
        let color =
            |(value, share): (String, f32)| Label::new(Facet::Color, value, Origin::File, share);
        Ok(Measured {
            width: row.get(0)?,
            height: row.get(1)?,
            perceptual_hash: row.get::<_, i64>(2)?.cast_unsigned(),
            colors: colors.into_iter().map(color).collect(),
        })
    });
    found.optional()
}

/// Keeps what was measured in a content, in the place of what was before.
pub fn put_measured(
    connection: &Connection,
    hash: &ContentHash,
    measured: &Measured,
) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO measured (hash, width, height, perceptual_hash, colors) \
        VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        hash.0,
        measured.width,
        measured.height,
        measured.perceptual_hash.cast_signed(),
        write_colors(&measured.colors),
    ])?;
    Ok(())
}

/// Every content that was measured.
pub fn contents(connection: &Connection) -> Result<Vec<ContentHash>> {
    let mut all = connection.prepare("SELECT hash FROM measured")?;
    let all = all.query_map([], |row| row.get(0).map(ContentHash))?;
    all.collect()
}

/// Colours and their shares as their column holds them; `None` for a text that is no such list.
pub fn read_colors(text: &str) -> Option<Vec<(String, f32)>> {
    let colors: Vec<(String, f32)> = serde_json::from_str(text).ok()?;
    let is_color =
        |(value, share): &(String, f32)| !value.is_empty() && (0.0..=1.0).contains(share);
    colors.iter().all(is_color).then_some(colors)
}

fn write_colors(colors: &[Label]) -> String {
    let colors: Vec<_> = colors.iter().map(|l| (&l.value, l.confidence)).collect();
    serde_json::to_string(&colors).expect("texts and finite numbers are JSON")
}
