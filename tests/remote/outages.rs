//! The store can't write: servers are asked no more, and what they answered meanwhile is kept as soon as it can be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kbasefs::analysis::AnalysisResult;
use kbasefs::analysis::scheduler::Request;
use kbasefs::catalog::Change;
use kbasefs::store::Error;
use kbasefs::store::provider_store::ProviderStore;

use crate::faulty::Faulty;
use crate::server::{Act, DOG, Server, say, status};
use crate::test_env::{Desk, TestEnv, desk, faulty};

const PHOTOS: usize = 33;
const PARALLEL: usize = 4;
const INDEX: &str = "catalog.sqlite";

fn photos() -> String {
    let files: Vec<_> = (0..PHOTOS).map(|n| format!("p{n:02}:{n}")).collect();
    files.join(" ")
}

fn spent(env: &TestEnv) -> u64 {
    env.memory.spent("desk", "").unwrap().requests
}

/// Waits for what shows.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Breaks the store after some answers, and mends it when it was tried in vain for several times; gives how all ended.
/// `unpaid` requests cost nothing.
async fn interrupted(
    env: &TestEnv,
    store: &Faulty,
    server: &Server,
    error: fn() -> Error,
    unpaid: usize,
) -> Vec<AnalysisResult> {
    let ends = env.ask_all(Request::default());
    let meanwhile = async {
        until("some answers", || spent(env) >= 8).await;
        store.fail(move |_| Some(error()));
        until("a refusal", || env.scheduler.why_unkept().is_some()).await;
        let reason = env.scheduler.providers()[0].down.clone();
        assert_eq!(reason, Some(error().to_string()));
        let tried = store.refused();
        until("some tries", || store.refused() >= tried + 3).await;
        let kept = spent(env) as usize;
        let paid = server.count() - unpaid;
        assert!(paid <= kept + PARALLEL, "{paid} of {kept}");
        store.mend();
    };
    tokio::join!(ends, meanwhile).0
}

#[tokio::test]
async fn a_store_that_cannot_write_stops_sending_and_buys_nothing_twice() {
    let errors: [fn() -> Error; 6] = [
        || Error::Full,
        || Error::NoRoom {
            path: INDEX.into(),
            bytes: 1,
        },
        || Error::Open {
            path: INDEX.into(),
            source: "permission denied".into(),
        },
        || Error::InUse { path: INDEX.into() },
        || Error::Unavailable("disk I/O error".into()),
        || Error::Unavailable("attempt to write a readonly database".into()),
    ];
    for error in errors {
        let server = Server::start();
        server.lock().latency = Duration::from_millis(2);
        let (env, store) = faulty(&photos(), &[(desk(), &server)]);
        let ends = interrupted(&env, &store, &server, error, 0).await;
        assert!(
            ends.iter().all(|end| *end == AnalysisResult::Analyzed),
            "{ends:?}"
        );
        assert_eq!((server.count(), server.pictures().len()), (PHOTOS, PHOTOS));
        assert_eq!(spent(&env), PHOTOS as u64);
    }
}

#[tokio::test]
async fn what_a_server_declined_and_what_failed_is_kept_as_well() {
    let server = Server::start();
    server.usual(say("I'm sorry, but I can't help with that."));
    let (env, store) = faulty(&photos(), &[(desk(), &server)]);
    let ends = interrupted(&env, &store, &server, || Error::Full, 0).await;
    assert!(
        ends.iter()
            .all(|end| matches!(end, AnalysisResult::Refused(_))),
        "{ends:?}"
    );
    assert_eq!(server.count(), PHOTOS);
    let ends = env.ask_all(Request::default()).await;
    assert!(
        ends.iter().all(|end| *end == AnalysisResult::Skipped),
        "{ends:?}"
    );
    assert_eq!((server.count(), spent(&env)), (PHOTOS, PHOTOS as u64));
}

#[tokio::test]
async fn requests_that_cost_and_brought_no_answer_are_stored_before_the_next() {
    let server = Server::start();
    let (env, store) = faulty(
        "a:1",
        &[(
            Desk {
                parallel: 1,
                ..desk()
            },
            &server,
        )],
    );
    // Each of them is paid: what can't be understood, and what was cut off and is asked for again at once.
    server.next([say("no JSON at all"), Act::Cut(DOG[..30].into()), say(DOG)]);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let memory = Arc::clone(&env.memory);
    let note = Arc::clone(&seen);
    store.fail(move |_| {
        note.lock()
            .unwrap()
            .push(memory.spent("desk", "").unwrap().requests);
        None
    });
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!((server.count(), spent(&env)), (3, 3));
    let seen = seen.lock().unwrap();
    assert!(seen.contains(&1) && seen.contains(&2), "{seen:?}");
}

