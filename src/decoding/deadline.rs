//! A deadline for decoders: one that takes longer is left to itself, and nobody waits for it any more.
//!
//! A thread can't be ended from outside: what is left goes on until it is through, or the process ends. What counts is the
//! time that it has a processor, so that a busy machine costs no picture. Knows nothing of pictures.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tracing::Span;

use super::clock::Clock;
use crate::panics;

/// Runs what has a deadline, for all who decode.
pub struct DeadlineRunner {
    limit: Duration,
    abandoned: Mutex<Abandoned>,
    changed: Condvar,
}

#[derive(Default)]
struct Abandoned {
    /// Threads that nobody waits for and that are not through.
    threads: usize,
    stopped: bool,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlineError {
    /// It took longer than this.
    Exceeded(Duration),
    /// All is to stop.
    Stopped,
    /// The system has no room for another thread.
    NoThread,
}

/// So many may be left at a time. Each holds all the memory that a decoder may take; until one of them is through, no
/// other picture is decoded.
const MOST_ABANDONED: usize = 2;
/// How often is looked whether one is late. Deadlines are of seconds, and one that ends in time wakes who waits.
pub const GLANCE: Duration = Duration::from_millis(100);

/// One piece of work, seen from its thread and from the one that waits.
struct Job<T> {
    /// Where both locks are held, this one is taken first, then that of the runner.
    state: Mutex<JobState<T>>,
    ended: Condvar,
}

enum JobState<T> {
    /// Without a clock, it waits for its turn on a processor still.
    Running(Option<Clock>),
    /// With the time that it took.
    Ended(thread::Result<T>, Duration),
    Abandoned,
}

impl DeadlineRunner {
    pub fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            limit,
            abandoned: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Does something on a thread of its own, and waits for its end while that makes sense. A panic goes on here.
    ///
    /// # Errors
    /// When it takes too long, or all is to stop: it goes on then, and its result is dropped.
    pub fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DeadlineError> {
        self.wait_for_room()?;
        let job = Arc::new(Job {
            state: Mutex::new(JobState::Running(None)),
            ended: Condvar::new(),
        });
        let (runner, its) = (Arc::clone(self), Arc::clone(&job));
        let thread = thread::Builder::new().name("decode".into());
        let span = Span::current();
        let spawned = thread.spawn(move || {
            its.began();
            let result = panics::contained(|| span.in_scope(work));
            if its.is_abandoned_with(result) {
                runner.abandoned().threads -= 1;
                runner.changed.notify_all();
            }
        });
        match spawned {
            Ok(_) => self.wait(&job),
            Err(_) => Err(DeadlineError::NoThread),
        }
    }

    /// Nothing is waited for any more.
    pub fn stop(&self) {
        self.abandoned().stopped = true;
        self.changed.notify_all();
    }

    #[cfg(test)]
    fn abandoned_threads(&self) -> usize {
        self.abandoned().threads
    }

    fn wait_for_room(&self) -> Result<(), DeadlineError> {
        let crowded =
            |abandoned: &mut Abandoned| abandoned.threads >= MOST_ABANDONED && !abandoned.stopped;
        let mut abandoned = self.abandoned();
        self.changed.wait_while(&mut abandoned, crowded);
        match abandoned.stopped {
            true => Err(DeadlineError::Stopped),
            false => Ok(()),
        }
    }

    fn wait<T>(&self, job: &Job<T>) -> Result<T, DeadlineError> {
        let mut state = job.state.lock();
        loop {
            match std::mem::replace(&mut *state, JobState::Abandoned) {
                // Whether it is late doesn't depend on when somebody looked.
                JobState::Ended(_, took) if took >= self.limit => {
                    return Err(DeadlineError::Exceeded(self.limit));
                }
                JobState::Ended(Ok(result), _) => return Ok(result),
                JobState::Ended(Err(panic), _) => resume_unwind(panic),
                JobState::Running(clock) => {
                    if let Some(why) = self.is_over(clock.as_ref()) {
                        // Counted under the lock of the job: its thread takes itself off only afterwards.
                        self.abandoned().threads += 1;
                        return Err(why);
                    }
                    *state = JobState::Running(clock);
                }
                JobState::Abandoned => unreachable!("only the one who waits leaves it"),
            }
            job.ended.wait_for(&mut state, GLANCE);
        }
    }

