//! What a panic costs: where others' code reads hostile data, no more than what it read; anywhere else, the process.
//!
//! A thread that is gone alone would leave a mount that answers nothing, and whatever it had locked half-changed: the end
//! comes before it lets go of any lock. What runs contained under a lock leaves it as it was or as it was to be.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// How long the orderly end may take: what runs at exit may want a lock that the thread that panicked holds.
const AT_MOST: Duration = Duration::from_secs(5);

/// What somebody panicked with.
pub type Panic = Box<dyn Any + Send>;

thread_local! {
    /// How many callers on this thread are prepared.
    static CONTAINED: Cell<usize> = const { Cell::new(0) };
}

/// Has every panic end the process, with the usual message, unless it is contained.
pub fn end_the_process() {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        match panic.payload_as_str().is_some_and(is_want_of_threads) {
            true => eprintln!("kbasefs: {NO_THREADS}"),
            false => usual(panic),
        }
        if CONTAINED.get() == 0 {
            end();
        }
    }));
}

/// What is said where the system starts no more threads, which is no fault of the program.
const NO_THREADS: &str = "the system starts no more threads (hint: ulimit -u, ulimit -v, or the limit of the service or container is too low)";

/// Whether the standard library or Tokio panicked as they do where the system starts no thread.
fn is_want_of_threads(said: &str) -> bool {
    [NO_THREAD, "OS can't spawn worker thread"]
        .iter()
        .any(|known| said.starts_with(known))
}

/// What the standard library says then, and whoever else can't go on without a thread.
pub const NO_THREAD: &str = "failed to spawn thread";

/// Ends the process from a thread that holds no lock: this one's would be in the way of what is done at the end.
fn end() -> ! {
    // 101 is what Rust's own runtime ends with after a panic.
    let ends = thread::Builder::new().spawn(|| std::process::exit(101));
    if ends.is_ok() {
        thread::sleep(AT_MOST);
    }
    std::process::abort()
}

/// Runs what may panic over what it is given. Whatever it changes must not be looked at afterwards.
///
/// # Errors
/// When it did.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    CONTAINED.set(CONTAINED.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(CONTAINED.get() - 1);
    result
}

/// Drives a task that may panic over what it is given. Whatever it changes must not be looked at afterwards.
///
/// # Errors
/// When it panicked.
pub async fn contained_task<T>(task: impl Future<Output = T>) -> Result<T, Panic> {
    let mut task = pin!(task);
    std::future::poll_fn(|context| match contained(|| task.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// What a panic said.
pub fn message(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no reason was given")
}
