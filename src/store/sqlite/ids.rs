//! The ids of photos and acts: each is given once, and they follow each other closely enough to be counted in memory.

use rusqlite::Connection;

use super::{Error, Result, rows};

/// So far from the one before, a number was never given: it is another one, misread.
const FARTHEST: i64 = 1 << 20;

/// No number is so high: it is misread, and none comes after the highest.
const MOST: i64 = 1 << 53;

/// What has numbers, and all that has the number of such a thing.
const NUMBERED: [(&str, &str); 2] = [
    (
        "photo",
        "SELECT id FROM photo UNION SELECT photo FROM label UNION SELECT photo FROM text UNION SELECT photo FROM trace",
    ),
    ("act", "SELECT id FROM act UNION SELECT act FROM trace"),
];

/// Whether the next photo and the next act get numbers of their own.
///
/// # Errors
/// [`Error::Damaged`] where one may be another's, or there is none left.
pub fn check(catalog: &Connection) -> Result<()> {
    for (table, _) in NUMBERED {
        let last = format!("SELECT ifnull(max(id), 0) FROM {table}");
        let last = rows::one(catalog, &last, [])?.unwrap_or(0);
        if !may_follow(last, given(catalog, table)?) {
            return Err(Error::Damaged);
        }
    }
    Ok(())
}

/// Whether a number that was given may be the last one, if this is the last that is there.
fn may_follow(last: i64, given: i64) -> bool {
    (last..=last.saturating_add(FARTHEST)).contains(&given) && given < MOST
}

/// The last number that was given to what is in a table.
fn given(catalog: &Connection, table: &str) -> rusqlite::Result<i64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    Ok(rows::one(catalog, sql, [table])?.unwrap_or(0))
}

/// Removes photos and acts with a number that was never given, and says how many of each.
pub fn drop_stray(new: &Connection) -> Result<Vec<(&'static str, u64)>> {
    let removed = NUMBERED.map(|(table, _)| {
        let last = last_of(new, &format!("SELECT id FROM {table}"))?;
        let removed = new.execute(&format!("DELETE FROM {table} WHERE id > ?1"), [last])?;
        Ok((table, removed as u64))
    });
    removed.into_iter().collect()
}

/// No number of a photo or an act that is lost is given to another one: its labels or traces may still be there.
pub fn keep_unique(old: &Connection, new: &Connection) -> Result<()> {
    for (table, numbers) in NUMBERED {
        let last = last_of(new, numbers)?;
        let given = given(old, table).unwrap_or(0);
        let given = match may_follow(last, given) {
            true => given,
            false => last,
        };
        new.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
        let row = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)";
        new.execute(row, (table, given))?;
    }
    Ok(())
}

/// The last of the numbers before one that is too far from it.
fn last_of(new: &Connection, numbers: &str) -> Result<i64> {
    let mut numbers = new.prepare(&format!("{numbers} ORDER BY 1"))?;
    let mut numbers = numbers.query([])?;
    let mut last: i64 = 0;
    while let Some(row) = numbers.next()? {
        let number: i64 = row.get(0)?;
        if number > last.saturating_add(FARTHEST) {
            break;
        }
        last = number.max(0);
    }
    Ok(last)
}
