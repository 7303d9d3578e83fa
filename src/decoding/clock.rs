//! How long a thread, or a process, has had a processor.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;

/// The time on a processor; where the system doesn't tell, the time since the clock was made.
pub struct Clock {
    since: Instant,
    statistics: Option<File>,
    parse: fn(&str) -> Option<Duration>,
}

impl Clock {
    /// Opened by a thread itself, its statistics can be read by others.
    pub fn of_this_thread() -> Self {
        Self::reading("/proc/thread-self/schedstat", of_schedstat)
    }

    /// Of all threads of a process together.
    pub fn of_process(number: u32) -> Self {
        Self::reading(&format!("/proc/{number}/stat"), of_stat)
    }

    fn reading(statistics: &str, parse: fn(&str) -> Option<Duration>) -> Self {
        Self {
            since: Instant::now(),
            statistics: File::open(statistics).ok(),
            parse,
        }
    }

    pub fn spent(&self) -> Duration {
        let on_processor = || {
            let mut text = [0; 1024];
            let length = self.statistics.as_ref()?.read_at(&mut text, 0).ok()?;
            (self.parse)(&String::from_utf8_lossy(&text[..length]))
        };
        on_processor().unwrap_or_else(|| self.since.elapsed())
    }
}

/// The first number, in nanoseconds: <https://docs.kernel.org/scheduler/sched-stats.html>.
fn of_schedstat(text: &str) -> Option<Duration> {
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// `pid (name) state ...`: the times in user mode and in the kernel, in ticks, of proc_pid_stat(5). A name may have anything in it.
fn of_stat(text: &str) -> Option<Duration> {
    let mut times = text.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut time = || times.next()?.parse::<u64>().ok();
    let ticks = time()? + time()?;
    Some(Duration::from_millis(
        ticks * 1000 / clock_ticks_per_second(),
    ))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn only_time_on_a_processor_counts() {
        const A_WHILE: Duration = Duration::from_millis(100);
        let clock = Clock::of_this_thread();
        let began = Instant::now();
        while began.elapsed() < A_WHILE {
            std::hint::spin_loop();
        }
        let worked = clock.spent();
        assert!(worked > Duration::ZERO, "{worked:?}");
        thread::park_timeout(A_WHILE);
        assert!(clock.spent() - worked < A_WHILE);
    }

    #[test]
    fn a_process_has_the_time_of_all_its_threads() {
        let ticks = clock_ticks_per_second();
        let stat = format!(
            "7 (a) b) c) R 1 1 1 0 -1 0 0 0 0 0 {ticks} {} 0 0 20",
            ticks / 2
        );
        assert_eq!(of_stat(&stat), Some(Duration::from_millis(1500)));
        assert_eq!(of_stat("7 (torn"), None);
        assert!(Clock::of_process(std::process::id()).statistics.is_some());
    }
}
