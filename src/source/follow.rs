//! The catalog follows the source: what happens there shows within a second.
//!
//! By inotify where it tells everything, by looking again and again where it doesn't (network file systems, or more
//! folders than the system lets watch). A source that disappears is waited for. Knows nothing of views or commands.

use std::io;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use super::debouncer::{ChangeEvent, Debouncer, Stage};
use super::scan_scope::ScanScope;
use super::watch::{Shortage, Watches, shortage_of};
use super::{Error, Report, Sync};
use crate::catalog::SourcePath;
use crate::faults;
use crate::source_files::network;

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Watching {
    /// How it is noticed that something happened.
    pub mode: Mode,
    /// From the end of a look to the next one, where looking is what it takes.
    pub interval: Duration,
}

/// How it is noticed that something happened in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By inotify, and by looking again where that isn't enough.
    Auto,
    /// By inotify alone, where the kernel can; by looking again where it can't watch everything.
    Inotify,
    /// By looking again and again.
    Poll,
    /// Once, at the start.
    Off,
}

/// Follows one source until it is stopped.
pub struct Follower {
    watching: Watching,
    state: Mutex<State>,
    changed: Condvar,
    /// Readable when it is over, for the thread that waits for the kernel.
    over: OwnedFd,
}

#[derive(Default)]
struct State {
    debouncer: Debouncer,
    stopped: bool,
    /// Whether the kernel tells nothing any more.
    is_deaf: bool,
    following: Following,
}

/// How the source is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Following {
    /// How many folders the kernel watches for it.
    pub watched: usize,
    /// Whether it is looked at again and again.
    pub polling: bool,
    /// Why the source can't be read now.
    pub away: Option<String>,
}

/// How often the source is looked for: whether it is still there, whether it is back.
const CHECK: Duration = Duration::from_secs(2);
/// A source that takes long to look at is looked at less often: it rests so many times as long.
const REST: u32 = 10;
/// Between two looks, where something happens all the time: as long as the last one took, but not longer than this.
/// What happens meanwhile is one look.
const BREATH: Duration = Duration::from_millis(300);
/// Copies are looked for when nothing happened for this long.
const PAUSE: Duration = Duration::from_secs(1);

impl Follower {
    /// A follower that does nothing until it runs.
    ///
    /// # Errors
    /// When the system gives no more file descriptors.
    pub fn new(watching: Watching) -> io::Result<Self> {
        Ok(Self {
            watching,
            state: Mutex::default(),
            changed: Condvar::new(),
            over: eventfd(0, EventfdFlags::CLOEXEC)?,
        })
    }

    /// Scans the source, calls `scanned`, and follows it from then on. Blocks until [`Self::stop`]; `stop` ends what is
    /// under way.
    pub fn run(
        &self,
        sync: &Sync,
        stop: &AtomicBool,
        scanned: impl FnOnce(&Result<Report, Error>),
    ) {
        let mut course = self.course(sync);
        let (found, copies) = mpsc::channel();
        let (whole, seen) = mpsc::sync_channel(1);
        let background = Background { found, whole };
        thread::scope(move |scope| {
            if let Some(watches) = course.watches.clone() {
                scope.spawn(move || self.listen(&watches));
            }
            scope.spawn(move || find_copies(sync, stop, &copies));
            scope.spawn(move || read_outdated(sync, stop, &seen));
            let first = sync.scan(stop);
            scanned(&first);
            self.done(sync, &mut course, &ScanScope::whole(), first, &background);
            if self.watching.mode != Mode::Off {
                self.follow(sync, stop, &mut course, &background);
            }
            // Ends the threads that wait for more.
            drop(background);
        });
    }

