//! A server as all its couriers see it: how many requests it takes at a time, whether it wants to be left alone, whether
//! it is there at all.
//!
//! The limit follows what the server shows: one more each round as long as all goes well, a third less when it says
//! that it has too much to do or takes much longer than usual. Never above what the user allows.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Failures in a row, of any requests, after which nobody is thought to be there.
const MOST_FAILURES: u32 = 10;

/// The longest time between two looks whether a server is back.
const LONGEST_OUTAGE_DELAY: Duration = Duration::from_secs(60);

/// How a request went, as far as it concerns the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Went {
    /// The server answered, whatever it said.
    Well,
    /// It has too much to do; until then.
    Busy(Duration),
    /// An error of the server or a broken connection.
    Badly,
    /// Nobody is there.
    Nowhere,
}

/// What an outage means for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trip {
    /// The first failure of this outage.
    pub is_new: bool,
    /// It never answered and did not come up in good time either.
    pub hopeless: bool,
    pub until: Instant,
}

pub struct Host {
    ceiling: f64,
    /// Before the first look whether it is back; doubles with each.
    delay: Duration,
    /// Looks at a server that never answered, before those who wait are sent away.
    patience: u32,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    limit: f64,
    running: usize,
    rests_until: Option<Instant>,
    /// Looks in vain; 0 while it is there.
    outage: u32,
    failures: u32,
    has_answered: bool,
    last_cut: Option<Instant>,
    pace: Pace,
}

/// How long answers take, in seconds: lately, and usually.
#[derive(Default)]
struct Pace {
    lately: f64,
    usually: f64,
    count: u32,
}

/// Leave for one request.
pub struct Permit {
    host: Arc<Host>,
    since: Instant,
}

impl Host {
    pub fn new(ceiling: usize, delay: Duration, patience: u32) -> Self {
        Self {
            ceiling: ceiling.max(1) as f64,
            delay,
            patience,
            state: Mutex::new(State {
                limit: ceiling.max(1) as f64,
                running: 0,
                rests_until: None,
                outage: 0,
                failures: 0,
                has_answered: false,
                last_cut: None,
                pace: Pace::default(),
            }),
            changed: Notify::new(),
        }
    }

