//! Which threads may wait for the disk: all but those that drive async tasks. One such wait holds up every task of its
//! thread, so a slow disk would silence a mount that has all its answers in memory.
//!
//! Knows nothing of who waits for what.

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
    use tokio::task::spawn;

    use super::*;

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
