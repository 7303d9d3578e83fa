//! Which photos are alike, found without comparing all with all.
//!
//! Pictures look the same when their perceptual hashes differ in at most [`MOST_BITS`] bits and agree in one of four
//! parts. So a picture is compared only with those that share a part with it: at a million photos some sixty of them.
//! Resized, recompressed and brightened copies of real photos differ in 0 to 4 bits (19 of 20), different photos in more
//! than 12. Of four bits that differ, nine times of ten one part has none.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use crate::catalog::{ContentHash, PhotoId};
use crate::index::photos::{Photos, Record};

/// More would join different photos, fewer would miss copies: what was measured is above.
const MOST_BITS: u32 = 4;
/// Of 16 bits each: with more, shorter ones, more photos would share a part by chance and be compared.
const PARTS: usize = 4;
/// A picture with details has half of its bits set; one that is even or made of few shapes resembles every other such.
const DETAILED: std::ops::RangeInclusive<u32> = 28..=36;

/// What tells photos alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    content: Option<ContentHash>,
    picture: Option<u64>,
}

impl Fingerprint {
    /// `None` for a content that was not read as a whole, or a picture that was not decoded.
    pub fn new(content: Option<ContentHash>, perceptual_hash: Option<u64>) -> Self {
        let is_detailed = |hash: &u64| DETAILED.contains(&hash.count_ones());
        Self {
            content,
            picture: perceptual_hash.filter(is_detailed),
        }
    }
}

/// Whether pictures of these perceptual hashes look the same. One that wasn't decoded, or has few details, looks like none.
pub fn is_same_picture(one: Option<u64>, other: Option<u64>) -> bool {
    let picture = |hash| Fingerprint::new(None, hash).picture;
    let both = picture(one).zip(picture(other));
    both.is_some_and(|(one, other)| look_same(one, other))
}

/// Whether two detailed pictures look the same.
pub fn look_same(a: u64, b: u64) -> bool {
    bits_between(a, b) <= MOST_BITS && (0..PARTS).any(|n| part(a, n) == part(b, n))
}

