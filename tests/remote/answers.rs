//! What goes out, what comes back, and what becomes of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kbasefs::analysis::AnalysisResult;
use kbasefs::analysis::preview;
use kbasefs::catalog::Status;
use serde_json::{Value, json};

use crate::server::{Act, DOG, Server, say};
use crate::test_env::{Desk, KEY, desk, test_env};

/// One photo through one provider: how it ended.
async fn one(
    kind: &'static str,
    acts: Vec<Act>,
    check: impl FnOnce(AnalysisResult, &Server, Option<String>),
) {
    let server = Server::start();
    server.next(acts);
    let env = test_env("a:1", &[(Desk { kind, ..desk() }, &server)]);
    let ended = env.ask("a").await;
    check(ended, &server, env.description("a"));
}

#[tokio::test]
async fn each_protocol_carries_the_picture_and_the_key() {
    let places = [
        (
            "openai",
            "/chat/completions",
            "authorization",
            format!("Bearer {KEY}"),
        ),
        (
            "ollama",
            "/api/chat",
            "authorization",
            format!("Bearer {KEY}"),
        ),
        ("anthropic", "/v1/messages", "x-api-key", KEY.to_owned()),
    ];
    for (kind, path, header, value) in places {
        one(kind, vec![], |ended, server, description| {
            assert_eq!(
                (ended, description.as_deref()),
                (AnalysisResult::Analyzed, Some("A dog runs.")),
                "{kind}"
            );
            let seen = &server.seen()[0];
            assert_eq!((seen.path.as_str(), server.count()), (path, 1));
            assert_eq!(seen.headers[header], value);
            assert_eq!(seen.body["model"], "m");
            let jpeg = STANDARD.decode(seen.picture()).unwrap();
            let sent = preview::decode(&jpeg).unwrap();
            assert_eq!((sent.width, sent.height), (64, 48));
            assert!(!seen.body["messages"].to_string().contains(KEY));
        })
        .await;
    }
}

#[tokio::test]
async fn the_form_of_the_answer_is_asked_for_as_each_protocol_does() {
    one("openai", vec![], |_, server, _| {
        let body = &server.seen()[0].body;
        assert_eq!(body["response_format"]["type"], "json_schema");
        assert_eq!(body["max_tokens"], 1024);
    })
    .await;
    one("ollama", vec![], |_, server, _| {
        let body = &server.seen()[0].body;
        assert_eq!(
            (&body["format"]["type"], &body["think"]),
            (&json!("object"), &json!(false))
        );
        assert_eq!(
            (&body["keep_alive"], &body["stream"]),
            (&json!("5m"), &json!(false))
        );
    })
    .await;
    let used = json!({
        "content": [{"type": "tool_use", "name": "record_photo", "input": serde_json::from_str::<Value>(DOG).unwrap()}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1},
    });
    one(
        "anthropic",
        vec![Act::Raw(used.to_string())],
        |ended, server, description| {
            assert_eq!(
                (ended, description.as_deref()),
                (AnalysisResult::Analyzed, Some("A dog runs."))
            );
            assert_eq!(server.seen()[0].body["tool_choice"]["name"], "record_photo");
            assert_eq!(server.seen()[0].headers["anthropic-version"], "2023-06-01");
        },
    )
    .await;
}

