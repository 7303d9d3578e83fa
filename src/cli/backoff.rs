//! How commands take turns: each waits a while for the one that has the catalog.

use std::time::{Duration, Instant};

use crate::{app, store};

/// Waiting for the other commands that want the same catalog.
pub struct Backoff {
    began: Instant,
    pause: Duration,
    is_told: bool,
}

/// How long a command waits, how long before it says so, and how long between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const TOLD_AFTER: Duration = Duration::from_secs(2);
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Default for Backoff {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            pause: SHORTEST_PAUSE,
            is_told: false,
        }
    }
}

impl Backoff {
    /// How long to wait before the next try; says once, by `tell`, what is waited for.
    ///
    /// # Errors
    /// The one that is given, when it took too long.
    pub fn pause(
        &mut self,
        error: anyhow::Error,
        tell: impl FnOnce(&str),
    ) -> anyhow::Result<Duration> {
        let waited = self.began.elapsed();
        if waited > LONGEST_WAIT {
            return Err(error);
        }
        if waited > TOLD_AFTER && !self.is_told {
            self.is_told = true;
            tell(&format!("{error}: waiting for it"));
        }
        let pause = self.pause;
        self.pause = LONGEST_PAUSE.min(pause * 2);
        Ok(pause)
    }
}

/// Whether another process has the catalog just now: a command, or a daemon that is about to answer.
pub fn is_in_use(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<app::Error>();
    matches!(error, Some(app::Error::Store(store::Error::InUse { .. })))
}

/// Says it to whoever runs the command.
pub fn to_terminal(words: &str) {
    eprintln!("kbasefs: {words}");
}
