//! A circuit breaker on the store: while nothing can be kept, nothing is begun, here or on servers.
//!
//! Like a server that is gone: photos wait. Who waits for them is sent away when that takes long.

use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{AnalysisResult, QueueId, SchedulerState};
use crate::analysis::Access;
use crate::analysis::scheduler::errors::Class;
use crate::catalog::PhotoId;
use crate::store;

/// How long those who wait are kept waiting for room: it may come back soon, and no command is to hang for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Whether what is found out can be kept.
#[derive(Default)]
pub enum StoreBreaker {
    #[default]
    Closed,
    /// Nothing was kept since the start.
    HalfOpen,
    Open {
        reason: String,
        /// From when on nobody is kept waiting.
        gives_up_at: Instant,
    },
}

impl StoreBreaker {
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Why nothing can be kept, once nobody is kept waiting for it.
    pub fn why_given_up(&self) -> Option<&str> {
        match self {
            Self::Open {
                reason,
                gives_up_at,
            } if *gives_up_at <= Instant::now() => Some(reason),
            _ => None,
        }
    }

    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Open { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

impl SchedulerState {
    /// Nothing is sent to a server before it is known that something can be kept.
    pub fn must_prove(&self) {
        self.lock().store_breaker = StoreBreaker::HalfOpen;
    }

    pub fn is_proven(&self) -> bool {
        self.lock().store_breaker.is_closed()
    }

    /// Nothing can be kept now.
    pub fn cannot_keep(&self, error: &store::Error) {
        let reason = error.to_string();
        let mut state = self.lock();
        let now = Instant::now();
        let gives_up_at = match &state.store_breaker {
            StoreBreaker::Closed => now + LONGEST_WAIT,
            StoreBreaker::HalfOpen => now,
            StoreBreaker::Open { gives_up_at, .. } => *gives_up_at,
        };
        let is_new = state.store_breaker.why_not().is_none();
        if gives_up_at <= now {
            let ended = AnalysisResult::Failed(reason.clone());
            state
                .queues
                .iter_mut()
                .for_each(|queue| queue.tell_all(&ended));
        }
        state.store_breaker = StoreBreaker::Open {
            reason,
            gives_up_at,
        };
        drop(state);
        self.told.send_replace(());
        if is_new {
            self.errors.count(Class::Store);
            tracing::error!(
                "{error}; nothing is analysed and no server is asked until that is over"
            );
        }
    }

    /// Something was kept.
    pub fn can_keep(&self) {
        let mut state = self.lock();
        if state.store_breaker.is_closed() {
            return;
        }
        let was_bad = state.store_breaker.why_not().is_some();
        state.store_breaker = StoreBreaker::Closed;
        drop(state);
        self.work.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
        if was_bad {
            tracing::warn!("the index can be written again: analyses go on");
        }
    }

    /// Why nothing can be kept now.
    pub fn why_unkept(&self) -> Option<String> {
        self.lock().store_breaker.why_not().map(str::to_owned)
    }

    /// Nothing comes of a photo for now: it waits again, and so do those who wait for it.
    pub fn put_back(&self, queue: QueueId, photo: PhotoId) {
        let mut state = self.lock();
        let queue = &mut state.queues[queue.0];
        let access = queue.running.remove(&photo);
        queue.waiting.push(photo, access.unwrap_or(Access::Listed));
    }

    /// Waits, unless all is to stop. Whether it is.
    pub fn rest(&self, time: Duration) -> bool {
        let mut state = self.lock();
        self.stopping
            .wait_while_for(&mut state, |s| !s.stopped, time);
        state.stopped
    }
}
