//! All rows of a table that can be read, whatever of it is damaged.
//!
//! Rows are read in order of their key from both ends up to where it is damaged. What lies between is halved again and
//! again, until nothing more can be read of any piece: what stands on sound pages between damaged ones is found.

use rusqlite::ffi::{
    SQLITE_IOERR_CORRUPTFS as CORRUPT_FS, SQLITE_IOERR_READ as READ,
    SQLITE_IOERR_SHORT_READ as SHORT_READ,
};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

use super::Result;

/// What is read of a table.
pub struct Table {
    /// As the index calls it.
    pub name: String,
    /// Those that are read.
    pub columns: Vec<String>,
    /// The columns that its rows are in order of: some of the others.
    pub key: Vec<KeyColumn>,
}

/// A column of the key.
pub struct KeyColumn {
    pub name: String,
    pub holds: Holds,
}

/// What its values are in a sound row: where a row stands is told by nothing else.
#[derive(Clone, Copy, PartialEq)]
pub enum Holds {
    Integers,
    Texts,
    Bytes,
}

/// A piece in which nothing could be read is halved so many times: sound rows are missed only where they have less
/// than a thousandth of its keys for themselves.
const TRIES: u32 = 10;

/// Values of the first columns of a key. Texts are bytes: damaged ones need not be text.
type Key = Vec<Value>;

/// Rows between two keys.
#[derive(Clone, Default)]
struct Piece {
    after: Option<Bound>,
    before: Option<Bound>,
    tries: u32,
}

#[derive(Clone)]
struct Bound {
    key: Key,
    /// Whether the row of this key is meant as well.
    inclusive: bool,
}

/// From where a piece is read.
#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

impl Table {
    /// Calls `each` with every row that can be read, and counts places where some can't. A row may come twice.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn read(
        &self,
        catalog: &Connection,
        each: &mut dyn FnMut(&Row) -> Result<()>,
    ) -> Result<u64> {
        let (mut places, mut in_one) = (0, false);
        let mut pieces = vec![Piece {
            tries: TRIES,
            ..Piece::default()
        }];
        // From the last to the first, so that pieces that follow each other are one place.
        while let Some(mut piece) = pieces.pop() {
            if self.read_piece(catalog, &mut piece, each)? {
                continue;
            }
            in_one &= piece.tries < TRIES;
            match self.halves(&piece) {
                Some(halves) if piece.tries > 0 => pieces.extend(halves),
                _ => {
                    places += u64::from(!in_one);
                    in_one = true;
                }
            }
        }
        Ok(places)
    }

    /// Whether all of a piece could be read; if not, the piece is what could not.
    fn read_piece(
        &self,
        catalog: &Connection,
        piece: &mut Piece,
        each: &mut dyn FnMut(&Row) -> Result<()>,
    ) -> Result<bool> {
        let mut found_any = false;
        for from in [End::First, End::Last] {
            let (last, all) = self.pour(catalog, piece, from, each)?;
            if all {
                return Ok(true);
            }
            let Some(key) = last else { continue };
            found_any = true;
            let bound = Some(Bound {
                key,
                inclusive: false,
            });
            match from {
                End::First => piece.after = bound,
                End::Last => piece.before = bound,
            }
        }
        piece.tries = match found_any {
            true => TRIES,
            false => piece.tries.saturating_sub(1),
        };
        Ok(false)
    }

    /// Reads from one end on. Gives the key of the last row, and whether that was all.
    fn pour(
        &self,
        catalog: &Connection,
        piece: &Piece,
        from: End,
        each: &mut dyn FnMut(&Row) -> Result<()>,
    ) -> Result<(Option<Key>, bool)> {
        let (sql, values) = self.select(piece, from);
        let mut last = None;
        let mut statement = match catalog.prepare_cached(&sql) {
            Ok(statement) => statement,
            Err(error) => return unreadable(error).map(|()| (last, false)),
        };
        let mut rows = statement.query(params_from_iter(values))?;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    each(row)?;
                    last = self.key_of(row).or(last);
                }
                Ok(None) => return Ok((last, true)),
                Err(error) => return unreadable(error).map(|()| (last, false)),
            }
        }
    }

    fn select(&self, piece: &Piece, from: End) -> (String, Vec<Value>) {
        let (mut wanted, mut values) = (Vec::new(), Vec::new());
        for (bound, sign) in [(&piece.after, ">"), (&piece.before, "<")] {
            let Some(bound) = bound else { continue };
            let key = &self.key[..bound.key.len()];
            let columns = key.iter().map(KeyColumn::quoted);
            let marks = key.iter().map(|column| match column.holds {
                Holds::Texts => "CAST(? AS TEXT)",
                Holds::Integers | Holds::Bytes => "?",
            });
            let or_equal = if bound.inclusive { "=" } else { "" };
            let (columns, marks) = (list(columns), list(marks.map(str::to_owned)));
            wanted.push(format!("({columns}) {sign}{or_equal} ({marks})"));
            values.extend(bound.key.iter().cloned());
        }
        let wanted = match wanted.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", wanted.join(" AND ")),
        };
        let direction = if from == End::First { "ASC" } else { "DESC" };
        let order = self.key.iter();
        let order = order.map(|column| format!("{} {direction}", column.quoted()));
        let sql = format!(
            "SELECT \"{}\" FROM \"{}\" {wanted} ORDER BY {}",
            self.columns.join("\", \""),
            self.name,
            list(order)
        );
        (sql, values)
    }

    /// `None` for a key with a value of another kind: it says nothing of the order.
    fn key_of(&self, row: &Row) -> Option<Key> {
        let value = |column: &KeyColumn| {
            let value = row.get_ref(column.name.as_str()).ok()?;
            match (column.holds, value) {
                (Holds::Integers, ValueRef::Integer(n)) => Some(Value::Integer(n)),
                (Holds::Texts, ValueRef::Text(bytes)) | (Holds::Bytes, ValueRef::Blob(bytes)) => {
                    Some(Value::Blob(bytes.into()))
                }
                _ => None,
            }
        };
        self.key.iter().map(value).collect()
    }

    /// The two halves of a piece; `None` where no key lies between.
    fn halves(&self, piece: &Piece) -> Option<[Piece; 2]> {
        let middle = self.middle(piece)?;
        let bound = |inclusive| {
            let key = middle.clone();
            Some(Bound { key, inclusive })
        };
        let lower = Piece {
            before: bound(false),
            ..piece.clone()
        };
        let upper = Piece {
            after: bound(true),
            ..piece.clone()
        };
        Some([lower, upper])
    }

    fn middle(&self, piece: &Piece) -> Option<Key> {
        let key = |bound: &Option<Bound>| bound.as_ref().map_or(Vec::new(), |b| b.key.clone());
        let (after, before) = (key(&piece.after), key(&piece.before));
        let same = after.iter().zip(&before).take_while(|(a, b)| a == b);
        let same = same.count();
        let holds = |column: usize| self.key.get(column).map(|column| column.holds);
        if let Some(middle) = holds(same)?.middle(after.get(same), before.get(same)) {
            return Some([&after[..same], &[middle]].concat());
        }
        // All that lies between may have the same first value as what is before it.
        let below = same + 1;
        let middle = holds(below)?.middle(Some(after.get(below)?), None)?;
        Some([&after[..below], &[middle]].concat())
    }
}