fn bits_between(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

fn part(picture: u64, number: usize) -> u16 {
    (picture >> (16 * number)) as u16
}

/// Photos by what they look like. Holds ids only; the fingerprints themselves stay in the records, by which photos of
/// the same content are found, too.
#[derive(Default)]
pub struct FingerprintIndex {
    /// By each part of the picture; in order of picture, then id, so that the same pictures stand together.
    by_part: [HashMap<u16, Vec<PhotoId>>; PARTS],
}

impl FingerprintIndex {
    /// Of everything that is directly alike to a photo that is still to be inserted, enough to join it: of photos with
    /// the same bytes, or pictures with the same hash, one.
    pub fn neighbours(
        &self,
        id: PhotoId,
        fingerprint: &Fingerprint,
        photos: &Photos,
    ) -> Vec<PhotoId> {
        let mut near = Vec::new();
        if let Some(content) = &fingerprint.content {
            near.extend(photos.with_content(content).find(|same| *same != id));
        }
        let runs = fingerprint.picture.into_iter();
        let runs = runs.flat_map(|picture| self.runs(picture, photos));
        near.extend(runs.map(|run| run[0]));
        near
    }

    /// Everything that is alike to a photo, directly or through others, and itself.
    pub fn connected(&self, start: PhotoId, photos: &Photos) -> RoaringBitmap {
        let mut found = RoaringBitmap::from_iter([start.0]);
        let (mut contents, mut pictures) = (HashSet::new(), HashSet::new());
        let mut open = vec![start];
        while let Some(fingerprint) = open.pop().map(|id| fingerprint_of(id, photos)) {
            let mut reach = |id: PhotoId| {
                if found.insert(id.0) {
                    open.push(id);
                }
            };
            if let Some(content) = fingerprint.content.filter(|c| contents.insert(*c)) {
                photos.with_content(&content).for_each(&mut reach);
            }
            if let Some(picture) = fingerprint.picture.filter(|p| pictures.insert(*p)) {
                let runs = self.runs(picture, photos);
                runs.flatten().copied().for_each(&mut reach);
            }
        }
        found
    }

    /// Takes every photo in at once, when none is yet. Of those whose pictures look the same, `join` gets enough pairs
    /// to hold them together.
    pub fn fill(&mut self, photos: &Photos, join: &mut dyn FnMut(PhotoId, PhotoId)) {
        let known = photos.iter().map(|(id, record)| (id, record.fingerprint()));
        let pictures = known.filter_map(|(id, fingerprint)| Some((fingerprint.picture?, id)));
        let mut pictures = Vec::from_iter(pictures);
        for (number, buckets) in self.by_part.iter_mut().enumerate() {
            pictures.sort_unstable_by_key(|&(picture, id)| (part(picture, number), picture, id));
            for bucket in pictures.chunk_by(|a, b| part(a.0, number) == part(b.0, number)) {
                let ids = bucket.iter().map(|(_, id)| *id).collect();
                buckets.insert(part(bucket[0].0, number), ids);
                join_bucket(bucket, join);
            }
        }
    }

    /// How many photos are in its tables.
    #[cfg(debug_assertions)]
    pub fn len(&self) -> usize {
        let buckets = self.by_part.iter().flat_map(HashMap::values);
        buckets.map(|bucket| bucket.len() + 1).sum()
    }

    /// Takes a photo in whose record is there, and which is not in yet.
    pub fn insert(&mut self, id: PhotoId, fingerprint: &Fingerprint, photos: &Photos) {
        let Some(picture) = fingerprint.picture else {
            return;
        };
        for (number, buckets) in self.by_part.iter_mut().enumerate() {
            let bucket = buckets.entry(part(picture, number)).or_default();
            let at = place(bucket, id, picture, photos);
            bucket.insert(at, id);
        }
    }

    /// Takes a photo out whose record is still there, with this fingerprint.
    pub fn remove(&mut self, id: PhotoId, fingerprint: &Fingerprint, photos: &Photos) {
        let Some(picture) = fingerprint.picture else {
            return;
        };
        for (number, buckets) in self.by_part.iter_mut().enumerate() {
            let Some(bucket) = buckets.get_mut(&part(picture, number)) else {
                continue;
            };
            let at = place(bucket, id, picture, photos);
            if bucket.get(at) == Some(&id) {
                bucket.remove(at);
            }
            if bucket.is_empty() {
                buckets.remove(&part(picture, number));
            }
        }
    }

    /// The photos of each picture that looks the same as one: never empty, one picture a run.
    fn runs<'a>(&'a self, picture: u64, photos: &'a Photos) -> impl Iterator<Item = &'a [PhotoId]> {
        let buckets = self.by_part.iter().enumerate();
        let buckets = buckets.filter_map(move |(number, by)| by.get(&part(picture, number)));
        let runs = buckets.flat_map(|bucket| by_picture(bucket, photos));
        runs.filter(move |run| {
            let other = picture_of(run[0], photos);
            other.is_some_and(|other| look_same(picture, other))
        })
    }
}

/// Joins those of a bucket that look the same. Pictures are in order.
fn join_bucket(bucket: &[(u64, PhotoId)], join: &mut dyn FnMut(PhotoId, PhotoId)) {
    let mut firsts: Vec<(u64, PhotoId)> = Vec::new();
    for run in bucket.chunk_by(|a, b| a.0 == b.0) {
        let first = run[0];
        run[1..].iter().for_each(|(_, id)| join(first.1, *id));
        let near = firsts
            .iter()
            .filter(|(other, _)| bits_between(*other, first.0) <= MOST_BITS);
        near.for_each(|(_, id)| join(*id, first.1));
        firsts.push(first);
    }
}

/// A bucket cut where the picture changes.
fn by_picture<'a>(
    bucket: &'a [PhotoId],
    photos: &'a Photos,
) -> impl Iterator<Item = &'a [PhotoId]> {
    let mut rest = bucket;
    std::iter::from_fn(move || {
        let picture = picture_of(*rest.first()?, photos);
        let same = |id: &PhotoId| picture_of(*id, photos) == picture;
        // Most pictures are there once; a search would only cost then.
        let end = match rest.get(1).is_some_and(same) {
            true => rest.partition_point(same),
            false => 1,
        };
        let run;
        (run, rest) = rest.split_at(end);
        Some(run)
    })
}

/// Where a photo stands, or would stand, in a bucket.
fn place(bucket: &[PhotoId], id: PhotoId, picture: u64, photos: &Photos) -> usize {
    bucket.partition_point(|&other| (picture_of(other, photos), other) < (Some(picture), id))
}

fn fingerprint_of(id: PhotoId, photos: &Photos) -> Fingerprint {
    let fingerprint = photos.get(id).map(Record::fingerprint);
    fingerprint.unwrap_or_else(|| Fingerprint::new(None, None))
}

fn picture_of(id: PhotoId, photos: &Photos) -> Option<u64> {
    photos.get(id)?.perceptual_hash()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bits_that_leave_a_part_alone_are_the_same_look() {
        let picture = 0x0123_4567_89ab_cdef;
        let check = |mask: u64, same| assert_eq!(look_same(picture, picture ^ mask), same);
        check(0, true);
        check(0b1111, true);
        check(0b1_1111, false);
        check(0x0001_0001_0001_0001, false);
        check(0x0001_0001_0001_0000, true);
    }

    #[test]
    fn even_pictures_look_like_nothing() {
        let picture = |hash| Fingerprint::new(None, Some(hash)).picture;
        assert_eq!(picture(0), None);
        assert_eq!(picture(1 << 63), None);
        assert_eq!(picture(u64::MAX), None);
        assert_eq!(picture(0xffff_ffff), Some(0xffff_ffff));
    }
}
