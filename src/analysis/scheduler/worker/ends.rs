//! What a worker has to say when it is done with a photo.

use super::{Read, Worker};
use crate::analysis::scheduler::committer::{End, Report};
use crate::analysis::scheduler::outcome::JobOutcome;
use crate::analysis::scheduler::state::QueueId;
use crate::catalog::{Change, ContentHash, Declined, PhotoId};

impl Worker {
    /// Has a photo wait again. The committer, who finds out when something can be kept, is to know of it.
    pub(super) fn put_back(&self, photo: PhotoId, queue: QueueId) {
        self.state.put_back(queue, photo);
        self.state.done(queue);
        self.report(Report {
            queue,
            photo,
            changes: Vec::new(),
            end: None,
            kept: None,
        });
    }

    /// What is recorded of an analyzer inside the program that has no answer.
    pub(super) fn declined(
        &self,
        queue: QueueId,
        content: ContentHash,
        outcome: &JobOutcome,
    ) -> Option<Change> {
        let JobOutcome::Declined { refused, reason } = outcome else {
            return None;
        };
        let analyzer = &self.answers.provider(queue).analyzer;
        Some(Change::Declined {
            provider: analyzer.name().to_owned(),
            content,
            version: analyzer.version().to_owned(),
            why: Declined {
                refused: *refused,
                reason: reason.clone(),
            },
        })
    }

    /// A photo ends alike in several queues; with `leads`, on behalf of all copies of its content. What is recorded of
    /// it is recorded once.
    pub(super) fn end_all(
        &self,
        photo: PhotoId,
        leads: Option<&Read>,
        queues: &[QueueId],
        mut change: Option<Change>,
        outcome: &JobOutcome,
    ) {
        for &queue in queues {
            let end = End {
                outcome: outcome.clone(),
                content: None,
                claim: leads.map(|read| read.content.hash),
            };
            self.report_end(photo, queue, change.take(), end);
        }
    }

    /// The end of a photo that was looked at, or need not be; `leads` on behalf of all copies of its content.
    pub(super) fn end(
        &self,
        read: &Read,
        queue: QueueId,
        changes: impl IntoIterator<Item = Change>,
        outcome: JobOutcome,
        leads: bool,
    ) {
        let hash = read.content.hash;
        let end = End {
            outcome,
            content: (!read.has_returned).then_some(hash),
            claim: leads.then_some(hash),
        };
        self.report_end(read.photo.id, queue, changes, end);
    }

    fn report_end(
        &self,
        photo: PhotoId,
        queue: QueueId,
        changes: impl IntoIterator<Item = Change>,
        end: End,
    ) {
        self.report(Report {
            queue,
            photo,
            changes: changes.into_iter().collect(),
            end: Some(end),
            kept: None,
        });
        self.state.done(queue);
    }

    fn report(&self, report: Report) {
        let sent = self.reports.blocking_send(report);
        assert!(
            sent.is_ok(),
            "the committer works for as long as there are workers"
        );
    }
}
