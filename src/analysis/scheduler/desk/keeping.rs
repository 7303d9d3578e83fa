//! A circuit breaker on the store: while nothing can be kept, nothing is begun, here or on servers.
//!
//! Like a server that is gone: photos wait. Who waits for them is sent away when that takes long.

use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Desk, Ended, UNBROKEN};
use crate::analysis::Access;
use crate::analysis::scheduler::errors::Class;
use crate::catalog::PhotoId;
use crate::store;

/// How long those who wait are kept waiting for room.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether what is found out can be kept.
#[derive(Default)]
pub enum Keeping {
    #[default]
    Well,
    /// Nothing was kept since the start.
    Unproven,
    Badly {
        reason: String,
        /// From when on nobody is kept waiting.
        hopeless: Instant,
    },
}

impl Keeping {
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Well)
    }

    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Badly { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

impl Desk {
    /// Nothing is sent to a server before it is known that something can be kept.
    pub fn must_prove(&self) {
        self.lock().keeping = Keeping::Unproven;
    }

    pub fn is_proven(&self) -> bool {
        self.lock().keeping.is_well()
    }

    /// Nothing can be kept now.
    pub fn cannot_keep(&self, error: &store::Error) {
        let reason = error.to_string();
        let mut state = self.lock();
        let now = Instant::now();
        let hopeless = match &state.keeping {
            Keeping::Well => now + PATIENCE,
            Keeping::Unproven => now,
            Keeping::Badly { hopeless, .. } => *hopeless,
        };
        let is_new = state.keeping.why_not().is_none();
        if hopeless <= now {
            let ended = Ended::Failed(reason.clone());
            state
                .lanes
                .iter_mut()
                .for_each(|lane| lane.tell_all(&ended));
        }
        state.keeping = Keeping::Badly { reason, hopeless };
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
        if state.keeping.is_well() {
            return;
        }
        let was_bad = state.keeping.why_not().is_some();
        state.keeping = Keeping::Well;
        drop(state);
        self.work.notify_all();
        self.ready.iter().for_each(Notify::notify_one);
        if was_bad {
            tracing::warn!("the index can be written again: analyses go on");
        }
    }

    /// Why nothing can be kept now.
    pub fn why_unkept(&self) -> Option<String> {
        self.lock().keeping.why_not().map(str::to_owned)
    }

    /// The same, once nobody is kept waiting for it.
    pub fn why_hopeless(&self) -> Option<String> {
        match &self.lock().keeping {
            Keeping::Badly { reason, hopeless } if *hopeless <= Instant::now() => {
                Some(reason.clone())
            }
            _ => None,
        }
    }

    /// Nothing comes of a photo for now: it waits again, and so do those who wait for it.
    pub fn put_back(&self, lane: usize, photo: PhotoId) {
        let mut state = self.lock();
        let lane = &mut state.lanes[lane];
        let access = lane.running.remove(&photo);
        lane.queue.push(photo, access.unwrap_or(Access::Listed));
    }

    /// Waits, unless all is to stop. Whether it is.
    pub fn rest(&self, time: Duration) -> bool {
        let state = self.lock();
        let rested = self
            .stopping
            .wait_timeout_while(state, time, |s| !s.stopped);
        let (state, _) = rested.expect(UNBROKEN);
        state.stopped
    }
}
