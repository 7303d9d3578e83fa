//! What is analysed next: the most wanted first. Pure; knows nothing of threads, files or whether a photo still waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use roaring::RoaringBitmap;

use crate::analysis::Access;
use crate::catalog::PhotoId;

/// Listings kept apart; older ones are thrown together. Each `push` and `pop` looks through all of them, and nobody
/// remembers which folder was opened before the last sixteen.
const LISTINGS: usize = 16;

/// What is most wanted comes first; among equals, what came first.
type Rank = (Reverse<Access>, u64);

/// Photos in order of how much they are wanted. A photo is in it once.
#[derive(Default)]
pub struct PriorityQueue {
    ranked: BTreeMap<Rank, PhotoId>,
    ranks: HashMap<PhotoId, Rank>,
    arrivals: u64,
    /// Of the ranked ones, those that were asked for.
    asked: u64,
    /// Photos that were shown, a bitmap an opened listing, the latest last. No photo is in two.
    listings: Vec<RoaringBitmap>,
    /// What crawlers touched, and listings of long ago.
    strays: RoaringBitmap,
}

/// Photos that wait, by how much they are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Somebody asked for the description, and may be waiting.
    pub asked: u64,
    /// Somebody read the content.
    pub read: u64,
    /// They are in a folder that was opened lately.
    pub listed: u64,
    /// What crawlers touched, listings of long ago, and what nobody asked for.
    pub background: u64,
}

impl Waiting {
    /// Each with the name that stands in the metrics, the most wanted first.
    pub fn named(&self) -> [(&'static str, u64); 4] {
        [
            ("asked", self.asked),
            ("read", self.read),
            ("listed", self.listed),
            ("background", self.background),
        ]
    }

    /// All that wait.
    pub fn total(&self) -> u64 {
        self.asked + self.read + self.listed + self.background
    }
}

impl AddAssign for Waiting {
    fn add_assign(&mut self, other: Self) {
        self.asked += other.asked;
        self.read += other.read;
        self.listed += other.listed;
        self.background += other.background;
    }
}

impl PriorityQueue {
    /// Adds a photo, or raises one that waits already; never lowers it.
    pub fn push(&mut self, photo: PhotoId, access: Access) {
        match self.ranks.get(&photo) {
            Some((Reverse(waits_at), _)) if *waits_at >= access => {}
            _ if access <= Access::Listed => self.push_stray(photo),
            _ => self.rank(photo, access),
        }
    }

    /// Adds the photos of a listing, before those of earlier ones.
    pub fn push_listing(&mut self, mut photos: RoaringBitmap) {
        for photo in self.ranks.keys() {
            photos.remove(photo.0);
        }
        self.strays -= &photos;
        for earlier in &mut self.listings {
            *earlier -= &photos;
        }
        self.listings.push(photos);
        self.listings.retain(|listing| !listing.is_empty());
        if self.listings.len() > LISTINGS {
            self.strays |= self.listings.remove(0);
        }
    }

    /// Takes the most wanted photo.
    pub fn pop(&mut self) -> Option<(PhotoId, Access)> {
        if let Some(((Reverse(access), _), photo)) = self.ranked.pop_first() {
            self.ranks.remove(&photo);
            self.asked -= u64::from(access == Access::Asked);
            return Some((photo, access));
        }
        let listing = self.listings.last_mut().unwrap_or(&mut self.strays);
        let photo = listing.min()?;
        listing.remove(photo);
        self.listings.retain(|listing| !listing.is_empty());
        Some((PhotoId(photo), Access::Listed))
    }

    /// Takes a photo whose turn it is not yet; gives how much it is wanted. `None` if it doesn't wait.
    pub fn take(&mut self, photo: PhotoId) -> Option<Access> {
        if !self.contains(photo) {
            return None;
        }
        let rank = self.ranks.get(&photo);
        let access = rank.map_or(Access::Listed, |(Reverse(access), _)| *access);
        self.remove(photo);
        Some(access)
    }

    /// The access of what would be taken.
    pub fn peek(&self) -> Option<Access> {
        match self.ranked.first_key_value() {
            Some(((Reverse(access), _), _)) => Some(*access),
            None => (!self.is_empty()).then_some(Access::Listed),
        }
    }

    pub fn contains(&self, photo: PhotoId) -> bool {
        let listed = |bitmap: &RoaringBitmap| bitmap.contains(photo.0);
        self.ranks.contains_key(&photo) || self.listings.iter().any(listed) || listed(&self.strays)
    }