impl KeyColumn {
    fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }
}

/// Whether it is the rows that can't be read.
///
/// # Errors
/// Whatever else stands in the way: nothing says then that they couldn't be.
fn unreadable(error: rusqlite::Error) -> Result<()> {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure, TooBig, Unknown};
    let code = error.sqlite_error().map(|e| (e.code, e.extended_code));
    match code {
        Some((DatabaseCorrupt | NotADatabase | TooBig | Unknown, _)) => Ok(()),
        Some((SystemIoFailure, READ | SHORT_READ | CORRUPT_FS)) => Ok(()),
        _ => Err(error.into()),
    }
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

impl Holds {
    /// A value between two others, or beyond the first.
    fn middle(self, low: Option<&Value>, high: Option<&Value>) -> Option<Value> {
        match self {
            Self::Integers => {
                let number = |value: &Value| match value {
                    Value::Integer(n) => *n,
                    _ => 0,
                };
                let low = low.map_or(0, number);
                // Nobody knows the last number: it is looked for in steps that double.
                let far = || low.saturating_mul(4).saturating_add(128);
                let high = high.map_or_else(far, number);
                let middle = low + high.checked_sub(low)? / 2;
                (middle > low).then_some(Value::Integer(middle))
            }
            Self::Texts | Self::Bytes => {
                let bytes = |value: &Value| match value {
                    Value::Blob(bytes) => bytes.clone(),
                    _ => Vec::new(),
                };
                let low = low.map_or(Vec::new(), bytes);
                let high = high.map_or(vec![0xff; 8], bytes);
                between(&low, &high).map(Value::Blob)
            }
        }
    }
}

/// Bytes between two others.
fn between(low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let same = low.iter().zip(high).take_while(|(a, b)| a == b).count();
    let number = |bytes: &[u8]| {
        let mut eight = [0; 8];
        let rest = &bytes[same..];
        let length = rest.len().min(eight.len());
        eight[..length].copy_from_slice(&rest[..length]);
        u64::from_be_bytes(eight)
    };
    let (from, to) = (number(low), number(high));
    let middle = from + to.checked_sub(from)? / 2;
    let middle = [&high[..same], &middle.to_be_bytes()].concat();
    (&middle[..] > low).then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_middle_lies_between_two_keys_or_beyond_the_first() {
        let check = |low: &[u8], high: &[u8]| {
            let middle = between(low, high).unwrap();
            assert!(low < &middle[..] && &middle[..] < high, "{middle:?}");
        };
        check(b"", b"a");
        check(b"embedded", b"embedded 2");
        check(&[7; 32], &[9; 32]);
        assert_eq!(between(b"b", b"a"), None);
        let integer = |low, high: Option<i64>| {
            let (low, high) = (Value::Integer(low), high.map(Value::Integer));
            Holds::Integers.middle(Some(&low), high.as_ref())
        };
        assert_eq!(integer(3, Some(9)), Some(Value::Integer(6)));
        assert_eq!(integer(3, Some(4)), None);
        assert_eq!(integer(9, Some(3)), None);
        assert_eq!(integer(100, None), Some(Value::Integer(314)));
    }
}
