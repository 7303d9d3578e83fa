//! Programs that walk everything: indexers, thumbnailers, backups. What they read is no sign of interest.
//!
//! Two signals: the name of the process, and how many photos it reads within seconds. The second is for bytes only: a
//! description that is not listed is asked for on purpose, however many of them. A hint only; it decides what an access
//! counts for, never whether it is allowed. Knows nothing of what accesses start.

mod breadth;
mod known;
mod processes;

use std::collections::HashMap;
use std::time::Instant;

use crate::catalog::PhotoId;
use breadth::Breadth;
use known::{Trade, trade};
use parking_lot::{Mutex, MutexGuard};
use processes::Processes;

pub use processes::Process;

/// Names of which the accesses are counted apart; the others are counted together, because a program may call itself
/// anything, each time another.
const MOST_COUNTED: usize = 64;
const OTHERS: &str = "others";

/// Tells crawlers by their name and by how many photos they touch.
#[derive(Default)]
pub struct Crawlers {
    /// Held while `/proc` is read, which waits for no disk; nothing else is locked meanwhile.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    processes: Processes,
    breadth: Breadth,
    counts: HashMap<String, u64>,
}

impl Crawlers {
    /// Whether a thread of this id reads a photo for a crawler: by its name, or by how many it reads. Counted if so.
    pub fn crawls(&self, pid: u32, photo: PhotoId) -> bool {
        self.crawls_at(pid, photo, Instant::now())
    }

    /// The name of the program that a thread works for, where that is known to ask for all that it meets. Counted if
    /// so.
    pub fn asks_for_all(&self, pid: u32) -> Option<String> {
        self.known(pid, |_| true)
    }

    /// The name of the program that a thread works for, where that is known to list all folders that it meets. A file
    /// manager isn't: it lists what somebody opens. Counted if so.
    pub fn lists_all(&self, pid: u32) -> Option<String> {
        self.known(pid, |trade| trade != Trade::FileManager)
    }

    /// The process that a thread belongs to, where the system tells.
    pub(crate) fn process(&self, thread: u32) -> Option<Process> {
        self.lock().processes.of_thread(thread, Instant::now())
    }