    /// Ends it.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
        // Fails when it is readable already.
        let _ = rustix::io::write(&self.over, &1u64.to_ne_bytes());
    }

    /// How the source is followed just now, for people and programs that ask.
    pub fn following(&self) -> Following {
        self.state().following.clone()
    }

    fn follow(&self, sync: &Sync, stop: &AtomicBool, course: &mut Course, background: &Background) {
        while let Some(settled) = self.wait(course.next_look(), course.breath) {
            faults::may_panic("follow");
            if sync.collect_words() {
                background.has_work();
            }
            let settled = retried(sync, settled, background);
            let in_place = || sync.source_files.is_in_place().unwrap_or(false);
            let scope = match settled.is_empty() {
                false if !course.is_away => settled,
                true if !course.is_due() && in_place() => continue,
                _ => ScanScope::whole(),
            };
            let looked = sync.update(&scope, stop);
            self.done(sync, course, &scope, looked, background);
        }
    }

    /// What has settled, but not before `breath`, or nothing when it is time to look; `None` when it is over.
    fn wait(&self, look: Instant, breath: Instant) -> Option<ScanScope> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            if state.stopped {
                return None;
            }
            let scope = match now < breath {
                true => ScanScope::default(),
                false => state.debouncer.take(now),
            };
            if !scope.is_empty() || now >= look {
                return Some(scope);
            }
            let next = state.debouncer.next();
            let next = next.map_or(look, |next| next.max(breath).min(look));
            self.changed.wait_for(&mut state, next - now);
        }
    }

    /// Takes note of how a look went.
    fn done(
        &self,
        sync: &Sync,
        course: &mut Course,
        scope: &ScanScope,
        looked: Result<Report, Error>,
        background: &Background,
    ) {
        course.took(scope, looked.as_ref().ok());
        let postponed = mem::take(&mut *sync.postponed.lock());
        if !postponed.is_empty() {
            // As long as somebody writes, which may be for hours: a few looks a second are enough.
            let again = postponed.into_iter();
            let again = again.map(|path| ChangeEvent::file(path, Stage::Created));
            self.note(again.collect());
        }
        if let Ok(report) = &looked {
            if report.changes() > 0 {
                tracing::debug!(?report, "followed the source");
            }
            background.looked(scope, report);
            if sync.suspects.take_news() {
                background.has_work();
            }
        }
        self.tell(course, looked.err().map(|error| error.to_string()));
    }

    /// Says, once, what people should know of the state it is in.
    fn tell(&self, course: &mut Course, away: Option<String>) {
        course.is_away = away.is_some();
        let mut state = self.state();
        match (&state.following.away, &away) {
            (before, Some(now)) if before.as_ref() != Some(now) => tracing::error!("{now}"),
            (Some(_), None) => tracing::info!("the source is back"),
            _ => {}
        }
        let watches = course.watches.as_ref();
        if let Some(shortage) = watches.and_then(|w| w.shortage())
            && course.interval.is_none()
        {
            course.interval = Some(self.watching.interval);
            report_shortage(shortage);
        }
        if state.is_deaf && course.interval.is_none() {
            course.interval = Some(self.watching.interval);
        }
        let watches = watches.filter(|_| !state.is_deaf);
        state.following = Following {
            watched: watches.map_or(0, |w| w.len()),
            polling: course.interval.is_some(),
            away,
        };
    }

    /// Passes on what the kernel says, as fast as it does: what isn't taken in time is lost.
    fn listen(&self, watches: &Watches) {
        loop {
            let (kernel, over) = (watches.handle(), self.over.as_fd());
            let mut ready = [&kernel, &over].map(|fd| PollFd::new(fd, PollFlags::IN));
            let polled = poll(&mut ready, None);
            if !ready[1].revents().is_empty() {
                return;
            }
            match polled.map_err(io::Error::from).and_then(|_| read(watches)) {
                Ok(events) => self.note(events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.deafen(&error),
            }
        }
    }

    /// Goes on by looking at all of it, now and again and again.
    fn deafen(&self, error: &io::Error) {
        let interval = self.watching.interval;
        tracing::error!("inotify: {error}; looking every {interval:?} instead");
        self.state().is_deaf = true;
        self.note(vec![ChangeEvent::tree(SourcePath::default())]);
    }

    /// Passes events on to whoever waits in [`Self::wait`].
    fn note(&self, events: Vec<ChangeEvent>) {
        let now = Instant::now();
        let mut state = self.state();
        events
            .into_iter()
            .for_each(|m| state.debouncer.note(m, now));
        self.changed.notify_all();
    }

    /// How this source is to be followed.
    fn course(&self, sync: &Sync) -> Course {
        let root = sync.source_files.root();
        let Watching { mode, interval } = self.watching;
        let mut course = Course {
            watches: None,
            interval: (mode == Mode::Poll).then_some(interval),
            next_poll: Instant::now(),
            breath: Instant::now(),
            is_away: false,
        };
        if let (Mode::Auto, Some(kind)) = (mode, network::kind(root)) {
            tracing::info!(
                "the source is on {kind}: looking every {interval:?} for what others change"
            );
            course.interval = Some(interval);
        }
        if matches!(mode, Mode::Auto | Mode::Inotify) {
            match Watches::new(root.into()) {
                Ok(watches) => course.watches = Some(Arc::new(watches)),
                Err(error) => {
                    match shortage_of(&error) {
                        Some(shortage) => report_shortage(shortage),
                        None => {
                            tracing::warn!("inotify: {error}; looking every {interval:?} instead")
                        }
                    }
                    course.interval = Some(interval);
                }
            }
        }
        if let Some(watches) = &course.watches {
            // A source is followed once.
            let _ = sync.watches.set(Arc::clone(watches));
        }
        course
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Where the following of a source is.
struct Course {
    watches: Option<Arc<Watches>>,
    /// Between looks, where there are any.
    interval: Option<Duration>,
    next_poll: Instant,
    /// When the next look may be.
    breath: Instant,
    is_away: bool,
}

impl Course {
    /// Until when nothing is to be done when nothing happens.
    fn next_look(&self) -> Instant {
        let check = Instant::now() + CHECK;
        match self.interval {
            Some(_) if !self.is_away => self.next_poll.min(check),
            _ => check,
        }
    }

    fn is_due(&self) -> bool {
        self.is_away || (self.interval.is_some() && Instant::now() >= self.next_poll)
    }

    fn took(&mut self, scope: &ScanScope, report: Option<&Report>) {
        // What was waited for in vain isn't asked again at once, and says nothing of how long the next look takes.
        let report = report.filter(|report| report.unresponsive == 0);
        let took = Duration::from_secs_f64(report.map_or(0.0, |r| r.seconds));
        self.breath = Instant::now() + took.min(BREATH);
        if let (true, Some(interval)) = (scope.is_whole(), self.interval) {
            let rest = took * REST;
            self.next_poll = Instant::now() + interval.max(rest);
        }
    }
}

/// Adds the files that didn't answer and are to be tried again.
fn retried(sync: &Sync, mut settled: ScanScope, background: &Background) -> ScanScope {
    let due = sync.source_files.take_due();
    if !due.is_empty() {
        background.has_retries();
    }
    due.iter().for_each(|path| settled.add_file(path));
    settled
}

/// What the kernel tells.
fn read(watches: &Watches) -> io::Result<Vec<ChangeEvent>> {
    match faults::has_begun("inotify-error") {
        true => Err(rustix::io::Errno::IO.into()),
        false => watches.read(),
    }
}

fn report_shortage(shortage: Shortage) {
    let Shortage { limit } = shortage;
    let now = shortage.now().unwrap_or_default();
    let better = now.saturating_mul(8).max(524_288);
    tracing::warn!(
        "the system lets no more folders be watched ({limit} is {now}): looking again and again instead; \
         hint: sysctl {limit}={better}"
    );
}

/// What is done beside the following, when there is reason to.
struct Background {
    /// Something was found, or said.
    found: Sender<()>,
    /// All of the source was looked at.
    whole: SyncSender<()>,
}

impl Background {
    /// Files are to be compared.
    fn has_work(&self) {
        // Nobody listens any more when it is over.
        let _ = self.found.send(());
    }

    /// Files that could not be read are to be tried again, whatever it was for.
    fn has_retries(&self) {
        self.has_work();
        self.has_outdated();
    }

    fn has_outdated(&self) {
        // Whoever is told once more already need not be told again.
        let _ = self.whole.try_send(());
    }

    fn looked(&self, scope: &ScanScope, report: &Report) {
        if report.changes() > 0 {
            self.has_work();
        }
        if scope.is_whole() {
            self.has_outdated();
        }
    }
}

/// Reads what an earlier version read less of, whenever the source as a whole is known to be there.
fn read_outdated(sync: &Sync, stop: &AtomicBool, seen: &Receiver<()>) {
    while seen.recv().is_ok() {
        match sync.read_outdated(stop) {
            Ok(0) => {}
            Ok(read) => {
                tracing::info!("{read} files read again for what this version finds in them")
            }
            Err(e) => tracing::error!("{e}"),
        }
    }
}

/// Looks for copies whenever something was found and it is quiet again.
fn find_copies(sync: &Sync, stop: &AtomicBool, found: &Receiver<()>) {
    while found.recv().is_ok() {
        loop {
            match found.recv_timeout(PAUSE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        match sync.hash_candidates(stop) {
            Ok(0) => {}
            Ok(hashed) => tracing::info!("{hashed} files read as a whole and compared"),
            Err(e) => tracing::error!("{e}"),
        }
    }
}
