//! How fast does the index answer what a folder asks: which photos, which sub-folders, which of both?

mod synthetic;

use std::sync::{Mutex, PoisonError};

use divan::{Bencher, black_box};
use kbasefs::catalog::{Facet, Numbering, PhotoId, Query, Stored};
use kbasefs::index::Index;
use roaring::RoaringBitmap;

const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
fn main() {
    divan::main();
}

/// The index of so many photos, made once.
fn with_index<T>(photos: u32, use_it: impl FnOnce(&Index) -> T) -> T {
    static MADE: Mutex<Option<(u32, Index)>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if made.as_ref().is_none_or(|(size, _)| *size != photos) {
        *made = Some((photos, load(photos)));
    }
    use_it(&made.as_ref().expect("just made").1)
}

fn load(photos: u32) -> Index {
    let index = Index::default();
    let mut loading = index.loading();
    hand_over(photos, &mut |stored| loading.take(stored));
    loading.finish();
    index
}

/// What a store would.
fn hand_over(photos: u32, each: &mut dyn FnMut(Stored)) {
    let mut numbering = Numbering::default();
    each(Stored::AtMost(photos));
    for entry in (0..photos).map(synthetic::entry) {
        numbering.hand_over(entry, each);
    }
}

fn tagged(rank: u64) -> Query {
    Query::label(Facet::Tag, &synthetic::tag(rank))
}

fn photos(index: &Index, query: &Query) -> RoaringBitmap {
    index.evaluate(query, &|_| RoaringBitmap::new().into())
}

/// `ls -f tags/tag000`: the names of the photos of the most frequent tag.
#[divan::bench(args = SIZES, sample_count = 10)]
fn list_a_tag(bencher: Bencher, size: u32) {
    with_index(size, |index| {
        bencher.bench_local(|| {
            let ids = photos(index, &tagged(0));
            ids.iter()
                .filter_map(|id| index.packed_names(PhotoId(id)))
                .map(|packed| packed.name().len())
                .sum::<usize>()
        });
    });
}

/// `ls tags/tag000/tag001`: which photos have both.
#[divan::bench(args = SIZES)]
fn intersect_two_tags(bencher: Bencher, size: u32) {
    with_index(size, |index| {
        let both = tagged(0).and(tagged(1));
        bencher.bench_local(|| photos(index, black_box(&both)).len());
    });
}

/// The sub-folders of `tags/tag000`: every tag that some of its photos have, counted.
#[divan::bench(args = SIZES, sample_count = 20)]
fn count_the_tags_of_a_tag(bencher: Bencher, size: u32) {
    with_index(size, |index| {
        let within = photos(index, &tagged(0));
        bencher.bench_local(|| index.labels_within(Facet::Tag, &within).len());
    });
}

/// A name looked up in a tag.
#[divan::bench(args = SIZES)]
fn look_a_name_up(bencher: Bencher, size: u32) {
    with_index(size, |index| {
        let name = format!("IMG_{:07}.jpg", size / 2);
        bencher.bench_local(|| {
            let id = index.by_name(black_box(name.as_bytes()))?;
            Some(index.admits(&tagged(0), id, &|_| RoaringBitmap::new().into()))
        });
    });
}

/// From what the store hands over to an index that answers.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn load_all(bencher: Bencher, size: u32) {
    let stored = || {
        let mut all = Vec::new();
        hand_over(size, &mut |stored| all.push(stored));
        all
    };
    bencher.with_inputs(stored).bench_local_values(|stored| {
        let index = Index::default();
        let mut loading = index.loading();
        stored.into_iter().for_each(|stored| loading.take(stored));
        loading.finish();
        index
    });
}
