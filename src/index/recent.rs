//! The photos taken last: a bounded set, kept while the catalog changes.

use roaring::RoaringBitmap;

use super::{Delta, Inner};

/// How many photos count as recent: a few screens of a file manager, and few enough to be found anew with every
/// change.
const RECENT: u64 = 500;

impl Inner {
    /// Finds the recent photos anew after a change, and notes which became so or ceased to be.
    pub fn settle_recent(&mut self, delta: &mut Delta) {
        let recent = latest(self.labels.days().rev());
        delta.recent = &self.recent ^ &recent;
        self.recent = recent;
    }
}

/// Whole days, the latest first; of the last one that fits only in part, the photos that came last.
fn latest<'a>(days: impl Iterator<Item = &'a RoaringBitmap>) -> RoaringBitmap {
    let mut recent = RoaringBitmap::new();
    for photos in days {
        let room = RECENT - recent.len();
        if photos.len() >= room {
            recent.extend(photos.iter().rev().take(room as usize));
            break;
        }
        recent |= photos;
    }
    recent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(days: &[RoaringBitmap], expected: RoaringBitmap) {
        assert_eq!(latest(days.iter()), expected);
    }

    #[test]
    fn the_latest_days_are_recent() {
        let day = |range: std::ops::Range<u32>| range.collect::<RoaringBitmap>();
        check(&[], day(0..0));
        check(&[day(7..9), day(0..3)], [0, 1, 2, 7, 8].into());
        check(
            &[day(1000..1400), day(0..300)],
            (200..300).chain(1000..1400).collect(),
        );
        check(&[day(0..600), day(600..700)], day(100..600));
    }
}
