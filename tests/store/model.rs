//! SQLite means the same as the store in RAM, whatever happens.

use kbasefs::catalog::{
    ActId, Change, ContentHash, Deed, Detail, Done, Edit, Facet, Label, LabelKey, Origin, PhotoId,
    Role, Said, Slot, TextField, Trace,
};
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use proptest::prelude::*;

use crate::fixture::{
    acted, all, analysis, analyzed, edited, found, measured, path, replaced, said_by, saved,
    sqlite, stat, words,
};

/// A change drawn from few photos, paths, contents and words, so that they meet.
fn any_change() -> impl Strategy<Value = Change> {
    let id = || (1..8u32).prop_map(PhotoId);
    let at = || (0..5u8).prop_map(|n| format!("d/{n}.jpg"));
    let stat = || (1..4u64, 1..3i64).prop_map(|(ino, time)| stat(ino, time));
    let word =
        || prop::sample::select(vec!["dog", "Dog", "sea", "caf\u{e9}"]).prop_map(str::to_owned);
    let edit = prop_oneof![
        word().prop_map(Edit::Tag),
        word().prop_map(Edit::Untag),
        (word(), word()).prop_map(|(from, to)| Edit::Rename(from, to)),
        Just(Edit::CloseList),
        Just(Edit::ClearTags),
        word().prop_map(|w| Edit::SetText(TextField::Description, w)),
        (word(), word()).prop_map(|(from, to)| Edit::ReplaceText {
            field: TextField::Description,
            from,
            to,
        }),
        Just(Edit::ClearText(TextField::Description)),
        (0..6u8).prop_map(Edit::SetRating),
        Just(Edit::ClearRating),
    ];
    let tag = || word().prop_map(|w| LabelKey::new(Facet::Tag, &w));
    let said = || {
        prop::option::of((word(), any::<bool>()).prop_map(|(value, holds)| Said { value, holds }))
    };
    let slot = prop_oneof![
        tag().prop_map(Slot::Label),
        tag().prop_map(Slot::SidecarLabel),
        Just(Slot::SidecarText(TextField::Title)),
    ];
    let trace = (prop::option::of(id()), slot, said(), said());
    let trace = trace.prop_map(|(photo, slot, before, after)| Trace {
        photo,
        slot,
        before,
        after,
    });
    let sidecar = (id(), word()).prop_map(|(photo, tag)| Deed::Sidecar {
        photo,
        labels: vec![Label::sure(Facet::Tag, tag, Origin::Xmp)],
        texts: Vec::new(),
    });
    let deed = prop_oneof![
        (id(), word()).prop_map(|(id, tag)| Deed::Edit(id, vec![Edit::SetTags(vec![tag])])),
        sidecar,
        (id(), id()).prop_map(|(gone, to)| Deed::GiveWords { gone, to }),
        word().prop_map(Deed::Make),
        (word(), prop::option::of(word())).prop_map(|(name, query)| Deed::Save { name, query }),
        tag().prop_map(Deed::Unmake),
        (tag(), word()).prop_map(|(tag, to)| Deed::Rename { tag, to }),
        prop::collection::vec(trace, 1..3).prop_map(Deed::Restore),
        ((1..9u64).prop_map(ActId), id(), tag()).prop_map(|(act, id, tag)| Deed::TakeBack(
            act,
            id,
            Slot::Label(tag)
        )),
    ];
    let act = || (1..6u64).prop_map(ActId);
    let role = prop_oneof![
        Just(Role::New),
        act().prop_map(Role::Continues),
        act().prop_map(Role::Undoes),
        act().prop_map(Role::Redoes),
    ];
    prop_oneof![
        3 => (prop::option::of(id()), at(), stat()).prop_map(|(known, at, stat)| found(known, &at, stat)),
        2 => (id(), at(), stat()).prop_map(|(id, at, stat)| Change::Moved { id, path: path(&at), stat }),
        1 => (id(), at(), stat(), at(), stat()).prop_map(|(id, to, was, at, stat)| replaced(id, (&to, was), (&at, stat))),
        2 => id().prop_map(|id| Change::Gone { id }),
        1 => (id(), id()).prop_map(|(id, now)| Change::Returned { id, now }),
        2 => (id(), stat(), 0..3u8).prop_map(|(id, stat, n)| Change::Hashed { id, stat, hash: ContentHash([n; 32]) }),
        2 => (id(), stat(), 0..3u8, word()).prop_map(|(id, stat, n, tag)| analyzed(id, analysis(n, stat, &[&tag]))),
        3 => (prop::sample::select(vec!["objects", "faces", "desk", "other desk"]), id(), stat(), 0..3u8, 1..4i64, word())
            .prop_map(|(who, id, stat, n, at, tag)| said_by(who, id, at, analysis(n, stat, &[&tag]))),
        1 => (id(), stat(), 0..3u8).prop_map(|(id, stat, n)| measured(id, n, stat)),
        1 => (id(), stat()).prop_map(|(id, stat)| Change::Failed { id, stat, reason: "torn".into() }),
        2 => (id(), edit).prop_map(|(id, edit)| edited(id, edit)),
        2 => (role, prop::collection::vec(deed, 1..4)).prop_map(|(role, deeds)| acted(role, deeds)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn sqlite_means_the_same_as_the_store_in_ram(
        commits in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (memory, sqlite) = (Memory::default(), sqlite(folder.path()));
        for changes in &commits {
            let commit = |changes: &[Change]| {
                let of = |store: &dyn Store| store.commit(changes).map_err(|refused| refused.to_string());
                (of(&memory), of(&sqlite))
            };
            let (a, b) = commit(changes);
            prop_assert_eq!(&a, &b);
            // One change that is refused takes the others of its commit along.
            for change in changes.iter().filter(|_| a.is_err()) {
                let (a, b) = commit(std::slice::from_ref(change));
                prop_assert_eq!(a, b);
            }
        }
        prop_assert_eq!(all(&memory), all(&sqlite));
        prop_assert_eq!(journal(&memory), journal(&sqlite));
        prop_assert_eq!(saved(&memory), saved(&sqlite));
        for id in (1..60).map(PhotoId) {
            prop_assert_eq!(untimed(memory.detail(id).unwrap()), untimed(sqlite.detail(id).unwrap()));
            let gone = |store: &dyn Store| untimed(store.detail_of_gone(id).unwrap());
            prop_assert_eq!(gone(&memory), gone(&sqlite));
        }
        for text in ["dog", "caf\u{e9}", "d 1*", "our holiday"] {
            prop_assert_eq!(memory.full_text(&words(text)).unwrap(), sqlite.full_text(&words(text)).unwrap());
        }
        prop_assert_eq!(memory.gone_with_words().unwrap(), sqlite.gone_with_words().unwrap());
        let (mut a, mut b) = (memory.gone_sizes().unwrap(), sqlite.gone_sizes().unwrap());
        a.sort_unstable();
        a.dedup();
        b.sort_unstable();
        prop_assert_eq!(a, b);
    }
}

/// The whole journal, whenever it was written.
fn journal(store: &dyn Store) -> Vec<(Done, Vec<Trace>)> {
    let acts = store.acts(None, 1000).unwrap().into_iter();
    acts.map(|done| {
        let (same, traces) = store.act(done.id).unwrap().unwrap();
        assert_eq!(done, same);
        (Done { at: 0, ..done }, traces)
    })
    .collect()
}

/// The two stores write at different seconds.
fn untimed(detail: Option<Detail>) -> Option<Detail> {
    detail.map(|mut detail| {
        detail.analyses.iter_mut().for_each(|a| a.2 = 0);
        detail
    })
}
