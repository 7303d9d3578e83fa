//! A server as all its dispatchers see it: a concurrency limiter and a circuit breaker.
//!
//! The limit adapts to what the server shows (AIMD): one more each round as long as all goes well, a third less when it
//! says that it has too much to do or takes much longer than usual. Never above what the user allows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Provider;

/// Failures in a row, of any requests, after which nobody is thought to be there. A server that falls over one picture
/// in a few never gets there; one whose graphics card is gone answers 500 to all.
const MOST_FAILURES: u32 = 10;

/// The longest time between two looks whether a server is back.
const LONGEST_OUTAGE_DELAY: Duration = Duration::from_secs(60);

/// How a request went, as far as it concerns the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RequestOutcome {
    /// The server answered, whatever it said.
    Succeeded,
    /// It has too much to do; until then.
    Busy(Duration),
    /// An error of the server or a broken connection.
    Failed,
    /// Nobody is there.
    Unreachable,
}

/// The breaker is open: what that means for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerTrip {
    /// The first failure of this outage.
    pub is_new: bool,
    /// It never answered and did not come up in good time either.
    pub never_reachable: bool,
    pub until: Instant,
}

/// The limiter and the breaker of one server.
pub struct Endpoint {
    ceiling: f64,
    /// Before the first probe whether it is back; doubles with each.
    delay: Duration,
    /// Probes of a server that never answered, before those who wait are sent away.
    probe_limit: u32,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    limit: f64,
    running: usize,
    back_off_until: Option<Instant>,
    /// Probes in vain; 0 while it is there.
    failed_probes: u32,
    failures: u32,
    has_answered: bool,
    last_cut: Option<Instant>,
    latency: LatencyAverage,
}

/// How long answers take, in seconds: lately, and usually.
#[derive(Default)]
struct LatencyAverage {
    lately: f64,
    usually: f64,
    count: u32,
}

/// The endpoint of each provider that is a server: one for all that are at the same place.
pub fn of_servers(
    providers: &[Provider],
    delay: Duration,
    probe_limit: u32,
) -> Vec<Option<Arc<Endpoint>>> {
    let servers = || providers.iter().flat_map(|provider| &provider.server);
    let mut endpoints = HashMap::<&str, Arc<Endpoint>>::new();
    let new = |host: &str| {
        let same = servers().filter(|server| server.host == host);
        let most = same.map(|server| server.parallel).max();
        Arc::new(Endpoint::new(most.unwrap_or(1), delay, probe_limit))
    };
    let mut endpoint = |host| {
        let endpoint = endpoints.entry(host).or_insert_with(|| new(host));
        Arc::clone(endpoint)
    };
    let each = providers.iter();
    each.map(|provider| Some(endpoint(provider.server.as_ref()?.host.as_str())))
        .collect()
}

/// Leave for one request.
pub struct Permit {
    endpoint: Arc<Endpoint>,
    since: Instant,
}

impl Endpoint {
    /// A server of which nothing is known yet: it is thought to take all that the user allows.
    pub fn new(ceiling: usize, delay: Duration, probe_limit: u32) -> Self {
        Self {
            ceiling: ceiling.max(1) as f64,
            delay,
            probe_limit,
            state: Mutex::new(State {
                limit: ceiling.max(1) as f64,
                running: 0,
                back_off_until: None,
                failed_probes: 0,
                failures: 0,
                has_answered: false,
                last_cut: None,
                latency: LatencyAverage::default(),
            }),
            changed: Notify::new(),
        }
    }

