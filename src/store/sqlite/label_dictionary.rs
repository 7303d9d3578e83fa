//! The dictionary of labels: each has a number, and the numbers are what a photo keeps of its labels, for the load.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use roaring::RoaringBitmap;
use rusqlite::{Connection, params};

use super::columns;
use super::rows::{one, word};
use crate::catalog::{Label, Stored};

type Result<T> = rusqlite::Result<T>;

/// The numbers of labels, as they are kept with a photo: who says them, but not which analyzer. Labels that are new get
/// theirs, and are counted in `added`.
pub fn numbers(connection: &Connection, labels: &[Label], added: &Cell<u64>) -> Result<Vec<u8>> {
    let numbers = labels.iter().map(|label| number(connection, label, added));
    let mut numbers = numbers.collect::<Result<Vec<_>>>()?;
    // What several analyzers say stands side by side.
    numbers.dedup();
    Ok(numbers.into_iter().flat_map(u32::to_be_bytes).collect())
}

fn number(connection: &Connection, label: &Label, added: &Cell<u64>) -> Result<u32> {
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
    added.set(added.get() + 1);
    u32::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, number))
}

/// Removes every label that no photo has any more, gone ones included; says how many are left.
pub fn sweep(connection: &Connection) -> Result<u64> {
    let mut used = RoaringBitmap::new();
    let mut photos = connection.prepare("SELECT said FROM photo")?;
    let mut rows = photos.query([])?;
    while let Some(row) = rows.next()? {
        let (numbers, _) = row.get_ref(0)?.as_blob()?.as_chunks();
        used.extend(numbers.iter().map(|n| u32::from_be_bytes(*n)));
    }
    let mut all = connection.prepare("SELECT number FROM said")?;
    let all = all.query_map([], |row| row.get::<_, u32>(0))?;
    let mut dead = all.collect::<Result<RoaringBitmap>>()?;
    dead -= &used;
    let mut remove = connection.prepare("DELETE FROM said WHERE number = ?1")?;
    for number in dead {
        remove.execute([number])?;
    }
    let left: Option<i64> = one(connection, "SELECT count(*) FROM said", [])?;
    Ok(left.unwrap_or(0).cast_unsigned())
}

/// When the dictionary is swept: when it may have doubled, so that sweeping costs no more than filling it did.
#[derive(Default)]
pub struct SweepSchedule {
    /// Labels that were added since.
    added: AtomicU64,
    /// Labels that were in use then.
    live: AtomicU64,
}

/// So few labels that nobody uses are in nobody's way, and a sweep reads every photo.
const SLACK: u64 = 1024;

impl SweepSchedule {
    /// Whether it is due, after so many more labels were added.
    pub fn is_due_after(&self, added: u64) -> bool {
        let added = self.added.fetch_add(added, Ordering::Relaxed) + added;
        added > SLACK.max(self.live.load(Ordering::Relaxed))
    }

    /// It was swept, and so many labels are left; or it was read, and some that nobody uses are among the rest.
    pub fn start(&self, live: u64, dead: u64) {
        self.added.store(dead, Ordering::Relaxed);
        self.live.store(live, Ordering::Relaxed);
    }
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
    /// Every label, none of them handed over yet.
    pub fn read(connection: &Connection) -> Result<Self> {
        let sql = "SELECT number, facet, value, origin, denied FROM said ORDER BY number";
        let mut entries = connection.prepare(sql)?;
        let (mut rows, mut slots) = (entries.query([])?, Vec::new());
        while let Some(row) = rows.next()? {
            columns::check_row("said", row)?;
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

    /// How many labels photos have, and how many none has.
    pub fn counts(&self) -> (u64, u64) {
        let dead = self.slots.iter().filter(|slot| slot.label.is_some());
        (self.count.into(), dead.count() as u64)
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
