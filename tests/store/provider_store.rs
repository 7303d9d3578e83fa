//! What is kept of providers: what they said, what they took, what is known of their servers.

use std::path::Path;

use kbasefs::catalog::{Change, ContentHash, PhotoId};
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::store::provider_store::{AnswerState, Declined, ProviderStore, Spent};
use kbasefs::store::sqlite::Sqlite;

use crate::fixture::{add, analysis, analyzed, sqlite, stat};

/// Runs a check on every store that keeps something of providers.
fn on_each(check: impl Fn(&dyn Store, &dyn ProviderStore)) {
    let memory = Memory::default();
    check(&memory, &memory);
    let folder = tempfile::tempdir().unwrap();
    let sqlite = sqlite(folder.path());
    check(&sqlite, &sqlite);
}

fn spent(requests: u64, cost: f64) -> Spent {
    Spent {
        requests,
        input_tokens: requests * 700,
        output_tokens: requests * 90,
        cost,
        unpriced: 0,
    }
}

fn declined(reason: &str) -> Declined {
    Declined {
        refused: true,
        reason: reason.into(),
    }
}

/// Of the provider "desk".
fn no_answer(content: ContentHash, version: &str, why: Declined) -> Change {
    Change::Declined {
        provider: "desk".into(),
        content,
        version: version.into(),
        why,
    }
}

#[test]
fn an_answer_and_its_cost_are_kept_together_or_not_at_all() {
    on_each(|store, providers| {
        let id = add(store, "a.jpg", 1);
        let bill = Change::Spent {
            provider: "desk".into(),
            day: "2026-01-31".into(),
            spent: spent(1, 0.5),
        };
        let answer = analyzed(id, analysis(7, stat(1, 1), &["dog"]));
        store.commit(&[answer, bill]).unwrap();
        assert_eq!(providers.spent("desk", "2026").unwrap(), spent(1, 0.5));
        let answer_state = providers
            .answer_state("embedded", &ContentHash([7; 32]))
            .unwrap();
        assert!(answer_state.answered.is_some());
        providers.probe().unwrap();
        assert_eq!(providers.spent("desk", "2026").unwrap(), spent(1, 0.5));
    });
}

#[test]
fn money_adds_up_by_day_and_month_for_each_provider() {
    on_each(|_, providers| {
        let spend = |who: &str, day: &str, what: &Spent| providers.spend(who, day, what).unwrap();
        spend("desk", "2026-01-31", &spent(1, 0.5));
        spend("desk", "2026-01-31", &spent(2, 0.25));
        spend("desk", "2026-02-01", &spent(4, 1.0));
        spend("other", "2026-01-31", &spent(8, 8.0));
        let check = |who: &str, days: &str, expected: Spent| {
            assert_eq!(
                providers.spent(who, days).unwrap(),
                expected,
                "{who} {days}"
            );
        };
        check("desk", "2026-01-31", spent(3, 0.75));
        check("desk", "2026-02", spent(4, 1.0));
        check("desk", "2026", spent(7, 1.75));
        check("other", "2026-01", spent(8, 8.0));
        check("desk", "2026-03", Spent::default());
        check("nobody", "2026", Spent::default());
        check("desk", "2026-0%", Spent::default());
    });
}

#[test]
fn requests_without_a_price_are_counted_and_cost_nothing_that_is_known() {
    on_each(|_, providers| {
        let unpriced = Spent {
            requests: 1,
            unpriced: 1,
            ..Spent::default()
        };
        providers.spend("desk", "2026-01-31", &unpriced).unwrap();
        providers
            .spend("desk", "2026-01-31", &spent(1, 0.5))
            .unwrap();
        let sum = providers.spent("desk", "2026-01").unwrap();
        assert_eq!((sum.requests, sum.unpriced, sum.cost), (2, 1, 0.5));
    });
}

#[test]
fn an_answer_and_a_refusal_are_of_a_content_a_provider_and_a_version() {
    on_each(|store, providers| {
        let id = add(store, "a.jpg", 1);
        let hash = ContentHash([7; 32]);
        let answer_state = |who: &str| providers.answer_state(who, &hash).unwrap();
        assert_eq!(answer_state("embedded"), AnswerState::default());
        store
            .commit(&[analyzed(id, analysis(7, stat(1, 1), &["dog"]))])
            .unwrap();
        store
            .commit(&[no_answer(hash, "1", declined("no faces"))])
            .unwrap();
        assert_eq!(answer_state("embedded").answered.as_deref(), Some("1"));
        let refusal = Some(("1".to_owned(), declined("no faces")));
        assert_eq!(answer_state("desk").declined, refusal);
        assert_eq!(answer_state("desk").answered, None);
        store
            .commit(&[no_answer(hash, "2", declined("no dogs"))])
            .unwrap();
        let latest = Some(("2".to_owned(), declined("no dogs")));
        assert_eq!(answer_state("desk").declined, latest);
        let other = ContentHash([8; 32]);
        assert_eq!(
            providers.answer_state("desk", &other).unwrap(),
            AnswerState::default()
        );
    });
}

#[test]
fn who_was_dealt_with_is_every_photo_of_the_content_that_is_there() {
    on_each(|store, providers| {
        let (a, b) = (add(store, "a.jpg", 1), add(store, "b.jpg", 2));
        let gone = add(store, "gone.jpg", 3);
        let hash = ContentHash([7; 32]);
        let copy = |id, ino| Change::Hashed {
            id,
            stat: stat(ino, 1),
            hash,
        };
        let changes = [
            analyzed(a, analysis(7, stat(1, 1), &[])),
            copy(b, 2),
            copy(gone, 3),
            Change::Gone { id: gone },
        ];
        store.commit(&changes).unwrap();
        store
            .commit(&[no_answer(hash, "2", declined("no"))])
            .unwrap();
        let dealt_with = |who: &str| {
            let mut all: Vec<(PhotoId, bool, String)> = Vec::new();
            let each = &mut |id, answered, version: &str| all.push((id, answered, version.into()));
            providers.dealt_with(who, each).unwrap();
            all.sort();
            all.dedup();
            all
        };
        let of_both =
            |answered, version: &str| [a, b].map(|id| (id, answered, version.to_owned())).to_vec();
        assert_eq!(dealt_with("embedded"), of_both(true, "1"));
        assert_eq!(dealt_with("desk"), of_both(false, "2"));
        assert!(dealt_with("nobody").is_empty());
    });
}

#[test]
fn what_a_server_can_do_is_remembered_as_it_was_learnt_last() {
    on_each(|_, providers| {
        assert_eq!(providers.learned("desk m").unwrap(), None);
        providers.learn("desk m", "{}").unwrap();
        providers.learn("desk m", "{\"json\": 1}").unwrap();
        let learned = providers.learned("desk m").unwrap();
        assert_eq!(learned.as_deref(), Some("{\"json\": 1}"));
        assert_eq!(providers.learned("desk").unwrap(), None);
    });
}

#[test]
fn money_that_was_spent_is_known_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let open = || Sqlite::open(&file, Path::new("/photos")).unwrap();
    open().spend("desk", "2026-01-31", &spent(3, 0.75)).unwrap();
    open().learn("desk m", "{}").unwrap();
    assert_eq!(open().spent("desk", "2026").unwrap(), spent(3, 0.75));
    assert_eq!(open().learned("desk m").unwrap().as_deref(), Some("{}"));
}
