//! What holds together, out of pairs.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use crate::catalog::PhotoId;

/// Photos that were joined, each with one that it is together with, the oldest of them all with itself.
#[derive(Default)]
pub struct Together(HashMap<u32, u32>);

impl Together {
    /// Two photos are together, and so is everything that either was together with.
    pub fn join(&mut self, a: PhotoId, b: PhotoId) {
        let (a, b) = (self.oldest(a.0), self.oldest(b.0));
        self.0.insert(a.max(b), a.min(b));
    }

    /// Everything that holds together.
    pub fn groups(mut self) -> impl Iterator<Item = RoaringBitmap> {
        let all: Vec<u32> = self.0.keys().copied().collect();
        let mut groups: HashMap<u32, RoaringBitmap> = HashMap::new();
        for id in all {
            let oldest = self.oldest(id);
            groups.entry(oldest).or_default().insert(id);
        }
        groups.into_values()
    }

    /// The way there is made shorter for the next who asks.
    fn oldest(&mut self, id: u32) -> u32 {
        let mut at = id;
        let mut next = *self.0.entry(id).or_insert(id);
        while next != at {
            let further = self.0[&next];
            self.0.insert(at, further);
            (at, next) = (next, further);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_make_groups() {
        let mut together = Together::default();
        for (a, b) in [(1, 2), (3, 4), (9, 8), (2, 3), (4, 1)] {
            together.join(PhotoId(a), PhotoId(b));
        }
        let mut groups: Vec<Vec<u32>> = together.groups().map(|g| g.iter().collect()).collect();
        groups.sort();
        assert_eq!(groups, [vec![1, 2, 3, 4], vec![8, 9]]);
    }
}