    fn is_over(&self, clock: Option<&Clock>) -> Option<DeadlineError> {
        if self.abandoned().stopped {
            return Some(DeadlineError::Stopped);
        }
        let is_late = clock.is_some_and(|clock| clock.spent() >= self.limit);
        is_late.then_some(DeadlineError::Exceeded(self.limit))
    }

    fn abandoned(&self) -> MutexGuard<'_, Abandoned> {
        self.abandoned.lock()
    }
}

impl<T> Job<T> {
    fn began(&self) {
        if let JobState::Running(clock) = &mut *self.state.lock() {
            *clock = Some(Clock::of_this_thread());
        }
    }

    /// Takes the result in, unless nobody waits for it.
    fn is_abandoned_with(&self, result: thread::Result<T>) -> bool {
        let mut state = self.state.lock();
        let took = match &*state {
            JobState::Running(clock) => clock.as_ref().map_or(Duration::ZERO, Clock::spent),
            _ => return true,
        };
        *state = JobState::Ended(result, took);
        self.ended.notify_all();
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Work that takes its processor until it is told to end.
    fn endless() -> (Sender<()>, impl FnOnce() -> &'static str + Send) {
        let (end, ended) = channel::<()>();
        let work = move || {
            while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {}
            "late"
        };
        (end, work)
    }

    #[test]
    fn what_ends_in_time_gives_its_result_and_a_panic_stays_one() {
        let runner = DeadlineRunner::new(Duration::from_secs(60));
        assert_eq!(runner.run(|| 7), Ok(7));
        let panics = panics::contained(|| runner.run(|| panic!("as it might")));
        assert!(panics.is_err());
        assert_eq!(runner.abandoned_threads(), 0);
    }

    #[test]
    fn what_is_late_is_left_and_others_go_on() {
        let limit = Duration::from_millis(50);
        let runner = DeadlineRunner::new(limit);
        let (end, work) = endless();
        assert_eq!(runner.run(work), Err(DeadlineError::Exceeded(limit)));
        assert_eq!(runner.abandoned_threads(), 1);
        assert_eq!(runner.run(|| "quick"), Ok("quick"));
        drop(end);
        wait_until_none_is_left(&runner);
    }

    #[test]
    fn only_so_many_are_left_at_a_time() {
        let runner = DeadlineRunner::new(Duration::from_millis(50));
        let ends = [(); MOST_ABANDONED].map(|()| {
            let (end, work) = endless();
            assert!(runner.run(work).is_err());
            end
        });
        assert_eq!(runner.abandoned_threads(), MOST_ABANDONED);
        let (waits, next) = (Arc::clone(&runner), channel());
        let waiting = thread::spawn(move || {
            let ran = waits.run(|| "after them");
            next.0.send(waits.abandoned_threads()).unwrap();
            ran
        });
        assert!(next.1.try_recv().is_err());
        drop(ends);
        assert_eq!(waiting.join().unwrap(), Ok("after them"));
        assert!(next.1.recv().unwrap() < MOST_ABANDONED);
    }

    #[test]
    fn nothing_is_waited_for_once_all_is_to_stop() {
        let runner = DeadlineRunner::new(Duration::from_secs(3600));
        let (end, work) = endless();
        let runs = Arc::clone(&runner);
        let running = thread::spawn(move || runs.run(work));
        runner.stop();
        assert_eq!(running.join().unwrap(), Err(DeadlineError::Stopped));
        assert_eq!(runner.run(|| ()), Err(DeadlineError::Stopped));
        drop(end);
    }

    fn wait_until_none_is_left(runner: &DeadlineRunner) {
        let mut abandoned = runner.abandoned();
        runner.changed.wait_while(&mut abandoned, |a| a.threads > 0);
    }
}
