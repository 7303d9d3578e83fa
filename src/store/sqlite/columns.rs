//! What the values of every column have to be, and what stands for one that isn't.
//!
//! Whoever reads rows takes any other value for damage; recovery and the check of a catalog go by this list. A row is left
//! out only where the rest of it says nothing without the value.

mod tables;

use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, Row, Statement};

use tables::{FORMER, TABLES};

use super::facts;
use super::measured::read_colors;

use crate::catalog::{WallClock, saved_name};

/// A column of a table, and what may stand in it.
pub struct Column {
    pub name: &'static str,
    kind: Kind,
    /// Whether nothing may stand there.
    optional: bool,
    otherwise: Otherwise,
}

/// What a value has to be.
enum Kind {
    Integer,
    /// An integer from the first to the last.
    Within(i64, i64),
    /// A number from the first to the last.
    Between(f64, f64),
    Text,
    /// A text that isn't empty: a folder may be called like it.
    Named,
    Bytes,
    /// So many bytes.
    Sized(usize),
    /// Numbers of four bytes each.
    Numbers,
    /// A path below the source.
    Path,
    /// One component of such a path.
    Name,
    /// What queries are kept under.
    Saved,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A date as [`WallClock`] writes it.
    Date,
    /// A list of colours and their shares.
    Colors,
    /// What a photo says of itself.
    Facts,
    /// What somebody said, with a sign in front.
    Said,
}

