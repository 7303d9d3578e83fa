//! Threads that wait for the source, so that whoever wants to know something needn't wait for ever: where no answer comes, the
//! thread is left to itself, and ends when the answer comes after all or the process ends.
//!
//! A system call can't be called off. What counts is whether it answers, not how long all of the work takes: a large file on
//! a slow disk is read to its end. Knows nothing of paths.

use std::collections::VecDeque;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing::Span;

use crate::panics;

/// How long one answer of the disk is waited for.
const LONGEST: Duration = Duration::from_secs(10);
/// Where others wait in vain already, an answer is waited for less long, but so long in any case: a folder of a thousand files
/// that don't answer is through within minutes.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long it is waited for once all is to end.
const LAST: Duration = Duration::from_millis(250);
/// How many threads may be left waiting. Each holds a stack and what it has read.
const MOST_LEFT: usize = 128;
/// How often is looked whether an answer is late. One that comes wakes who waits.
const GLANCE: Duration = Duration::from_millis(50);
/// A thread without work ends after this time.
const IDLE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// It is late, or too many are late already.
    #[error("the file does not answer")]
    Late,
    /// Who wanted to know doesn't any more.
    #[error("the program ends")]
    Stopped,
}

/// The threads.
#[derive(Debug, Default)]
pub struct Readers {
    pool: Arc<Pool>,
    left: Arc<AtomicUsize>,
}

/// What work tells of itself: that the disk answered, and it goes on.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    answers: AtomicU64,
    is_left: AtomicBool,
    is_over: AtomicBool,
}

impl Progress {
    /// The disk has answered, and is asked again.
    ///
    /// # Errors
    /// When nobody waits for what is read any more.
    pub fn step(&self) -> io::Result<()> {
        self.0.answers.fetch_add(1, Ordering::Relaxed);
        match self.0.is_left.load(Ordering::Relaxed) {
            true => Err(NoAnswer::Late.into()),
            false => Ok(()),
        }
    }

    /// Whether work that takes long is to go on.
    pub fn goes_on(&self) -> bool {
        !self.0.is_over.load(Ordering::Relaxed)
    }
}

impl From<NoAnswer> for io::Error {
    fn from(why: NoAnswer) -> Self {
        Self::new(io::ErrorKind::TimedOut, why)
    }
}

/// One piece of work, seen from its thread and from the one that waits.
struct Job<T> {
    state: Mutex<JobState<T>>,
    ended: Condvar,
}

enum JobState<T> {
    Running,
    Ended(thread::Result<T>),
    Left,
}

/// What is done about work that is left: when it is, and when it has ended after all, in this order.
pub trait Late: Send + Sync + 'static {
    fn left(&self);
    fn came(&self);
}

impl Readers {
    /// Whether another thread may be left waiting.
    pub fn have_room(&self) -> bool {
        self.left() < MOST_LEFT
    }