#[tokio::test]
async fn a_server_that_answers_with_errors_is_not_asked_while_what_that_cost_cannot_be_kept() {
    let server = Server::start();
    server.usual(say("no JSON at all"));
    let (env, store) = faulty("a:1 b:2 c:3 d:4 e:5 f:6 g:7 h:8", &[(desk(), &server)]);
    let ends = env.ask_all(Request::default());
    let meanwhile = async {
        until("the first", || spent(&env) >= 1).await;
        store.fail(|_| Some(Error::Full));
        until("a refusal", || env.scheduler.why_unkept().is_some()).await;
        let tried = store.refused();
        until("some tries", || store.refused() >= tried + 3).await;
        let kept = spent(&env) as usize;
        assert!(
            server.count() <= kept + PARALLEL,
            "{} of {kept}",
            server.count()
        );
        server.usual(say(DOG));
        store.mend();
    };
    let (ends, ()) = tokio::join!(ends, meanwhile);
    // Some may have had all their attempts before the disk was full.
    let gave_up = AnalysisResult::Failed("desk: the answer has no JSON object".into());
    let fine = |end: &AnalysisResult| *end == AnalysisResult::Analyzed || *end == gave_up;
    assert!(ends.iter().all(fine), "{ends:?}");
    assert!(ends.contains(&AnalysisResult::Analyzed), "{ends:?}");
    assert_eq!(spent(&env), server.count() as u64);
}

#[tokio::test]
async fn nothing_is_sent_before_something_could_be_kept_and_nobody_waits_for_that() {
    let server = Server::start();
    let memory = Arc::default();
    let store = Faulty::over(memory);
    store.fail(|changes| {
        let is_found = |change: &Change| matches!(change, Change::Found { .. });
        (!changes.iter().any(is_found)).then_some(Error::Full)
    });
    let env = crate::test_env::over(&store, "a:1 b:2", &[(desk(), &server)]);
    until("a refusal", || env.scheduler.why_unkept().is_some()).await;
    let full = AnalysisResult::Failed("catalog: the disk is full".into());
    assert_eq!(env.ask("a").await, full);
    assert_eq!(env.ask_all(Request::default()).await, [full.clone(), full]);
    assert_eq!(server.count(), 0);
    store.mend();
    until("room", || env.scheduler.why_unkept().is_none()).await;
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
}

#[tokio::test]
async fn an_answer_that_can_never_be_recorded_holds_nobody_up_and_is_not_bought_again() {
    let server = Server::start();
    let (env, store) = faulty("a:1 b:2 c:3", &[(desk(), &server)]);
    let bad = env.id("b");
    store.fail(move |changes| {
        let is_bad = |c: &Change| matches!(c, Change::Analyzed { id, .. } if *id == bad);
        let error = || Error::Backend("constraint failed".into());
        changes.iter().any(is_bad).then(error)
    });
    let ends = env.ask_all(Request::default()).await;
    let analyzed = ends
        .iter()
        .filter(|end| **end == AnalysisResult::Analyzed)
        .count();
    assert_eq!(analyzed, 2, "{ends:?}");
    assert_eq!((server.count(), spent(&env)), (3, 3));
    store.mend();
    let hash = env.detail("b").entry.photo.hash.unwrap();
    let answer_state = env.memory.answer_state("desk", &hash).unwrap();
    let (_, why) = answer_state.declined.unwrap();
    assert!(why.reason.contains("constraint failed"), "{why:?}");
}

#[tokio::test]
async fn a_server_that_is_gone_and_a_full_disk_at_once_are_both_survived() {
    let server = Server::start();
    server.next((0..6).map(|_| status(500)));
    let (env, store) = faulty(&photos(), &[(desk(), &server)]);
    let ends = interrupted(&env, &store, &server, || Error::Full, 6).await;
    assert!(
        ends.iter().all(|end| *end == AnalysisResult::Analyzed),
        "{ends:?}"
    );
}