#[tokio::test]
async fn what_a_server_rejects_is_left_out_from_then_on() {
    let server = Server::start();
    let rejects =
        |what: &str| Act::Status(400, json!({"error": {"message": what}}).to_string(), None);
    server.next([
        rejects("Unrecognized request argument supplied: chat_template_kwargs"),
        rejects("'response_format' of type 'json_schema' is not supported"),
        rejects("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
    ]);
    let env = test_env("a:1 b:2", &[(desk(), &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    assert_eq!(env.ask("b").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 5);
    let last = &server.seen()[4].body;
    assert_eq!(last["response_format"]["type"], "json_object");
    assert_eq!(last["max_completion_tokens"], 1024);
    assert!(last["max_tokens"].is_null() && last["chat_template_kwargs"].is_null());

    // The next process knows it too.
    let (source, memory, library) = (env.source, env.memory, env.library);
    std::fs::copy(source.path().join("a"), source.path().join("c")).unwrap();
    std::fs::write(
        source.path().join("c"),
        [std::fs::read(source.path().join("a")).unwrap(), vec![0]].concat(),
    )
    .unwrap();
    library
        .commit(&[crate::test_env::found(source.path(), "c")])
        .unwrap();
    env.scheduler.stop();
    let again = crate::test_env::start(source, memory, library, &[(desk(), &server)]);
    assert_eq!(again.ask("c").await, AnalysisResult::Analyzed);
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_once_more_with_more_room() {
    one(
        "openai",
        vec![Act::Cut(DOG[..40].into())],
        |ended, server, _| {
            assert_eq!((ended, server.count()), (AnalysisResult::Analyzed, 2));
            assert_eq!(server.seen()[1].body["max_tokens"], 4096);
        },
    )
    .await;
}

#[tokio::test]
async fn wrapped_answers_cost_no_second_request() {
    for wrapped in [
        format!("```json\n{DOG}\n```"),
        format!("<think>hm {{}}</think>Here you are:\n{DOG}"),
    ] {
        one("ollama", vec![say(wrapped)], |ended, server, _| {
            assert_eq!((ended, server.count()), (AnalysisResult::Analyzed, 1));
        })
        .await;
    }
}

#[tokio::test]
async fn senseless_answers_are_tried_again() {
    let error = json!({"error": {"message": "upstream failed", "code": 502}}).to_string();
    let acts = [
        vec![say("")],
        vec![say("A dog on a beach.")],
        vec![say(r#"{"description": 7}"#)],
        vec![Act::Raw("<!DOCTYPE html><html></html>".into())],
        vec![Act::Raw("{\"choices\": []}".into())],
        vec![Act::Raw(error)],
        vec![Act::Break],
        vec![say("x".repeat(100_000))],
    ];
    for acts in acts {
        let shown = format!("{acts:?}").chars().take(80).collect::<String>();
        one("openai", acts, |ended, server, description| {
            assert_eq!(
                (ended, server.count()),
                (AnalysisResult::Analyzed, 2),
                "{shown}"
            );
            assert_eq!(description.as_deref(), Some("A dog runs."));
        })
        .await;
    }
}

#[tokio::test]
async fn a_model_that_only_talks_nonsense_is_not_asked_for_ever() {
    let server = Server::start();
    server.usual(say("nonsense"));
    let env = test_env("a:1", &[(desk(), &server)]);
    let expected = AnalysisResult::Failed("desk: the answer has no JSON object".into());
    assert_eq!(env.ask("a").await, expected);
    assert_eq!(server.count(), 4);
    assert_eq!(env.ask("a").await, AnalysisResult::Skipped);
    assert_eq!((server.count(), env.status("a")), (4, Status::Pending));
}

#[tokio::test]
async fn a_refusal_is_told_apart_and_not_repeated() {
    let sorry = "I'm sorry, but I can't assist with that.";
    let refusal = json!({"choices": [{"message": {"content": null, "refusal": sorry}, "finish_reason": "stop"}]});
    for act in [say(sorry), Act::Raw(refusal.to_string())] {
        one("openai", vec![act], |ended, server, _| {
            assert_eq!(
                ended,
                AnalysisResult::Refused(format!("refused by desk: {sorry}"))
            );
            assert_eq!(server.count(), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn hostile_answers_become_plain_text_and_tidy_tags() {
    let server = Server::start();
    let hostile = json!({
        "title": "\u{1b}[2J\u{202e}gpj.exe",
        "description": format!("<script>alert(1)</script>\u{0}\u{7}'; DROP TABLE photo; -- {}", "x".repeat(9000)),
        "tags": ["../../etc/passwd", "DOGS", "dog", "\u{1b}]0;owned\u{7}cat", "", "\u{200b}"],
    });
    server.next([say(hostile.to_string())]);
    let env = test_env("a:1", &[(desk(), &server)]);
    assert_eq!(env.ask("a").await, AnalysisResult::Analyzed);
    let description = env.description("a").unwrap();
    assert!(!description.chars().any(char::is_control));
    assert_eq!(description.chars().count(), 4000);
    let mut tags = env.tags("a");
    tags.sort();
    assert_eq!(tags, ["cat", "dog", "etc/passwd"]);
    let titles = env.detail("a").texts;
    assert!(titles.iter().any(|t| t.value == "gpj.exe"), "{titles:?}");
}
