//! The index against the naive meaning of queries, over random catalogs.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use roaring::RoaringBitmap;

use crate::catalog::{
    Candidate, ContentHash, Effect, Entry, Facet, FileStat, FolderPattern, Format, Label, Measure,
    Numbering, Origin, Pattern, Photo, PhotoId, Query, Searched, SourcePath, Span, State, Status,
    WallClock, Words,
};
use crate::index::{Delta, Index};

/// A photo and what words are looked for in.
type Known = (Entry, Searched);

fn any_label() -> impl Strategy<Value = Label> {
    let origin = prop::sample::select(Origin::ALL.to_vec());
    let value = prop_oneof![
        prop::sample::select(vec!["dog", "Dog", "screenshot"]).prop_map(|v| (Facet::Tag, v)),
        prop::sample::select(vec!["Canon EOS R6", "NIKON D70"]).prop_map(|v| (Facet::Camera, v)),
        prop::sample::select(vec!["Z\u{fc}rich", "Rome"]).prop_map(|v| (Facet::City, v)),
        prop::sample::select(vec!["0", "3", "5"]).prop_map(|v| (Facet::Rating, v)),
    ];
    (value, origin, any::<bool>()).prop_map(|((facet, value), origin, denied)| {
        let confidence = if denied { 0.0 } else { 1.0 };
        Label::new(facet, value, origin, confidence)
    })
}

fn any_photo(id: u32) -> impl Strategy<Value = Known> {
    let folder = prop::sample::select(vec!["", "2019/", "2019/Trip/", "trip/", "Screenshots/"]);
    let date = (2023u16..2025, 1u8..13, 1u8..29);
    let date = date.prop_map(|(year, month, day)| WallClock::new(year, month, day, 12, 0, 0));
    let labels = prop::collection::vec(any_label(), 0..4);
    let numbers = (0u64..4, 0u32..3, 0u32..3, any::<bool>());
    let text = prop::sample::select(vec!["", "A red dog", "red cars"]);
    (
        folder,
        date,
        labels,
        numbers,
        prop::option::of(0u8..3),
        0..4usize,
        text,
    )
        .prop_map(
            move |(folder, date, labels, (size, width, height, edited), hash, status, text)| {
                let path = format!("{folder}IMG_{id}.jpg");
                let photo = Photo {
                    id: PhotoId(id),
                    path: SourcePath::new(path.as_bytes()),
                    name: path.as_bytes().into(),
                    title_name: None,
                    text_bytes: 0,
                    stat: FileStat {
                        size,
                        ..FileStat::default()
                    },
                    format: Format::Jpeg,
                    status: Status::ALL[status],
                    date,
                    hash: hash.map(|n| ContentHash([n; 32])),
                    width,
                    height,
                    perceptual_hash: None,
                    edited,
                    edition: 0,
                };
                let searched = Searched {
                    title: text.to_owned(),
                    path,
                    ..Searched::default()
                };
                (Entry { photo, labels }, searched)
            },
        )
}

fn any_query() -> impl Strategy<Value = Query> {
    let words = || {
        let words = vec![
            "dog",
            "red dog",
            "ca*",
            "canon eos",
            "zurich",
            "r*",
            "img 1",
        ];
        prop::sample::select(words).prop_map(|w| Words::new(w).unwrap())
    };
    let span = |from: std::ops::Range<u64>| {
        (prop::option::of(from.clone()), prop::option::of(from))
            .prop_map(|(from, to)| Span { from, to })
    };
    let state = vec![
        State::Duplicate,
        State::Edited,
        State::Portrait,
        State::Landscape,
        State::Square,
        State::Screenshot,
    ];
    let leaf = prop_oneof![
        Just(Query::All),
        prop::sample::select(vec!["dog", "cat"]).prop_map(|tag| Query::label(Facet::Tag, tag)),
        (
            prop::sample::select(vec![Facet::Camera, Facet::City]),
            words()
        )
            .prop_map(|(facet, words)| Query::Named(facet, words)),
        Just(Query::Facet(Facet::Rating)),
        (0..4usize).prop_map(|n| Query::Status(Status::ALL[n])),
        prop::sample::select(state).prop_map(Query::State),
        words().prop_map(Query::Words),
        prop::sample::select(vec!["trip", "/2019", "2019/t*"])
            .prop_map(|f| Query::Folder(FolderPattern::new(f).unwrap())),
        prop::sample::select(vec!["img_1", "*_2.jpg"])
            .prop_map(|n| Query::Name(Pattern::new(n).unwrap())),
        span(20_230_601..20_241_001).prop_map(|span| Query::Within(Measure::Date, span)),
        span(0..6).prop_map(|span| Query::Within(Measure::Rating, span)),
        span(0..4).prop_map(|span| Query::Within(Measure::Size, span)),
        span(0..4).prop_map(|span| Query::Within(Measure::Width, span)),
        span(0..4).prop_map(|span| Query::Within(Measure::Height, span)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let some = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            some().prop_map(Query::And),
            some().prop_map(Query::Or),
            inner.clone().prop_map(|query| !query),
        ]
    })
}

