//! Rows of a damaged catalog on their way into the new one: what can't be is replaced or left out, and counted.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::columns::{self, Column, Validation};
use super::readable::Table;
use super::salvage::Loss;
use super::{Error, Result};

/// Which rows are taken over.
#[derive(Clone, Copy, PartialEq)]
pub enum Take {
    /// All that say anything, with other values for those that can't be.
    Mended,
    /// Those without any value that can't be, of which nobody has the like yet: they may be of any table.
    Sound,
}

/// The columns of a table, as the catalog says; none where there is no such table.
pub fn columns_of(catalog: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut found = catalog.prepare("SELECT name FROM pragma_table_info(?1)")?;
    found.query_map([table], |row| row.get(0))?.collect()
}

/// Rows on their way into a table of the new catalog.
pub struct RowCopier<'a> {
    table: &'a Table,
    take: Take,
    /// Those that the old table has, and after them those that it hasn't.
    names: Vec<String>,
    columns: Vec<&'static Column>,
    insert: rusqlite::Statement<'a>,
    /// Rows that were put in.
    pub rows: u64,
    /// What could not be, and why.
    pub loss: Loss,
}

impl<'a> RowCopier<'a> {
    /// Nothing is copied yet.
    pub fn new(new: &'a Connection, table: &'a Table, take: Take) -> Result<Self> {
        let all = columns_of(new, &table.name)?.into_iter();
        let missing = all.filter(|column| !table.columns.contains(column));
        let names: Vec<_> = table.columns.iter().cloned().chain(missing).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let columns = names.join("\", \"");
        let name = &table.name;
        let insert = format!("INSERT OR IGNORE INTO \"{name}\" (\"{columns}\") VALUES ({marks})");
        let known = |column: &String| {
            columns::find(name, column).expect("a test holds the list against the tables")
        };
        Ok(Self {
            table,
            take,
            columns: names.iter().map(known).collect(),
            names,
            insert: new.prepare(&insert)?,
            rows: 0,
            loss: Loss::default(),
        })
    }

    /// Puts a row in, mended or not at all.
    pub fn take(&mut self, row: &Row) -> Result<()> {
        let mut values = Vec::with_capacity(self.columns.len());
        let mut lost_path = false;
        for (at, &column) in self.columns.clone().iter().enumerate() {
            let is_there = at < self.table.columns.len();
            let value = match is_there {
                true => row.get_ref(at)?,
                false => ValueRef::Null,
            };
            let validation = column.validate(value, &|name| owned(row.get_ref(name).ok()?));
            if !matches!(validation, Validation::Valid) && is_there {
                if self.take == Take::Sound {
                    return Ok(());
                }
                self.tell(column, row, value);
            }
            match validation {
                Validation::Valid => values.push(owned(value).unwrap_or(Value::Null)),
                Validation::Replaced(value) => {
                    self.loss.replaced += u64::from(is_there);
                    lost_path |= self.is("photo", at, "path");
                    values.push(value);
                }
                Validation::Dropped => {
                    self.loss.left_out += 1;
                    return Ok(());
                }
            }
        }
        if lost_path {
            self.part(&mut values);
        }
        self.insert(values)
    }

    /// Puts a row in. A photo whose path or name another one has is kept for when its file turns up.
    fn insert(&mut self, mut values: Vec<Value>) -> Result<()> {
        let mut new = self.try_insert(&values)?;
        if new == 0 && self.table.name == "photo" && self.take == Take::Mended {
            self.part(&mut values);
            new = self.try_insert(&values)?;
        }
        self.rows += new;
        Ok(())
    }

    fn try_insert(&mut self, values: &[Value]) -> Result<u64> {
        match self.insert.execute(params_from_iter(values)) {
            Ok(new) => Ok(new as u64),
            Err(error) => match Error::from(error) {
                // What its column can't hold.
                Error::Refused(_) => {
                    self.loss.left_out += 1;
                    Ok(0)
                }
                error => Err(error),
            },
        }
    }

    /// Makes a photo one whose file isn't there, under names that no other one has.
    fn part(&mut self, values: &mut [Value]) {
        let Some(Value::Integer(id)) = values.first().cloned() else {
            return;
        };
        let own = |prefix: &str| Value::Blob(format!("{prefix}{id}").into());
        for (at, value) in values.iter_mut().enumerate() {
            match self.names[at].as_str() {
                "path" => *value = own("lost-"),
                "name" => *value = own("photo-"),
                "title_name" => *value = Value::Null,
                "gone" => *value = Value::Integer(1),
                _ => {}
            }
        }
    }

    /// Columns that the old table should have.
    pub fn missing(&self) -> u64 {
        (self.names.len() - self.table.columns.len()) as u64
    }

    fn is(&self, table: &str, at: usize, column: &str) -> bool {
        self.table.name == table && self.names[at] == column
    }

    fn tell(&mut self, column: &Column, row: &Row, value: ValueRef) {
        if self.loss.first.is_none() {
            let key = row.get_ref(0).unwrap_or(ValueRef::Null);
            self.loss.first = Some(columns::described(&self.table.name, column, key, value));
        }
    }
}

/// `None` for a text that is none.
fn owned(value: ValueRef) -> Option<Value> {
    Value::try_from(value).ok()
}
