//! The queues of all providers: which photo is next, and who looks at it.
//!
//! Every analyzer inside the program looks at every photo. Of the servers, one is enough: the first that has an answer.
//! Servers stand in for each other, unless one is started earlier than those before it: what is said for a listing is
//! no reason to withhold the better model from whoever asks.

use roaring::RoaringBitmap;

use super::set_aside::SetAside;
use super::store_breaker::StoreBreaker;
use super::{ProviderQueue, QueueId, Taken, Whom};
use crate::analysis::Access;
use crate::analysis::scheduler::reasons::Reasons;
use crate::catalog::PhotoId;

pub struct ProviderQueues {
    pub queues: Vec<ProviderQueue>,
    /// Until it is known what is kept of answers: photos that became other pictures meanwhile.
    pub forgotten: Option<RoaringBitmap>,
    /// Photos that only programs asked for which ask for everything.
    pub turned_away: Reasons,
    /// Photos whose file doesn't answer.
    pub set_aside: SetAside,
    pub store_breaker: StoreBreaker,
    pub stopped: bool,
    /// Nothing is begun, here or by dispatchers.
    pub paused: bool,
}

/// Whether the answer of a server makes another one needless, or it is that one: the preferred ones do, and those behind
/// it that nothing starts earlier. What one of these said, it said in place of the server before it.
pub fn answers_for((other, other_on): (QueueId, Access), (server, on): (QueueId, Access)) -> bool {
    other <= server || other_on >= on
}

impl ProviderQueues {
    fn all(&self) -> impl Iterator<Item = (QueueId, &ProviderQueue)> {
        let queues = self.queues.iter().enumerate();
        queues.map(|(n, queue)| (QueueId(n), queue))
    }

    /// Queues of analyzers inside the program that such an access starts.
    fn local(&self, access: Access) -> impl Iterator<Item = (QueueId, &ProviderQueue)> {
        self.all()
            .filter(move |(_, queue)| queue.is_local() && queue.on <= access)
    }

    /// Queues of servers that such an access starts, the preferred first.
    fn servers(&self, access: Access) -> impl Iterator<Item = (QueueId, &ProviderQueue)> {
        self.all()
            .filter(move |(_, queue)| !queue.is_local() && queue.on <= access)
    }

    /// The queues that such an access puts a photo into, those that have it already included.
    pub fn wanted(&self, photo: PhotoId, access: Access, whom: Whom, stale: bool) -> Vec<QueueId> {
        if let Whom::One(queue) = whom {
            let is_missing = self.queues[queue.0].is_missing(photo, stale);
            return is_missing.then_some(queue).into_iter().collect();
        }
        let mut queues = Vec::new();
        if whom != Whom::Servers {
            let local = self.local(access);
            let missing = local.filter(|(_, queue)| queue.is_missing(photo, stale));
            queues.extend(missing.map(|(id, _)| id));
        }
        if whom != Whom::Local {
            queues.extend(self.server_for(photo, access, None));
        }
        queues
    }

    /// Why nothing comes of what is asked of a queue now, for those who would wait.
    pub fn why_in_vain(&self, queue: QueueId) -> Option<String> {
        let queue = &self.queues[queue.0];
        let down = queue.down.as_ref().filter(|_| queue.is_down());
        let down = down.map(|(reason, _)| reason.clone());
        down.or_else(|| self.store_breaker.why_given_up().map(str::to_owned))
    }

    /// The first server that is to look at a photo, after another one if that has no answer; one that is down only where
    /// there is no other.
    pub fn server_for(
        &self,
        photo: PhotoId,
        access: Access,
        after: Option<QueueId>,
    ) -> Option<QueueId> {
        let mut down = None;
        for (id, queue) in self.servers(access) {
            if Some(id) <= after || !self.is_due(id, photo) {
                continue;
            }
            if !queue.is_down() {
                return Some(id);
            }
            down = down.or(Some(id));
        }
        down.filter(|_| after.is_none())
    }

    /// Whether a server has still to look at a photo: neither it nor one that stands in for it has answered, and it has
    /// not declined.
    fn is_due(&self, server: QueueId, photo: PhotoId) -> bool {
        let has_answered = |queue: &ProviderQueue| {
            queue.answered.contains(photo.0) && !queue.again.contains(photo.0)
        };
        !self.queues[server.0].declined.contains(photo.0)
            && !self.who_answers_for(server).any(has_answered)
    }