/// The ids that a query means, naively.
fn meant(catalog: &BTreeMap<u32, Known>, query: &Query) -> RoaringBitmap {
    let admitted = catalog.iter().filter(|(id, (entry, text))| {
        let mut others = catalog.iter().filter(|(other, _)| other != id);
        let hash = entry.photo.hash;
        let is_duplicate = hash.is_some() && others.any(|(_, (other, _))| other.photo.hash == hash);
        let candidate = Candidate {
            entry,
            text,
            is_duplicate,
        };
        query.admits(&candidate)
    });
    admitted.map(|(id, _)| *id).collect()
}

/// What becomes of a photo: it is like this now, or gone.
fn any_change() -> impl Strategy<Value = (u32, Option<Known>)> {
    (1u32..8).prop_flat_map(|id| (Just(id), prop::option::weighted(0.8, any_photo(id))))
}

fn apply(
    index: &Index,
    catalog: &mut BTreeMap<u32, Known>,
    changes: &[(u32, Option<Known>)],
) -> Delta {
    let effects = changes.iter().map(|(id, known)| match known {
        Some(known) => {
            catalog.insert(*id, known.clone());
            Effect::Upsert(known.0.clone())
        }
        None => {
            catalog.remove(id);
            Effect::Remove(PhotoId(*id))
        }
    });
    let effects = effects.collect();
    index.apply(effects)
}

/// A catalog as it is when it is loaded.
fn loaded(catalog: &BTreeMap<u32, Known>) -> Index {
    let (index, mut numbering) = (Index::default(), Numbering::default());
    let mut loading = index.loading();
    for (entry, _) in catalog.values().cloned() {
        numbering.hand_over(entry, &mut |stored| loading.take(stored));
    }
    loading.finish();
    index
}

proptest! {
    #[test]
    fn the_index_means_what_the_query_means(
        commits in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..6),
        query in any_query(),
    ) {
        let (index, mut catalog) = (Index::default(), BTreeMap::new());
        for changes in &commits {
            let before = meant(&catalog, &query);
            let delta = apply(&index, &mut catalog, changes);
            let words = |words: &Words| {
                Arc::new(meant(&catalog, &Query::Words(words.clone())))
            };
            let expected = meant(&catalog, &query);
            prop_assert_eq!(&index.evaluate(&query, &words), &expected, "{:?}", &query);
            prop_assert_eq!(&loaded(&catalog).evaluate(&query, &words), &expected, "{:?}", &query);
            for id in 0..10 {
                let admitted = index.admits(&query, PhotoId(id), &words);
                prop_assert_eq!(admitted, expected.contains(id), "{:?} {}", &query, id);
            }
            if query.words().is_empty() {
                let snapshots = |id: u32| delta.photos.iter().filter(move |p| p.id.0 == id);
                let admitted = |id: u32, snapshot: Option<&crate::index::PhotoSnapshot>| {
                    snapshot.is_some_and(|s| index.admits_snapshot(&query, PhotoId(id), s, &words))
                };
                for id in before.clone() ^ expected.clone() {
                    let first = snapshots(id).next().expect("a change is in the delta");
                    let last = snapshots(id).next_back().expect("a change is in the delta");
                    prop_assert_eq!(admitted(id, first.before.as_ref()), before.contains(id));
                    prop_assert_eq!(admitted(id, last.after.as_ref()), expected.contains(id));
                }
            }
        }
    }
}
