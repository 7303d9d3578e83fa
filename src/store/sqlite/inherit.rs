//! What an index keeps, read as a whole, and what it keeps of providers taken over by another one.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Sqlite, journal, rows};
use crate::catalog::{ContentHash, Detail, Facet, LabelKey, PhotoId, Said, Slot};
use crate::store::Result;

/// Photos numbered at a time.
const BATCH: u32 = 10_000;

/// What a provider took on a day.
struct Day {
    provider: String,
    day: String,
    /// Requests, tokens in, tokens out, requests whose price isn't known.
    counts: [i64; 4],
    cost: f64,
}

impl Sqlite {
    /// Every photo, gone or not.
    pub fn every_photo(&self) -> Result<Vec<PhotoId>> {
        let mut all: Vec<PhotoId> = Vec::new();
        loop {
            let last = all.last().map_or(0, |id| id.0);
            let more = self.read(|connection| rows::ids(connection, last, BATCH))?;
            if more.is_empty() {
                return Ok(all);
            }
            all.extend(more);
        }
    }

    /// Everything kept of a photo, and whether it is gone.
    pub fn kept(&self, id: PhotoId) -> Result<Option<(Detail, bool)>> {
        let record = self.read(|connection| rows::record(connection, id))?;
        Ok(record.map(|r| (r.detail(), r.gone)))
    }

    /// Every content that an analyzer said something of.
    pub fn contents(&self) -> Result<Vec<ContentHash>> {
        self.read(|connection| {
            let mut all = connection.prepare("SELECT DISTINCT hash FROM analysis")?;
            let all = all.query_map([], |row| row.get(0).map(ContentHash))?;
            all.collect()
        })
    }

    /// What people say of the catalog itself.
    pub fn said_of_itself(&self) -> Result<Vec<(Slot, Said)>> {
        let said = |value: String| Said { value, holds: true };
        self.read(|connection| {
            let made = journal::made_tags(connection)?.into_iter();
            let made = made.map(|(tag, written)| (Slot::Label(tag), said(written)));
            let saved = journal::all_saved(connection)?.into_iter();
            let saved = saved.map(|(name, query)| (Slot::Saved(name), said(query)));
            let mut renamed = connection.prepare("SELECT folded, written FROM renamed")?;
            let renamed = renamed.query_map([], |row| {
                let (facet, folded) = (Facet::Tag, row.get(0)?);
                Ok((Slot::Renamed(LabelKey { facet, folded }), said(row.get(1)?)))
            })?;
            let renamed = renamed.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(made.chain(saved).chain(renamed).collect())
        })
    }

    /// Takes over what another index keeps of providers: which contents they had no answer on, what they took, what their
    /// servers can do. What was taken over before isn't again.
    pub fn inherit(&self, other: &Self) -> Result<()> {
        let days = other.read(days)?;
        let declined = other.read(|c| {
            all(
                c,
                "SELECT hash, provider, version, refused, reason FROM declined",
            )
        })?;
        let servers = other.read(|c| all(c, "SELECT name, knows FROM server"))?;
        let mut writer = self
            .writer
            .lock()
            .expect("a commit that panics ends the process");
        writer.pragma_update(None, "synchronous", "full")?;
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put(
            &transaction,
            "INSERT OR IGNORE INTO declined (hash, provider, version, refused, reason) VALUES (?, ?, ?, ?, ?)",
            &declined,
        )?;
        put(
            &transaction,
            "INSERT OR IGNORE INTO server (name, knows) VALUES (?, ?)",
            &servers,
        )?;
        for day in &days {
            spend(&transaction, other.id(), day)?;
        }
        Ok(transaction.commit()?)
    }
}

type Values = Vec<rusqlite::types::Value>;

fn all(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Values>> {
    let mut rows = connection.prepare(sql)?;
    let columns = rows.column_count();
    let rows = rows.query_map([], |row| (0..columns).map(|n| row.get(n)).collect())?;
    rows.collect()
}

fn put(connection: &Connection, sql: &str, rows: &[Values]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(sql)?;
    for row in rows {
        insert.execute(rusqlite::params_from_iter(row))?;
    }
    Ok(())
}

fn days(connection: &Connection) -> rusqlite::Result<Vec<Day>> {
    let sql =
        "SELECT provider, day, requests, input_tokens, output_tokens, unpriced, cost FROM spent";
    let mut days = connection.prepare(sql)?;
    let days = days.query_map([], |row| {
        Ok(Day {
            provider: row.get(0)?,
            day: row.get(1)?,
            counts: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
            cost: row.get(6)?,
        })
    })?;
    days.collect()
}

/// Adds what the index of this id didn't say before.
fn spend(connection: &Connection, id: &str, day: &Day) -> rusqlite::Result<()> {
    let Day {
        provider,
        day,
        counts,
        cost,
    } = day;
    let key = format!("spent {id} {day} {provider}");
    let told: Option<Vec<u8>> =
        rows::one(connection, "SELECT value FROM meta WHERE key = ?1", [&key])?;
    let told = told
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let mut told = told.split(' ');
    let before: [i64; 4] =
        std::array::from_fn(|_| told.next().and_then(|n| n.parse().ok()).unwrap_or(0));
    let cost_before = told.next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    let [requests, input, output, unpriced] = std::array::from_fn(|n| counts[n] - before[n]);
    connection.execute(
        "INSERT INTO spent (provider, day, requests, input_tokens, output_tokens, cost, unpriced) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET requests = requests + ?3, \
         input_tokens = input_tokens + ?4, output_tokens = output_tokens + ?5, cost = cost + ?6, \
         unpriced = unpriced + ?7",
        params![
            provider,
            day,
            requests,
            input,
            output,
            cost - cost_before,
            unpriced
        ],
    )?;
    let [a, b, c, d] = counts;
    let now = format!("{a} {b} {c} {d} {cost}").into_bytes();
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
        params![key, now],
    )?;
    Ok(())
}