    /// A server and those whose answers make it needless.
    fn who_answers_for(&self, server: QueueId) -> impl Iterator<Item = &ProviderQueue> {
        let on = self.queues[server.0].on;
        self.all()
            .filter(|(_, queue)| !queue.is_local())
            .filter(move |(id, queue)| answers_for((*id, queue.on), (server, on)))
            .map(|(_, queue)| queue)
    }

    /// Whether some server has answered about a photo.
    pub fn has_answer_of_server(&self, photo: PhotoId) -> bool {
        let mut servers = self.queues.iter().filter(|queue| !queue.is_local());
        servers.any(|queue| queue.answered.contains(photo.0))
    }

    /// Takes a photo that a server has answered about from those that need not look at it any more. Whoever waits for
    /// one of these learns from it that there is an answer.
    pub fn withdraw(&mut self, photo: PhotoId) {
        for server in (0..self.queues.len()).map(QueueId) {
            let queue = &self.queues[server.0];
            let is_idle = !queue.is_local()
                && queue.waiting.contains(photo)
                && !queue.waiters.contains_key(&photo)
                && !queue.named.contains(photo.0);
            if is_idle && !self.is_due(server, photo) {
                self.queues[server.0].waiting.remove(photo);
            }
        }
    }

    /// What each queue is to look at of many photos, when they are accessed like this; in the order of the queues.
    pub fn shares(&self, photos: &RoaringBitmap, access: Access) -> Vec<(QueueId, RoaringBitmap)> {
        let local = self.local(access);
        let local = local.map(|(id, queue)| (id, queue.missing(photos, false)));
        let servers = self.shares_of_servers(photos, access);
        let mut shares: Vec<_> = local.chain(servers).collect();
        shares.sort_unstable_by_key(|(id, _)| *id);
        shares
    }

    /// As [`Self::server_for`] gives each of them.
    fn shares_of_servers(
        &self,
        photos: &RoaringBitmap,
        access: Access,
    ) -> Vec<(QueueId, RoaringBitmap)> {
        let (up, down): (Vec<_>, Vec<_>) = self
            .servers(access)
            .map(|(id, queue)| (id, queue.is_down()))
            .partition(|(_, is_down)| !is_down);
        let mut left = photos.clone();
        let share = |(id, _)| {
            let share = self.due(id, &left);
            left -= &share;
            (id, share)
        };
        up.into_iter().chain(down).map(share).collect()
    }

    /// Those of many photos that a server has still to look at.
    fn due(&self, server: QueueId, photos: &RoaringBitmap) -> RoaringBitmap {
        let due = photos - &self.queues[server.0].declined;
        let answered = self.who_answers_for(server).map(|queue| &queue.answered);
        answered.fold(due, |due, answered| due - answered)
    }

    /// The server that a photo goes to when one has no answer. Who named a server asks that one and pays for no other.
    pub fn next_server(&self, from: QueueId, photo: PhotoId, access: Access) -> Option<QueueId> {
        let queue = &self.queues[from.0];
        let may_go_on = !self.stopped && !queue.is_local() && !queue.named.contains(photo.0);
        may_go_on
            .then(|| self.server_for(photo, access, Some(from)))
            .flatten()
    }

    /// Gives a photo, and those who wait for it, to the next server. Whether there is one.
    pub fn hand_over(&mut self, from: QueueId, photo: PhotoId, access: Access) -> bool {
        let Some(to) = self.next_server(from, photo, access) else {
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
    pub fn next(&mut self) -> Option<Taken> {
        if self.may_begin() { self.take() } else { None }
    }

    /// The most wanted photo of all queues, with every queue that waits for it and has room: it is read and decoded once
    /// for all of them.
    fn take(&mut self) -> Option<Taken> {
        let first = self.most_wanted()?;
        let photo = self.queues[first.0].take()?;
        let mut queues = vec![first];
        for (n, queue) in self.queues.iter_mut().enumerate() {
            if n != first.0 && queue.may_take() && queue.take_photo(photo) {
                queues.push(QueueId(n));
            }
        }
        queues.sort_unstable();
        Some(Taken { photo, queues })
    }

    /// A server that has little to do comes before work that is done here: what it takes to make a picture ready is
    /// little beside its answer.
    fn most_wanted(&self) -> Option<QueueId> {
        let mut best: Option<(Access, QueueId)> = None;
        for (id, queue) in self.all().filter(|(_, queue)| queue.may_take()) {
            let Some(access) = queue.next_access() else {
                continue;
            };
            let is_better = best.is_none_or(|(most, at)| {
                let is_server_first = !queue.is_local() && self.queues[at.0].is_local();
                access > most || access == most && is_server_first
            });
            if is_better {
                best = Some((access, id));
            }
        }
        best.map(|(_, id)| id)
    }
}
