//! When a picture was taken: which of the dates in a file counts, and how they are written.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::catalog::{DateSource, WallClock};

/// No date is longer: `2024:07:14 18:03:59.123456+02:00`, `Sun, 14 Jul 2024 18:03:59 +0200`.
const LONGEST: usize = 64;

/// The date texts found in a file.
#[derive(Debug, Default, PartialEq)]
pub struct Dates {
    /// EXIF DateTimeOriginal.
    pub original: Option<String>,
    /// EXIF DateTimeDigitized.
    pub digitized: Option<String>,
    /// EXIF DateTime.
    pub modified: Option<String>,
    /// XMP's `exif:DateTimeOriginal`, else IPTC's date of creation with its time.
    pub embedded_original: Option<String>,
    /// XMP's `xmp:CreateDate` or `exif:DateTimeDigitized`.
    pub embedded_created: Option<String>,
    /// IPTC's bare day, other dates of XMP, PNG's texts: the first that is one counts.
    pub embedded_other: Vec<String>,
}

impl Dates {
    /// The first that exists in a calendar: what says when the picture was taken before what says when it was
    /// digitized, and that before changes; of two that say the same, EXIF's.
    pub fn best(&self) -> Option<(WallClock, DateSource)> {
        let candidates = [
            (&self.original, DateSource::Original),
            (&self.embedded_original, DateSource::Embedded),
            (&self.digitized, DateSource::Created),
            (&self.embedded_created, DateSource::Embedded),
            (&self.modified, DateSource::Modified),
        ];
        let candidates = candidates
            .into_iter()
            .filter_map(|(text, source)| Some((text.as_ref()?, source)));
        let others = self
            .embedded_other
            .iter()
            .map(|text| (text, DateSource::Embedded));
        candidates
            .chain(others)
            .find_map(|(text, source)| Some((parse(text)?, source)))
    }
}

/// A date as EXIF, XMP, IPTC and PNG write it. Zones and fractions are dropped; a missing time is midnight.
pub fn parse(text: &str) -> Option<WallClock> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    by_numbers(text).or_else(|| by_words(text))
}

/// Year first: `2024:07:14 18:03:59`, `2024-07-14T18:03`, `20240714 180359`.
fn by_numbers(text: &str) -> Option<WallClock> {
    let numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .collect::<Vec<_>>();
    let (year, month, day, time) = match numbers[..] {
        [date, ref time @ ..] if date.len() == 8 => (&date[..4], &date[4..6], &date[6..], time),
        [year, month, day, ref time @ ..] if year.len() == 4 => (year, month, day, time),
        _ => return None,
    };
    let (hour, minute, second) = match time {
        [time, ..] if time.len() == 6 => (&time[..2], &time[2..4], &time[4..]),
        [hour, minute, second, ..] => (*hour, *minute, *second),
        [hour, minute] => (*hour, *minute, "0"),
        _ => ("0", "0", "0"),
    };
    let small = |text: &str| text.parse::<u8>().ok();
    // What follows the minutes may be the zone's sign: `18:03+02:00`.
    let second = small(second).filter(|_| minute.len() < 3)?;
    let year = year.parse().ok()?;
    WallClock::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        second,
    )
}

/// `Sun, 14 Jul 2024 18:03:59 +0200`, which PNG asks for.
fn by_words(text: &str) -> Option<WallClock> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    wall_clock(zoned.datetime())
}

/// A file's modification time on the local clock.
pub fn of_file(mtime_ns: i64) -> Option<WallClock> {
    let timestamp = Timestamp::from_nanosecond(mtime_ns.into()).ok()?;
    wall_clock(timestamp.to_zoned(TimeZone::system()).datetime())
}

fn wall_clock(date: jiff::civil::DateTime) -> Option<WallClock> {
    let small = |n: i8| u8::try_from(n).ok();
    WallClock::new(
        u16::try_from(date.year()).ok()?,
        small(date.month())?,
        small(date.day())?,
        small(date.hour())?,
        small(date.minute())?,
        small(date.second())?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse(text).map(|date| date.to_string());
        assert_eq!(found.unwrap_or_default(), expected, "{text:?}");
    }

    #[test]
    fn dates_are_read_as_programs_write_them() {
        let expected = "2024-07-14T18:03:59";
        check("2024:07:14 18:03:59", expected);
        check("2024-07-14T18:03:59.123+02:00", expected);
        check("20240714 180359+0200", expected);
        check("20240714T180359", expected);
        check("Sun, 14 Jul 2024 18:03:59 +0200", expected);
        check("2024/7/14 18:3:59 ", expected);
        check("2024-07-14T18:03", "2024-07-14T18:03:00");
        check("2024:07:14", "2024-07-14T00:00:00");
        check("2016:12:31 23:59:60", "2016-12-31T23:59:59");
    }

    #[test]
    fn what_is_no_date_is_dropped() {
        for text in [
            "0000:00:00 00:00:00",
            "    :  :     :  :  ",
            "9999:99:99 99:99:99",
            "2023:02:30 12:00:00",
            "2023:06:15 24:00:00",
            "10000:01:01 00:00:00",
            "-001:01:01 00:00:00",
            "２０２３:０６:１５ 00:00:00",
            "15:06:2023 12:34:56",
            "12:34:56 2023:06:15",
            "2023:../:06 12:00:00",
            "2024",
            "2024:07",
            "",
            "x",
        ] {
            check(text, "");
        }
        check(&"2".repeat(5000), "");
    }

    #[test]
    fn the_moment_of_taking_wins_and_an_impossible_date_does_not_count() {
        let text = |text: &str| Some(text.to_owned());
        let mut dates = Dates {
            original: text("0000:00:00 00:00:00"),
            modified: text("2020:01:01 00:00:00"),
            embedded_created: text("2010-10-10T10:10:10Z"),
            embedded_other: vec!["19990101".to_owned()],
            ..Dates::default()
        };
        let found = dates.best().map(|(date, source)| (date.year(), source));
        assert_eq!(found, Some((2010, DateSource::Embedded)));
        dates.original = text("2005:05:05 05:05:05");
        let found = dates.best().map(|(date, source)| (date.year(), source));
        assert_eq!(found, Some((2005, DateSource::Original)));
        assert_eq!(Dates::default().best(), None);
    }
}
