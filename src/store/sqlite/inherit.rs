//! What a catalog keeps, read as a whole, and what it keeps of providers taken over by another one.

use rusqlite::{Connection, Row, TransactionBehavior};

use super::{Sqlite, columns, journal, measured, provider_store, rows};
use crate::catalog::{ContentHash, Detail, Facet, LabelKey, PhotoId, Said, Slot};
use crate::store::Result;
use crate::store::provider_store::Spent;

/// Photos numbered at a time, so that no reader holds back the log for long.
const BATCH: u32 = 10_000;

/// What a provider took on a day.
struct Day {
    provider: String,
    day: String,
    spent: Spent,
}

/// What is taken over as it is: tables and their columns.
const AS_IT_IS: [(&str, &str); 2] = [
    ("no_answer", "hash, analyzer, version, verdict, reason"),
    ("server", "name, knows"),
];

impl Sqlite {
    /// Every photo, gone or not.
    pub(crate) fn every_photo(&self) -> Result<Vec<PhotoId>> {
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
    pub(crate) fn kept(&self, id: PhotoId) -> Result<Option<(Detail, bool)>> {
        let record = self.read(|connection| rows::record(connection, id))?;
        Ok(record.map(|r| (r.detail(), r.gone)))
    }

    /// Every content that was measured.
    pub(crate) fn measured_contents(&self) -> Result<Vec<ContentHash>> {
        self.read(measured::contents)
    }

    /// Every content that an analyzer said something of.
    pub(crate) fn contents(&self) -> Result<Vec<ContentHash>> {
        self.read(|connection| {
            let mut all = connection.prepare("SELECT DISTINCT hash FROM analysis")?;
            let all = all.query_map([], |row| row.get(0).map(ContentHash))?;
            all.collect()
        })
    }

    /// What people say of the catalog itself.
    pub(crate) fn said_of_itself(&self) -> Result<Vec<(Slot, Said)>> {
        let said = |value: String| Said { value, holds: true };
        self.read(|connection| {
            let made = journal::made_tags(connection)?.into_iter();
            let made = made.map(|(tag, written)| (Slot::Label(tag), said(written)));
            let saved = journal::all_saved(connection)?.into_iter();
            let saved = saved.map(|(name, query)| (Slot::Saved(name), said(query)));
            let mut renamed = connection.prepare("SELECT folded, written FROM renamed")?;
            let renamed = renamed.query_map([], |row| {
                columns::check_row("renamed", row)?;
                let (facet, folded) = (Facet::Tag, row.get(0)?);
                Ok((Slot::Renamed(LabelKey { facet, folded }), said(row.get(1)?)))
            })?;
            let renamed = renamed.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(made.chain(saved).chain(renamed).collect())
        })
    }

    /// Takes over what another catalog keeps of providers: which contents they had no answer on, what they took, what their
    /// servers can do. What was taken over before isn't again.
    pub(crate) fn inherit(&self, other: &Self) -> Result<()> {
        let days = other.read(days)?;
        let mut tables = Vec::new();
        for (table, columns) in AS_IT_IS {
            tables.push((table, columns, other.read(|c| all(c, table, columns))?));
        }
        self.with_recovery(|| {
            let mut writer = self.writer();
            writer.pragma_update(None, "synchronous", "full")?;
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (table, columns, rows) in &tables {
                put(&transaction, table, columns, rows)?;
            }
            for day in &days {
                spend(&transaction, other.id(), day)?;
            }
            Ok(transaction.commit()?)
        })
    }
}

type Values = Vec<rusqlite::types::Value>;

fn all(connection: &Connection, table: &str, columns: &str) -> rusqlite::Result<Vec<Values>> {
    let mut rows = connection.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let count = rows.column_count();
    let rows = rows.query_map([], |row| {
        columns::check_row(table, row)?;
        (0..count).map(|n| row.get(n)).collect()
    })?;
    rows.collect()
}

/// Rows that aren't there yet.
fn put(
    connection: &Connection,
    table: &str,
    columns: &str,
    rows: &[Values],
) -> rusqlite::Result<()> {
    let marks = vec!["?"; columns.split(", ").count()].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})");
    let mut insert = connection.prepare(&sql)?;
    for row in rows {
        insert.execute(rusqlite::params_from_iter(row))?;
    }
    Ok(())
}

fn days(connection: &Connection) -> rusqlite::Result<Vec<Day>> {
    let sql =
        "SELECT requests, input_tokens, output_tokens, cost, unpriced, provider, day FROM spent";
    let mut days = connection.prepare(sql)?;
    let day = |row: &Row| {
        Ok(Day {
            spent: provider_store::spent(row)?,
            provider: row.get(5)?,
            day: row.get(6)?,
        })
    };
    days.query_map([], day)?.collect()
}

/// Adds what the catalog of this id didn't say before. One that says less than before takes nothing back.
fn spend(connection: &Connection, id: &str, day: &Day) -> rusqlite::Result<()> {
    let Day {
        provider,
        day,
        spent,
    } = day;
    let key = format!("spent {id} {day} {provider}");
    let told: Option<Vec<u8>> =
        rows::one(connection, "SELECT value FROM meta WHERE key = ?1", [&key])?;
    let told = read(&String::from_utf8_lossy(&told.unwrap_or_default()));
    let more = Spent {
        requests: spent.requests.saturating_sub(told.requests),
        input_tokens: spent.input_tokens.saturating_sub(told.input_tokens),
        output_tokens: spent.output_tokens.saturating_sub(told.output_tokens),
        cost: (spent.cost - told.cost).max(0.0),
        unpriced: spent.unpriced.saturating_sub(told.unpriced),
    };
    provider_store::spend(connection, provider, day, &more)?;
    let now = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    connection.execute(now, (key, written(spent).into_bytes()))?;
    Ok(())
}

fn written(spent: &Spent) -> String {
    let Spent {
        requests,
        input_tokens,
        output_tokens,
        cost,
        unpriced,
    } = spent;
    format!("{requests} {input_tokens} {output_tokens} {unpriced} {cost}")
}

/// Nothing where it was never written.
fn read(told: &str) -> Spent {
    let mut told = told.split(' ');
    let [requests, input_tokens, output_tokens, unpriced] =
        std::array::from_fn(|_| told.next().and_then(|n| n.parse().ok()).unwrap_or(0));
    let cost = told.next().and_then(|n| n.parse().ok());
    Spent {
        requests,
        input_tokens,
        output_tokens,
        cost: cost.filter(|cost: &f64| cost.is_finite()).unwrap_or(0.0),
        unpriced,
    }
}