    /// Does what waits for the disk on another thread, and waits for it while `go_on` says so and the disk answers. A panic
    /// goes on here.
    ///
    /// # Errors
    /// As [`NoAnswer`] says; or when the system has no room for another thread.
    pub fn run<T: Send + 'static>(
        &self,
        go_on: &dyn Fn() -> bool,
        late: impl Late,
        work: impl FnOnce(&Progress) -> T + Send + 'static,
    ) -> io::Result<Result<T, NoAnswer>> {
        let job = Arc::new(Job {
            state: Mutex::new(JobState::Running),
            ended: Condvar::new(),
        });
        let (progress, late) = (Progress::default(), Arc::new(late));
        let (its, its_progress, its_late) = (Arc::clone(&job), progress.clone(), Arc::clone(&late));
        let (left, span) = (Arc::clone(&self.left), Span::current());
        self.pool.spawn(Box::new(move || {
            let result = panics::contained(|| span.in_scope(|| work(&its_progress)));
            if its.is_left_with(result) {
                left.fetch_sub(1, Ordering::Relaxed);
                its_late.came();
            }
        }))?;
        Ok(self.wait(&job, &progress, go_on, &*late))
    }

    fn wait<T>(
        &self,
        job: &Job<T>,
        progress: &Progress,
        go_on: &dyn Fn() -> bool,
        late: &dyn Late,
    ) -> Result<T, NoAnswer> {
        let answers = || progress.0.answers.load(Ordering::Relaxed);
        let mut last = (answers(), Instant::now());
        let mut state = job.state.lock();
        loop {
            if let JobState::Ended(_) = *state
                && let JobState::Ended(result) = std::mem::replace(&mut *state, JobState::Left)
            {
                return result.map_err(|panic| resume_unwind(panic));
            }
            if last.0 != answers() {
                last = (answers(), Instant::now());
            }
            let wanted = go_on();
            progress.0.is_over.store(!wanted, Ordering::Relaxed);
            if let Some(why) = self.is_late(last.1.elapsed(), wanted) {
                // Under the lock of the job: its thread finds that it was left only afterwards.
                progress.0.is_left.store(true, Ordering::Relaxed);
                *state = JobState::Left;
                self.left.fetch_add(1, Ordering::Relaxed);
                if why == NoAnswer::Late {
                    late.left();
                }
                return Err(why);
            }
            job.ended.wait_for(&mut state, GLANCE);
        }
    }

    fn is_late(&self, waited: Duration, wanted: bool) -> Option<NoAnswer> {
        match wanted {
            true => (waited >= patience(self.left())).then_some(NoAnswer::Late),
            false => (waited >= LAST).then_some(NoAnswer::Stopped),
        }
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

/// How long an answer is waited for, where so many are late.
fn patience(late: usize) -> Duration {
    let others = u32::try_from(late).unwrap_or(u32::MAX - 1);
    (LONGEST / (1 + others)).max(SHORTEST)
}

impl<T> Job<T> {
    /// Takes the result in, unless nobody waits for it.
    fn is_left_with(&self, result: thread::Result<T>) -> bool {
        let mut state = self.state.lock();
        if let JobState::Left = *state {
            return true;
        }
        *state = JobState::Ended(result);
        self.ended.notify_all();
        false
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// As many threads as have work at a time.
#[derive(Default)]
struct Pool {
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    /// Threads that wait for work.
    idle: usize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    fn spawn(self: &Arc<Self>, work: Work) -> io::Result<()> {
        let mut queue = self.queue.lock();
        if queue.waiting.len() >= queue.idle {
            let pool = Arc::clone(self);
            let thread = thread::Builder::new().name("source".into());
            thread.spawn(move || pool.work())?;
        }
        queue.waiting.push_back(work);
        self.work.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut queue = self.queue.lock();
        loop {
            while let Some(work) = queue.waiting.pop_front() {
                drop(queue);
                work();
                queue = self.queue.lock();
            }
            queue.idle += 1;
            let timed_out = self.work.wait_for(&mut queue, IDLE).timed_out();
            queue.idle -= 1;
            if timed_out && queue.waiting.is_empty() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Told(Sender<&'static str>);

    impl Late for Told {
        fn left(&self) {
            self.0.send("left").unwrap();
        }

        fn came(&self) {
            self.0.send("came").unwrap();
        }
    }

    /// One that is told nothing.
    fn nobody() -> Told {
        Told(channel().0)
    }

    #[test]
    fn what_answers_gives_its_result_and_a_panic_stays_one() {
        let readers = Readers::default();
        assert_eq!(readers.run(&|| true, nobody(), |_| 7).unwrap(), Ok(7));
        let panics = panics::contained(|| readers.run(&|| true, nobody(), |_| panic!("as it may")));
        assert!(panics.is_err());
    }

    #[test]
    fn one_thread_serves_who_comes_one_after_the_other() {
        let readers = Readers::default();
        let who = || {
            let who = |_: &Progress| thread::current().id();
            readers.run(&|| true, nobody(), who).unwrap().unwrap()
        };
        let first = who();
        // It is idle a moment after its result is there.
        while readers.pool.queue.lock().idle == 0 {
            thread::yield_now();
        }
        assert_eq!(who(), first);
    }

    #[test]
    fn what_does_not_answer_is_left_and_tells_when_it_does() {
        let readers = Readers::default();
        let (tell, told) = channel();
        let (release, word): (_, Receiver<()>) = channel();
        let waited = readers.run(&|| false, Told(tell.clone()), move |progress| {
            word.recv().unwrap();
            tell.send(match progress.step() {
                Ok(()) => "wanted",
                Err(_) => "unwanted",
            })
            .unwrap();
        });
        assert_eq!(waited.unwrap(), Err(NoAnswer::Stopped));
        assert_eq!(readers.left(), 1);
        release.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), "unwanted");
        assert_eq!(told.recv().unwrap(), "came");
        assert_eq!(readers.left(), 0);
    }

    #[test]
    fn long_work_is_told_that_it_is_over() {
        let readers = Readers::default();
        let read_on = |progress: &Progress| {
            while progress.goes_on() {
                progress.step().unwrap();
            }
        };
        assert_eq!(readers.run(&|| false, nobody(), read_on).unwrap(), Ok(()));
    }

    #[test]
    fn the_more_are_late_the_less_long_others_are_waited_for() {
        assert_eq!(patience(0), LONGEST);
        assert_eq!(patience(1), LONGEST / 2);
        assert_eq!(patience(MOST_LEFT), SHORTEST);
        let readers = Readers::default();
        let late = |seconds, wanted| readers.is_late(Duration::from_secs(seconds), wanted);
        assert_eq!(late(9, true), None);
        assert_eq!(late(10, true), Some(NoAnswer::Late));
        assert_eq!(late(1, false), Some(NoAnswer::Stopped));
    }
}
