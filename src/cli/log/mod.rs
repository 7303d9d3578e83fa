//! The log: to the terminal, to systemd's journal, or to a file of bounded size. What a command prints goes elsewhere.

mod bounded;
mod repeats;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use parking_lot::Mutex;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Config, LogFormat};
use bounded::Bounded;
use repeats::Repeats;

/// Where the lines go; the same for all parts of a process.
#[derive(Clone)]
pub struct Log(Arc<Mutex<Sink>>);

struct Sink {
    place: Place,
    format: LogFormat,
    repeats: Repeats,
    /// Lines that there was no room for, the oldest first.
    unwritten: VecDeque<Vec<u8>>,
    /// Warnings and errors before there was a file.
    early: Vec<(String, Level)>,
}

/// Lines that wait for room.
const MOST_UNWRITTEN: usize = 256;

enum Place {
    Terminal,
    /// systemd takes standard error, puts the time before a line, and the urgency from its beginning.
    Journal,
    File(Bounded),
}

/// Starts logging to standard error. `least` is the filter where the settings say no more than `info`.
pub fn start(config: &Config, least: &str) -> Log {
    let place = match is_journal() {
        true => Place::Journal,
        false => Place::Terminal,
    };
    let log = Log(Arc::new(Mutex::new(Sink {
        place,
        format: config.log_format,
        repeats: Repeats::default(),
        unwritten: VecDeque::new(),
        early: Vec::new(),
    })));
    let filter = EnvFilter::try_new(match config.log.as_str() {
        "info" => least,
        other => other,
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_default())
        .with_writer(log.clone())
        .with_target(false)
        .with_ansi(false)
        // Standard error is where it can't be written: to complain there would end the thread that complains.
        .log_internal_errors(false)
        .without_time();
    // A second command in one process, as in tests, keeps the first one's log.
    let _ = match config.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    log
}

impl Log {
    /// From now on the lines go into a file, and so does whatever else is written to standard error. Warnings and errors
    /// of before go there too, and are given: who reads them where they went then need not be told of them.
    ///
    /// # Errors
    /// When the file can't be made.
    pub fn move_to(&self, file: &Path) -> io::Result<Vec<String>> {
        let bounded = Bounded::open(file)?;
        let mut sink = self.0.lock();
        sink.place = Place::File(bounded);
        let early = std::mem::take(&mut sink.early);
        for (line, level) in &early {
            sink.put(line, *level);
        }
        Ok(early.into_iter().map(|(line, _)| line).collect())
    }
}

/// Whether standard error is systemd's journal.
fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM");
    let own = rustix::fs::fstat(rustix::stdio::stderr());
    let (Ok(stream), Ok(own)) = (stream, own) else {
        return false;
    };
    stream == format!("{}:{}", own.st_dev, own.st_ino)
}

/// What fuser logs as an error where a program was killed or interrupted before it had its answer: the kernel knows the
/// request no more. That is no fault of anybody.
const INTERRUPTED: &str = "Failed to send FUSE reply: No such file or directory";

/// One line on its way.
pub struct Line {
    log: Log,
    level: Level,
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        let (log, level) = (self.clone(), Level::INFO);
        Line { log, level }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        let (log, level) = (self.clone(), *meta.level());
        Line { log, level }
    }
}

impl Write for Line {
    /// The subscriber writes an event whole.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if line.contains(INTERRUPTED) {
            return Ok(bytes.len());
        }
        let mut sink = self.log.0.lock();
        for line in sink.repeats.pass(line.trim_end(), Instant::now()) {
            sink.put(&line, self.level);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    /// Writes a line, after those that there was no room for. What can't be written waits for the next.
    fn put(&mut self, line: &str, level: Level) {
        let is_early = matches!(self.place, Place::Terminal) && self.early.len() < MOST_UNWRITTEN;
        if is_early && level <= Level::WARN {
            self.early.push((line.to_owned(), level));
        }
        let now = Timestamp::now();
        let line = match (&self.place, self.format) {
            (Place::Journal, LogFormat::Text) => format!("<{}>{line}\n", urgency(level)),
            (_, LogFormat::Text) => format!("{now:.3} {line}\n"),
            (_, LogFormat::Json) => timed(line, &format!("{now:.3}")),
        };
        if self.unwritten.len() == MOST_UNWRITTEN {
            self.unwritten.pop_front();
        }
        self.unwritten.push_back(line.into_bytes());
        while let Some(line) = self.unwritten.front() {
            let written = match &mut self.place {
                Place::File(file) => file.put(line),
                _ => io::stderr().write_all(line),
            };
            if written.is_err() {
                return;
            }
            self.unwritten.pop_front();
        }
    }
}

/// A JSON object with the time before all else.
fn timed(object: &str, now: &str) -> String {
    match object.strip_prefix('{') {
        Some(rest) => format!("{{\"timestamp\":\"{now}\",{rest}\n"),
        None => format!("{object}\n"),
    }
}

/// As syslog(3) numbers it.
fn urgency(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The size of a file, 0 where there is none.
fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |m| m.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_written_when_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.log");
        let open = |path: &Path| Place::File(Bounded::open(path).unwrap());
        let mut sink = Sink {
            place: open(Path::new("/dev/full")),
            format: LogFormat::Text,
            repeats: Repeats::default(),
            unwritten: VecDeque::new(),
            early: Vec::new(),
        };
        for n in 0..2 * MOST_UNWRITTEN {
            sink.put(&format!("line {n}"), Level::ERROR);
        }
        sink.place = open(&file);
        sink.put("the last", Level::ERROR);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), MOST_UNWRITTEN);
        assert!(text.ends_with("the last\n"), "{text}");
    }

    #[test]
    fn who_was_interrupted_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.log");
        let log = Log(Arc::new(Mutex::new(Sink {
            place: Place::File(Bounded::open(&file).unwrap()),
            format: LogFormat::Text,
            repeats: Repeats::default(),
            unwritten: VecDeque::new(),
            early: Vec::new(),
        })));
        let mut line = log.make_writer();
        for reason in [
            "No such file or directory (os error 2)",
            "Bad address (os error 14)",
        ] {
            let said = format!("ERROR Failed to send FUSE reply: {reason}\n");
            line.write_all(said.as_bytes()).unwrap();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("Bad address"), "{text}");
    }

    #[test]
    fn a_json_line_has_its_time() {
        let line = timed("{\"level\":\"INFO\"}", "2024-01-01T00:00:00.000Z");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["level"], "INFO");
        assert_eq!(value["timestamp"], "2024-01-01T00:00:00.000Z");
    }
}
