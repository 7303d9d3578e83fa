//! Files that don't answer: each is set aside, and tried again some time after whoever still waits for it is through.
//!
//! One that has hung again and again rests longer each time. Knows nothing of what is read, nor of the disk.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::catalog::SourcePath;

/// How long a file rests that answered late for the first time; doubles with each time.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Those of one source.
#[derive(Debug, Default)]
pub struct UnresponsiveFiles {
    files: Mutex<HashMap<SourcePath, Silence>>,
    listeners: Mutex<Vec<Listener>>,
}

#[derive(Debug)]
struct Silence {
    /// How often it was late, one after the other.
    times: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// A thread waits for it still.
    Silent,
    /// It is left alone until then.
    Resting(Instant),
    /// Somebody has an answer, and the others don't know yet.
    Answers,
    /// Whoever wants something of it is to try.
    Due,
}

/// Told which files are to be tried again.
struct Listener(Box<Tell>);

type Tell = dyn Fn(&[SourcePath]) + Send + Sync;

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl UnresponsiveFiles {
    /// Whether there is sense in asking for a file now.
    pub fn may_be_asked(&self, path: &SourcePath) -> bool {
        match self.files.lock().get(path).map(|silence| silence.stage) {
            None | Some(Stage::Answers | Stage::Due) => true,
            Some(Stage::Resting(until)) => until <= Instant::now(),
            Some(Stage::Silent) => false,
        }
    }

    /// It doesn't answer, and somebody waits for it still.
    pub fn fell_silent(&self, path: &SourcePath) {
        let times = self.times(path) + 1;
        self.set(path, times, Stage::Silent);
        tracing::warn!(%path, "it doesn't answer: it is set aside, and tried again later");
    }

    /// Too many don't answer for this one to be asked.
    pub fn was_crowded_out(&self, path: &SourcePath) {
        self.rest(path, self.times(path));
    }

    /// Whoever waited for it has an answer, which nobody wants any more.
    pub fn came_late(&self, path: &SourcePath) {
        if self.files.lock().contains_key(path) {
            self.rest(path, self.times(path));
        }
    }

    /// It answers. Whoever else wants something of it is to learn that.
    pub fn answered(&self, path: &SourcePath) {
        let mut files = self.files.lock();
        match files.get_mut(path) {
            None => {}
            Some(Silence {
                stage: Stage::Due, ..
            }) => {
                files.remove(path);
            }
            Some(silence) => silence.stage = Stage::Answers,
        }
    }

    /// The disk is another one, or back: nothing is known of it.
    pub fn forget(&self) {
        self.files.lock().clear();
    }

    /// From now on, whoever wants something of files learns which are to be tried again.
    pub fn listen(&self, listener: impl Fn(&[SourcePath]) + Send + Sync + 'static) {
        self.listeners.lock().push(Listener(Box::new(listener)));
    }

    /// Those that have rested, to be tried again; listeners learn of them. Who was told before and hasn't tried won't.
    pub fn take_due(&self) -> Vec<SourcePath> {
        let due = self.rested();
        if !due.is_empty() {
            self.listeners
                .lock()
                .iter()
                .for_each(|Listener(tell)| tell(&due));
        }
        due
    }

    fn rested(&self) -> Vec<SourcePath> {
        let now = Instant::now();
        let mut files = self.files.lock();
        files.retain(|_, silence| silence.stage != Stage::Due);
        let mut due = Vec::new();
        for (path, silence) in files.iter_mut() {
            let has_rested = match silence.stage {
                Stage::Resting(until) => until <= now,
                Stage::Answers => true,
                Stage::Silent | Stage::Due => false,
            };
            if has_rested {
                silence.stage = Stage::Due;
                due.push(path.clone());
            }
        }
        due
    }

    /// How many are set aside.
    pub fn len(&self) -> usize {
        let is_set_aside =
            |silence: &&Silence| matches!(silence.stage, Stage::Silent | Stage::Resting(_));
        self.files.lock().values().filter(is_set_aside).count()
    }

    fn rest(&self, path: &SourcePath, times: u32) {
        let rest = REST * 2_u32.saturating_pow(times.saturating_sub(1).min(16));
        let until = Instant::now() + rest.min(LONGEST_REST);
        self.set(path, times, Stage::Resting(until));
    }

    fn times(&self, path: &SourcePath) -> u32 {
        self.files
            .lock()
            .get(path)
            .map_or(0, |silence| silence.times)
    }

    fn set(&self, path: &SourcePath, times: u32, stage: Stage) {
        let silence = Silence { times, stage };
        self.files.lock().insert(path.clone(), silence);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    impl UnresponsiveFiles {
        fn stage(&self, path: &SourcePath) -> Option<Stage> {
            self.files.lock().get(path).map(|silence| silence.stage)
        }

        /// As if the time of its rest were over.
        fn wake(&self, path: &SourcePath) {
            let times = self.times(path);
            self.set(path, times, Stage::Resting(Instant::now()));
        }
    }

    fn path() -> SourcePath {
        SourcePath::new(*b"a.jpg")
    }

    #[test]
    fn a_file_is_asked_again_when_it_has_come_and_rested() {
        let files = UnresponsiveFiles::default();
        let told = Arc::<Mutex<Vec<SourcePath>>>::default();
        let tell = Arc::clone(&told);
        files.listen(move |due| tell.lock().extend(due.iter().cloned()));
        assert!(files.may_be_asked(&path()));
        files.fell_silent(&path());
        assert!(!files.may_be_asked(&path()));
        assert_eq!((files.take_due(), files.len()), (vec![], 1));
        files.came_late(&path());
        assert!(!files.may_be_asked(&path()));
        files.wake(&path());
        assert_eq!((files.take_due(), files.len()), (vec![path()], 0));
        assert_eq!(*told.lock(), [path()]);
        assert!(files.may_be_asked(&path()));
        files.answered(&path());
        assert_eq!(files.stage(&path()), None);
    }

    #[test]
    fn whoever_did_not_ask_learns_that_a_file_answers_again() {
        let files = UnresponsiveFiles::default();
        files.fell_silent(&path());
        files.came_late(&path());
        files.wake(&path());
        files.answered(&path());
        assert_eq!((files.len(), files.take_due()), (0, vec![path()]));
        files.answered(&path());
        assert_eq!(files.take_due(), []);
        assert_eq!(files.stage(&path()), None);
    }

    #[test]
    fn one_that_hangs_again_rests_longer_each_time() {
        let files = UnresponsiveFiles::default();
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            files.fell_silent(&path());
            files.came_late(&path());
            let Some(Stage::Resting(until)) = files.stage(&path()) else {
                panic!("it rests");
            };
            let rest = until - Instant::now();
            assert!(rest >= last.saturating_sub(REST) && rest <= LONGEST_REST);
            last = rest;
            files.wake(&path());
            assert_eq!(files.take_due(), [path()]);
        }
        assert!(last > LONGEST_REST / 2);
    }

    #[test]
    fn one_that_nobody_wants_any_more_is_forgotten() {
        let files = UnresponsiveFiles::default();
        files.fell_silent(&path());
        files.came_late(&path());
        files.wake(&path());
        assert_eq!(files.take_due(), [path()]);
        assert_eq!(files.take_due(), []);
        assert_eq!(files.stage(&path()), None);
        // An answer that comes now concerns nobody.
        files.came_late(&path());
        assert_eq!(files.stage(&path()), None);
    }
}
