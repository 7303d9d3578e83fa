//! The date of a photo: what the clock on the wall said, without a time zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A wall clock time that exists in the calendar. Ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallClock {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl WallClock {
    /// `None` for what no calendar has: month 13, 30 February, year 0, 25 o'clock. A leap second is kept as :59.
    pub fn new(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let second = if second == 60 { 59 } else { second };
        let valid = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        valid.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        })
    }

    /// `2024`
    pub(crate) fn year_label(&self) -> String {
        format!("{:04}", self.year)
    }

    /// `2024-07`
    pub(crate) fn month_label(&self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }

    /// `2024-07-14`
    pub(crate) fn day_label(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// 1 to 9999.
    pub(crate) fn year(&self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub(crate) fn month(&self) -> u8 {
        self.month
    }

    /// 1 to 31.
    pub(crate) fn day(&self) -> u8 {
        self.day
    }

    /// Hour, minute, second.
    pub(crate) fn time(&self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `2024-07-14T18:03:59`: RFC 3339 without a zone; sorts as text.
impl fmt::Display for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (h, m, s) = self.time();
        write!(f, "{}T{h:02}:{m:02}:{s:02}", self.day_label())
    }
}

/// Reads what `Display` writes.
impl FromStr for WallClock {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (day, time) = text.split_once('T').ok_or(())?;
        let mut day = day.splitn(3, '-').map(str::parse::<u16>);
        let mut time = time.splitn(3, ':').map(str::parse::<u8>);
        let mut next = || day.next().and_then(Result::ok).ok_or(());
        let (y, mo, d) = (next()?, next()?, next()?);
        let mut next = || time.next().and_then(Result::ok).ok_or(());
        let (h, mi, s) = (next()?, next()?, next()?);
        let small = |n: u16| u8::try_from(n).map_err(|_| ());
        Self::new(y, small(mo)?, small(d)?, h, mi, s).ok_or(())
    }
}

/// Where a photo's date comes from, the most trusted first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum DateSource {
    /// EXIF DateTimeOriginal.
    Original,
    /// EXIF DateTimeDigitized (exiftool's CreateDate).
    Created,
    /// EXIF DateTime (exiftool's ModifyDate).
    Modified,
    /// XMP, IPTC or a PNG text chunk.
    Embedded,
    /// Nothing in the file: its modification time.
    FileTime,
}

impl DateSource {
    /// Every source, the most trusted first.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The word that stands in the store and in the interfaces for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_dates_are_refused() {
        assert!(WallClock::new(2024, 2, 29, 0, 0, 0).is_some());
        assert!(WallClock::new(2023, 2, 29, 0, 0, 0).is_none());
        assert!(WallClock::new(1900, 2, 29, 0, 0, 0).is_none());
        assert!(WallClock::new(0, 1, 1, 0, 0, 0).is_none());
        assert!(WallClock::new(2024, 13, 1, 0, 0, 0).is_none());
        assert!(WallClock::new(2024, 1, 1, 24, 0, 0).is_none());
    }

    #[test]
    fn the_text_form_parses_back() {
        let date = WallClock::new(2024, 7, 14, 18, 3, 59).unwrap();
        assert_eq!(date.to_string(), "2024-07-14T18:03:59");
        assert_eq!(date.to_string().parse(), Ok(date));
        assert_eq!("2024-13-01T00:00:00".parse::<WallClock>(), Err(()));
        assert_eq!("yesterday".parse::<WallClock>(), Err(()));
    }
}
