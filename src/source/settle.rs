//! What happened in the source and isn't looked at yet: each place waits until it is quiet.
//!
//! A file that is being written settles first. Pure: the time comes from the caller.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::part::Part;
use crate::catalog::SourcePath;

/// Something happened at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
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
    /// It is complete, or gone.
    Over,
    /// It came into being: by a link, or to be written.
    Created,
    Writing,
}

impl Mark {
    pub fn tree(path: SourcePath) -> Self {
        let what = What::Tree;
        Self { path, what }
    }

    pub fn file(path: SourcePath, stage: Stage) -> Self {
        let what = What::File(stage);
        Self { path, what }
    }
}

impl Stage {
    /// How long it must be quiet afterwards.
    fn quiet(self) -> Duration {
        match self {
            Self::Touched | Self::Over => QUIET,
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

#[derive(Default)]
pub struct Unsettled {
    trees: HashMap<SourcePath, Instant>,
    files: HashMap<SourcePath, (Stage, Instant)>,
}

impl Unsettled {
    pub fn note(&mut self, mark: Mark, now: Instant) {
        match mark.what {
            // From the first sign of it: a folder that files pour into is looked at all the same.
            What::Tree => drop(self.trees.entry(mark.path).or_insert(now)),
            What::File(stage) => {
                let entry = self.files.entry(mark.path).or_insert((stage, now));
                let keeps = stage == Stage::Touched;
                *entry = (if keeps { entry.0 } else { stage }, now);
            }
        }
    }

    /// When something settles next, if all stays quiet.
    pub fn next(&self) -> Option<Instant> {
        let trees = self.trees.values().map(|&since| since + QUIET);
        let files = self.files.values();
        let files = files.map(|(stage, last)| *last + stage.quiet());
        trees.chain(files).min()
    }

    /// Takes what has settled.
    pub fn take(&mut self, now: Instant) -> Part {
        let mut part = Part::default();
        let settled = self.trees.extract_if(|_, since| *since + QUIET <= now);
        settled.for_each(|(path, _)| part.add_tree(&path));
        let is_settled = |(stage, last): (Stage, Instant)| last + stage.quiet() <= now;
        let settled = self.files.extract_if(|_, state| is_settled(*state));
        settled.for_each(|(path, _)| part.add_file(&path));
        let is_incomplete = |stage| matches!(stage, Stage::Created | Stage::Writing);
        let writing = self.files.iter().filter(|(_, (s, _))| is_incomplete(*s));
        writing.for_each(|(path, _)| part.leave_out(path));
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::new(text.as_bytes())
    }

    /// Notes `path:stage` at milliseconds (a path without a stage is a tree), then takes at each time of `takes`.
    fn check(marks: &[(u64, &str)], takes: &[(u64, &[&str])]) {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut unsettled = Unsettled::default();
        for &(ms, mark) in marks {
            let (name, stage) = mark.split_once(':').unwrap_or((mark, ""));
            let mark = match stage {
                "" => Mark::tree(path(name)),
                "created" => Mark::file(path(name), Stage::Created),
                "writing" => Mark::file(path(name), Stage::Writing),
                "touched" => Mark::file(path(name), Stage::Touched),
                _ => Mark::file(path(name), Stage::Over),
            };
            unsettled.note(mark, at(ms));
        }
        for (ms, expected) in takes {
            let part = unsettled.take(at(*ms));
            let all = ["a", "b", "tree", "tree/half"];
            let held = all.into_iter().filter(|p| part.holds(p.as_bytes()));
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
            &[(0, "a:writing"), (50, "a:touched"), (60, "a:over")],
            &[(79, &[]), (80, &["a"])],
        );
        check(&[(0, "a:writing"), (50, "a:touched")], &[(1000, &[])]);
        check(
            &[(0, "a:created")],
            &[(199, &[]), (200, &["a"]), (201, &[])],
        );
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
        let marks = [(0, "tree"), (10, "tree"), (19, "tree/half:writing")];
        check(&marks, &[(20, &["tree"]), (3019, &["tree/half"])]);
    }

    #[test]
    fn the_next_look_is_when_the_first_settles() {
        let now = Instant::now();
        let mut unsettled = Unsettled::default();
        assert_eq!(unsettled.next(), None);
        unsettled.note(Mark::file(path("a"), Stage::Writing), now);
        unsettled.note(Mark::tree(path("b")), now);
        assert_eq!(unsettled.next(), Some(now + QUIET));
    }
}
