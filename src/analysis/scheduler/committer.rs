//! Commits what workers and dispatchers report, in batches of whatever is ready, and only then tells those who wait.
//!
//! What is reported may have cost money: while nothing can be kept it waits here, and nothing new is begun.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::errors::Class;
use super::outcome::JobOutcome;
use super::stages::Stage;
use super::state::{Duplicate, QueueId, SchedulerState};
use crate::catalog::{Change, ContentHash, Declined, PhotoId};
use crate::faults;
use crate::library::Library;
use crate::store::provider_store::ProviderStore;
use crate::store::{self, Error};

/// Reports committed together: each commit has costs of its own, and whoever waits for one photo waits for its batch.
const LARGEST_BATCH: usize = 64;

/// From one try to keep something to the next, while nothing can be kept; doubles with each.
const REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How long it is tried when all is to end. Service managers kill what doesn't end within 90 s, and other ends come
/// after this one.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Something that there is to say of a photo in a queue.
pub struct Report {
    pub queue: QueueId,
    pub photo: PhotoId,
    /// Committed together.
    pub changes: Vec<Change>,
    /// `None` where that was not the end of the work.
    pub end: Option<End>,
    /// Whoever waits until the changes are on the disk.
    pub kept: Option<oneshot::Sender<()>>,
}

/// The end of the work on a photo.
pub struct End {
    pub outcome: JobOutcome,
    /// What the photo has to be for this to be true of it; `None` where that makes no difference.
    pub content: Option<ContentHash>,
    /// The content that this photo was analysed for, on behalf of all its copies.
    pub claim: Option<ContentHash>,
}

/// What could not be recorded, and why.
type Lost = HashMap<(QueueId, PhotoId), String>;

/// Records what workers and dispatchers report. There is one, so that batches don't overtake one another.
pub struct Committer {
    pub library: Arc<Library>,
    pub provider_store: Arc<dyn ProviderStore>,
    pub state: Arc<SchedulerState>,
    pub reports: Receiver<Report>,
    /// Until when it is tried to keep something after all was to stop.
    pub deadline: Option<Instant>,
}

impl Committer {
    /// Works until the last worker and dispatcher is gone and everything they reported is committed.
    pub fn run(mut self) {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime that only waits asks nothing of the system");
        if !self.state.is_proven() {
            self.prove();
        }
        let mut rest = REST;
        while let Some(mut batch) = self.gather(&runtime, &mut rest) {
            while !batch.is_empty() {
                batch = self.settle(batch);
            }
        }
    }

    /// The reports that are ready, the first of which it waits for. Looks from time to time whether something can be
    /// kept, while nothing can.
    fn gather(&mut self, runtime: &Runtime, rest: &mut Duration) -> Option<Vec<Report>> {
        let first = loop {
            if self.state.is_proven() {
                *rest = REST;
                break self.reports.blocking_recv()?;
            }
            let waiting = async { timeout(*rest, self.reports.recv()).await };
            match runtime.block_on(waiting) {
                Ok(report) => break report?,
                Err(_) => self.prove(),
            }
            *rest = (*rest * 2).min(LONGEST_REST);
        };
        let ready = std::iter::from_fn(|| self.reports.try_recv().ok());
        let batch = std::iter::once(first).chain(ready.take(LARGEST_BATCH - 1));
        Some(batch.collect())
    }

    /// Finds out whether something can be kept.
    fn prove(&self) {
        match self.provider_store.probe() {
            Ok(()) => self.state.can_keep(),
            Err(error) => self.state.cannot_keep(&error),
        }
    }

    /// Commits and tells; gives what there is to say of the copies.
    fn settle(&mut self, mut batch: Vec<Report>) -> Vec<Report> {
        faults::may_panic("committer");
        let lost = self.record(&mut batch);
        let mut of_copies = Vec::new();
        for Report {
            queue,
            photo,
            end,
            kept,
            ..
        } in batch
        {
            if let Some(end) = end {
                let outcome = match lost.get(&(queue, photo)) {
                    Some(reason) => JobOutcome::RetryLater(reason.clone()),
                    None => self.confirmed(photo, &end),
                };
                if let Some(content) = end.claim {
                    let duplicates = self.state.release(queue, content).into_iter();
                    of_copies.extend(duplicates.map(|d| of_copy(queue, d, content, &outcome)));
                }
                self.state.tell(queue, photo, outcome);
            }
            // An error says that nobody waits.
            kept.map(|kept| kept.send(()));
        }
        of_copies
    }

