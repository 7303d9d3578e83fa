//! Commits what workers and couriers report, in batches of whatever is ready, and only then tells those who wait.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use super::desk::{Desk, Follower, HERE};
use super::errors::Class;
use super::stages::Stage;
use super::verdict::Verdict;
use crate::catalog::{Change, ContentHash, PhotoId, Status};
use crate::faults;
use crate::library::Library;
use crate::store;

/// Reports committed together.
const LARGEST_BATCH: usize = 64;

/// Something that there is to say of a photo in a lane.
pub struct Report {
    pub lane: usize,
    pub photo: PhotoId,
    pub change: Option<Change>,
    /// `None` while other analyzers look at the photo.
    pub end: Option<End>,
}

/// The end of the work on a photo.
pub struct End {
    pub verdict: Verdict,
    /// The content that this photo was analysed for, on behalf of all its copies.
    pub claim: Option<ContentHash>,
}

pub struct Committer {
    pub library: Arc<Library>,
    pub desk: Arc<Desk>,
    pub reports: Receiver<Report>,
}

impl Committer {
    /// Works until the last worker and courier is gone and everything they reported is committed.
    pub fn run(mut self) {
        while let Some(first) = self.reports.blocking_recv() {
            let ready = std::iter::from_fn(|| self.reports.try_recv().ok());
            let mut batch: Vec<_> = std::iter::once(first)
                .chain(ready.take(LARGEST_BATCH - 1))
                .collect();
            while !batch.is_empty() {
                batch = self.settle(batch);
            }
        }
    }

    /// Commits and tells; gives what there is to say of the copies.
    fn settle(&self, batch: Vec<Report>) -> Vec<Report> {
        faults::may_panic("committer");
        let lost = self.record(&batch);
        let mut of_copies = Vec::new();
        for Report {
            lane, photo, end, ..
        } in batch
        {
            let Some(End { verdict, claim }) = end else {
                continue;
            };
            let verdict = match lost.get(&(lane, photo)) {
                Some(reason) => Verdict::Postponed(reason.clone()),
                None => self.confirmed(lane, photo, verdict),
            };
            let followers = claim.map(|content| self.desk.release(lane, content));
            let followers = followers.into_iter().flatten();
            of_copies.extend(followers.map(|f| of_copy(lane, f, &verdict)));
            self.desk.tell(lane, photo, verdict);
        }
        of_copies
    }

    /// Makes the batch durable; gives the photos of which something could not be recorded, with the reason.
    fn record(&self, batch: &[Report]) -> HashMap<(usize, PhotoId), String> {
        let changes: Vec<_> = batch.iter().filter_map(|r| r.change.clone()).collect();
        if self.commit(&changes).is_ok() {
            return HashMap::new();
        }
        // All or none: what broke the batch must not take the other analyses with it.
        let alone = |report: &Report| {
            let error = self.commit(report.change.as_slice()).err()?;
            self.desk.errors.count(Class::Store);
            tracing::error!(photo = report.photo.0, "analysis not recorded: {error}");
            Some(((report.lane, report.photo), error.to_string()))
        };
        batch.iter().filter_map(alone).collect()
    }

    fn commit(&self, changes: &[Change]) -> store::Result<()> {
        let stopwatch = &self.desk.stopwatch;
        stopwatch.time(Stage::Commit, || self.library.commit(changes))
    }

    /// The store refuses results for a file that has changed meanwhile: such a photo is still pending.
    fn confirmed(&self, lane: usize, photo: PhotoId, verdict: Verdict) -> Verdict {
        let ended = matches!(verdict, Verdict::Analyzed | Verdict::Copied);
        let status = self.library.index().photo(photo).map(|p| p.status);
        let is_changed = match status {
            Some(status) => status == Status::Pending,
            // Here, it may have turned out to be a photo that was gone.
            None => lane != HERE,
        };
        if ended && is_changed {
            return Verdict::Skipped;
        }
        verdict
    }
}

fn of_copy(lane: usize, copy: Follower, verdict: &Verdict) -> Report {
    let verdict = verdict.of_follower();
    Report {
        lane,
        photo: copy.photo,
        change: verdict.change(copy.photo, copy.stat),
        end: Some(End {
            verdict,
            claim: None,
        }),
    }
}
