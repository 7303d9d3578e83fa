//! What analyzers said of contents, in its tables.

use rusqlite::{Connection, params};

use super::columns;
use crate::catalog::{Analysis, Answer, ContentHash, FileStat, Tag};
use crate::store::record::Recorded;

type Result<T> = rusqlite::Result<T>;

/// What analyzers said of a content, the latest last.
pub fn of(connection: &Connection, hash: &ContentHash) -> Result<Vec<Recorded>> {
    let mut found = connection.prepare_cached(
        "SELECT analyzer, model, remote, at, title, description, version FROM \
         analysis WHERE hash = ?1 ORDER BY at, analyzer",
    )?;
    let found = found.query_map([hash.0], |row| {
        columns::check_row("analysis", row)?;
        let answer = Answer {
            title: row.get(4)?,
            description: row.get(5)?,
            tags: Vec::new(),
        };
        let analysis = Analysis {
            hash: *hash,
            stat: FileStat::default(),
            analyzer: row.get(0)?,
            model: row.get(1)?,
            version: row.get(6)?,
            remote: row.get(2)?,
            answer,
        };
        let at = row.get(3)?;
        Ok(Recorded { analysis, at })
    })?;
    let mut all = found.collect::<Result<Vec<_>>>()?;
    for recorded in &mut all {
        add_tags(connection, &mut recorded.analysis)?;
    }
    Ok(all)
}

fn add_tags(connection: &Connection, analysis: &mut Analysis) -> Result<()> {
    let mut tags = connection.prepare_cached(
        "SELECT name, confidence FROM analysis_tag WHERE hash = ?1 AND analyzer = ?2 ORDER BY position",
    )?;
    let tags = tags.query_map((analysis.hash.0, &analysis.analyzer), |row| {
        columns::check_row("analysis_tag", row)?;
        let (name, confidence) = (row.get(0)?, row.get(1)?);
        Ok(Tag { name, confidence })
    })?;
    analysis.answer.tags = tags.collect::<Result<_>>()?;
    Ok(())
}

/// Keeps an answer, in the place of the same analyzer's before.
pub fn put(connection: &Connection, recorded: &Recorded) -> Result<()> {
    let analysis = &recorded.analysis;
    let (hash, analyzer, answer) = (analysis.hash.0, &analysis.analyzer, &analysis.answer);
    let mut new = connection.prepare_cached(
        "INSERT OR REPLACE INTO analysis (hash, analyzer, model, remote, at, title, description, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    new.execute(params![
        hash,
        analyzer,
        analysis.model,
        analysis.remote,
        recorded.at,
        answer.title,
        answer.description,
        analysis.version,
    ])?;
    let old = "DELETE FROM analysis_tag WHERE hash = ?1 AND analyzer = ?2";
    connection.prepare_cached(old)?.execute((hash, analyzer))?;
    let mut new = connection.prepare_cached(
        "INSERT INTO analysis_tag (hash, analyzer, position, name, confidence) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (position, tag) in answer.tags.iter().enumerate() {
        new.execute(params![
            hash,
            analyzer,
            position as i64,
            tag.name,
            tag.confidence
        ])?;
    }
    Ok(())
}
