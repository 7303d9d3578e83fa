//! Servers that fail: who waits, who goes on, what is tried again, and what is paid.

use std::time::Duration;

use kbasefs::analysis::AnalysisResult;
use kbasefs::analysis::budget::{BudgetLimits, Price};
use kbasefs::analysis::scheduler::Request;
use kbasefs::catalog::Status;
use kbasefs::store::provider_store::ProviderStore;
use serde_json::json;

use crate::server::{Act, DOG, Server, say, status};
use crate::test_env::{Desk, KEY, TestEnv, desk, test_env};

#[tokio::test]
async fn what_fails_for_the_moment_is_tried_again() {
    let server = Server::start();
    server.next([status(500), Act::Break, status(503)]);
    let env = test_env("a:1", &[(desk(), &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn what_fails_too_often_stays_pending_until_it_is_asked_for_again() {
    let server = Server::start();
    server.next(std::iter::repeat_n(status(500), 4));
    let env = test_env("a:1", &[(desk(), &server)]);
    let AnalysisResult::Failed(reason) = env.ask("a").await else {
        panic!("four failures are enough");
    };
    assert_eq!(reason, "desk: internal server error (status 500)");
    assert_eq!((server.count(), env.status("a")), (4, Status::Pending));
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
}

#[tokio::test]
async fn a_busy_server_costs_a_photo_no_try() {
    let server = Server::start();
    let rest = |value: &str| Act::Status(429, "{}".into(), Some(("retry-after", value.to_owned())));
    server.next([
        rest("0"),
        rest("0.001"),
        rest("Thu, 01 Jan 1970 00:00:00 GMT"),
        rest("0"),
        rest("0"),
        rest("0"),
    ]);
    let env = test_env("a:1", &[(desk(), &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 7);
}

#[tokio::test]
async fn a_key_that_is_not_taken_stops_everything_and_nobody_waits() {
    for act in [
        Act::Status(
            401,
            json!({"error": {"message": format!("Incorrect API key provided: {KEY}")}}).to_string(),
            None,
        ),
        status(402),
        status(403),
        Act::Status(
            404,
            json!({"error": "model 'm' not found"}).to_string(),
            None,
        ),
        Act::Status(
            429,
            json!({"error": {"code": "insufficient_quota"}}).to_string(),
            None,
        ),
        Act::Status(
            302,
            String::new(),
            Some(("location", "http://127.0.0.1:9/".into())),
        ),
    ] {
        let server = Server::start();
        server.usual(act);
        let one = Desk {
            parallel: 1,
            ..desk()
        };
        let env = test_env("a:1 b:2 c:3 d:4", &[(one, &server)]);
        let ends = env.ask_all(Request::default()).await;
        assert!(
            ends.iter().all(|e| matches!(e, AnalysisResult::Failed(_))),
            "{ends:?}"
        );
        assert!(!format!("{ends:?}").contains(KEY), "{ends:?}");
        assert_eq!(server.count(), 1, "{ends:?}");
        assert_eq!(env.status("d"), Status::Pending);
        let state = &env.scheduler.providers()[0];
        assert!(state.down.is_some());
    }
}

#[tokio::test]
async fn photos_outlast_a_server_that_goes_away_and_comes_back() {
    let server = Server::start();
    let one = Desk {
        parallel: 1,
        ..desk()
    };
    let env = test_env("a:1 b:2 c:3 d:4 e:5", &[(one, &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    let address = server.url.trim_start_matches("http://").to_owned();
    drop(server);
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        Server::at(&address)
    });
    let ends = env.ask_all(Request::default()).await;
    let server = back.join().unwrap();
    let analyzed = ends.iter().filter(|e| **e == AnalysisResult::Analyzed);
    assert_eq!((analyzed.count(), server.count()), (4, 4), "{ends:?}");
}

#[tokio::test]
async fn who_asks_a_server_that_was_never_there_is_told_so() {
    let server = Server::start();
    let gone = Server::start();
    let env = test_env(
        "a:1",
        &[
            (desk(), &gone),
            (
                Desk {
                    name: "other",
                    ..desk()
                },
                &server,
            ),
        ],
    );
    drop(gone);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 1);
    let lonely = Server::start();
    let env = crate::test_env::test_env("a:1", &[(desk(), &lonely)]);
    drop(lonely);
    let AnalysisResult::Failed(reason) = env.ask("a").await else {
        panic!("nobody is there");
    };
    assert!(reason.starts_with("desk: "), "{reason}");
    assert_eq!(env.status("a"), Status::Pending);
}

#[tokio::test]
async fn the_next_provider_answers_for_one_that_declines() {
    let (first, second) = (Server::start(), Server::start());
    first.usual(say("I'm sorry, I cannot describe this."));
    let env = test_env(
        "a:1",
        &[
            (desk(), &first),
            (
                Desk {
                    name: "other",
                    ..desk()
                },
                &second,
            ),
        ],
    );
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!((first.count(), second.count()), (1, 1));
    assert_eq!(env.ask("a").await, AnalysisResult::Skipped);
    assert_eq!((first.count(), second.count()), (1, 1));
}

/// A catalog of ten photos and a server that does this with every request.
async fn all_asked(usual: Act) -> (Server, TestEnv) {
    let server = Server::start();
    server.usual(usual);
    let one = Desk {
        parallel: 1,
        ..desk()
    };
    let files = "a:1 b:2 c:3 d:4 e:5 f:6 g:7 h:8 i:9 j:0";
    let env = test_env(files, &[(one, &server)]);
    let ends = env.ask_all(Request::default()).await;
    let failed = ends
        .iter()
        .filter(|end| matches!(end, AnalysisResult::Failed(_)));
    assert_eq!(failed.count(), 10, "{ends:?}");
    (server, env)
}

#[tokio::test]
async fn a_server_that_rejects_one_picture_after_the_other_is_not_asked_about_all() {
    let (server, env) = all_asked(status(400)).await;
    // Three pictures in each of four forms. Those that nobody asked about are asked for again.
    assert_eq!(server.count(), 12);
    let state = &env.scheduler.providers()[0];
    assert_eq!(state.declined, 2);
    assert!(state.down.is_some());
}

#[tokio::test]
async fn a_server_that_rejects_pictures_for_what_they_show_is_asked_about_each_once() {
    let error = json!({"error": {"message": "The image is too large."}});
    let (server, env) = all_asked(Act::Status(400, error.to_string(), None)).await;
    assert_eq!(server.count(), 10);
    let state = &env.scheduler.providers()[0];
    assert_eq!((state.declined, &state.down), (10, &None));
}

#[tokio::test]
async fn a_picture_that_cannot_be_decoded_is_never_sent() {
    let server = Server::start();
    let env = test_env("a:!", &[(desk(), &server)]);
    assert!(matches!(env.ask("a").await, AnalysisResult::Failed(_)));
    assert_eq!((env.status("a"), server.count()), (Status::Failed, 0));
}

#[tokio::test]
async fn a_mix_of_faults_costs_time_only() {
    let server = Server::start();
    let cut = || Act::Cut(DOG[..30].into());
    let fenced = || say(format!("```\n{DOG}\n```"));
    let hostile = || say("{\"description\": \"\u{1b}");
    let faults = [status(429), status(500), cut(), fenced()];
    let twice = faults.iter().cycle().take(8).cloned();
    let well = std::iter::repeat_n(say(DOG), 10);
    let mix: Vec<_> = twice.chain([Act::Break, hostile()]).chain(well).collect();
    // Each fault comes up often, and never for one photo alone.
    server.next((0..200).map(|n| mix[(n * 7) % mix.len()].clone()));
    let files: Vec<_> = (0..100).map(|n| format!("p{n:03}:{n}")).collect();
    let env = test_env(&files.join(" "), &[(desk(), &server)]);
    let ends = env.ask_all(Request::default()).await;
    let analyzed = ends
        .iter()
        .filter(|e| **e == AnalysisResult::Analyzed)
        .count();
    assert!(analyzed >= 99, "{analyzed}");
    assert!(server.count() <= 170, "{}", server.count());
}

#[tokio::test]
async fn what_is_spent_is_counted_and_the_budget_holds() {
    let server = Server::start();
    let price = Price {
        input: 1000.0,
        output: 10_000.0,
    };
    // A request takes 700 and 90 tokens: 1.6.
    let budget = BudgetLimits {
        cost: [None, Some(4.0), None],
        ..BudgetLimits::default()
    };
    let careful = Desk {
        parallel: 1,
        price: Some(price),
        budget,
        ..desk()
    };
    let env = test_env("a:1 b:2 c:3 d:4 e:5", &[(careful, &server)]);
    let ends = env.ask_all(Request::default()).await;
    let analyzed = ends
        .iter()
        .filter(|e| **e == AnalysisResult::Analyzed)
        .count();
    assert_eq!((analyzed, server.count()), (3, 3), "{ends:?}");
    let reason = AnalysisResult::Failed("provider desk: the budget of the day is spent".into());
    assert!(ends.contains(&reason), "{ends:?}");
    let day = jiff::Zoned::now().strftime("%Y-%m").to_string();
    let spent = env.memory.spent("desk", &day).unwrap();
    assert!((spent.cost - 4.8).abs() < 1e-6, "{spent:?}");
    assert_eq!((spent.requests, spent.unpriced), (3, 0));
}
