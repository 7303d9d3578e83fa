//! The worker processes: started when one is needed and none is idle, reused, and ended when they were idle for a while.
//!
//! There are as many as decode at a time: whoever decodes does so on threads of which there are few. All are started by one
//! thread, which is there for as long as they are: the kernel ends a worker with the thread that started it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::process::{Patience, Process};
use super::{Error, Limits, Program};
use crate::media::decode::Decoded;
use crate::metrics::WorkerProcesses;
use crate::metrics::process::anonymous_bytes;

/// One that was of no use for so long is ended.
const IDLE: Duration = Duration::from_secs(30);
/// How long none is tried to be started after that failed.
const PAUSE: Duration = Duration::from_secs(60);

/// There is no worker: somebody else is to decode.
pub struct Unavailable;

/// Who waits for a worker is told of it.
type Tell = SyncSender<io::Result<Process>>;

pub struct Pool(Arc<Shared>);

struct Shared {
    program: Program,
    limits: Limits,
    is_stopped: AtomicBool,
    state: Mutex<State>,
    started: AtomicU64,
    ended: [AtomicU64; 4],
}

#[derive(Default)]
struct State {
    /// The one that was used last is the last.
    idle: Vec<Idle>,
    /// By number, idle or not.
    living: BTreeSet<u32>,
    /// Has the thread start one; absent where there is no thread.
    starter: Option<Sender<Tell>>,
    /// None is started before.
    not_before: Option<Instant>,
    /// Somebody was told that there are none.
    is_told: bool,
}

struct Idle {
    process: Process,
    since: Instant,
}

/// What a worker ended for; the order of the counts.
#[derive(Clone, Copy)]
enum End {
    Idle,
    Slow,
    Large,
    Broken,
}

const ENDS: [&str; 4] = ["idle", "time", "memory", "crash"];

impl Pool {
    pub fn new(program: Program, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            program,
            limits,
            is_stopped: AtomicBool::new(false),
            state: Mutex::default(),
            started: AtomicU64::default(),
            ended: Default::default(),
        }))
    }

    /// # Errors
    /// When no worker can be had.
    pub fn decode(&self, file: &[u8], longest: u32) -> Result<Result<Decoded, Error>, Unavailable> {
        let shared = &self.0;
        let patience = Patience {
            limit: shared.limits.time,
            is_stopped: &shared.is_stopped,
        };
        if shared.is_stopped() {
            return Ok(Err(Error::Stopped));
        }
        let mut process = shared.take()?;
        let decoded = process.decode(file, longest, patience);
        match process.is_of_use() {
            true => shared.put_back(process),
            false => shared.bury(process, End::of(&decoded)),
        }
        Ok(decoded)
    }

    /// No worker is left, and none is started any more. Those that work are ended by who waits for them.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
        let mut state = self.0.state.lock();
        state.starter = None;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter()
            .for_each(|idle| self.0.bury(idle.process, End::Idle));
    }

    pub fn held_bytes(&self) -> u64 {
        let living = self.0.state.lock().living.clone();
        // One that has just ended holds nothing.
        living.into_iter().filter_map(anonymous_bytes).sum()
    }

    pub fn counts(&self) -> WorkerProcesses {
        let ended = self
            .0
            .ended
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        WorkerProcesses {
            running: self.0.state.lock().living.len() as u64,
            started: self.0.started.load(Ordering::Relaxed),
            ended: ENDS.into_iter().zip(ended).collect(),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    fn take(self: &Arc<Self>) -> Result<Process, Unavailable> {
        while let Some(mut idle) = self.idle() {
            match idle.process.is_of_use() {
                true => return Ok(idle.process),
                // Somebody has killed it meanwhile: no picture has to do with that.
                false => self.bury(idle.process, End::Broken),
            }
        }
        match self.rests() {
            true => Err(Unavailable),
            false => self.start().map_err(|why| self.without(&why)),
        }
    }

    /// Whether none could be started just now.
    fn rests(&self) -> bool {
        let not_before = self.state.lock().not_before;
        not_before.is_some_and(|then| Instant::now() < then)
    }

    fn idle(&self) -> Option<Idle> {
        self.state.lock().idle.pop()
    }

    /// Has another one started.
    fn start(self: &Arc<Self>) -> io::Result<Process> {
        let (tell, told) = mpsc::sync_channel(1);
        let gone = || io::Error::other("the program ends");
        self.starter()?.send(tell).map_err(|_| gone())?;
        told.recv().map_err(|_| gone())?
    }

    fn starter(self: &Arc<Self>) -> io::Result<Sender<Tell>> {
        let mut state = self.state.lock();
        if let Some(starter) = &state.starter {
            return Ok(starter.clone());
        }
        let (starter, orders) = mpsc::channel();
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("kbasefs-decode".into());
        thread.spawn(move || shared.supervise(&orders))?;
        state.starter = Some(starter.clone());
        Ok(starter)
    }

    /// What can't be done in a worker is done without, and said once.
    fn without(&self, why: &io::Error) -> Unavailable {
        let mut state = self.state.lock();
        state.not_before = Some(Instant::now() + PAUSE);
        if !self.is_stopped() && !std::mem::replace(&mut state.is_told, true) {
            tracing::warn!(
                "no process can be started to decode pictures in ({why}): a picture that never ends or takes all memory can't \
                 be stopped"
            );
        }
        Unavailable
    }

    fn put_back(&self, process: Process) {
        let since = Instant::now();
        let mut state = self.state.lock();
        if !self.is_stopped() {
            return state.idle.push(Idle { process, since });
        }
        drop(state);
        self.bury(process, End::Idle);
    }

    fn bury(&self, process: Process, end: End) {
        self.ended[end as usize].fetch_add(1, Ordering::Relaxed);
        self.state.lock().living.remove(&process.number());
        // It is waited for, which may take as long as its memory is large.
        drop(process);
    }

    /// Starts workers, and ends idle ones, until there are none.
    fn supervise(&self, orders: &Receiver<Tell>) {
        loop {
            match orders.recv_timeout(IDLE) {
                Ok(tell) => {
                    let started = Process::start(&self.program, &self.limits);
                    if let Ok(process) = &started {
                        self.started.fetch_add(1, Ordering::Relaxed);
                        self.state.lock().living.insert(process.number());
                    }
                    // Nobody waits any more who was told to stop.
                    let _ = tell.send(started);
                }
                Err(RecvTimeoutError::Timeout) if self.retire() => return,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Ends those that are idle for long: whether none is left, and this thread isn't needed any more.
    fn retire(&self) -> bool {
        let mut state = self.state.lock();
        let long_idle = |idle: &mut Idle| idle.since.elapsed() >= IDLE;
        let retired: Vec<_> = state.idle.extract_if(.., long_idle).collect();
        for idle in &retired {
            state.living.remove(&idle.process.number());
        }
        let is_last = state.living.is_empty();
        if is_last {
            state.starter = None;
        }
        drop(state);
        retired
            .into_iter()
            .for_each(|idle| self.bury(idle.process, End::Idle));
        is_last
    }
}

impl End {
    fn of(decoded: &Result<Decoded, Error>) -> Self {
        match decoded {
            Err(Error::TooSlow(_)) => Self::Slow,
            Err(Error::TooLarge(_)) => Self::Large,
            Err(Error::Stopped) | Ok(_) => Self::Idle,
            Err(_) => Self::Broken,
        }
    }
}
