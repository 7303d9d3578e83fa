//! What everybody who looks at the dashboard is told each second: made once for all of them, and only while there is
//! somebody.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::Stream;
use futures_util::stream::unfold;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::super::super::failure::Failure;

/// From one event to the next.
const BEAT: Duration = Duration::from_secs(1);
/// Who may look at the same time.
const MOST_VIEWERS: usize = 64;

/// The latest event; `None` before the first.
type Latest = Option<Event>;

pub struct Live {
    latest: watch::Sender<Latest>,
    /// Whether events are being made.
    feeding: Mutex<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            latest: watch::Sender::new(None),
            feeding: Mutex::default(),
        }
    }
}

impl Live {
    /// The events from now on. `make` makes the text of one; it is asked only while somebody looks. `None` when too many
    /// look already.
    pub fn watch<M, T>(
        self: &Arc<Self>,
        make: M,
    ) -> Option<impl Stream<Item = Result<Event, Infallible>> + use<M, T>>
    where
        M: Fn() -> T + Send + 'static,
        T: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        let mut feeding = self.feeding.lock();
        if self.latest.receiver_count() >= MOST_VIEWERS {
            return None;
        }
        let viewer = self.latest.subscribe();
        if !std::mem::replace(&mut *feeding, true) {
            tokio::spawn(Arc::clone(self).feed(make));
        }
        Some(events(viewer))
    }

    /// Makes events until nobody looks any more.
    async fn feed<T>(self: Arc<Self>, make: impl Fn() -> T)
    where
        T: Future<Output = Result<String, Failure>>,
    {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if self.is_over() {
                return;
            }
            match make().await {
                Ok(text) => _ = self.latest.send_replace(Some(Event::default().data(text))),
                Err(failure) => tracing::error!("dashboard: {}", failure.error),
            }
        }
    }

    /// Nobody begins to look between the question and the end.
    fn is_over(&self) -> bool {
        let mut feeding = self.feeding.lock();
        *feeding = self.latest.receiver_count() > 0;
        !*feeding
    }
}

/// Whoever is slow misses some. An event of before somebody came is old.
fn events(
    mut viewer: watch::Receiver<Latest>,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    viewer.mark_unchanged();
    unfold(viewer, |mut viewer| async {
        viewer.changed().await.ok()?;
        let event = viewer.borrow_and_update().clone();
        Some((Ok(event.unwrap_or_default()), viewer))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt;

    use super::*;

    type Made = std::future::Ready<Result<String, Failure>>;

    /// Says how often it was asked.
    fn counter() -> (Arc<AtomicUsize>, impl Fn() -> Made + Clone) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let make = move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(format!("event {n}")))
        };
        (asked, make)
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_is_made_once_for_all_and_only_while_somebody_looks() {
        let live = Arc::new(Live::default());
        let (asked, make) = counter();
        let watch = || Box::pin(live.watch(make.clone()).unwrap());
        let times = || asked.load(Ordering::Relaxed);
        let mut viewers = [watch(), watch(), watch()];
        for viewer in &mut viewers {
            assert!(viewer.next().await.is_some());
        }
        assert_eq!(times(), 1);
        assert!(viewers[0].next().await.is_some());
        assert_eq!(times(), 2);
        drop(viewers);
        tokio::time::sleep(10 * BEAT).await;
        assert_eq!(times(), 2);
        // Who comes later is told something new.
        assert!(watch().next().await.is_some());
        assert_eq!(times(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_may_look() {
        let live = Arc::new(Live::default());
        let watch = || live.watch(|| std::future::ready(Ok(String::new())));
        let mut viewers: Vec<_> = (0..MOST_VIEWERS).map(|_| watch().unwrap()).collect();
        assert!(watch().is_none());
        viewers.pop();
        assert!(watch().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_cannot_be_made_ends_nothing() {
        let live = Arc::new(Live::default());
        let (asked, make) = counter();
        let make = move || {
            let made = make().into_inner();
            let is_first = made.as_ref().is_ok_and(|text| text == "event 0");
            let failed = is_first.then(|| Failure::internal("no".into()));
            std::future::ready(failed.map_or(made, Err))
        };
        let mut viewer = Box::pin(live.watch(make).unwrap());
        assert!(viewer.next().await.is_some());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
