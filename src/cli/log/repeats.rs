//! A line that comes again and again stands in the log once a minute, with how often it came. Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Repeats(HashMap<String, Seen>);

struct Seen {
    since: Instant,
    held_back: u64,
}

const WINDOW: Duration = Duration::from_secs(60);
/// Different lines remembered.
const MOST: usize = 256;

impl Repeats {
    /// The lines to write now that this one comes.
    pub fn pass(&mut self, line: &str, now: Instant) -> Vec<String> {
        let mut lines = self.expire(now);
        if let Some(seen) = self.0.get_mut(line) {
            seen.held_back += 1;
            return lines;
        }
        if self.0.len() >= MOST {
            lines.extend(self.0.drain().filter_map(told));
        }
        let (since, held_back) = (now, 0);
        self.0.insert(line.to_owned(), Seen { since, held_back });
        lines.push(line.to_owned());
        lines
    }

    /// Forgets what is old, and tells what of it was held back.
    fn expire(&mut self, now: Instant) -> Vec<String> {
        let old = self.0.extract_if(|_, seen| seen.since + WINDOW <= now);
        old.filter_map(told).collect()
    }
}

fn told((line, seen): (String, Seen)) -> Option<String> {
    let n = seen.held_back;
    (n > 0).then(|| match line.strip_suffix('}') {
        Some(object) if line.starts_with('{') => format!("{object},\"repeated\":{n}}}"),
        _ => format!("{line} (repeated {n} times)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_repeats_stands_once_a_minute_with_its_count() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        let mut check = |seconds, line: &str, expected: &[&str]| {
            let lines = repeats.pass(line, start + Duration::from_secs(seconds));
            assert_eq!(lines, expected);
        };
        check(0, "a", &["a"]);
        check(1, "{\"x\":1}", &["{\"x\":1}"]);
        check(2, "a", &[]);
        check(59, "a", &[]);
        check(60, "b", &["a (repeated 2 times)", "b"]);
        check(61, "a", &["a"]);
        check(62, "{\"x\":1}", &["{\"x\":1}"]);
        check(63, "{\"x\":1}", &[]);
        check(122, "{\"x\":1}", &["{\"x\":1,\"repeated\":1}", "{\"x\":1}"]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        for n in 0..10 * MOST {
            assert_eq!(repeats.pass(&n.to_string(), now), [n.to_string()]);
            assert!(repeats.0.len() <= MOST);
        }
    }
}