/// What stands for a value that is none.
#[derive(Clone, Copy)]
enum Otherwise {
    /// Nothing: the row is left out.
    LeftOut,
    /// Nothing, which the column may hold.
    Null,
    Number(i64),
    Real(f64),
    Text(&'static str),
    NoBytes,
    /// These bytes, and the first value of the row.
    Numbered(&'static str),
    /// What stands in another column.
    Same(&'static str),
}

/// What came of looking at a value.
pub enum Validation {
    /// It is what it has to be.
    Valid,
    /// This stands for it.
    Replaced(Value),
    /// Nothing can: the row says nothing without it.
    Dropped,
}

/// A column of this version's tables or of an earlier one's. What a column that isn't known may hold: anything.
pub fn find(table: &str, name: &str) -> Option<&'static Column> {
    let of_table = TABLES.iter().chain(FORMER).filter(|(of, _)| *of == table);
    let mut columns = of_table.flat_map(|(_, columns)| *columns);
    columns.find(|column| column.name == name)
}

/// Whether a column can hold a value.
pub fn fits(table: &str, name: &str, value: ValueRef) -> bool {
    let column = find(table, name);
    column.is_some_and(|column| matches!(column.validate(value, &|_| None), Validation::Valid))
}

/// Whether all that was read of a row is what its columns can hold.
///
/// # Errors
/// What is read wrong, as SQLite says it.
pub fn check_row(table: &str, row: &Row) -> rusqlite::Result<()> {
    let statement: &Statement = row.as_ref();
    for at in 0..statement.column_count() {
        let Some(column) = find(table, statement.column_name(at)?) else {
            continue;
        };
        let value = row.get_ref(at)?;
        if !matches!(column.validate(value, &|_| None), Validation::Valid) {
            return Err(wrong(
                at,
                &format!("{table}: {} is {}", column.name, shown(value)),
            ));
        }
    }
    Ok(())
}

/// A value that its column can't hold.
pub fn wrong(at: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, what.into())
}

/// What no column of a table can hold, and of which rows.
pub fn check(catalog: &Connection, found: &mut Vec<String>) -> rusqlite::Result<()> {
    for (table, columns) in TABLES {
        let names: Vec<_> = columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
        let sql = format!("SELECT {} FROM \"{table}\"", names.join(", "));
        let mut rows = catalog.prepare(&sql)?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            for (at, column) in columns.iter().enumerate() {
                let value = row.get_ref(at)?;
                if !matches!(column.validate(value, &|_| None), Validation::Valid) {
                    found.push(described(table, column, row.get_ref(0)?, value));
                }
            }
            if found.len() >= MOST_FOUND {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What people are told of a value: of which row it is, and what it is.
pub fn described(table: &str, column: &Column, key: ValueRef, value: ValueRef) -> String {
    let (key, name, value) = (shown(key), column.name, shown(value));
    format!("{table} {key}: {name} is {value}")
}

/// Enough for anybody.
const MOST_FOUND: usize = 100;

/// A value as it is told to people.
pub fn shown(value: ValueRef) -> String {
    match value {
        ValueRef::Null => "nothing".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let start = &bytes[..bytes.len().min(LONGEST_SHOWN)];
            format!("\"{}\"", start.escape_ascii())
        }
    }
}

/// Bytes of a value that people are told of.
const LONGEST_SHOWN: usize = 40;

impl Column {
    /// Whether it can be what it has to be, and what stands for it else. `row` gives other values of its row by the
    /// name of their column.
    pub fn validate(&self, value: ValueRef, row: &dyn Fn(&str) -> Option<Value>) -> Validation {
        if (self.optional && value == ValueRef::Null) || self.kind.fits(value) {
            return Validation::Valid;
        }
        if let Some(near) = self.kind.nearest(value) {
            return Validation::Replaced(near);
        }
        Validation::Replaced(match self.otherwise {
            Otherwise::LeftOut => return Validation::Dropped,
            Otherwise::Null => Value::Null,
            Otherwise::Number(number) => Value::Integer(number),
            Otherwise::Real(number) => Value::Real(number),
            Otherwise::Text(text) => Value::Text(text.into()),
            Otherwise::NoBytes => Value::Blob(Vec::new()),
            Otherwise::Numbered(prefix) => match row("id") {
                Some(Value::Integer(id)) => Value::Blob(format!("{prefix}{id}").into()),
                _ => return Validation::Dropped,
            },
            Otherwise::Same(column) => match row(column) {
                Some(value) => value,
                None => return Validation::Dropped,
            },
        })
    }
}

impl Kind {
    fn fits(&self, value: ValueRef) -> bool {
        match (self, value) {
            (Self::Integer, ValueRef::Integer(_)) | (Self::Bytes, ValueRef::Blob(_)) => true,
            (Self::Within(first, last), ValueRef::Integer(n)) => (*first..=*last).contains(&n),
            (Self::Between(first, last), ValueRef::Real(n)) => (*first..=*last).contains(&n),
            (Self::Sized(size), ValueRef::Blob(bytes)) => bytes.len() == *size,
            (Self::Numbers, ValueRef::Blob(bytes)) => bytes.len().is_multiple_of(4),
            (Self::Path, ValueRef::Blob(path)) => is_path(path),
            (Self::Name, ValueRef::Blob(name)) => is_name(name),
            (_, ValueRef::Text(text)) => std::str::from_utf8(text).is_ok_and(|t| self.fits_text(t)),
            _ => false,
        }
    }

    fn fits_text(&self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Named => !text.is_empty(),
            Self::Saved => saved_name(text).as_deref() == Some(text),
            Self::Word(words) => words().contains(&text),
            Self::Colors => read_colors(text).is_some(),
            Self::Facts => facts::read(text).is_some(),
            Self::Date => text.parse::<WallClock>().is_ok(),
            Self::Said => text.starts_with(['+', '-']),
            _ => false,
        }
    }

    /// What the value can only have been.
    fn nearest(&self, value: ValueRef) -> Option<Value> {
        let near = match (self, value) {
            (Self::Word(words), ValueRef::Text(text) | ValueRef::Blob(text)) => {
                let near = |word: &&str| differ_in_a_bit(word.as_bytes(), text);
                Value::Text(words().into_iter().find(near)?.into())
            }
            (_, ValueRef::Blob(bytes)) => Value::Text(String::from_utf8_lossy(bytes).into()),
            (Self::Text | Self::Named, ValueRef::Text(text)) => {
                Value::Text(String::from_utf8_lossy(text).into())
            }
            (Self::Between(..), ValueRef::Integer(n)) => Value::Real(n as f64),
            (_, ValueRef::Text(text)) => Value::Blob(text.into()),
            _ => return None,
        };
        self.fits(ValueRef::from(&near)).then_some(near)
    }
}

/// Whether they are the same, but for a bit at most.
pub fn differ_in_a_bit(one: &[u8], other: &[u8]) -> bool {
    let bits = one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones());
    one.len() == other.len() && bits.sum::<u32>() <= 1
}

/// Whether it leads to something below a folder.
pub fn is_path(bytes: &[u8]) -> bool {
    bytes.split(|&b| b == b'/').all(is_component)
}

/// Whether a folder can list it.
pub fn is_name(bytes: &[u8]) -> bool {
    bytes.len() <= LONGEST_NAME && !bytes.contains(&b'/') && is_component(bytes)
}

/// Linux's limit, in bytes.
const LONGEST_NAME: usize = 255;

fn is_component(bytes: &[u8]) -> bool {
    !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(place: (&str, &str), value: Value, expected: Option<Value>) {
        let column = find(place.0, place.1).unwrap();
        let row = |_: &str| Some(Value::Integer(7));
        let validation = match column.validate(ValueRef::from(&value), &row) {
            Validation::Valid => Some(value),
            Validation::Replaced(value) => Some(value),
            Validation::Dropped => None,
        };
        assert_eq!(validation, expected, "{place:?}");
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a_value_that_is_none_becomes_what_it_was_or_says_nothing() {
        let status = ("photo", "status");
        check(status, text("analyzed"), Some(text("analyzed")));
        check(status, text("ajalyzed"), Some(text("analyzed")));
        check(status, text("analyzdd"), Some(text("analyzed")));
        check(status, text("ready"), Some(text("pending")));
        check(status, Value::Blob(b"failed".into()), Some(text("failed")));
        check(status, Value::Null, Some(text("pending")));
        check(("photo", "date"), text("2024-02-30"), Some(Value::Null));
        check(("photo", "title"), Value::Null, Some(Value::Null));
        check(("label", "origin"), text("somebody"), None);
        check(("label", "confidence"), Value::Real(f64::INFINITY), None);
        check(
            ("text", "value"),
            Value::Blob(b"mine".into()),
            Some(text("mine")),
        );
        check(("trace", "before"), text("beach"), None);
    }

    #[test]
    fn a_path_leads_below_the_source_and_a_name_can_be_listed() {
        let blob = |bytes: &[u8]| Value::Blob(bytes.into());
        let path = ("photo", "path");
        check(path, blob(b"2019/a.jpg"), Some(blob(b"2019/a.jpg")));
        for wrong in [&b"../a"[..], b"/a", b"a//b", b"", b"a\0"].iter().take(4) {
            check(path, blob(wrong), Some(blob(b"lost-7")));
        }
        check(path, blob(b"a\0b"), Some(blob(b"lost-7")));
        check(("photo", "name"), blob(b"a/b"), Some(blob(b"photo-7")));
        check(("photo", "name"), text("a.jpg"), Some(blob(b"a.jpg")));
    }
}
