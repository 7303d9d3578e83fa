use std::collections::BTreeMap;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::fingerprints::look_same;
use crate::catalog::{
    ContentHash, Effect, Entry, FileStat, Format, Numbering, Photo, PhotoId, SourcePath, Status,
};
use crate::index::Index;

/// A detailed picture, another in each of `n` and `bits` of them turned.
fn picture(n: u64, bits: u32) -> u64 {
    let base = 0x0f0f_0f0f_0f0f_0f0f_u64.rotate_left(n as u32) ^ (n << 20);
    base ^ ((1 << bits) - 1)
}

fn entry(id: u32, content: u8, fingerprint: Option<u64>) -> Effect {
    let name = format!("{id}.jpg");
    Effect::Upsert(Entry {
        photo: Photo {
            id: PhotoId(id),
            path: SourcePath::new(name.as_bytes()),
            name: name.as_bytes().into(),
            title_name: None,
            text_bytes: 0,
            stat: FileStat::default(),
            format: Format::Jpeg,
            status: Status::Analyzed,
            date: None,
            hash: (content > 0).then_some(ContentHash([content; 32])),
            width: 0,
            height: 0,
            perceptual_hash: fingerprint,
            edited: false,
            edition: 0,
        },
        labels: Vec::new(),
    })
}

/// Photos as they are when they are loaded.
fn loaded(photos: &BTreeMap<u32, (u8, Option<u64>)>) -> Index {
    let (index, mut numbering) = (Index::default(), Numbering::default());
    let mut loading = index.loading();
    for (&id, &(content, fingerprint)) in photos {
        if let Effect::Upsert(entry) = entry(id, content, fingerprint) {
            numbering.hand_over(entry, &mut |stored| loading.take(stored));
        }
    }
    loading.finish();
    index
}

/// Groups as they are listed: the oldest photo and all of them.
fn groups(index: &Index) -> BTreeMap<u32, RoaringBitmap> {
    let groups = index.groups().into_iter();
    groups
        .map(|oldest| (oldest.0, index.group(oldest)))
        .collect()
}

#[test]
fn copies_and_pictures_that_look_the_same_are_a_group() {
    let index = Index::default();
    let delta = index.apply(vec![
        entry(1, 1, None),
        entry(2, 1, None),
        entry(3, 2, Some(picture(1, 0))),
        entry(4, 3, Some(picture(1, 3))),
        entry(5, 4, Some(picture(30, 0))),
        entry(6, 5, Some(0)),
        entry(7, 6, Some(0)),
    ]);
    let expected = BTreeMap::from([(1, [1, 2].into()), (3, [3, 4].into())]);
    assert_eq!(groups(&index), expected);
    assert_eq!(delta.regrouped.len(), 4);
    let delta = index.apply(vec![Effect::Remove(PhotoId(1))]);
    assert_eq!(groups(&index).len(), 1);
    assert_eq!(delta.regrouped.len(), 2);
}

/// Groups by the plain meaning: all with all.
fn naive(photos: &BTreeMap<u32, (u8, Option<u64>)>) -> BTreeMap<u32, RoaringBitmap> {
    let alike = |a: &(u8, Option<u64>), b: &(u8, Option<u64>)| {
        let detailed = |p: Option<u64>| p.filter(|p| (28..=36).contains(&p.count_ones()));
        let same = detailed(a.1).zip(detailed(b.1));
        (a.0 > 0 && a.0 == b.0) || same.is_some_and(|(a, b)| look_same(a, b))
    };
    let mut groups = Vec::<RoaringBitmap>::new();
    for (&id, fingerprint) in photos {
        let touches = |g: &RoaringBitmap| g.iter().any(|other| alike(fingerprint, &photos[&other]));
        let (near, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(touches);
        let joined = near
            .into_iter()
            .fold([id].into(), |all: RoaringBitmap, g| all | g);
        groups = apart.into_iter().chain([joined]).collect();
    }
    let groups = groups.into_iter().filter(|g| g.len() > 1);
    groups.map(|g| (g.min().unwrap(), g)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn groups_are_what_all_with_all_gives(
        commits in prop::collection::vec(
            prop::collection::vec((1_u32..12, 0_u8..5, 0_u64..3, 0_u32..9, any::<bool>()), 1..6), 1..12),
    ) {
        let index = Index::default();
        let mut photos = BTreeMap::new();
        for commit in commits {
            let before = photos.clone();
            let mut effects = Vec::new();
            for (id, content, n, bits, stays) in commit {
                let fingerprint = (bits < 8).then(|| picture(n, bits));
                match stays {
                    true => photos.insert(id, (content, fingerprint)),
                    false => photos.remove(&id),
                };
                effects.push(match stays {
                    true => entry(id, content, fingerprint),
                    false => Effect::Remove(PhotoId(id)),
                });
            }
            let delta = index.apply(effects);
            let expected = naive(&photos);
            prop_assert_eq!(groups(&index), expected.clone());
            prop_assert_eq!(groups(&loaded(&photos)), expected.clone());
            let group = |groups: &BTreeMap<u32, RoaringBitmap>, id: u32| {
                groups.iter().find(|(_, g)| g.contains(id)).map(|(&oldest, _)| PhotoId(oldest))
            };
            let old = naive(&before);
            let mut regrouped = delta.regrouped;
            regrouped.sort_by_key(|r| r.photo);
            let changed: Vec<_> = (1..12).filter(|&id| group(&old, id) != group(&expected, id)).collect();
            prop_assert_eq!(regrouped.iter().map(|r| r.photo.0).collect::<Vec<_>>(), changed);
            for id in 1..12 {
                prop_assert_eq!(index.group_of(PhotoId(id)), group(&expected, id));
            }
            for r in regrouped {
                prop_assert_eq!(r.before, group(&old, r.photo.0));
                prop_assert_eq!(r.after, group(&expected, r.photo.0));
            }
        }
    }
}
