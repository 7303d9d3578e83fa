//! What happened in the source and isn't looked at yet: each place waits until it is quiet.
//!
//! A file that is being written settles first. Pure: the time comes from the caller.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::scan_scope::{ScanScope, Sign};
use crate::catalog::SourcePath;

/// Something happened at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEvent {
    path: SourcePath,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A folder, with everything below it.
    Tree,
    File(Stage),
}

/// How far a change of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its permissions or times changed.
    Touched,
    /// It was moved, or is gone.
    Over,
    /// Who wrote to it has closed it.
    Written,
    /// It came into being: by a link, or to be written.
    Created,
    /// It was written to and is still open, as far as inotify tells.
    Writing,
}

impl ChangeEvent {
    /// A folder appeared, left or changed as a whole.
    pub fn tree(path: SourcePath) -> Self {
        let what = What::Tree;
        Self { path, what }
    }

    /// Something happened to a file.
    pub fn file(path: SourcePath, stage: Stage) -> Self {
        let what = What::File(stage);
        Self { path, what }
    }
}

impl Stage {
    /// How long it must be quiet afterwards.
    fn quiet(self) -> Duration {
        match self {
            Self::Touched | Self::Over | Self::Written => QUIET,
            Self::Created => CREATED,
            Self::Writing => WRITING,
        }
    }
}

/// Long enough for a burst to be one look, short enough for nobody to wait.
const QUIET: Duration = Duration::from_millis(20);
/// A new file is written within this time, or isn't to be written.
const CREATED: Duration = Duration::from_millis(200);
/// A file that nobody closed is looked at after this time without a write.
const WRITING: Duration = Duration::from_secs(3);

/// Places that are not quiet yet, with when something happened there.
#[derive(Default)]
pub struct Debouncer {
    trees: HashMap<SourcePath, Instant>,
    files: HashMap<SourcePath, File>,
}

/// A file that is not quiet yet.
#[derive(Clone, Copy)]
struct File {
    stage: Stage,
    /// When something happened to it last.
    last: Instant,
    /// Whether somebody had it open for writing.
    is_written: bool,
}

impl File {
    fn settles(&self) -> Instant {
        self.last + self.stage.quiet()
    }
}

impl Debouncer {
    /// Takes note of what happened. Of a file, the last event counts: a touch keeps the stage that it is at.
    pub fn note(&mut self, event: ChangeEvent, now: Instant) {
        match event.what {
            // From the first sign of it: a folder that files pour into is looked at all the same.
            What::Tree => drop(self.trees.entry(event.path).or_insert(now)),
            What::File(stage) => {
                let file = self.files.entry(event.path).or_insert(File {
                    stage,
                    last: now,
                    is_written: false,
                });
                file.last = now;
                file.is_written |= matches!(stage, Stage::Writing | Stage::Written);
                if stage != Stage::Touched {
                    file.stage = stage;
                }
            }
        }
    }

    /// When something settles next, if all stays quiet.
    pub fn next(&self) -> Option<Instant> {
        let trees = self.trees.values().map(|&since| since + QUIET);
        trees.chain(self.files.values().map(File::settles)).min()
    }

    /// Takes what has settled.
    pub fn take(&mut self, now: Instant) -> ScanScope {
        let mut scope = ScanScope::default();
        let settled = self.trees.extract_if(|_, since| *since + QUIET <= now);
        settled.for_each(|(path, _)| scope.add_tree(&path));
        let settled = self.files.extract_if(|_, file| file.settles() <= now);
        settled.for_each(|(path, file)| match file.is_written {
            true => scope.add_signed(&path, Sign::Written),
            false => scope.add_file(&path),
        });
        let is_incomplete = |file: &File| matches!(file.stage, Stage::Created | Stage::Writing);
        let writing = self.files.iter().filter(|(_, file)| is_incomplete(file));
        writing.for_each(|(path, _)| scope.leave_out(path));
        scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::new(text.as_bytes())
    }

    /// Notes `path:stage` at milliseconds (a path without a stage is a tree), then takes at each time of `takes`.
    fn check(events: &[(u64, &str)], takes: &[(u64, &[&str])]) {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut debouncer = Debouncer::default();
        for &(ms, event) in events {
            let (name, stage) = event.split_once(':').unwrap_or((event, ""));
            let event = match stage {
                "" => ChangeEvent::tree(path(name)),
                "created" => ChangeEvent::file(path(name), Stage::Created),
                "writing" => ChangeEvent::file(path(name), Stage::Writing),
                "touched" => ChangeEvent::file(path(name), Stage::Touched),
                "written" => ChangeEvent::file(path(name), Stage::Written),
                _ => ChangeEvent::file(path(name), Stage::Over),
            };
            debouncer.note(event, at(ms));
        }
        for (ms, expected) in takes {
            let scope = debouncer.take(at(*ms));
            let all = ["a", "b", "tree", "tree/half"];
            let held = all.into_iter().filter(|p| scope.holds(p.as_bytes()));
            assert_eq!(held.collect::<Vec<_>>(), *expected, "after {ms} ms");
        }
    }

    #[test]
    fn a_file_is_looked_at_when_it_is_complete() {
        check(
            &[(0, "a:created"), (9, "a:writing")],
            &[(2000, &[]), (3009, &["a"])],
        );
        check(
            &[(0, "a:writing"), (50, "a:touched"), (60, "a:written")],
            &[(79, &[]), (80, &["a"])],
        );
        check(&[(0, "a:writing"), (50, "a:touched")], &[(1000, &[])]);
        check(
            &[(0, "a:created")],
            &[(199, &[]), (200, &["a"]), (201, &[])],
        );
    }

    #[test]
    fn a_file_that_was_written_to_says_so_whatever_happened_to_it_later() {
        let signs = |stages: &[Stage]| {
            let now = Instant::now();
            let mut debouncer = Debouncer::default();
            for &stage in stages {
                debouncer.note(ChangeEvent::file(path("a"), stage), now);
            }
            debouncer.take(now + WRITING).sign(&path("a"))
        };
        let written = [Stage::Writing, Stage::Written, Stage::Touched];
        assert_eq!(signs(&written), Some(Sign::Written));
        assert_eq!(signs(&[Stage::Written, Stage::Over]), Some(Sign::Written));
        assert_eq!(signs(&[Stage::Touched, Stage::Over]), None);
        assert_eq!(signs(&[Stage::Created]), None);
    }

    #[test]
    fn files_wait_for_themselves_only() {
        check(
            &[(0, "a:over"), (19, "b:over")],
            &[(20, &["a"]), (39, &["b"])],
        );
    }

    #[test]
    fn a_folder_that_never_rests_is_looked_at_without_what_is_being_written() {
        let events = [(0, "tree"), (10, "tree"), (19, "tree/half:writing")];
        check(&events, &[(20, &["tree"]), (3019, &["tree/half"])]);
    }

    #[test]
    fn the_next_look_is_when_the_first_settles() {
        let now = Instant::now();
        let mut debouncer = Debouncer::default();
        assert_eq!(debouncer.next(), None);
        debouncer.note(ChangeEvent::file(path("a"), Stage::Writing), now);
        debouncer.note(ChangeEvent::tree(path("b")), now);
        assert_eq!(debouncer.next(), Some(now + QUIET));
    }
}
