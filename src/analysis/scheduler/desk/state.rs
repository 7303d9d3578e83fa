//! All lanes together: which photo is next, and which server looks at it.

use roaring::RoaringBitmap;

use super::keeping::Keeping;
use super::{HERE, Lane};
use crate::analysis::Access;
use crate::analysis::scheduler::reasons::Reasons;
use crate::catalog::PhotoId;

pub struct State {
    pub lanes: Vec<Lane>,
    /// Photos that only programs asked for which ask for everything.
    pub turned_away: Reasons,
    pub keeping: Keeping,
    pub stopped: bool,
    /// Nothing is begun, here or by couriers.
    pub paused: bool,
}

impl State {
    /// Lanes of servers that such an access starts, the preferred first.
    fn servers(&self, access: Access) -> impl Iterator<Item = (usize, &Lane)> {
        let lanes = self.lanes.iter().enumerate().skip(1);
        lanes.filter(move |(_, lane)| lane.on <= access)
    }

    pub fn server_for(&self, photo: PhotoId, access: Access, after: usize) -> Option<usize> {
        let mut down = None;
        for (n, lane) in self.servers(access) {
            if lane.answered.contains(photo.0) && !lane.again.contains(photo.0) {
                break;
            }
            if n <= after || lane.declined.contains(photo.0) {
                continue;
            }
            if !lane.is_down() {
                return Some(n);
            }
            down = down.or(Some(n));
        }
        down.filter(|_| after == HERE)
    }

    pub fn servers_for(
        &self,
        mut photos: RoaringBitmap,
        access: Access,
    ) -> Vec<(usize, RoaringBitmap)> {
        let mut shares = Vec::new();
        for (n, lane) in self.servers(access) {
            photos -= &lane.answered;
            let share = &photos - &lane.declined;
            if !lane.is_down() || !self.has_another(n, access) {
                photos -= &share;
                shares.push((n, share));
            }
        }
        shares
    }

    /// Whether a server behind this one is up.
    fn has_another(&self, lane: usize, access: Access) -> bool {
        self.servers(access).any(|(n, l)| n > lane && !l.is_down())
    }

    /// Gives a photo, and those who wait for it, to the next server. Whether there is one.
    pub fn hand_over(&mut self, from: usize, photo: PhotoId, access: Access) -> bool {
        if self.stopped {
            return false;
        }
        let Some(to) = self.server_for(photo, access, from) else {
            return false;
        };
        let waiters = self.lanes[from].waiters.remove(&photo);
        self.lanes[to].take_over(photo, access, waiters.unwrap_or_default());
        true
    }

    /// Whether photos are looked at now.
    pub fn may_begin(&self) -> bool {
        !self.paused && self.keeping.why_not().is_none()
    }

    /// Whether servers are asked now: also, whether it is known that their answers can be kept.
    pub fn may_send(&self) -> bool {
        !self.paused && self.keeping.is_well()
    }

    /// What is to be done next, if anything is to be done now.
    pub fn next(&mut self) -> Option<(usize, PhotoId)> {
        if self.may_begin() { self.take() } else { None }
    }

    /// The most wanted photo of all lanes. A server that has little to do comes before work that is done here: what it
    /// takes to make a picture ready is little beside its answer.
    fn take(&mut self) -> Option<(usize, PhotoId)> {
        let mut best: Option<(Access, usize)> = None;
        for (n, lane) in self.lanes.iter().enumerate() {
            let is_of_use = lane.has_room() && !lane.is_down();
            let wanted = lane.next_access().filter(|_| is_of_use);
            if let Some(access) = wanted
                && best.is_none_or(|(most, at)| access > most || (access == most && at == HERE))
            {
                best = Some((access, n));
            }
        }
        let (_, lane) = best?;
        Some((lane, self.lanes[lane].take()?))
    }
}
