//! Who is asked when, how many at a time, and that nobody waits for another.

use std::sync::Arc;
use std::time::Duration;

use kbasefs::analysis::scheduler::Request;
use kbasefs::analysis::{Access, AnalysisResult};
use kbasefs::catalog::{Edit, TextField};
use roaring::RoaringBitmap;
use tokio::sync::Notify;

use crate::server::{Server, say};
use crate::test_env::{Desk, desk, start, test_env};

#[tokio::test]
async fn copies_and_all_who_ask_cause_one_request() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(50);
    let env = test_env("a:1 b:1 c:1 d:2", &[(desk(), &server)]);
    let (a, b) = tokio::join!(
        env.ask_all(Request::default()),
        env.ask_all(Request::default())
    );
    let well = |ends: &[AnalysisResult]| {
        ends.iter()
            .all(|e| matches!(e, AnalysisResult::Analyzed | AnalysisResult::Skipped))
    };
    assert!(well(&a) && well(&b), "{a:?} {b:?}");
    assert_eq!(server.count(), 2);
    assert_eq!(env.description("c").as_deref(), Some("A dog runs."));
}

#[tokio::test]
async fn no_more_requests_run_than_allowed_and_the_server_is_kept_busy() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(20);
    let files: Vec<_> = (0..40).map(|n| format!("p{n:02}:{n}")).collect();
    let three = Desk {
        parallel: 3,
        ..desk()
    };
    let env = test_env(&files.join(" "), &[(three, &server)]);
    let ends = env.ask_all(Request::default()).await;
    assert!(ends.iter().all(|e| *e == AnalysisResult::Analyzed));
    assert_eq!((server.count(), server.lock().most_running), (40, 3));
}

#[tokio::test]
async fn a_server_that_turns_requests_away_is_asked_for_fewer_at_a_time() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(10);
    server.lock().capacity = Some(2);
    let files: Vec<_> = (0..60).map(|n| format!("p{n:02}:{n}")).collect();
    let greedy = Desk {
        parallel: 16,
        ..desk()
    };
    let env = test_env(&files.join(" "), &[(greedy, &server)]);
    let ends = env.ask_all(Request::default()).await;
    assert!(
        ends.iter().all(|e| *e == AnalysisResult::Analyzed),
        "{ends:?}"
    );
    assert!(env.scheduler.providers()[0].limit < 16);
}

#[tokio::test]
async fn what_is_asked_for_overtakes_what_is_idle() {
    let server = Server::start();
    let gate = Arc::new(Notify::new());
    server.lock().gate = Some(gate.clone());
    let one = Desk {
        parallel: 1,
        on: Access::Listed,
        ..desk()
    };
    let files: Vec<_> = (0..30).map(|n| format!("p{n:02}:{n}")).collect();
    let env = test_env(&files.join(" "), &[(one, &server)]);
    let listing: RoaringBitmap = env.all().into_iter().map(|p| p.0).collect();
    env.scheduler.accessed_all(listing, Access::Listed);
    while server.count() == 0 {
        tokio::task::yield_now().await;
    }
    let asked = env.ask("p29");
    let opened = async {
        // Whatever was ready before the last photo was asked for may go first.
        for _ in 0..30 {
            gate.notify_one();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::pin!(opened);
    let ended = tokio::select! {
        ended = asked => ended,
        () = &mut opened => panic!("everything else came first"),
    };
    assert_eq!(ended, AnalysisResult::Analyzed);
    assert!(server.count() < 12, "{}", server.count());
    server.lock().gate = None;
    gate.notify_one();
}

#[tokio::test]
async fn only_the_access_that_a_provider_wants_starts_it() {
    let server = Server::start();
    let env = test_env("a:1", &[(desk(), &server)]);
    let all = RoaringBitmap::from_iter([env.id("a").0]);
    env.scheduler.accessed_all(all, Access::Listed);
    env.scheduler.accessed(env.id("a"), Access::Read);
    assert_eq!(env.scheduler.progress().queued, 0);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_provider_that_always_looks_needs_no_access() {
    let server = Server::start();
    let eager = Desk {
        on: Access::Always,
        ..desk()
    };
    let env = test_env("a:1", &[(eager, &server)]);
    let path = env.source.path().join("b");
    std::fs::copy(env.source.path().join("a"), &path).unwrap();
    env.library
        .commit(&[crate::test_env::found(env.source.path(), "b")])
        .unwrap();
    while env.description("b").is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn another_prompt_asks_again_only_when_that_is_wanted() {
    let server = Server::start();
    let env = test_env("a:1", &[(desk(), &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    let edit = Edit::SetText(TextField::Title, "Rex".into());
    let id = env.id("a");
    env.library
        .commit(&[kbasefs::catalog::Change::edited(id, edit)])
        .unwrap();
    let (source, memory, library) = (env.source, env.memory, env.library);
    env.scheduler.stop();
    let mut other = desk();
    other.prompt.language = Some("German".into());
    server.usual(say(
        r#"{"title": "Ein Hund", "description": "Ein Hund.", "tags": ["Hund"]}"#,
    ));
    let env = start(source, memory, library, &[(other, &server)]);
    assert_eq!(
        env.ask_all(Request::default()).await,
        [AnalysisResult::Skipped]
    );
    assert_eq!(env.description("a").as_deref(), Some("A dog runs."));
    let stale = || Request {
        provider: Some("desk".into()),
        stale: true,
        ..Request::default()
    };
    assert_eq!(env.scheduler.providers()[0].stale, 1);
    assert_eq!(env.ask_all(stale()).await, [AnalysisResult::Analyzed]);
    assert_eq!(env.description("a").as_deref(), Some("Ein Hund."));
    assert_eq!(env.ask_all(stale()).await, [AnalysisResult::Skipped]);
    assert_eq!(server.count(), 2);
    let title = env.detail("a");
    assert_eq!(title.text(TextField::Title).unwrap().value, "Rex");
}
