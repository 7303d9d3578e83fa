//! Rows and what they say: reading.

use std::str::FromStr;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row};

use super::label_dictionary::LabelDictionary;
use super::{columns, facts};
use crate::catalog::{
    ContentHash, FileStat, GonePhoto, Label, Photo, PhotoId, SourcePath, Stored, Text,
};
use crate::store::record::{Record, status};

type Result<T> = rusqlite::Result<T>;

/// The columns that [`photo`] reads, first and in this order.
const PHOTO: &str = "id, path, name, dev, ino, size, mtime_ns, mode, uid, gid, format, status, date, hash, \
    width, height, perceptual_hash, edited, title_name, text_bytes, ctime_ns, links, attributes, edition";
const PHOTO_COLUMNS: usize = 24;

/// Every photo that is not gone, in order of id, and its labels. Says how many labels these have, and how many none has.
pub fn photos(connection: &Connection, each: &mut dyn FnMut(Stored)) -> Result<(u64, u64)> {
    let mut photos = connection.prepare(&format!(
        "SELECT {PHOTO}, said FROM photo WHERE gone = 0 ORDER BY id"
    ))?;
    let last: Option<u32> = one(connection, "SELECT max(id) FROM photo", [])?.flatten();
    each(Stored::AtMost(last.unwrap_or(0)));
    let mut dictionary = LabelDictionary::read(connection)?;
    let mut rows = photos.query([])?;
    while let Some(row) = rows.next()? {
        let labels = dictionary.hand_over(row.get_ref(PHOTO_COLUMNS)?.as_blob()?, each)?;
        each(Stored::Photo(photo(row)?, labels));
    }
    Ok(dictionary.counts())
}

