//! What is kept of providers, in its tables.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Sqlite, columns, rows};
use crate::catalog::{ContentHash, PhotoId};
use crate::store::Result;
use crate::store::provider_store::{AnswerState, Declined, ProviderStore, Spent};

/// Bytes of a probe: more than most answers take.
const PROBE: i32 = 64 << 10;

impl Sqlite {
    fn write(&self, work: impl Fn(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        self.with_recovery(|| {
            let writer = self.writer();
            writer.pragma_update(None, "synchronous", "full")?;
            Ok(work(&writer)?)
        })
    }
}

impl ProviderStore for Sqlite {
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()> {
        self.read(|connection| {
            for (table, answered) in [("analysis", true), ("no_answer", false)] {
                let sql = format!(
                    "SELECT photo.id, dealt.version FROM photo \
                     JOIN (SELECT hash, version FROM {table} WHERE analyzer = ?1) AS dealt \
                     ON photo.hash = dealt.hash WHERE photo.gone = 0"
                );
                let mut found = connection.prepare(&sql)?;
                let mut found = found.query([provider])?;
                while let Some(row) = found.next()? {
                    let version: String = row.get(1)?;
                    each(PhotoId(row.get(0)?), answered, &version);
                }
            }
            Ok(())
        })
    }

    fn answer_state(&self, provider: &str, content: &ContentHash) -> Result<AnswerState> {
        let answered = "SELECT version FROM analysis WHERE hash = ?1 AND analyzer = ?2";
        let declined =
            "SELECT version, verdict, reason FROM no_answer WHERE hash = ?1 AND analyzer = ?2";
        self.read(|connection| {
            let key = params![content.0, provider];
            let mut statement = connection.prepare_cached(declined)?;
            Ok(AnswerState {
                answered: rows::one(connection, answered, key)?,
                declined: statement.query_row(key, declination).optional()?,
            })
        })
    }

    fn reconsider(&self, provider: &str, content: &ContentHash) -> Result<()> {
        let sql = "DELETE FROM no_answer WHERE hash = ?1 AND analyzer = ?2";
        self.write(|connection| execute(connection, sql, params![content.0, provider]))
    }

    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        self.write(|connection| self::spend(connection, provider, day, spent))
    }

    fn spent(&self, provider: &str, days: &str) -> Result<Spent> {
        let sql = "SELECT requests, input_tokens, output_tokens, cost, unpriced FROM spent \
             WHERE provider = ?1 AND substr(day, 1, length(?2)) = ?2";
        self.read(|connection| {
            let mut all = connection.prepare_cached(sql)?;
            let all = all.query_map([provider, days], spent)?;
            let mut sum = Spent::default();
            for spent in all {
                sum += spent?;
            }
            Ok(sum)
        })
    }

    fn learned(&self, server: &str) -> Result<Option<String>> {
        let sql = "SELECT knows FROM server WHERE name = ?1";
        self.read(|connection| rows::one(connection, sql, [server]))
    }

    fn learn(&self, server: &str, what: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO server (name, knows) VALUES (?1, ?2)";
        self.write(|connection| execute(connection, sql, [server, what]))
    }

    fn probe(&self) -> Result<()> {
        let fill = "INSERT OR REPLACE INTO meta (key, value) VALUES ('probe', zeroblob(?1))";
        let empty = "DELETE FROM meta WHERE key = 'probe'";
        self.write(|connection| {
            execute(connection, fill, [PROBE])?;
            execute(connection, empty, [])
        })
    }
}

/// The analyzer could not: trying again would end alike.
pub const FAILED: &str = "failed";
/// It did not want to.
const DECLINED: &str = "declined";
/// The words of their column.
pub const VERDICTS: [&str; 2] = [FAILED, DECLINED];

/// Keeps that an analyzer, of a version, has no answer.
pub fn decline(
    connection: &Connection,
    (analyzer, version): (&str, &str),
    content: &ContentHash,
    why: &Declined,
) -> rusqlite::Result<()> {
    let verdict = if why.refused { DECLINED } else { FAILED };
    execute(
        connection,
        "INSERT OR REPLACE INTO no_answer (hash, analyzer, version, verdict, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![content.0, analyzer, version, verdict, why.reason],
    )
}

/// Adds to what a provider took on a day.
pub fn spend(
    connection: &Connection,
    provider: &str,
    day: &str,
    spent: &Spent,
) -> rusqlite::Result<()> {
    execute(
        connection,
        "INSERT INTO spent (provider, day, requests, input_tokens, output_tokens, cost, unpriced) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET requests = requests + ?3, \
         input_tokens = input_tokens + ?4, output_tokens = output_tokens + ?5, cost = cost + ?6, \
         unpriced = unpriced + ?7",
        params![
            provider,
            day,
            spent.requests.cast_signed(),
            spent.input_tokens.cast_signed(),
            spent.output_tokens.cast_signed(),
            spent.cost,
            spent.unpriced.cast_signed(),
        ],
    )
}

fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(parameters)?;
    Ok(())
}

/// From the first five columns: requests, tokens in, tokens out, cost, requests whose price isn't known.
pub fn spent(row: &Row) -> rusqlite::Result<Spent> {
    columns::check_row("spent", row)?;
    let count = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
    Ok(Spent {
        requests: count(0)?,
        input_tokens: count(1)?,
        output_tokens: count(2)?,
        cost: row.get(3)?,
        unpriced: count(4)?,
    })
}

fn declination(row: &Row) -> rusqlite::Result<(String, Declined)> {
    columns::check_row("no_answer", row)?;
    let why = Declined {
        refused: row.get_ref(1)?.as_str()? == DECLINED,
        reason: row.get(2)?,
    };
    Ok((row.get(0)?, why))
}
