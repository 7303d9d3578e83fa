//! Carries photos to one server and answers back: as many at a time as the server takes, again where that may help.
//!
//! The one place that repeats requests. A photo that waits for its next try holds nobody up; a server that is not there
//! costs photos nothing but time. Knows nothing of protocols.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::committer::{End, Report};
use super::content::Content;
use super::desk::{Desk, Due};
use super::host::{Host, Permit, Trip, Went};
use super::parcel::Parcel;
use super::stages::Stage;
use super::verdict::{Verdict, reason_of};
use crate::analysis::budget::BudgetGuard;
use crate::analysis::{Analyzer, Failure, Outage, Shown, Subject};
use crate::catalog::{Answer, Change, Declined};
use crate::panics;

/// Tries that a busy server may turn away, in parts of those that may fail.
const WAITS_A_RETRY: u32 = 10;

/// The longest time before the next try.
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// How long a server is left alone that needs a person's help.
const DENIED_DELAY: Duration = Duration::from_secs(60);
const LONGEST_DENIAL: Duration = Duration::from_secs(900);

/// How long an answer that is on its way is waited for when all is to end: it may have cost money.
const LAST_CALL: Duration = Duration::from_secs(10);

pub struct Courier {
    pub lane: usize,
    pub analyzer: Arc<dyn Analyzer>,
    pub host: Arc<Host>,
    pub desk: Arc<Desk>,
    pub reports: mpsc::Sender<Report>,
    pub budget: Arc<BudgetGuard>,
    pub max_retries: u32,
    pub retry_delay: Duration,
    /// Closed until then: the key, the model or the budget won't do. How often in a row.
    pub denial: Mutex<(Option<Instant>, u32)>,
}