    /// Makes the batch durable, however long that takes, unless all is to end.
    fn record(&mut self, batch: &mut [Report]) -> Lost {
        let mut lost = Lost::new();
        if batch.iter().all(|report| report.changes.is_empty()) {
            return lost;
        }
        let mut rest = REST;
        loop {
            let Err(error) = self.try_record(batch, &mut lost) else {
                self.state.unkept.store(0, Relaxed);
                self.state.can_keep();
                return lost;
            };
            self.state.unkept.store(answers_in(batch), Relaxed);
            self.state.cannot_keep(&error);
            if self.rests_in_vain(rest) {
                self.give_up(batch, &error, &mut lost);
                return lost;
            }
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// Whether all is to end, and was to for long enough.
    fn rests_in_vain(&mut self, rest: Duration) -> bool {
        if !self.state.rest(rest) {
            return false;
        }
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert(now + LAST_CALL);
        let left = deadline.saturating_duration_since(now);
        // The state rests no more once all is to stop, and the disk is to be tried only now and then.
        std::thread::sleep(left.min(REST));
        left.is_zero()
    }

    /// All at once; or each alone, so that what breaks one doesn't take the others with it. What is recorded is taken
    /// out of the batch.
    ///
    /// # Errors
    /// When nothing can be kept.
    fn try_record(&self, batch: &mut [Report], lost: &mut Lost) -> store::Result<()> {
        let changes: Vec<_> = batch.iter().flat_map(|r| r.changes.clone()).collect();
        match self.commit(&changes) {
            Ok(()) => {
                batch.iter_mut().for_each(|report| report.changes.clear());
                return Ok(());
            }
            Err(error) if error.is_outage() => return Err(error),
            Err(_) => {}
        }
        for report in batch {
            match self.commit(&report.changes) {
                Err(error) if error.is_outage() => return Err(error),
                Err(error) => {
                    self.state.errors.count(Class::Store);
                    tracing::error!(photo = report.photo.0, "analysis not recorded: {error}");
                    self.record_rest(report, &error)?;
                    lost.insert((report.queue, report.photo), error.to_string());
                }
                Ok(()) => {}
            }
            report.changes.clear();
        }
        Ok(())
    }

    /// Of an answer that can't be recorded: what it cost, and that it is not to be bought again.
    fn record_rest(&self, report: &Report, error: &Error) -> store::Result<()> {
        let rest = report.changes.iter().filter_map(|change| match change {
            Change::Analyzed { analysis, .. } if analysis.remote => Some(Change::Declined {
                provider: analysis.analyzer.clone(),
                content: analysis.hash,
                version: analysis.version.clone(),
                why: Declined {
                    refused: false,
                    reason: format!("its answer could not be recorded: {error}"),
                },
            }),
            Change::Spent { .. } => Some(change.clone()),
            _ => None,
        });
        match self.commit(&rest.collect::<Vec<_>>()) {
            Err(error) if !error.is_outage() => {
                tracing::error!(photo = report.photo.0, "spending not recorded: {error}");
                Ok(())
            }
            result => result,
        }
    }

    /// All is to end, and nothing can be kept: what was paid is lost.
    fn give_up(&self, batch: &mut [Report], error: &Error, lost: &mut Lost) {
        for report in batch {
            for change in report.changes.drain(..) {
                match change {
                    Change::Analyzed { id, analysis } if analysis.remote => {
                        let photo = self.library.index().photo(id);
                        let path = photo.map(|p| p.path.to_string());
                        let path = path.unwrap_or_default();
                        tracing::error!(
                            "{error}: the answer of {} for {path} is lost",
                            analysis.analyzer
                        );
                    }
                    Change::Spent {
                        provider, spent, ..
                    } => tracing::error!(
                        "{error}: {} requests of {provider} are not in its spending",
                        spent.requests
                    ),
                    _ => {}
                }
                lost.insert((report.queue, report.photo), error.to_string());
            }
        }
    }

    fn commit(&self, changes: &[Change]) -> store::Result<()> {
        let stopwatch = &self.state.stopwatch;
        stopwatch.time(Stage::Commit, || self.library.commit(changes))
    }

    /// The store attaches what was said of a content only to photos that have it: of a file that has changed meanwhile
    /// nothing was said.
    fn confirmed(&self, photo: PhotoId, end: &End) -> JobOutcome {
        let is_of_content = matches!(
            end.outcome,
            JobOutcome::Analyzed
                | JobOutcome::Copied
                | JobOutcome::AnsweredBy(_)
                | JobOutcome::Declined { .. }
        );
        let is_it = |content| self.library.index().hash(photo) == Some(content);
        if is_of_content && !end.content.is_none_or(is_it) {
            return JobOutcome::Skipped;
        }
        end.outcome.clone()
    }
}

/// Answers of servers among what is reported.
fn answers_in(batch: &[Report]) -> u64 {
    let changes = batch.iter().flat_map(|report| &report.changes);
    let of_servers =
        |c: &&Change| matches!(c, Change::Analyzed { analysis, .. } if analysis.remote);
    changes.filter(of_servers).count() as u64
}

fn of_copy(queue: QueueId, copy: Duplicate, content: ContentHash, outcome: &JobOutcome) -> Report {
    let outcome = outcome.of_duplicate();
    Report {
        queue,
        photo: copy.photo,
        changes: outcome.change(copy.photo, copy.stat).into_iter().collect(),
        end: Some(End {
            outcome,
            content: Some(content),
            claim: None,
        }),
        kept: None,
    }
}