    /// How many accesses counted for less, by the name of the process; the most first.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let mut counts: Vec<_> = self.lock().counts.clone().into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
    }

    fn crawls_at(&self, pid: u32, photo: PhotoId, now: Instant) -> bool {
        let mut state = self.lock();
        let Some(process) = state.processes.behind(pid) else {
            return false;
        };
        let crawls =
            trade(&process.name).is_some() || state.breadth.is_wide(process.key, photo, now);
        if crawls {
            state.count(&process.name);
        }
        crawls
    }

    fn known(&self, pid: u32, is_meant: impl FnOnce(Trade) -> bool) -> Option<String> {
        let mut state = self.lock();
        let Process { name, .. } = state.processes.behind(pid)?;
        trade(&name).filter(|trade| is_meant(*trade))?;
        state.count(&name);
        Some(name)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn count(&mut self, name: &str) {
        let has_room = self.counts.len() < MOST_COUNTED || self.counts.contains_key(name);
        let name = if has_room { name } else { OTHERS };
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;

    /// A `/proc` with process 10 of the first name, whose threads are 10 and 11; the process that started it, 20, is of
    /// the second, and so on.
    fn crawlers(names: &str) -> (Crawlers, tempfile::TempDir) {
        let proc = tempfile::tempdir().unwrap();
        for (id, name) in (10..).step_by(10).zip(names.split(" < ")) {
            add(proc.path(), id, name);
        }
        let crawlers = Crawlers::default();
        crawlers.lock().processes = Processes::new(proc.path().to_owned());
        (crawlers, proc)
    }

    fn add(proc: &Path, id: u32, name: &str) {
        for thread in [id, id + 1] {
            let folder = proc.join(thread.to_string());
            std::fs::create_dir(&folder).unwrap();
            let parent = id + 10;
            let status = format!("Name:\tpool-3\nTgid:\t{id}\nPid:\t{thread}\nPPid:\t{parent}\n");
            std::fs::write(folder.join("status"), status).unwrap();
        }
        let fields = "S 1 10 10 0 -1 4194560 100 0 0 0 5 5 0 0 20 0 3 0 777 1000";
        let stat = format!("{id} ({name}) {fields}\n");
        std::fs::write(proc.join(id.to_string()).join("stat"), stat).unwrap();
    }

    /// Whether each of these photos, `second:photo`, is read by thread 11 for a crawler.
    fn check(names: &str, reads: impl IntoIterator<Item = (u64, u32)>, expected: &str) {
        let (crawlers, _proc) = crawlers(names);
        let start = Instant::now();
        let judge = |(second, photo)| {
            let now = start + Duration::from_secs(second);
            if crawlers.crawls_at(11, PhotoId(photo), now) {
                'c'
            } else {
                '.'
            }
        };
        let judged: String = reads.into_iter().map(judge).collect();
        assert_eq!(judged, expected, "{names}");
    }

    #[test]
    fn a_process_of_a_known_name_crawls_from_the_first_photo_on() {
        check("tumblerd", [(0, 1), (9, 2)], "cc");
        check("eog", [(0, 1), (9, 2)], "..");
        check("gthumb", [(0, 1), (9, 2)], "..");
        check("a) S 1 (b", [(0, 1)], ".");
    }

    #[test]
    fn a_loader_in_its_sandbox_reads_for_whoever_started_it() {
        let loaded_by = |program| format!("glycin-image-rs < bwrap < bwrap < {program}");
        check(&loaded_by("loupe"), [(0, 1), (9, 2)], "..");
        check(&loaded_by("gdk-pixbuf-thum"), [(0, 1)], "c");
        check(&loaded_by("nautilus"), [(0, 1)], "c");
        check(
            &loaded_by("loupe"),
            (0..14).map(|n| (0, n)),
            "............cc",
        );
        check("glycin-image-rs", [(0, 1)], ".");
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
    fn how_much_a_process_reads_says_nothing_of_what_it_asks() {
        let (crawlers, _proc) = crawlers("python3");
        for photo in 0..40 {
            crawlers.crawls(10, PhotoId(photo));
        }
        assert!(crawlers.crawls(10, PhotoId(41)));
        assert_eq!(crawlers.asks_for_all(10), None);
        assert_eq!(crawlers.lists_all(10), None);
    }

    #[test]
    fn the_folders_that_a_file_manager_lists_are_those_that_somebody_opens() {
        let (crawlers, _proc) = crawlers("dolphin");
        assert_eq!(crawlers.lists_all(10), None);
        assert_eq!(crawlers.asks_for_all(10).as_deref(), Some("dolphin"));
        assert!(crawlers.crawls(10, PhotoId(1)));
    }

    #[test]
    fn the_kernel_and_processes_that_are_gone_are_not_judged() {
        let (crawlers, _proc) = crawlers("tumblerd");
        assert!(!crawlers.crawls(0, PhotoId(1)));
        assert!(!crawlers.crawls(99, PhotoId(1)));
        assert_eq!(crawlers.asks_for_all(0), None);
        assert_eq!(crawlers.counts(), []);
    }

    #[test]
    fn what_counted_for_less_is_counted_by_name() {
        let (crawlers, _proc) = crawlers("rsync");
        assert!(crawlers.crawls(10, PhotoId(1)));
        assert!(crawlers.asks_for_all(11).is_some());
        assert!(crawlers.lists_all(11).is_some());
        assert_eq!(crawlers.counts(), [("rsync".to_owned(), 3)]);
    }

    #[test]
    fn this_process_is_found_in_the_real_proc() {
        let crawlers = Crawlers::default();
        assert_eq!(crawlers.asks_for_all(std::process::id()), None);
        let state = crawlers.lock();
        let found = state.processes.behind(std::process::id());
        assert!(found.is_some_and(|p| !p.name.is_empty()));
    }

    #[test]
    fn many_processes_are_kept_in_little_room() {
        let mut state = State::default();
        for name in 0..1000 {
            state.count(&name.to_string());
        }
        assert_eq!(state.counts.len(), MOST_COUNTED + 1);
        assert_eq!(state.counts[OTHERS], 1000 - MOST_COUNTED as u64);
    }
}