impl Courier {
    /// Works until `stop` says so; what is on its way then is brought home, unless that takes too long.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut trips = JoinSet::new();
        let stopping = stop.clone();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopped| *stopped) => break,
                Some(_) = trips.join_next(), if !trips.is_empty() => {}
                (permit, parcel) = self.next() => {
                    trips.spawn(Arc::clone(&self).carry(permit, parcel, stopping.clone()));
                }
            }
        }
        while trips.join_next().await.is_some() {}
        self.hand_back(&Verdict::Skipped).await;
    }

    /// Waits until there is something to carry and the server takes it.
    async fn next(&self) -> (Permit, Parcel) {
        loop {
            match (self.desk.due(self.lane), self.desk.down_until(self.lane)) {
                (Due::Now, None) => {
                    let permit = self.host.enter().await;
                    if let Some(parcel) = self.desk.collect(self.lane) {
                        return (permit, parcel);
                    }
                }
                (Due::Now | Due::At(_), Some(_)) => {
                    // It was made ready while this happened.
                    let reason = self.desk.why_down(self.lane).unwrap_or_default();
                    self.send_back(&reason).await;
                }
                (Due::At(until), None) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.desk.ready(self.lane) => {}
                },
                (Due::Never, Some(until)) => tokio::select! {
                    () = sleep_until(until) => self.desk.wake(),
                    () = self.desk.ready(self.lane) => {}
                },
                (Due::Never, None) => self.desk.ready(self.lane).await,
            }
        }
    }

    async fn carry(self: Arc<Self>, permit: Permit, parcel: Parcel, stop: watch::Receiver<bool>) {
        let subject = Subject {
            shown: Shown::Jpeg(parcel.preview.jpeg.clone()),
            facts: Arc::clone(&parcel.facts),
        };
        let start = Instant::now();
        let asked = panics::contained_task(self.analyzer.analyze(&subject));
        let result = tokio::select! {
            result = asked => result.unwrap_or_else(|panic| {
                let reason = format!("the request broke down: {}", panics::message(&panic));
                Err(Failure::Permanent { reason })
            }),
            () = last_call(stop) => return self.abandon(&parcel).await,
        };
        self.desk.stopwatch.add(Stage::Request, start.elapsed());
        match result {
            Ok(answer) => {
                self.is_there(&permit);
                self.deliver(parcel, answer).await;
            }
            Err(failure) => self.failed(&permit, parcel, failure).await,
        }
        // What this one cost is on the disk: the next may go.
        drop(permit);
    }

    /// All ends, and the answer isn't there.
    async fn abandon(&self, parcel: &Parcel) {
        let reason = format!("{}: no answer came before the end", self.analyzer.name());
        tracing::warn!("{reason}; the photo is asked about again when it is next accessed");
        self.end(parcel, Verdict::Postponed(reason)).await;
    }

    /// The server answered: whatever was the matter with it is over.
    fn is_there(&self, permit: &Permit) {
        *self.denial.lock().expect(UNBROKEN) = (None, 0);
        permit.end(Went::Well);
        if self.desk.recovered(self.lane) {
            tracing::warn!("{}: is there again", self.analyzer.name());
        }
    }

    async fn deliver(&self, parcel: Parcel, answer: Answer) {
        let content = Content {
            hash: parcel.hash,
            stat: parcel.stat,
        };
        let outcome = content.outcome(&*self.analyzer, &parcel.preview.looks, answer);
        let change = Change::Analyzed {
            id: parcel.photo,
            outcome: Box::new(outcome),
        };
        self.report(&parcel, Some(change), Verdict::Analyzed).await;
    }

    /// The one place that decides what follows from a failure.
    async fn failed(&self, permit: &Permit, mut parcel: Parcel, failure: Failure) {
        self.pay(&parcel).await;
        let reason = reason_of(&failure);
        self.desk.errors.count(&failure);
        match failure {
            Failure::Refused { .. } | Failure::Permanent { .. } => {
                self.is_there(permit);
                let refused = matches!(failure, Failure::Refused { .. });
                self.decline(&parcel, refused, reason).await;
            }
            Failure::Unusable { .. } => {
                self.is_there(permit);
                parcel.tries += 1;
                match parcel.tries > self.max_retries {
                    true => self.decline(&parcel, false, reason).await,
                    false => self.desk.supply(self.lane, parcel),
                }
            }
            Failure::Busy { retry_after, .. } => {
                parcel.waits += 1;
                let rest = retry_after.unwrap_or_else(|| self.delay(parcel.waits));
                permit.end(Went::Busy(rest));
                let most = WAITS_A_RETRY * (self.max_retries + 1);
                self.again(parcel.waits > most, Duration::ZERO, parcel, reason)
                    .await;
            }
            Failure::Transient { retry_after, .. } => {
                parcel.tries += 1;
                let rest = retry_after.unwrap_or_else(|| self.delay(parcel.tries));
                let went = retry_after.map_or(Went::Badly, Went::Busy);
                match permit.end(went) {
                    Some(trip) => self.away(trip, parcel, reason).await,
                    None => {
                        self.again(parcel.tries > self.max_retries, rest, parcel, reason)
                            .await
                    }
                }
            }
            Failure::Host {
                outage: Outage::Unreachable,
                ..
            } => match permit.end(Went::Nowhere) {
                Some(trip) => self.away(trip, parcel, reason).await,
                None => self.desk.supply(self.lane, parcel),
            },
            Failure::Host { outage, .. } => {
                permit.end(Went::Well);
                self.denied(outage, parcel, reason).await;
            }
        }
    }

    /// Tries again after a rest, unless that was enough.
    async fn again(&self, enough: bool, rest: Duration, mut parcel: Parcel, reason: String) {
        if enough {
            return self.end(&parcel, Verdict::Postponed(reason)).await;
        }
        parcel.not_before = Instant::now() + rest;
        self.desk.note(self.lane, parcel.photo, &reason);
        self.desk.supply(self.lane, parcel);
    }

    /// Nobody is there. The photo waits, and has lost no try.
    async fn away(&self, trip: Trip, mut parcel: Parcel, reason: String) {
        if trip.is_new {
            tracing::warn!("{reason}; photos wait until it is back");
        }
        parcel.tries = 0;
        if trip.hopeless || self.desk.has_another(self.lane, parcel.photo) {
            self.desk.give_up(self.lane, &reason, trip.until);
            self.end(&parcel, Verdict::Postponed(reason.clone())).await;
            return self.send_back(&reason).await;
        }
        self.desk.note(self.lane, parcel.photo, &reason);
        self.desk.supply(self.lane, parcel);
    }

    /// A person has to do something, or money has to come. Nobody is to wait for that.
    async fn denied(&self, outage: Outage, parcel: Parcel, reason: String) {
        let (until, is_new) = self.close(outage);
        if is_new {
            tracing::warn!("{reason}; photos wait until that is mended");
        }
        self.desk.give_up(self.lane, &reason, until);
        self.end(&parcel, Verdict::Postponed(reason.clone())).await;
        self.send_back(&reason).await;
    }

    /// Requests that fail together close it once.
    fn close(&self, outage: Outage) -> (Instant, bool) {
        let now = Instant::now();
        let mut denial = self.denial.lock().expect(UNBROKEN);
        if let Some(until) = denial.0.filter(|&until| until > now) {
            return (until, false);
        }
        let (_, times) = *denial;
        let delay = match outage {
            Outage::Spent { until } => {
                let seconds = until.saturating_sub(jiff::Timestamp::now().as_second());
                Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).max(Duration::from_secs(1))
            }
            _ => (DENIED_DELAY * 2u32.saturating_pow(times.min(8))).min(LONGEST_DENIAL),
        };
        *denial = (Some(now + delay), times + 1);
        (now + delay, times == 0)
    }

    /// What was ready goes back to where accesses find it.
    async fn send_back(&self, reason: &str) {
        self.hand_back(&Verdict::Postponed(reason.into())).await;
    }

    /// Ends what was ready. May be given up at any moment: then the rest is still ready.
    async fn hand_back(&self, verdict: &Verdict) {
        loop {
            let room = self.reports.reserve().await.expect(WORKS);
            let Some(parcel) = self.desk.take_back(self.lane) else {
                return;
            };
            room.send(self.report_of(&parcel, Vec::new(), Some(verdict.clone())));
        }
    }

    async fn decline(&self, parcel: &Parcel, refused: bool, reason: String) {
        let declined = Change::Declined {
            provider: self.analyzer.name().to_owned(),
            content: parcel.hash,
            version: self.analyzer.version().to_owned(),
            why: Declined {
                refused,
                reason: reason.clone(),
            },
        };
        let verdict = Verdict::Declined { refused, reason };
        self.report(parcel, Some(declined), verdict).await;
    }

    async fn end(&self, parcel: &Parcel, verdict: Verdict) {
        self.report(parcel, None, verdict).await;
    }

    /// Reports an end, with what it cost, and waits until that is on the disk.
    async fn report(&self, parcel: &Parcel, change: Option<Change>, verdict: Verdict) {
        let changes = self.bill().chain(change).collect();
        let report = self.report_of(parcel, changes, Some(verdict));
        self.keep(report).await;
    }

    /// The same of a request that cost something, and is not the last for its photo.
    async fn pay(&self, parcel: &Parcel) {
        let bill: Vec<_> = self.bill().collect();
        if !bill.is_empty() {
            self.keep(self.report_of(parcel, bill, None)).await;
        }
    }

    async fn keep(&self, mut report: Report) {
        let (kept, is_kept) = oneshot::channel();
        report.kept = Some(kept);
        self.reports.send(report).await.expect(WORKS);
        is_kept.await.expect(WORKS);
    }

    fn report_of(&self, parcel: &Parcel, changes: Vec<Change>, verdict: Option<Verdict>) -> Report {
        let claim = Some(parcel.hash);
        Report {
            lane: self.lane,
            photo: parcel.photo,
            changes,
            end: verdict.map(|verdict| End { verdict, claim }),
            kept: None,
        }
    }

    /// What was spent and is not on the disk yet.
    fn bill(&self) -> impl Iterator<Item = Change> {
        let provider = self.analyzer.name().to_owned();
        let owed = self.budget.take_owed().into_iter();
        owed.map(move |(day, spent)| Change::Spent {
            provider: provider.clone(),
            day,
            spent,
        })
    }

    /// Before the next try: doubles with each, and varies so that not all come back at once.
    fn delay(&self, tries: u32) -> Duration {
        let delay = self.retry_delay * 2u32.saturating_pow(tries.saturating_sub(1).min(16));
        delay.min(LONGEST_DELAY).mul_f64(0.75 + fraction() / 2.0)
    }
}

/// Comes a while after the stop.
async fn last_call(mut stop: watch::Receiver<bool>) {
    // A scheduler that is gone has stopped as well.
    let _ = stop.wait_for(|stopped| *stopped).await;
    sleep(LAST_CALL).await;
}

/// A number from 0 to 1 that differs each time. Nothing secret depends on it.
fn fraction() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0u8);
    (random >> 11) as f64 / (1u64 << 53) as f64
}

const UNBROKEN: &str = "nothing panics while it holds the denial";
const WORKS: &str = "the committer works for as long as there are couriers";
