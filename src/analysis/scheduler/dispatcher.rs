//! Sends the jobs of one server to it, as many at a time as it takes, and repeats a request where that may help.
//!
//! The one place that repeats requests. A photo that waits for its next try holds nobody up; a server that is not there
//! costs photos nothing but time. Knows nothing of protocols.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::Instrument;

use super::committer::{End, Report};
use super::content::Content;
use super::endpoint::{BreakerTrip, Endpoint, Permit, RequestOutcome};
use super::outcome::{JobOutcome, reason_of};
use super::remote_job::RemoteJob;
use super::spans;
use super::stages::Stage;
use super::state::{QueueId, Ready, SchedulerState};
use crate::analysis::budget::BudgetGuard;
use crate::analysis::{Analyzer, Failure, Outage, Shown, Subject};
use crate::catalog::{Answer, Change, Declined};
use crate::panics;

/// Attempts that a busy server may turn away, for each that may fail: a server that says that it is busy is well, and a
/// queue before it may take long.
const BUSY_ATTEMPTS_A_RETRY: u32 = 10;

/// The longest time before the next try: whoever mends a server sees within five minutes that it is used again.
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// How long a server is left alone that needs a person's help; doubles with each denial. Each look costs a request, and
/// a key that is refused again and again may be locked.
const DENIED_DELAY: Duration = Duration::from_secs(60);
const LONGEST_DENIAL: Duration = Duration::from_secs(900);

/// How long an answer that is on its way is waited for when all is to end: it may have cost money.
const LAST_CALL: Duration = Duration::from_secs(10);

/// One server's dispatcher. What it has to say goes to the committer; it shares nothing else with workers but the
/// state.
pub struct Dispatcher {
    pub queue: QueueId,
    pub analyzer: Arc<dyn Analyzer>,
    pub endpoint: Arc<Endpoint>,
    pub state: Arc<SchedulerState>,
    pub reports: mpsc::Sender<Report>,
    pub budget: Arc<BudgetGuard>,
    pub max_retries: u32,
    pub retry_delay: Duration,
    /// Closed until then: the key, the model or the budget won't do. How often in a row. Never held while another lock
    /// is taken.
    pub denial: Mutex<(Option<Instant>, u32)>,
}

