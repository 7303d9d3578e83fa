//! What is counted of a photo, and spans of it: `rating:>=3`, `date:2024-07..2024-09`, `size:>10MB`.

use std::fmt;

use strum::IntoStaticStr;

use super::error::Wrong;
use crate::catalog::{Photo, WallClock};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Measure {
    /// Of the day of the photo: 20240714.
    Date,
    /// Stars.
    Rating,
    /// Bytes.
    Size,
    /// Pixels, upright.
    Width,
    /// Pixels, upright.
    Height,
}

impl Measure {
    /// The word before the colon in a query.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What a photo itself says; `None` where it isn't known. Ratings are labels.
    pub fn of(self, photo: &Photo) -> Option<u64> {
        match self {
            Self::Date => photo.date.map(|date| day(&date)),
            Self::Rating => None,
            Self::Size => Some(photo.stat.size),
            Self::Width => pixels(photo.width),
            Self::Height => pixels(photo.height),
        }
    }
}

/// The day of a date as a number that sorts: 20240714.
pub fn day(date: &WallClock) -> u64 {
    (u64::from(date.year()) * 100 + u64::from(date.month())) * 100 + u64::from(date.day())
}

/// 0 stands for unknown.
pub fn pixels(number: u32) -> Option<u64> {
    (number > 0).then_some(number.into())
}

/// From a number to a number, both included; open where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least number that it holds.
    pub from: Option<u64>,
    /// The greatest number that it holds.
    pub to: Option<u64>,
}

impl Span {
    /// Whether a number lies in it.
    pub fn holds(&self, number: u64) -> bool {
        self.from.is_none_or(|from| from <= number) && self.to.is_none_or(|to| number <= to)
    }

    /// Understands `3`, `>=3`, `<3`, `3..5`, `3..`.
    pub fn parse(measure: Measure, text: &str) -> Result<Self, Wrong> {
        let operators = [">=", "<=", ">", "<", "="];
        let operator = operators.into_iter().find(|o| text.starts_with(o));
        let rest = &text[operator.map_or(0, str::len)..];
        let (from, to) = match (operator, rest.split_once("..")) {
            (None, Some((from, to))) => return Self::between(measure, from, to),
            _ => value(measure, rest)?,
        };
        let nothing = || {
            let message = format!("nothing is {text}");
            Err(Wrong::new(message, format!("write {}", example(measure))))
        };
        let (from, to) = match operator {
            Some(">=") => (Some(from), None),
            Some("<=") => (None, Some(to)),
            Some(">") => match above(measure, to) {
                None => return nothing(),
                from => (from, None),
            },
            Some("<") => match below(measure, from) {
                None => return nothing(),
                to => (None, to),
            },
            _ => (Some(from), Some(to)),
        };
        Ok(Self { from, to })
    }

    fn between(measure: Measure, from: &str, to: &str) -> Result<Self, Wrong> {
        let end = |text: &str| match text {
            "" => Ok(None),
            _ => value(measure, text).map(Some),
        };
        let (first, last) = (end(from)?, end(to)?);
        match (first, last) {
            (None, None) => Err(Wrong::new(
                "nothing on either side of ..",
                format!("write {}", example(measure)),
            )),
            (Some((first, _)), Some((_, last))) if first > last => Err(Wrong::new(
                format!("{from}..{to} ends before it begins"),
                format!("write {to}..{from}"),
            )),
            _ => Ok(Self {
                from: first.map(|(first, _)| first),
                to: last.map(|(_, last)| last),
            }),
        }
    }

    /// Writes what [`Self::parse`] reads as this span: a whole year or month by its short name.
    pub fn print(&self, measure: Measure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = match measure {
            Measure::Date => (self.from.map(first_days), self.to.map(last_days)),
            _ => (
                self.from.map(|n| n.to_string()),
                self.to.map(|n| n.to_string()),
            ),
        };
        match (from, to) {
            (Some(from), Some(to)) if from == to => f.write_str(&from),
            (Some(from), Some(to)) => write!(f, "{from}..{to}"),
            (Some(from), None) => write!(f, ">={from}"),
            (None, to) => write!(f, "<={}", to.unwrap_or_default()),
        }
    }
}

fn example(measure: Measure) -> &'static str {
    match measure {
        Measure::Date => "date:2024, date:2024-07, date:2024-07-14 or date:2024-07..2024-09",
        Measure::Rating => "rating:3, rating:>=3 or rating:3..5: ratings go from 0 to 5",
        Measure::Size => "size:>10MB, size:<500kB or size:1MB..5MB",
        Measure::Width => "width:>=4000 or width:1000..2000",
        Measure::Height => "height:>=4000 or height:1000..2000",
    }
}

/// The first and last number that a value means.
fn value(measure: Measure, text: &str) -> Result<(u64, u64), Wrong> {
    let number = || text.parse().ok().filter(|_| !text.starts_with('+'));
    let found = match measure {
        Measure::Date => days(text),
        Measure::Rating => number().filter(|n| *n <= 5).map(|n| (n, n)),
        Measure::Size => bytes(text).map(|n| (n, n)),
        Measure::Width | Measure::Height => number().map(|n| (n, n)),
    };
    found.ok_or_else(|| {
        let message = match text {
            "" => format!("nothing to compare the {} with", measure.name()),
            _ => format!("{text} is no {}", measure.name()),
        };
        Wrong::new(message, format!("write {}", example(measure)))
    })
}