    /// Waits for leave to send a request.
    pub async fn enter(self: &Arc<Self>) -> Permit {
        loop {
            // Before the look: what changes between the look and the wait would be missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let back_off_until = match self.try_enter(Instant::now()) {
                Ok(permit) => return permit,
                Err(until) => until,
            };
            match back_off_until {
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
        if let Some(until) = state.back_off_until.filter(|&until| until > now) {
            return Err(Some(until));
        }
        state.back_off_until = None;
        if state.running >= state.allowed() {
            return Err(None);
        }
        state.running += 1;
        Ok(Permit {
            endpoint: Arc::clone(self),
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
        (state.latency.count > 0).then(|| state.latency.usually / state.limit)
    }

    /// What is the matter with it, for people.
    pub fn trouble(&self) -> Option<String> {
        let state = self.lock();
        (state.failed_probes > 0).then(|| "not reachable".to_owned())
    }

    fn record(&self, how: RequestOutcome, took: Duration, now: Instant) -> Option<BreakerTrip> {
        let mut state = self.lock();
        match how {
            RequestOutcome::Succeeded => {
                state.failed_probes = 0;
                state.failures = 0;
                state.has_answered = true;
                state.adapt(took, self.ceiling, now);
                None
            }
            RequestOutcome::Busy(rest) => {
                state.failed_probes = 0;
                // AIMD: adding one a round and taking a third keeps the limit near what is borne.
                state.cut(0.7, took, now);
                state.back_off(now + rest);
                None
            }
            RequestOutcome::Failed => {
                state.failures += 1;
                (state.failures >= MOST_FAILURES).then(|| self.trip(&mut state, now))
            }
            RequestOutcome::Unreachable => Some(self.trip(&mut state, now)),
        }
    }

    fn trip(&self, state: &mut State, now: Instant) -> BreakerTrip {
        let is_new = state.failed_probes == 0;
        // Requests that began together fail together: that is one look.
        if is_new || state.back_off_until.is_none_or(|until| until <= now) {
            let delay = self.delay * 2u32.saturating_pow(state.failed_probes.min(16));
            state.failed_probes += 1;
            state.back_off(now + delay.min(LONGEST_OUTAGE_DELAY));
        }
        BreakerTrip {
            is_new,
            never_reachable: !state.has_answered && state.failed_probes > self.probe_limit,
            until: state.back_off_until.unwrap_or(now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// One request finds out whether a server is back.
    fn allowed(&self) -> usize {
        match self.failed_probes {
            0 => self.limit as usize,
            _ => 1,
        }
    }

    fn back_off(&mut self, until: Instant) {
        self.back_off_until = self.back_off_until.max(Some(until));
    }

    fn adapt(&mut self, took: Duration, ceiling: f64, now: Instant) {
        match self.latency.is_slow(took.as_secs_f64()) {
            // Slow is a weaker sign than a refusal, so less is taken: pictures differ.
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

impl LatencyAverage {
    /// Whether answers take twice as long as usual.
    fn is_slow(&mut self, seconds: f64) -> bool {
        self.count = self.count.saturating_add(1);
        if self.count == 1 {
            (self.lately, self.usually) = (seconds, seconds);
        }
        self.lately += (seconds - self.lately) * 0.3;
        self.usually += (seconds - self.usually) * 0.03;
        // The first answers include the loading of the model.
        self.count > 10 && self.lately > 2.0 * self.usually
    }
}

impl Permit {
    /// Says how the request went; gives what that means if the server is not there. The next request has to wait until
    /// this leave is given back.
    pub fn end(&self, how: RequestOutcome) -> Option<BreakerTrip> {
        let now = Instant::now();
        self.endpoint.record(how, now - self.since, now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.endpoint.lock().running -= 1;
        self.endpoint.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn endpoint(ceiling: usize) -> Arc<Endpoint> {
        Arc::new(Endpoint::new(ceiling, 5 * SECOND, 3))
    }

    async fn request(endpoint: &Arc<Endpoint>, how: RequestOutcome) -> Option<BreakerTrip> {
        let permit = endpoint.enter().await;
        tokio::time::advance(SECOND).await;
        permit.end(how)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_run_than_the_user_allows() {
        let endpoint = endpoint(2);
        let first = endpoint.enter().await;
        let _second = endpoint.enter().await;
        let third = tokio::time::timeout(SECOND, endpoint.enter()).await;
        assert!(third.is_err());
        drop(first);
        endpoint.enter().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_asked_less_and_later_more_again() {
        let endpoint = endpoint(8);
        request(&endpoint, RequestOutcome::Busy(Duration::ZERO)).await;
        assert_eq!(endpoint.limit(), 5);
        for _ in 0..4 {
            request(&endpoint, RequestOutcome::Busy(Duration::ZERO)).await;
        }
        assert_eq!(endpoint.limit(), 1);
        for _ in 0..60 {
            request(&endpoint, RequestOutcome::Succeeded).await;
        }
        assert_eq!(endpoint.limit(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_grows_slow_is_asked_less() {
        let endpoint = endpoint(8);
        for _ in 0..20 {
            request(&endpoint, RequestOutcome::Succeeded).await;
        }
        for _ in 0..5 {
            let permit = endpoint.enter().await;
            tokio::time::advance(6 * SECOND).await;
            permit.end(RequestOutcome::Succeeded);
        }
        assert!(endpoint.limit() < 8, "{}", endpoint.limit());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_is_left_alone_for_as_long_as_it_asks() {
        let endpoint = endpoint(8);
        request(&endpoint, RequestOutcome::Busy(30 * SECOND)).await;
        let start = Instant::now();
        endpoint.enter().await;
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_is_looked_for_by_one_request_at_a_time() {
        let endpoint = endpoint(8);
        request(&endpoint, RequestOutcome::Succeeded).await;
        let trip = request(&endpoint, RequestOutcome::Unreachable)
            .await
            .unwrap();
        assert!(trip.is_new && !trip.never_reachable);
        for waited in [5, 10, 20, 40, 60, 60] {
            let start = Instant::now();
            let permit = endpoint.enter().await;
            assert_eq!(start.elapsed().as_secs(), waited);
            assert_eq!(endpoint.limit(), 1);
            let trip = permit.end(RequestOutcome::Unreachable).unwrap();
            assert!(!trip.is_new && !trip.never_reachable);
        }
        request(&endpoint, RequestOutcome::Succeeded).await;
        assert_eq!(endpoint.limit(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_server_that_never_was_there_is_sent_away() {
        let endpoint = endpoint(1);
        let mut never_reachable = Vec::new();
        for _ in 0..4 {
            never_reachable.push(
                request(&endpoint, RequestOutcome::Unreachable)
                    .await
                    .unwrap()
                    .never_reachable,
            );
        }
        assert_eq!(never_reachable, [false, false, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_failures_in_a_row_are_an_outage_and_some_are_none() {
        let endpoint = endpoint(1);
        for n in 1..30 {
            let how = if n % 4 == 0 {
                RequestOutcome::Succeeded
            } else {
                RequestOutcome::Failed
            };
            assert_eq!(request(&endpoint, how).await, None);
        }
        let mut trips = Vec::new();
        for _ in 0..MOST_FAILURES {
            trips.push(request(&endpoint, RequestOutcome::Failed).await.is_some());
        }
        assert_eq!(trips.iter().filter(|t| **t).count(), 2, "{trips:?}");
    }
}
