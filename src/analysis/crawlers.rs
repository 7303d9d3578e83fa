//! Programs that walk everything: indexers, thumbnailers, backups. What they read is no sign of interest.
//!
//! Two signals: the name of the process, and how many photos it touches within seconds. A hint only; it decides what
//! an access counts for, never whether it is allowed. Knows nothing of what accesses start.

mod breadth;
mod processes;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::catalog::PhotoId;
use breadth::Breadth;
use processes::Processes;

pub use processes::Process;

/// Process names as the kernel gives them, cut at 15 characters. Seen on desktops; a list to be lengthened.
const NAMES: [&str; 20] = [
    "tumblerd",
    "gdk-pixbuf-thum",
    "bwrap",
    "kioslave5",
    "kioworker",
    "baloo_file",
    "baloo_file_extr",
    "baloo_filemetad",
    "tracker-miner-f",
    "tracker-extract",
    "localsearch-3",
    "localsearch-ext",
    "updatedb",
    "gvfsd-trash",
    "glycin-image-rs",
    "ffmpegthumbnail",
    "gthumb",
    "pcmanfm",
    "rsync",
    "tar",
];

/// Names of which the accesses are counted apart; the others are counted together.
const MOST_COUNTED: usize = 64;
const OTHERS: &str = "others";

/// Tells crawlers by their name and by how many photos they touch.
#[derive(Default)]
pub struct Crawlers {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    processes: Processes,
    breadth: Breadth,
    counts: HashMap<String, u64>,
}

impl Crawlers {
    /// The same, with processes looked up in another place than `/proc`.
    pub fn with_proc(proc: PathBuf) -> Self {
        let processes = Processes::new(proc);
        Self {
            state: Mutex::new(State {
                processes,
                ..State::default()
            }),
        }
    }

    /// Whether this access to a photo, by a thread of this id, is a crawler's. Counted if so.
    pub fn judge(&self, pid: u32, photo: PhotoId) -> bool {
        self.judge_at(pid, photo, Instant::now())
    }

    /// Whether the process that this thread belongs to is a crawler by its name. Counted if so.
    pub fn is_crawler(&self, pid: u32) -> bool {
        self.is_crawler_at(pid, Instant::now())
    }

    /// The process that a thread belongs to, where the system tells.
    pub fn process(&self, thread: u32) -> Option<Process> {
        self.lock().processes.of_thread(thread, Instant::now())
    }

    /// How many accesses counted for less, by the name of the process; the most first.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let mut counts: Vec<_> = self.lock().counts.clone().into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
    }

    fn judge_at(&self, pid: u32, photo: PhotoId, now: Instant) -> bool {
        let mut state = self.lock();
        let Some(process) = state.processes.of_thread(pid, now) else {
            return false;
        };
        let crawls = is_known(&process) || state.breadth.is_wide(process.key, photo, now);
        state.counted(crawls, &process)
    }

    fn is_crawler_at(&self, pid: u32, now: Instant) -> bool {
        let mut state = self.lock();
        let process = state.processes.of_thread(pid, now);
        process.is_some_and(|p| state.counted(is_known(&p), &p))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it judges a process")
    }
}

impl State {
    fn counted(&mut self, crawls: bool, process: &Process) -> bool {
        if crawls {
            let has_room =
                self.counts.len() < MOST_COUNTED || self.counts.contains_key(&process.name);
            let name = if has_room { &process.name } else { OTHERS };
            *self.counts.entry(name.to_owned()).or_default() += 1;
        }
        crawls
    }
}

fn is_known(process: &Process) -> bool {
    NAMES.contains(&process.name.as_str())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A `/proc` with process 10 of this name, whose threads are 10 and 11.
    fn crawlers(name: &str) -> (Crawlers, tempfile::TempDir) {
        let proc = tempfile::tempdir().unwrap();
        for thread in ["10", "11"] {
            std::fs::create_dir(proc.path().join(thread)).unwrap();
            let status =
                format!("Name:\tpool-3\nState:\tS (sleeping)\nTgid:\t10\nPid:\t{thread}\n");
            std::fs::write(proc.path().join(thread).join("status"), status).unwrap();
        }
        let fields = "S 1 10 10 0 -1 4194560 100 0 0 0 5 5 0 0 20 0 3 0 777 1000";
        let stat = format!("10 ({name}) {fields}\n");
        std::fs::write(proc.path().join("10/stat"), stat).unwrap();
        (Crawlers::with_proc(proc.path().to_owned()), proc)
    }

    /// Whether each of these accesses, `second:photo`, by thread 11 is a crawler's.
    fn check(name: &str, accesses: impl IntoIterator<Item = (u64, u32)>, expected: &str) {
        let (crawlers, _proc) = crawlers(name);
        let start = Instant::now();
        let judge = |(second, photo)| {
            let now = start + Duration::from_secs(second);
            if crawlers.judge_at(11, PhotoId(photo), now) {
                'c'
            } else {
                '.'
            }
        };
        let judged: String = accesses.into_iter().map(judge).collect();
        assert_eq!(judged, expected, "{name}");
    }

    #[test]
    fn a_process_of_a_known_name_crawls_from_the_first_photo_on() {
        check("tumblerd", [(0, 1), (9, 2)], "cc");
        check("eog", [(0, 1), (9, 2)], "..");
        check("a) S 1 (b", [(0, 1)], ".");
    }

    #[test]
    fn more_than_twelve_photos_within_five_seconds_are_a_crawl() {
        check("eog", (0..14).map(|n| (0, n)), "............cc");
        check("eog", (0..20).map(|n| (0, n % 12)), &".".repeat(20));
        check("eog", (0..40).map(|n| (u64::from(n), n)), &".".repeat(40));
    }

    #[test]
    fn who_stops_crawling_is_no_crawler_any_more() {
        let crawl = (0..13).map(|n| (0, n));
        check("eog", crawl.chain([(1, 20), (7, 21)]), "............cc.");
    }

    #[test]
    fn the_kernel_and_processes_that_are_gone_are_not_judged() {
        let (crawlers, _proc) = crawlers("tumblerd");
        assert!(!crawlers.judge(0, PhotoId(1)));
        assert!(!crawlers.judge(99, PhotoId(1)));
        assert!(!crawlers.is_crawler(0));
        assert_eq!(crawlers.counts(), []);
    }

    #[test]
    fn what_counted_for_less_is_counted_by_name() {
        let (crawlers, _proc) = crawlers("rsync");
        assert!(crawlers.judge(10, PhotoId(1)));
        assert!(crawlers.is_crawler(11));
        assert_eq!(crawlers.counts(), [("rsync".to_owned(), 2)]);
    }

    #[test]
    fn this_process_is_found_in_the_real_proc() {
        let crawlers = Crawlers::default();
        assert!(!crawlers.is_crawler(std::process::id()));
        let mut state = crawlers.lock();
        let found = state
            .processes
            .of_thread(std::process::id(), Instant::now());
        assert!(found.is_some_and(|p| !p.name.is_empty()));
    }

    #[test]
    fn many_processes_are_kept_in_little_room() {
        let mut state = State::default();
        for name in 0..1000 {
            let process = Process {
                key: (name, 0),
                name: name.to_string(),
            };
            state.counted(true, &process);
        }
        assert_eq!(state.counts.len(), MOST_COUNTED + 1);
        assert_eq!(state.counts[OTHERS], 1000 - MOST_COUNTED as u64);
    }
}
