//! The dictionary of labels: each has a number, and the numbers are what a photo keeps of its labels, for the load.

use rusqlite::{Connection, params};

use super::columns;
use super::rows::{one, word};
use crate::catalog::{Label, Stored};

type Result<T> = rusqlite::Result<T>;

/// The numbers of labels, as they are kept with a photo: who says them, but not which analyzer. Labels that are new get
/// theirs.
pub fn numbers(connection: &Connection, labels: &[Label]) -> Result<Vec<u8>> {
    let numbers = labels.iter().map(|label| number(connection, label));
    let mut numbers = numbers.collect::<Result<Vec<_>>>()?;
    // What several analyzers say stands side by side.
    numbers.dedup();
    Ok(numbers.into_iter().flat_map(u32::to_be_bytes).collect())
}

fn number(connection: &Connection, label: &Label) -> Result<u32> {
    let words = params![
        label.facet.name(),
        label.value,
        label.origin.name(),
        label.is_denial()
    ];
    let known =
        "SELECT number FROM said WHERE facet = ?1 AND value = ?2 AND origin = ?3 AND denied = ?4";
    if let Some(number) = one(connection, known, words)? {
        return Ok(number);
    }
    let new = "INSERT INTO said (facet, value, origin, denied) VALUES (?1, ?2, ?3, ?4)";
    let mut new = connection.prepare_cached(new)?;
    let number = new.insert(words)?;
    u32::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}

/// Every label of the dictionary, while photos are loaded.
pub struct LabelDictionary {
    slots: Vec<Slot>,
    /// Labels that were handed over.
    count: u32,
}

/// A number so far from the one before is another one, misread.
const FARTHEST: usize = 1 << 20;

/// What is behind a number.
#[derive(Default)]
struct Slot {
    /// Until it is handed over.
    label: Option<Label>,
    /// Its number of the load.
    handed: Option<u32>,
}

impl LabelDictionary {
    pub fn read(connection: &Connection) -> Result<Self> {
        let sql = "SELECT number, facet, value, origin, denied FROM said ORDER BY number";
        let mut entries = connection.prepare(sql)?;
        let (mut rows, mut slots) = (entries.query([])?, Vec::new());
        while let Some(row) = rows.next()? {
            columns::sound("said", row)?;
            let number = row.get::<_, u32>(0)? as usize;
            // They are given one after the other.
            if number > slots.len() + FARTHEST {
                return Err(damage());
            }
            slots.resize_with(number, Slot::default);
            let (value, is_denied): (String, bool) = (row.get(2)?, row.get(4)?);
            let confidence = if is_denied { 0.0 } else { 1.0 };
            let label = Label::new(word(row, 1)?, value, word(row, 3)?, confidence);
            slots.push(Slot {
                label: Some(label),
                handed: None,
            });
        }
        Ok(Self { slots, count: 0 })
    }

    /// The numbers of the load for those that are kept with a photo. Labels that come up first are handed over before.
    pub fn hand_over(&mut self, kept: &[u8], each: &mut dyn FnMut(Stored)) -> Result<Vec<u32>> {
        let (numbers, rest) = kept.as_chunks();
        let numbers = numbers.iter().map(|n| u32::from_be_bytes(*n));
        let handed = numbers.map(|number| self.hand_over_one(number, each));
        let handed = handed.collect::<Result<_>>()?;
        rest.is_empty().then_some(handed).ok_or_else(damage)
    }

    fn hand_over_one(&mut self, number: u32, each: &mut dyn FnMut(Stored)) -> Result<u32> {
        let slot = self.slots.get_mut(number as usize).ok_or_else(damage)?;
        if let Some(label) = slot.label.take() {
            each(Stored::Label(label));
            slot.handed = Some(self.count);
            self.count += 1;
        }
        slot.handed.ok_or_else(damage)
    }
}

/// A photo has a number that nothing is behind.
fn damage() -> rusqlite::Error {
    use rusqlite::ffi;
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None)
}