/// The first and last day of `2024`, `2024-07` or `2024-07-14`.
fn days(text: &str) -> Option<(u64, u64)> {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    if !matches!(lengths[..], [4] | [4, 2] | [4, 2, 2]) {
        return None;
    }
    let parts = text.split('-').map(|part| {
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u64>().ok()).flatten()
    });
    let (first, last) = match parts.collect::<Option<Vec<_>>>()?[..] {
        [year] => (year * 10_000 + 101, year * 10_000 + 1231),
        [year, month] => {
            let first = year * 10_000 + month * 100 + 1;
            (first, last_of_month(first)?)
        }
        [year, month, day] => {
            let only = year * 10_000 + month * 100 + day;
            (only, only)
        }
        _ => return None,
    };
    (is_day(first) && is_day(last)).then_some((first, last))
}

fn is_day(day: u64) -> bool {
    let small = |n: u64| u8::try_from(n).unwrap_or(u8::MAX);
    let year = u16::try_from(day / 10_000).unwrap_or(u16::MAX);
    WallClock::new(year, small(day / 100 % 100), small(day % 100), 0, 0, 0).is_some()
}

fn last_of_month(day: u64) -> Option<u64> {
    let month = day / 100 * 100;
    (28..=31).map(|n| month + n).rev().find(|&d| is_day(d))
}

/// The least number above.
fn above(measure: Measure, number: u64) -> Option<u64> {
    match measure {
        Measure::Rating => return (number < 5).then_some(number + 1),
        Measure::Date => {}
        _ => return number.checked_add(1),
    }
    let month = number / 100 * 100;
    let year = number / 10_000 * 10_000;
    let next = [number + 1, month + 101, year + 10_101];
    next.into_iter().find(|&day| is_day(day))
}

/// The greatest number below.
fn below(measure: Measure, number: u64) -> Option<u64> {
    if measure != Measure::Date {
        return number.checked_sub(1);
    }
    if is_day(number - 1) {
        return Some(number - 1);
    }
    let month = number / 100 * 100;
    let year = number / 10_000 * 10_000;
    last_of_month(month - 100)
        .or_else(|| Some(year.checked_sub(10_000)? + 1231).filter(|&d| is_day(d)))
}

/// `2024` for 20240101, `2024-07` for 20240701.
fn first_days(day: u64) -> String {
    shortest(day, |first, _| first == day)
}

/// `2024` for 20241231, `2024-07` for 20240731.
fn last_days(day: u64) -> String {
    shortest(day, |_, last| last == day)
}

fn shortest(day: u64, means: impl Fn(u64, u64) -> bool) -> String {
    let (year, month) = (day / 10_000, day / 100 % 100);
    let forms = [format!("{year:04}"), format!("{year:04}-{month:02}")];
    let mut forms = forms.into_iter();
    let short = forms.find(|form| days(form).is_some_and(|(first, last)| means(first, last)));
    short.unwrap_or_else(|| format!("{year:04}-{month:02}-{:02}", day % 100))
}

const UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("b", 1),
    ("k", 1000),
    ("kb", 1000),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Bytes of `10MB`, `1.5 GiB`, `4096`.
fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let bytes = number.parse::<f64>().ok()? * factor as f64;
    // Exact far beyond any file's size.
    (bytes < 1e18).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(measure: Measure, text: &str, from: Option<u64>, to: Option<u64>) {
        assert_eq!(
            Span::parse(measure, text).ok(),
            Some(Span { from, to }),
            "{text}"
        );
    }

    #[test]
    fn dates_are_whole_days_months_or_years() {
        let check = |text, from, to| check(Measure::Date, text, from, to);
        check("2024", Some(20240101), Some(20241231));
        check("2024-02", Some(20240201), Some(20240229));
        check("2023-02-28", Some(20230228), Some(20230228));
        check("2024-07..2024-09", Some(20240701), Some(20240930));
        check("2024..", Some(20240101), None);
        check("..2024-07", None, Some(20240731));
        check(">2024-07", Some(20240801), None);
        check(">2024-12", Some(20250101), None);
        check("<2024", None, Some(20231231));
        check("<2024-03", None, Some(20240229));
        check("<2024-03-02", None, Some(20240301));
        check(">=2024-07-14", Some(20240714), None);
    }

    #[test]
    fn numbers_and_sizes_are_spans() {
        check(Measure::Rating, ">=3", Some(3), None);
        check(Measure::Rating, "<3", None, Some(2));
        check(Measure::Rating, "=3", Some(3), Some(3));
        check(Measure::Size, ">10MB", Some(10_000_001), None);
        check(
            Measure::Size,
            "1.5MiB..2GB",
            Some(1_572_864),
            Some(2_000_000_000),
        );
        check(Measure::Size, "<=4096", None, Some(4096));
        check(Measure::Width, "100..200", Some(100), Some(200));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        let check = |measure, text: &str, message: &str| {
            let wrong = Span::parse(measure, text).expect_err(text);
            assert!(wrong.message.contains(message), "{text}: {wrong:?}");
            assert!(!wrong.hint.is_empty());
        };
        for text in [
            "July",
            "2024-13",
            "2023-02-29",
            "24",
            "2024-7",
            "0000",
            "99999",
            "é024",
        ] {
            check(Measure::Date, text, "is no date");
        }
        check(Measure::Date, "2025..2024", "ends before it begins");
        check(Measure::Date, "..", "nothing on either side");
        check(Measure::Date, ">9999", "nothing is");
        check(Measure::Date, "<0001", "nothing is");
        check(Measure::Rating, "6", "is no rating");
        check(Measure::Rating, "<0", "nothing is");
        check(Measure::Rating, ">5", "nothing is");
        check(Measure::Rating, ">=", "nothing to compare");
        check(Measure::Size, "10 parsecs", "is no size");
        check(Measure::Size, &"9".repeat(400), "is no size");
        check(Measure::Width, "+5", "is no width");
    }
}