    /// Waits for leave to send a request.
    pub async fn enter(self: &Arc<Self>) -> Permit {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let rests_until = match self.try_enter(Instant::now()) {
                Ok(permit) => return permit,
                Err(until) => until,
            };
            match rests_until {
                Some(until) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    fn try_enter(self: &Arc<Self>, now: Instant) -> Result<Permit, Option<Instant>> {
        let mut state = self.lock();
        if let Some(until) = state.rests_until.filter(|&until| until > now) {
            return Err(Some(until));
        }
        state.rests_until = None;
        if state.running >= state.allowed() {
            return Err(None);
        }
        state.running += 1;
        Ok(Permit {
            host: Arc::clone(self),
            since: now,
        })
    }

    /// How many requests may run now.
    pub fn limit(&self) -> usize {
        self.lock().allowed()
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.lock().running
    }

    /// Seconds a request, with as many at a time as it takes; `None` before the first answer.
    pub fn seconds_a_request(&self) -> Option<f64> {
        let state = self.lock();
        (state.pace.count > 0).then(|| state.pace.usually / state.limit)
    }

    /// What is the matter with it, for people.
    pub fn trouble(&self) -> Option<String> {
        let state = self.lock();
        (state.outage > 0).then(|| "not reachable".to_owned())
    }

    fn went(&self, how: Went, took: Duration, now: Instant) -> Option<Trip> {
        let mut state = self.lock();
        match how {
            Went::Well => {
                state.outage = 0;
                state.failures = 0;
                state.has_answered = true;
                state.adapt(took, self.ceiling, now);
                None
            }
            Went::Busy(rest) => {
                state.outage = 0;
                state.cut(0.7, took, now);
                state.rest(now + rest);
                None
            }
            Went::Badly => {
                state.failures += 1;
                (state.failures >= MOST_FAILURES).then(|| self.trip(&mut state, now))
            }
            Went::Nowhere => Some(self.trip(&mut state, now)),
        }
    }

    fn trip(&self, state: &mut State, now: Instant) -> Trip {
        let is_new = state.outage == 0;
        // Requests that began together fail together: that is one look.
        if is_new || state.rests_until.is_none_or(|until| until <= now) {
            let delay = self.delay * 2u32.saturating_pow(state.outage.min(16));
            state.outage += 1;
            state.rest(now + delay.min(LONGEST_OUTAGE_DELAY));
        }
        Trip {
            is_new,
            hopeless: !state.has_answered && state.outage > self.patience,
            until: state.rests_until.unwrap_or(now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it counts")
    }
}

impl State {
    /// One request finds out whether a server is back.
    fn allowed(&self) -> usize {
        match self.outage {
            0 => self.limit as usize,
            _ => 1,
        }
    }

    fn rest(&mut self, until: Instant) {
        self.rests_until = self.rests_until.max(Some(until));
    }

    fn adapt(&mut self, took: Duration, ceiling: f64, now: Instant) {
        match self.pace.is_slow(took.as_secs_f64()) {
            true => self.cut(0.8, took, now),
            false => self.limit = (self.limit + 1.0 / self.limit).min(ceiling),
        }
    }

    /// Requests that began before the limit was cut say nothing about it any more.
    fn cut(&mut self, factor: f64, took: Duration, now: Instant) {
        if self.last_cut.is_some_and(|cut| now - took < cut) {
            return;
        }
        self.last_cut = Some(now);
        self.limit = (self.limit * factor).max(1.0);
    }
}

impl Pace {
    /// Whether answers take twice as long as usual.
    fn is_slow(&mut self, seconds: f64) -> bool {
        self.count = self.count.saturating_add(1);
        if self.count == 1 {
            (self.lately, self.usually) = (seconds, seconds);
        }
        self.lately += (seconds - self.lately) * 0.3;
        self.usually += (seconds - self.usually) * 0.03;
        self.count > 10 && self.lately > 2.0 * self.usually
    }
}

impl Permit {
    /// Says how the request went; gives what that means if the server is not there. The next request has to wait until
    /// this leave is given back.
    pub fn end(&self, how: Went) -> Option<Trip> {
        let now = Instant::now();
        self.host.went(how, now - self.since, now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.host.lock().running -= 1;
        self.host.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn host(ceiling: usize) -> Arc<Host> {
        Arc::new(Host::new(ceiling, 5 * SECOND, 3))
    }

    async fn request(host: &Arc<Host>, how: Went) -> Option<Trip> {
        let permit = host.enter().await;
        tokio::time::advance(SECOND).await;
        permit.end(how)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_run_than_the_user_allows() {
        let host = host(2);
        let first = host.enter().await;
        let _second = host.enter().await;
        let third = tokio::time::timeout(SECOND, host.enter()).await;
        assert!(third.is_err());
        drop(first);
        host.enter().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_asked_less_and_later_more_again() {
        let host = host(8);
        request(&host, Went::Busy(Duration::ZERO)).await;
        assert_eq!(host.limit(), 5);
        for _ in 0..4 {
            request(&host, Went::Busy(Duration::ZERO)).await;
        }
        assert_eq!(host.limit(), 1);
        for _ in 0..60 {
            request(&host, Went::Well).await;
        }
        assert_eq!(host.limit(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_grows_slow_is_asked_less() {
        let host = host(8);
        for _ in 0..20 {
            request(&host, Went::Well).await;
        }
        for _ in 0..5 {
            let permit = host.enter().await;
            tokio::time::advance(6 * SECOND).await;
            permit.end(Went::Well);
        }
        assert!(host.limit() < 8, "{}", host.limit());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_is_left_alone_for_as_long_as_it_asks() {
        let host = host(8);
        request(&host, Went::Busy(30 * SECOND)).await;
        let start = Instant::now();
        host.enter().await;
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_is_looked_for_by_one_request_at_a_time() {
        let host = host(8);
        request(&host, Went::Well).await;
        let trip = request(&host, Went::Nowhere).await.unwrap();
        assert!(trip.is_new && !trip.hopeless);
        for waited in [5, 10, 20, 40, 60, 60] {
            let start = Instant::now();
            let permit = host.enter().await;
            assert_eq!(start.elapsed().as_secs(), waited);
            assert_eq!(host.limit(), 1);
            let trip = permit.end(Went::Nowhere).unwrap();
            assert!(!trip.is_new && !trip.hopeless);
        }
        request(&host, Went::Well).await;
        assert_eq!(host.limit(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_server_that_never_was_there_is_sent_away() {
        let host = host(1);
        let mut hopeless = Vec::new();
        for _ in 0..4 {
            hopeless.push(request(&host, Went::Nowhere).await.unwrap().hopeless);
        }
        assert_eq!(hopeless, [false, false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_failures_in_a_row_are_an_outage_and_some_are_none() {
        let host = host(1);
        for n in 1..30 {
            let how = if n % 4 == 0 { Went::Well } else { Went::Badly };
            assert_eq!(request(&host, how).await, None);
        }
        let mut trips = Vec::new();
        for _ in 0..MOST_FAILURES {
            trips.push(request(&host, Went::Badly).await.is_some());
        }
        assert_eq!(trips.iter().filter(|t| **t).count(), 2, "{trips:?}");
    }
}
