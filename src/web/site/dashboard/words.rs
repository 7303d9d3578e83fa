//! Numbers as people read them at a glance. By reference, as templates hand them over.

use super::super::page::counted;

/// What stands for something that isn't known, or didn't happen.
const NOTHING: &str = "–";

pub fn count(number: &u64) -> String {
    counted(*number)
}

/// A number of things a second, or of processors: small ones with a decimal.
pub fn rate(of: &f64) -> String {
    match *of {
        none if none < 0.005 => "0".into(),
        small if small < 0.095 => format!("{small:.2}"),
        some if some < 9.95 => format!("{some:.1}"),
        many => counted(many.round() as u64),
    }
}

/// `340 µs`, `1.2 ms`, `2.4 s`
pub fn time(seconds: &Option<f64>) -> String {
    match *seconds {
        None => NOTHING.into(),
        Some(s) if s < 0.000_999_5 => format!("{:.0} µs", s * 1e6),
        Some(s) if s < 0.009_95 => format!("{:.1} ms", s * 1e3),
        Some(s) if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        Some(s) if s < 9.95 => format!("{s:.1} s"),
        Some(s) => format!("{} s", counted(s.round() as u64)),
    }
}

/// A part of one. All of it is only what is all of it.
pub fn share(of: &Option<f64>) -> String {
    let Some(of) = *of else {
        return NOTHING.into();
    };
    format!("{} %", (of * 100.0).floor())
}

/// In the unit of the settings.
pub fn megabytes(bytes: f64) -> String {
    format!(
        "{} MB",
        counted((bytes / f64::from(1 << 20)).round() as u64)
    )
}

/// Money, whatever the currency of the prices is.
pub fn cost(of: &Option<f64>) -> String {
    of.map_or_else(|| "not known".into(), |cost| format!("{cost:.4}"))
}

/// `2 d 3 h`, `4 min`
pub fn span(seconds: f64) -> String {
    let whole = seconds as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_are_precise() {
        let rates = [0.0, 0.02, 0.3, 9.94, 9.96, 1234.4];
        assert_eq!(
            rates.map(|r| rate(&r)),
            ["0", "0.02", "0.3", "9.9", "10", "1,234"]
        );
        let times = [0.000_34, 0.000_999_6, 0.0012, 0.34, 0.9996, 2.4, 75.0];
        assert_eq!(
            times.map(|t| time(&Some(t))),
            [
                "340 µs", "1.0 ms", "1.2 ms", "340 ms", "1.0 s", "2.4 s", "75 s"
            ]
        );
        assert_eq!(time(&None), "–");
        let shares = [None, Some(0.0), Some(0.9999), Some(1.0)];
        assert_eq!(shares.map(|s| share(&s)), ["–", "0 %", "99 %", "100 %"]);
        let spans = [9.0, 250.0, 7380.0, 100_000.0];
        assert_eq!(spans.map(span), ["9 s", "4 min", "2 h 3 min", "1 d 3 h"]);
        assert_eq!(megabytes(f64::from(1024 << 20)), "1,024 MB");
        assert_eq!(
            [cost(&Some(0.5)), cost(&None)],
            ["0.5000".to_owned(), "not known".into()]
        );
    }
}
