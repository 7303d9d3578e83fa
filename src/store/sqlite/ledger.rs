//! The ledger of providers in its tables.

use rusqlite::{OptionalExtension, Row, params};

use super::{Sqlite, rows};
use crate::catalog::{ContentHash, PhotoId};
use crate::store::Result;
use crate::store::ledger::{Declined, Ledger, Spent, Standing};

impl Sqlite {
    fn write(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<()> {
        let writer = self.writer.lock();
        let writer = writer.expect("a commit that panics ends the process");
        writer.prepare_cached(sql)?.execute(parameters)?;
        Ok(())
    }
}

impl Ledger for Sqlite {
    fn dealt_with(&self, provider: &str, each: &mut dyn FnMut(PhotoId, bool, &str)) -> Result<()> {
        self.read(|connection| {
            for (table, answered) in [
                ("analysis WHERE analyzer", true),
                ("declined WHERE provider", false),
            ] {
                let sql = format!(
                    "SELECT photo.id, dealt.version FROM photo JOIN (SELECT hash, version FROM {table} = ?1) AS dealt \
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

    fn standing(&self, provider: &str, content: &ContentHash) -> Result<Standing> {
        let answered = "SELECT version FROM analysis WHERE hash = ?1 AND analyzer = ?2";
        let declined =
            "SELECT version, refused, reason FROM declined WHERE hash = ?1 AND provider = ?2";
        self.read(|connection| {
            let key = params![content.0, provider];
            let mut statement = connection.prepare_cached(declined)?;
            Ok(Standing {
                answered: rows::one(connection, answered, key)?,
                declined: statement.query_row(key, declination).optional()?,
            })
        })
    }

    fn decline(
        &self,
        provider: &str,
        content: &ContentHash,
        version: &str,
        why: &Declined,
    ) -> Result<()> {
        self.write(
            "INSERT OR REPLACE INTO declined (hash, provider, version, refused, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![content.0, provider, version, why.refused, why.reason],
        )
    }

    fn spend(&self, provider: &str, day: &str, spent: &Spent) -> Result<()> {
        self.write(
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

    fn spent(&self, provider: &str, days: &str) -> Result<Spent> {
        let sql = "SELECT ifnull(sum(requests), 0), ifnull(sum(input_tokens), 0), ifnull(sum(output_tokens), 0), \
             ifnull(sum(cost), 0.0), ifnull(sum(unpriced), 0) FROM spent \
             WHERE provider = ?1 AND substr(day, 1, length(?2)) = ?2";
        self.read(|connection| {
            let mut sum = connection.prepare_cached(sql)?;
            sum.query_row([provider, days], |row| {
                let count = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.cast_unsigned());
                Ok(Spent {
                    requests: count(0)?,
                    input_tokens: count(1)?,
                    output_tokens: count(2)?,
                    cost: row.get(3)?,
                    unpriced: count(4)?,
                })
            })
        })
    }

    fn learned(&self, server: &str) -> Result<Option<String>> {
        let sql = "SELECT knows FROM server WHERE name = ?1";
        self.read(|connection| rows::one(connection, sql, [server]))
    }

    fn learn(&self, server: &str, what: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO server (name, knows) VALUES (?1, ?2)";
        self.write(sql, [server, what])
    }
}

fn declination(row: &Row) -> rusqlite::Result<(String, Declined)> {
    let why = Declined {
        refused: row.get(1)?,
        reason: row.get(2)?,
    };
    Ok((row.get(0)?, why))
}
