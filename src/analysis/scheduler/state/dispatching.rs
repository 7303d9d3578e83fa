//! What a server's dispatcher asks of the state: what it is to send and when, and whether the server is of use.

use tokio::time::Instant;

use super::{QueueId, Ready, SchedulerState};
use crate::analysis::Access;
use crate::analysis::scheduler::outcome::AnalysisResult;
use crate::analysis::scheduler::remote_job::RemoteJob;
use crate::catalog::PhotoId;

impl SchedulerState {
    /// Hands a photo that is ready to its dispatcher.
    pub fn push_ready(&self, queue: QueueId, job: RemoteJob) {
        self.lock().queues[queue.0].jobs.push(job);
        self.ready[queue.0].notify_one();
    }

    /// When there is something for a dispatcher to send.
    pub fn next_ready_at(&self, queue: QueueId) -> Ready {
        let state = self.lock();
        match state.may_send() {
            true => state.queues[queue.0].next_ready_at(Instant::now()),
            false => Ready::Never,
        }
    }

    /// Takes the most wanted of what is due.
    pub fn pop_ready(&self, queue: QueueId) -> Option<RemoteJob> {
        let mut state = self.lock();
        if !state.may_send() {
            return None;
        }
        let job = state.queues[queue.0].pop_ready(Instant::now());
        self.work.notify_one();
        job
    }

    /// Takes something that a dispatcher was to send, whether it is due or not.
    pub fn take_ready(&self, queue: QueueId) -> Option<RemoteJob> {
        self.lock().queues[queue.0].jobs.pop()
    }

    /// Something may be ready for a dispatcher.
    pub async fn ready(&self, queue: QueueId) {
        self.ready[queue.0].notified().await;
    }

    /// A server is of no use until then: those who wait for what it has not begun are told why, or another is asked.
    pub fn give_up(&self, queue: QueueId, reason: &str, until: Instant) {
        let mut state = self.lock();
        state.queues[queue.0].down = Some((reason.to_owned(), until));
        for photo in state.queues[queue.0].awaited() {
            if state.hand_over(queue, photo, Access::Asked) {
                state.queues[queue.0].waiting.remove(photo);
            } else {
                state.queues[queue.0].tell(photo, &AnalysisResult::Failed(reason.to_owned()));
            }
        }
        self.work.notify_all();
        self.told.send_replace(());
    }

    /// A server is of use again. Whether it was of none.
    pub fn recovered(&self, queue: QueueId) -> bool {
        self.lock().queues[queue.0].down.take().is_some()
    }

    /// Whether another server would take a photo over.
    pub fn has_another(&self, queue: QueueId, photo: PhotoId) -> bool {
        let state = self.lock();
        let access = state.queues[queue.0].running.get(&photo).copied();
        let access = access.unwrap_or(Access::Listed);
        state.next_server(queue, photo, access).is_some()
    }

    /// Until when a server is of no use, if it is of none.
    pub fn down_until(&self, queue: QueueId) -> Option<Instant> {
        let state = self.lock();
        let until = state.queues[queue.0].down.as_ref().map(|(_, until)| *until);
        until.filter(|&until| until > Instant::now())
    }

    /// Workers are to look again: a server may be of use now.
    pub fn wake(&self) {
        // Under the lock: a worker that has just found nothing to do isn't asleep yet, and would miss it.
        let _state = self.lock();
        self.work.notify_all();
    }

    /// Why a server is of no use now.
    pub fn why_down(&self, queue: QueueId) -> Option<String> {
        let state = self.lock();
        let queue = &state.queues[queue.0];
        let reason = queue.down.as_ref().filter(|_| queue.is_down());
        reason.map(|(reason, _)| reason.clone())
    }
}
