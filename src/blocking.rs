//! Which threads may wait for the disk: all but those that drive async tasks. One such wait holds up every task of its
//! thread, so a slow disk would silence a mount that has all its answers in memory.
//!
//! What may never answer, such as a disk behind a network that is gone, has a limit of its own, so that those who wait for it
//! leave threads to those who wait for something else. Knows nothing of who waits for what.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Does on a thread that may wait what an async task has to wait for. A panic goes on in the task.
pub async fn unblock<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that ends gives up what was asked for, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// How many threads at most wait for one thing; who comes later waits for a permit, on no thread at all.
#[derive(Debug)]
pub struct ConcurrencyLimiter(Arc<Semaphore>);

/// That a thread is one of them.
pub struct Permit(
    #[expect(dead_code, reason = "it counts until it is dropped")] OwnedSemaphorePermit,
);

impl ConcurrencyLimiter {
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(Semaphore::new(threads)))
    }

    /// Does on a thread of a runtime that may wait what waits for that thing: at once where a permit is free.
    pub fn spawn(&self, runtime: &Handle, work: impl FnOnce() + Send + 'static) {
        let on_a_thread = |permit: Permit| {
            move || {
                work();
                drop(permit);
            }
        };
        if let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() {
            runtime.spawn_blocking(on_a_thread(Permit(permit)));
            return;
        }
        let limiter = Self(Arc::clone(&self.0));
        runtime.spawn(async move {
            let permit = limiter.permit().await;
            tokio::task::spawn_blocking(on_a_thread(permit));
        });
    }

    /// Waits until another thread may wait for that thing, which is to keep this for as long as it does: the task that
    /// it works for may be given up meanwhile.
    pub async fn permit(&self) -> Permit {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        Permit(permit.expect("nobody closes it"))
    }
}

/// Panics on a thread that drives async tasks, in builds with debug assertions: whatever may touch the disk calls it, so
/// that tests find who does that from the wrong thread, however rarely the disk is really slow.
#[track_caller]
pub fn assert_allowed() {
    // Tokio knows its threads, but answers only to who blocks: an uncontended lock does so without waiting. It panics where
    // tasks are driven, not in `spawn_blocking`, and not on threads that aren't Tokio's.
    #[cfg(debug_assertions)]
    drop(tokio::sync::Mutex::const_new(()).blocking_lock());
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::task::spawn;

    use super::*;

    /// One that waits for a word, and says when it begins to.
    fn waiting(began: &Sender<()>) -> (Sender<()>, impl FnOnce() + Send + 'static) {
        let began = began.clone();
        let (release, word): (_, Receiver<()>) = channel();
        let wait = move || {
            began.send(()).unwrap();
            word.recv().unwrap();
        };
        (release, wait)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_for_one_thing_leaves_threads_to_others() {
        let limiter = ConcurrencyLimiter::new(2);
        let (begins, began) = channel();
        let mut releases = Vec::new();
        for _ in 0..3 {
            let (release, wait) = waiting(&begins);
            limiter.spawn(&Handle::current(), wait);
            releases.push(release);
        }
        let began = unblock(move || {
            began.recv().unwrap();
            began.recv().unwrap();
            began
        });
        let began = began.await;
        assert!(began.try_recv().is_err(), "the third has no permit yet");
        releases[0].send(()).unwrap();
        let began = unblock(move || began.recv().map(|()| began)).await.unwrap();
        for release in &releases[1..] {
            release.send(()).unwrap();
        }
        let _all = [limiter.permit().await, limiter.permit().await];
        assert!(began.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_gives_its_permit_back() {
        let limiter = ConcurrencyLimiter::new(1);
        limiter.spawn(&Handle::current(), || panic!("in the work"));
        limiter.permit().await;
    }

    #[tokio::test]
    async fn only_threads_that_drive_no_tasks_may_wait() {
        unblock(assert_allowed).await;
        assert!(spawn(async { assert_allowed() }).await.is_err());
        let broken = spawn(unblock(|| panic!("in the work")));
        assert!(broken.await.is_err_and(|failed| failed.is_panic()));
        let apart = std::thread::spawn(assert_allowed);
        assert!(apart.join().is_ok());
    }
}