impl Dispatcher {
    /// Works until `stop` says so; what is on its way then is waited for, unless that takes too long.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut requests = JoinSet::new();
        let stopping = stop.clone();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopped| *stopped) => break,
                Some(_) = requests.join_next(), if !requests.is_empty() => {}
                (permit, job) = self.next() => {
                    let attempt = job.failed_attempts + job.busy_attempts + 1;
                    let span = spans::job(job.photo, &job.hash, self.analyzer.name(), attempt);
                    let send = Arc::clone(&self).send(permit, job, stopping.clone());
                    requests.spawn(send.instrument(span));
                }
            }
        }
        while requests.join_next().await.is_some() {}
        self.hand_back(&JobOutcome::Skipped).await;
    }

    /// Waits until there is something to send and the server takes it.
    async fn next(&self) -> (Permit, RemoteJob) {
        loop {
            match (
                self.state.next_ready_at(self.queue),
                self.state.down_until(self.queue),
            ) {
                (Ready::Now, None) => {
                    let permit = self.endpoint.enter().await;
                    if let Some(job) = self.state.pop_ready(self.queue) {
                        return (permit, job);
                    }
                }
                (Ready::Now | Ready::At(_), Some(_)) => {
                    // It was made ready while this happened.
                    let reason = self.state.why_down(self.queue).unwrap_or_default();
                    self.send_back(&reason).await;
                }
                (Ready::At(until), None) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.state.ready(self.queue) => {}
                },
                (Ready::Never, Some(until)) => tokio::select! {
                    () = sleep_until(until) => self.state.wake(),
                    () = self.state.ready(self.queue) => {}
                },
                (Ready::Never, None) => self.state.ready(self.queue).await,
            }
        }
    }

    async fn send(self: Arc<Self>, permit: Permit, job: RemoteJob, stop: watch::Receiver<bool>) {
        let subject = Subject {
            shown: Shown::Jpeg(job.preview.jpeg.clone()),
            facts: Arc::clone(&job.facts),
        };
        let start = Instant::now();
        let asked = panics::contained_task(self.analyzer.analyze(&subject));
        let result = tokio::select! {
            result = asked => result.unwrap_or_else(|panic| {
                let reason = format!("the request broke down: {}", panics::message(&panic));
                Err(Failure::Permanent { reason })
            }),
            () = last_call(stop) => return self.abandon(&job).await,
        };
        self.state.stopwatch.add(Stage::Request, start.elapsed());
        match result {
            Ok(answer) => {
                self.is_there(&permit);
                self.deliver(job, answer).await;
            }
            Err(failure) => self.failed(&permit, job, failure).await,
        }
        // What this one cost is on the disk: the next may go.
        drop(permit);
    }

    /// All ends, and the answer isn't there.
    async fn abandon(&self, job: &RemoteJob) {
        let reason = format!("{}: no answer came before the end", self.analyzer.name());
        tracing::warn!("{reason}; the photo is asked about again when it is next accessed");
        self.end(job, JobOutcome::RetryLater(reason)).await;
    }

    /// The server answered: whatever was the matter with it is over.
    fn is_there(&self, permit: &Permit) {
        *self.denial.lock() = (None, 0);
        permit.end(RequestOutcome::Succeeded);
        if self.state.recovered(self.queue) {
            tracing::warn!("{}: is there again", self.analyzer.name());
        }
    }

    async fn deliver(&self, job: RemoteJob, answer: Answer) {
        let content = Content {
            hash: job.hash,
            stat: job.stat,
        };
        let (analyzer, measured) = (&*self.analyzer, &job.preview.measured);
        let changes = content.changes(job.photo, analyzer, measured, answer);
        self.report(&job, changes, JobOutcome::Analyzed).await;
    }

    /// The one place that decides what follows from a failure.
    async fn failed(&self, permit: &Permit, mut job: RemoteJob, failure: Failure) {
        self.pay(&job).await;
        let reason = reason_of(&failure);
        self.state.errors.count(&failure);
        match failure {
            Failure::Refused { .. } | Failure::Permanent { .. } => {
                self.is_there(permit);
                let refused = matches!(failure, Failure::Refused { .. });
                self.decline(&job, refused, reason).await;
            }
            Failure::Unusable { .. } => {
                self.is_there(permit);
                job.failed_attempts += 1;
                match job.failed_attempts > self.max_retries {
                    true => self.decline(&job, false, reason).await,
                    false => self.state.push_ready(self.queue, job),
                }
            }
            Failure::Busy { retry_after, .. } => {
                job.busy_attempts += 1;
                let rest = retry_after.unwrap_or_else(|| self.delay(job.busy_attempts));
                permit.end(RequestOutcome::Busy(rest));
                let most = BUSY_ATTEMPTS_A_RETRY * (self.max_retries + 1);
                self.again(job.busy_attempts > most, Duration::ZERO, job, reason)
                    .await;
            }
            Failure::Transient { retry_after, .. } => {
                job.failed_attempts += 1;
                let rest = retry_after.unwrap_or_else(|| self.delay(job.failed_attempts));
                let outcome = retry_after.map_or(RequestOutcome::Failed, RequestOutcome::Busy);
                match permit.end(outcome) {
                    Some(tripped) => self.away(tripped, job, reason).await,
                    None => {
                        self.again(job.failed_attempts > self.max_retries, rest, job, reason)
                            .await
                    }
                }
            }
            Failure::Host {
                outage: Outage::Unreachable,
                ..
            } => match permit.end(RequestOutcome::Unreachable) {
                Some(tripped) => self.away(tripped, job, reason).await,
                None => self.state.push_ready(self.queue, job),
            },
            Failure::Host { outage, .. } => {
                permit.end(RequestOutcome::Succeeded);
                self.denied(outage, job, reason).await;
            }
        }
    }

    /// Tries again after a rest, unless that was enough.
    async fn again(&self, enough: bool, rest: Duration, mut job: RemoteJob, reason: String) {
        if enough {
            return self.end(&job, JobOutcome::RetryLater(reason)).await;
        }
        job.not_before = Instant::now() + rest;
        self.state.note(self.queue, job.photo, &reason);
        self.state.push_ready(self.queue, job);
    }

    /// Nobody is there. The photo waits, and has lost no try.
    async fn away(&self, tripped: BreakerTrip, mut job: RemoteJob, reason: String) {
        if tripped.is_new {
            tracing::warn!("{reason}; photos wait until it is back");
        }
        job.failed_attempts = 0;
        if tripped.never_reachable || self.state.has_another(self.queue, job.photo) {
            self.state.give_up(self.queue, &reason, tripped.until);
            self.end(&job, JobOutcome::RetryLater(reason.clone())).await;
            return self.send_back(&reason).await;
        }
        self.state.note(self.queue, job.photo, &reason);
        self.state.push_ready(self.queue, job);
    }

    /// A person has to do something, or money has to come. Nobody is to wait for that.
    async fn denied(&self, outage: Outage, job: RemoteJob, reason: String) {
        let (until, is_new) = self.close(outage);
        if is_new {
            tracing::warn!("{reason}; photos wait until that is mended");
        }
        self.state.give_up(self.queue, &reason, until);
        self.end(&job, JobOutcome::RetryLater(reason.clone())).await;
        self.send_back(&reason).await;
    }

    /// Requests that fail together close it once.
    fn close(&self, outage: Outage) -> (Instant, bool) {
        let now = Instant::now();
        let mut denial = self.denial.lock();
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
        self.hand_back(&JobOutcome::RetryLater(reason.into())).await;
    }

    /// Ends what was ready. May be given up at any moment: then the rest is still ready.
    async fn hand_back(&self, outcome: &JobOutcome) {
        loop {
            // Room first: a job that is taken before there is room would be lost if this were given up then.
            let room = self.reports.reserve().await.expect(WORKS);
            let Some(job) = self.state.take_ready(self.queue) else {
                return;
            };
            room.send(self.report_of(&job, Vec::new(), Some(outcome.clone())));
        }
    }

    async fn decline(&self, job: &RemoteJob, refused: bool, reason: String) {
        let declined = Change::Declined {
            provider: self.analyzer.name().to_owned(),
            content: job.hash,
            version: self.analyzer.version().to_owned(),
            why: Declined {
                refused,
                reason: reason.clone(),
            },
        };
        let outcome = JobOutcome::Declined { refused, reason };
        self.report(job, [declined], outcome).await;
    }

    async fn end(&self, job: &RemoteJob, outcome: JobOutcome) {
        self.report(job, [], outcome).await;
    }

    /// Reports an end, with what it cost, and waits until that is on the disk.
    async fn report<const N: usize>(
        &self,
        job: &RemoteJob,
        changes: [Change; N],
        outcome: JobOutcome,
    ) {
        let changes = self.bill().chain(changes).collect();
        let report = self.report_of(job, changes, Some(outcome));
        self.keep(report).await;
    }

    /// Reports what a request cost that is not the last for its photo, and waits until that is on the disk.
    async fn pay(&self, job: &RemoteJob) {
        let bill: Vec<_> = self.bill().collect();
        if !bill.is_empty() {
            self.keep(self.report_of(job, bill, None)).await;
        }
    }

    async fn keep(&self, mut report: Report) {
        let (kept, is_kept) = oneshot::channel();
        report.kept = Some(kept);
        self.reports.send(report).await.expect(WORKS);
        is_kept.await.expect(WORKS);
    }

    fn report_of(
        &self,
        job: &RemoteJob,
        changes: Vec<Change>,
        outcome: Option<JobOutcome>,
    ) -> Report {
        let end = |outcome| End {
            outcome,
            content: Some(job.hash),
            claim: Some(job.hash),
        };
        Report {
            queue: self.queue,
            photo: job.photo,
            changes,
            end: outcome.map(end),
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
    fn delay(&self, attempts: u32) -> Duration {
        let delay = self.retry_delay * 2u32.saturating_pow(attempts.saturating_sub(1).min(16));
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

const WORKS: &str = "the committer works for as long as there are dispatchers";