/// At most `most` photos, gone or not, that come after one.
pub fn ids(connection: &Connection, after: u32, most: u32) -> Result<Vec<PhotoId>> {
    let mut ids =
        connection.prepare_cached("SELECT id FROM photo WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let ids = ids.query_map([after, most], |row| row.get(0).map(PhotoId))?;
    ids.collect()
}

/// The photos that a statement finds.
pub fn list(connection: &Connection, sql: &str) -> Result<Vec<PhotoId>> {
    let mut ids = connection.prepare(sql)?;
    let ids = ids.query_map([], |row| row.get(0).map(PhotoId))?;
    ids.collect()
}

/// Everything kept of one photo, gone or not.
pub fn record(connection: &Connection, id: PhotoId) -> Result<Option<Record>> {
    let mut found = connection.prepare_cached(&format!(
        "SELECT {PHOTO}, gone, failure, facts FROM photo WHERE id = ?1"
    ))?;
    let found = found.query_row([id.0], |row| {
        columns::check_row("photo", row)?;
        let photo = photo(row)?;
        Ok(Record {
            facts: facts::of(&photo, row, "facts")?,
            photo,
            labels: Vec::new(),
            texts: Vec::new(),
            analyses: Vec::new(),
            gone: row.get("gone")?,
            failure: row.get("failure")?,
        })
    });
    let Some(mut record) = found.optional()? else {
        return Ok(None);
    };
    record.labels = labels(connection, id)?;
    record.join_labels_of_facts();
    record.texts = texts(connection, id)?;
    record.analyses = analyzed(connection, id)?;
    record.sort_texts();
    Ok(Some(record))
}

/// Those that have rows: of what the file says, only what doesn't follow from its facts.
fn labels(connection: &Connection, id: PhotoId) -> Result<Vec<Label>> {
    let mut labels = connection.prepare_cached(
        "SELECT facet, value, origin, analyzer, confidence FROM label WHERE photo = ?1 ORDER BY value, analyzer",
    )?;
    let labels = labels.query_map([id.0], label)?;
    let mut labels = labels.collect::<Result<Vec<_>>>()?;
    labels.sort_by_key(|l| (l.facet, l.origin));
    Ok(labels)
}

fn texts(connection: &Connection, id: PhotoId) -> Result<Vec<Text>> {
    let mut texts = connection.prepare_cached(
        "SELECT field, origin, analyzer, value FROM text WHERE photo = ?1 ORDER BY analyzer",
    )?;
    let texts = texts.query_map([id.0], |row| {
        columns::check_row("text", row)?;
        Ok(Text {
            field: word(row, 0)?,
            origin: word(row, 1)?,
            analyzer: analyzer(row, 2)?,
            value: row.get(3)?,
        })
    })?;
    texts.collect()
}

fn analyzed(connection: &Connection, id: PhotoId) -> Result<Vec<(String, String, i64)>> {
    let mut analyzed = connection.prepare_cached(
        "SELECT analyzer, model, at FROM analyzed WHERE photo = ?1 ORDER BY at, analyzer",
    )?;
    let analyzed = analyzed.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    analyzed.collect()
}

/// The columns are known by their place: a name is looked up for every row, and a load reads a million.
fn photo(row: &Row) -> Result<Photo> {
    let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    let path: Vec<u8> = row.get(1)?;
    let name: Vec<u8> = row.get(2)?;
    let title_name: Option<Vec<u8>> = row.get(18)?;
    for name in title_name.iter().chain([&name]) {
        if !columns::is_name(name) {
            return Err(columns::wrong(2, "photo: a name that can't be listed"));
        }
    }
    if !columns::is_path(&path) {
        return Err(columns::wrong(1, "photo: a path that leads nowhere"));
    }
    let format = word(row, 10)?;
    Ok(Photo {
        id: PhotoId(row.get(0)?),
        path: SourcePath::new(path),
        name: name.into(),
        title_name: title_name.map(Into::into),
        text_bytes: row.get(19)?,
        stat: FileStat {
            dev: number(3)?,
            ino: number(4)?,
            size: number(5)?,
            mtime_ns: row.get(6)?,
            ctime_ns: row.get(20)?,
            links: row.get(21)?,
            attributes: row.get(22)?,
            mode: row.get(7)?,
            uid: row.get(8)?,
            gid: row.get(9)?,
        },
        format,
        status: status(format, word(row, 11)?),
        date: maybe_word(row, 12)?,
        hash: row.get::<_, Option<[u8; 32]>>(13)?.map(ContentHash),
        width: row.get(14)?,
        height: row.get(15)?,
        perceptual_hash: row.get::<_, Option<i64>>(16)?.map(i64::cast_unsigned),
        edited: row.get(17)?,
        edition: row.get(23)?,
    })
}

/// The gone photos of which people said something.
pub fn gone_with_words(connection: &Connection) -> Result<Vec<GonePhoto>> {
    let sql = format!("SELECT {PHOTO} FROM photo WHERE gone = 1 AND edited = 1 ORDER BY id");
    let mut gone = connection.prepare_cached(&sql)?;
    let gone = gone.query_map([], |row| Ok(photo(row)?.into()))?;
    gone.collect()
}

/// A label from five columns: facet, value, origin, analyzer, confidence.
fn label(row: &Row) -> Result<Label> {
    columns::check_row("label", row)?;
    let (facet, origin, confidence) = (word(row, 0)?, word(row, 2)?, row.get(4)?);
    let label = Label::new(facet, row.get_ref(1)?.as_str()?, origin, confidence);
    Ok(Label {
        analyzer: analyzer(row, 3)?,
        ..label
    })
}

/// Nothing where no analyzer said it.
fn analyzer(row: &Row, at: usize) -> Result<Option<Box<str>>> {
    let name = row.get_ref(at)?.as_str()?;
    Ok(Some(name).filter(|name| !name.is_empty()).map(Into::into))
}

/// One of our own words; another one means that somebody else wrote into the file.
pub fn word<T: FromStr>(row: &Row, at: usize) -> Result<T> {
    parse(row.get_ref(at)?.as_str()?, at)
}

fn maybe_word<T: FromStr>(row: &Row, at: usize) -> Result<Option<T>> {
    let text = row.get_ref(at)?.as_str_or_null()?;
    text.map(|text| parse(text, at)).transpose()
}

fn parse<T: FromStr>(text: &str, at: usize) -> Result<T> {
    let unknown = |_| columns::wrong(at, &format!("unknown word {text:?}"));
    text.parse().map_err(unknown)
}

/// One value of the first row, if there is one.
pub fn one<T: FromSql>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(parameters, |row| row.get(0)).optional()
}