    /// Forgets a photo.
    pub fn remove(&mut self, photo: PhotoId) {
        if let Some(rank) = self.ranks.remove(&photo) {
            self.unrank(rank);
        }
        self.strays.remove(photo.0);
        for listing in &mut self.listings {
            listing.remove(photo.0);
        }
        self.listings.retain(|listing| !listing.is_empty());
    }

    fn unrank(&mut self, rank: Rank) {
        self.ranked.remove(&rank);
        self.asked -= u64::from(rank.0.0 == Access::Asked);
    }

    /// Adds photos that nobody asked for.
    pub fn push_strays(&mut self, mut photos: RoaringBitmap) {
        for photo in self.ranks.keys() {
            photos.remove(photo.0);
        }
        for listing in &self.listings {
            photos -= listing;
        }
        self.strays |= photos;
    }

    pub fn waiting(&self) -> Waiting {
        Waiting {
            asked: self.asked,
            read: self.ranks.len() as u64 - self.asked,
            listed: self.listings.iter().map(RoaringBitmap::len).sum(),
            background: self.strays.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ranks.is_empty() && self.listings.is_empty() && self.strays.is_empty()
    }

    fn push_stray(&mut self, photo: PhotoId) {
        if !self.listings.iter().any(|l| l.contains(photo.0)) {
            self.strays.insert(photo.0);
        }
    }

    fn rank(&mut self, photo: PhotoId, access: Access) {
        let rank = (Reverse(access), self.arrivals);
        self.arrivals += 1;
        if let Some(lower) = self.ranks.insert(photo, rank) {
            self.unrank(lower);
        }
        self.asked += u64::from(access == Access::Asked);
        self.ranked.insert(rank, photo);
        self.strays.remove(photo.0);
        for listing in &mut self.listings {
            listing.remove(photo.0);
        }
        self.listings.retain(|listing| !listing.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(photos: &str) -> RoaringBitmap {
        let ids = photos.split(',').map(|p| p.parse::<u32>().unwrap());
        ids.collect()
    }

    /// `r7` reads photo 7, `a7` asks for it, `l7` is a crawler that reads it, `1,2,3` lists these.
    fn check(accesses: &str, expected: &[u32]) {
        let mut queue = PriorityQueue::default();
        for access in accesses.split_whitespace() {
            let photo = || PhotoId(access[1..].parse().unwrap());
            match &access[..1] {
                "l" => queue.push(photo(), Access::Listed),
                "r" => queue.push(photo(), Access::Read),
                "a" => queue.push(photo(), Access::Asked),
                _ => queue.push_listing(listing(access)),
            }
        }
        let mut waiting = queue.waiting();
        assert_eq!(waiting.total(), expected.len() as u64, "{accesses}");
        let mut order = Vec::new();
        while let Some((photo, access)) = queue.pop() {
            order.push(photo.0);
            let before = std::mem::replace(&mut waiting, queue.waiting());
            let fewer = match access {
                Access::Asked => before.asked - waiting.asked,
                Access::Read => before.read - waiting.read,
                _ => before.listed + before.background - waiting.listed - waiting.background,
            };
            assert_eq!(
                (fewer, waiting.total() + 1),
                (1, before.total()),
                "{accesses}"
            );
        }
        assert_eq!(order, expected, "{accesses}");
        assert!(queue.is_empty());
    }

    #[test]
    fn the_most_wanted_comes_first_and_equals_in_order_of_arrival() {
        check("1,2 r5 r4 a9 a8", &[9, 8, 5, 4, 1, 2]);
    }

    #[test]
    fn the_latest_listing_comes_before_earlier_ones() {
        check("1,2,3 3,4 5,6", &[5, 6, 3, 4, 1, 2]);
        check("5,6 1,2 5,6", &[5, 6, 1, 2]);
    }

    #[test]
    fn a_photo_is_raised_and_never_lowered() {
        check("1,2,3 r3 a3", &[3, 1, 2]);
        check("r1 r2 a2 r2", &[2, 1]);
        check("a3 r2 1,2,3 l3", &[3, 2, 1]);
    }

    #[test]
    fn what_crawlers_touch_comes_last() {
        check("l9 l8 1,2 l1", &[1, 2, 8, 9]);
        check("l1 1,2", &[1, 2]);
    }

    #[test]
    fn many_listings_are_kept_in_little_room() {
        let mut queue = PriorityQueue::default();
        for listing in 0..100 {
            queue.push_listing(RoaringBitmap::from_iter([listing]));
        }
        assert_eq!(queue.listings.len(), LISTINGS);
        let waiting = queue.waiting();
        assert_eq!((waiting.listed, waiting.background), (16, 84));
        assert_eq!(queue.pop(), Some((PhotoId(99), Access::Listed)));
    }
}
