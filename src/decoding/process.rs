//! One worker process, seen from this one: started, asked, and ended when it takes too long.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use super::clock::Clock;
use super::deadline::GLANCE;
use super::message::{self, Answer, Question, READY};
use super::{Error, Limits, Program, worker};
use crate::faults;
use crate::media::decode::Decoded;

/// A worker. Dropped, it is ended.
pub struct Process {
    child: Child,
    stream: UnixStream,
    clock: Clock,
    memory: u64,
    is_broken: bool,
}

/// How long it may take until one is ready, on a machine that has much else to do.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How many looks in a row may find that it did nothing: 30 s. One that nobody has stopped works while it is asked.
const MOST_STILL: u32 = 300;
/// Seconds beyond the limit after which the kernel ends a worker by itself: where this process is stopped, nobody else does.
const GRACE: u64 = 2;
/// Bytes of a worker's last words.
const LAST_WORDS: u64 = 4096;

/// Who is asked for how long.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    pub limit: Duration,
    /// Nobody is to wait any more.
    pub is_stopped: &'a AtomicBool,
}

impl Process {
    /// Starts one, and waits until it is confined. The thread that does so is to outlive it: with that, the kernel ends it.
    pub fn start(program: &Program, limits: &Limits) -> io::Result<Self> {
        if faults::is_asked("no-decode-workers") {
            return Err(io::Error::other("a fault that is asked for"));
        }
        let memory = worker::MOST_MEMORY.saturating_add(limits.file_bytes);
        let (stream, theirs) = UnixStream::pair()?;
        let child = {
            let mut command = program()?;
            command.arg(worker::COMMAND);
            command.args(["--memory", &memory.to_string()]);
            // Keys of servers may be among the variables.
            command.env_clear().envs(faults::variables());
            // What a terminal sends to all is meant for this process, which ends them.
            command.process_group(0).current_dir("/");
            command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
            command.stderr(Stdio::piped()).spawn()?
        };
        let clock = Clock::of_process(child.id());
        let mut process = Self {
            child,
            stream,
            clock,
            memory,
            is_broken: false,
        };
        process.wait_until_ready()?;
        Ok(process)
    }

    pub fn number(&self) -> u32 {
        self.child.id()
    }

    /// Whether it can be asked something.
    pub fn is_of_use(&mut self) -> bool {
        !self.is_broken && matches!(self.child.try_wait(), Ok(None))
    }

    /// Has it decode a file.
    pub fn decode(
        &mut self,
        file: &[u8],
        longest: u32,
        patience: Patience,
    ) -> Result<Decoded, Error> {
        let before = self.clock.spent();
        self.limit_cpu(before, patience.limit);
        let mut line = Line {
            stream: &self.stream,
            clock: &self.clock,
            before,
            patience,
            last: before,
            still: 0,
            given_up: None,
        };
        let answer = line.ask(file, longest);
        let took = line.spent();
        let given_up = line.given_up;
        match answer {
            // Whether it is late doesn't depend on when somebody looked.
            Ok(_) if took >= patience.limit => Err(Error::TooSlow(patience.limit)),
            Ok(answer) => answer.map_err(Error::Refused),
            Err(_) => {
                self.is_broken = true;
                Err(given_up.unwrap_or_else(|| self.why_it_ended(patience.limit)))
            }
        }
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(START_TIMEOUT))?;
        let mut said = [0; READY.len()];
        if let Err(e) = self.stream.read_exact(&mut said) {
            let status = self.end()?;
            let words = self.last_words();
            return Err(io::Error::other(format!("{e}, {status} {words}")));
        }
        self.stream.set_read_timeout(Some(GLANCE))?;
        self.stream.set_write_timeout(Some(GLANCE))?;
        match said {
            READY => Ok(()),
            _ => Err(io::Error::other("it is another program")),
        }
    }

    /// What fails here is looked after by whoever waits.
    fn limit_cpu(&self, spent: Duration, limit: Duration) {
        let end = spent.saturating_add(limit).as_secs().saturating_add(GRACE);
        let limit = Rlimit {
            current: Some(end),
            maximum: None,
        };
        let _ = prlimit(Some(Pid::from_child(&self.child)), Resource::Cpu, limit);
    }

    /// How a worker ended that answered nothing.
    fn why_it_ended(&mut self, limit: Duration) -> Error {
        let Ok(status) = self.end() else {
            return Error::Killed;
        };
        let words = self.last_words();
        tracing::debug!("a decode worker ended: {status} {words}");
        let signal = status.signal().and_then(Signal::from_named_raw);
        match signal {
            Some(Signal::XCPU) => Error::TooSlow(limit),
            Some(Signal::KILL | Signal::TERM | Signal::INT | Signal::HUP) => Error::Killed,
            // As the standard library says it before it aborts.
            _ if words.contains("memory allocation of") => Error::TooLarge(self.memory),
            _ => Error::Broken(status.to_string()),
        }
    }

    /// One that has ended keeps the end that it had.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.is_broken = true;
        self.child.kill()?;
        self.child.wait()
    }

    /// Of one that is gone, with everybody else who could write there.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        if let Some(said) = self.child.stderr.take() {
            // What can't be read is not needed.
            let _ = said.take(LAST_WORDS).read_to_end(&mut words);
        }
        String::from_utf8_lossy(&words).trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whatever fails here, it is gone.
        let _ = self.end();
    }
}

/// The connection to a worker, for one question: whoever waits on it gives up in time.
struct Line<'a> {
    stream: &'a UnixStream,
    clock: &'a Clock,
    /// What the worker had spent before.
    before: Duration,
    patience: Patience<'a>,
    /// What it had spent at the last look, and how many looks in a row saw just that.
    last: Duration,
    still: u32,
    given_up: Option<Error>,
}

impl Line<'_> {
    fn ask(&mut self, file: &[u8], longest: u32) -> io::Result<Answer> {
        let length = file.len() as u64;
        Question { longest, length }.send(file, self)?;
        message::receive(longest, self)
    }

    fn spent(&self) -> Duration {
        self.clock.spent().saturating_sub(self.before)
    }

    /// Once in a while: whether there is a reason to wait on.
    fn look(&mut self) -> io::Result<()> {
        let spent = self.spent();
        self.still = match spent == self.last {
            true => self.still + 1,
            false => 0,
        };
        self.last = spent;
        self.given_up = match () {
            () if self.patience.is_stopped.load(Ordering::Relaxed) => Some(Error::Stopped),
            () if spent >= self.patience.limit => Some(Error::TooSlow(self.patience.limit)),
            () if self.still >= MOST_STILL => Some(Error::Still),
            () => return Ok(()),
        };
        Err(io::ErrorKind::TimedOut.into())
    }

    fn patiently<T>(
        &mut self,
        mut work: impl FnMut(&UnixStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            match work(self.stream) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.look()?,
                done => return done,
            }
        }
    }
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|mut stream| stream.read(buffer))
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|mut stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
