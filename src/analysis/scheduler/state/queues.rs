//! The queues of all providers: which photo is next, and which server looks at it.

use roaring::RoaringBitmap;

use super::store_breaker::StoreBreaker;
use super::{ProviderQueue, QueueId};
use crate::analysis::Access;
use crate::analysis::scheduler::reasons::Reasons;
use crate::catalog::PhotoId;

pub struct ProviderQueues {
    pub queues: Vec<ProviderQueue>,
    /// Photos that only programs asked for which ask for everything.
    pub turned_away: Reasons,
    pub store_breaker: StoreBreaker,
    pub stopped: bool,
    /// Nothing is begun, here or by dispatchers.
    pub paused: bool,
}

impl ProviderQueues {
    /// Queues of servers that such an access starts, the preferred first.
    fn servers(&self, access: Access) -> impl Iterator<Item = (QueueId, &ProviderQueue)> {
        let queues = self.queues.iter().enumerate().skip(1);
        let queues = queues.map(|(n, queue)| (QueueId(n), queue));
        queues.filter(move |(_, queue)| queue.on <= access)
    }

    pub fn server_for(&self, photo: PhotoId, access: Access, after: QueueId) -> Option<QueueId> {
        let mut down = None;
        for (n, queue) in self.servers(access) {
            if queue.answered.contains(photo.0) && !queue.again.contains(photo.0) {
                break;
            }
            if n <= after || queue.declined.contains(photo.0) {
                continue;
            }
            if !queue.is_down() {
                return Some(n);
            }
            down = down.or(Some(n));
        }
        down.filter(|_| after == QueueId::LOCAL)
    }

    pub fn servers_for(
        &self,
        mut photos: RoaringBitmap,
        access: Access,
    ) -> Vec<(QueueId, RoaringBitmap)> {
        let mut shares = Vec::new();
        for (n, queue) in self.servers(access) {
            photos -= &queue.answered;
            let share = &photos - &queue.declined;
            if !queue.is_down() || !self.has_another(n, access) {
                photos -= &share;
                shares.push((n, share));
            }
        }
        shares
    }

    /// Whether a server behind this one is up.
    fn has_another(&self, queue: QueueId, access: Access) -> bool {
        self.servers(access).any(|(n, q)| n > queue && !q.is_down())
    }

    /// Gives a photo, and those who wait for it, to the next server. Whether there is one.
    pub fn hand_over(&mut self, from: QueueId, photo: PhotoId, access: Access) -> bool {
        if self.stopped {
            return false;
        }
        let Some(to) = self.server_for(photo, access, from) else {
            return false;
        };
        let waiters = self.queues[from.0].waiters.remove(&photo);
        self.queues[to.0].take_over(photo, access, waiters.unwrap_or_default());
        true
    }

    /// Whether photos are looked at now.
    pub fn may_begin(&self) -> bool {
        !self.paused && self.store_breaker.why_not().is_none()
    }

    /// Whether servers are asked now: also, whether it is known that their answers can be kept.
    pub fn may_send(&self) -> bool {
        !self.paused && self.store_breaker.is_closed()
    }

    /// What is to be done next, if anything is to be done now.
    pub fn next(&mut self) -> Option<(QueueId, PhotoId)> {
        if self.may_begin() { self.take() } else { None }
    }

    /// The most wanted photo of all queues. A server that has little to do comes before work that is done here: what it
    /// takes to make a picture ready is little beside its answer.
    fn take(&mut self) -> Option<(QueueId, PhotoId)> {
        let mut best: Option<(Access, QueueId)> = None;
        let queues = self.queues.iter().enumerate();
        for (id, queue) in queues.map(|(n, queue)| (QueueId(n), queue)) {
            let is_of_use = queue.has_room() && !queue.is_down();
            let wanted = queue.next_access().filter(|_| is_of_use);
            if let Some(access) = wanted
                && best.is_none_or(|(most, at)| {
                    access > most || (access == most && at == QueueId::LOCAL)
                })
            {
                best = Some((access, id));
            }
        }
        let (_, queue) = best?;
        Some((queue, self.queues[queue.0].take()?))
    }
}
