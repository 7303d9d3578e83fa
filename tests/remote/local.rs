//! Analyzers inside the program beside a server: each has its own queue, and none keeps a photo from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kbasefs::analysis::scheduler::{Outlook, Request};
use kbasefs::analysis::{Access, AnalysisResult, Analyzer, Failure, Provider, Subject};
use kbasefs::catalog::{Answer, Change, Status, Tag};
use kbasefs::library::Library;

use crate::server::{Server, say};
use crate::test_env::{Parts, TestEnv, collect, desk, found, provider, start, start_providers};

/// Gives every picture one tag, its own name, and counts what it was shown.
#[derive(Default)]
pub struct Eye {
    name: &'static str,
    version: &'static str,
    looks: AtomicUsize,
    /// Why it has no answer, if it has none.
    fails: Option<&'static str>,
}

impl Eye {
    pub fn called(name: &'static str) -> Self {
        Self {
            name,
            version: "1",
            ..Self::default()
        }
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Analyzer for Eye {
    fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        self.version
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn analyze<'a>(&'a self, _: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            if let Some(reason) = self.fails {
                let reason = reason.into();
                return Err(Failure::Permanent { reason });
            }
            let tag = Tag {
                name: self.name.into(),
                confidence: 0.5,
            };
            Ok(Answer {
                tags: vec![tag],
                ..Answer::default()
            })
        })
    }
}

fn photos(count: usize) -> String {
    let files: Vec<_> = (0..count).map(|n| format!("p{n:02}:{n}")).collect();
    files.join(" ")
}

/// A catalog with these analyzers inside the program, and a server.
fn beside(files: &str, eyes: &[&Arc<Eye>], server: &Server) -> TestEnv {
    looked_at(collect(files), eyes, server)
}

fn looked_at(parts: Parts, eyes: &[&Arc<Eye>], server: &Server) -> TestEnv {
    let provider_store = Arc::clone(&parts.provider_store);
    let local = eyes
        .iter()
        .map(|&eye| Provider::here(Arc::clone(eye) as Arc<dyn Analyzer>, Access::Listed));
    let remote = provider(&desk(), &server.url, &provider_store);
    let providers = local.chain([remote]).collect();
    start_providers(parts, providers)
}

fn who_answered(env: &TestEnv, name: &str) -> Vec<String> {
    let analyses = env.detail(name).analyses;
    let mut who: Vec<_> = analyses.into_iter().map(|(who, ..)| who).collect();
    who.sort();
    who
}

async fn everybody_answers_everything(latency: Duration) {
    let server = Server::start();
    server.lock().latency = latency;
    let eye = Arc::new(Eye::called("eye"));
    let env = beside(&photos(24), &[&eye], &server);
    let ends = env.ask_all(Request::default()).await;
    assert!(ends.iter().all(|end| *end == AnalysisResult::Analyzed));
    assert_is_answered_by_both(&env);
    assert_eq!((server.count(), eye.looks()), (24, 24));
}

fn assert_is_answered_by_both(env: &TestEnv) {
    for n in 0..24 {
        let name = format!("p{n:02}");
        assert_eq!(who_answered(env, &name), ["desk", "eye"], "{name}");
        let tags = env.tags(&name);
        assert!(tags.contains(&"eye".to_owned()), "{name}: {tags:?}");
    }
}

#[tokio::test]
async fn a_photo_that_a_server_answers_at_once_gets_the_tags_of_the_embedded_analyzer_too() {
    everybody_answers_everything(Duration::ZERO).await;
}

#[tokio::test]
async fn a_photo_that_a_server_answers_late_gets_the_tags_of_the_embedded_analyzer_too() {
    everybody_answers_everything(Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_photo_that_is_asked_for_is_looked_at_by_everybody() {
    let server = Server::start();
    let eye = Arc::new(Eye::called("eye"));
    let env = beside(&photos(24), &[&eye], &server);
    for n in 0..24 {
        assert_eq!(env.ask(&format!("p{n:02}")).await, AnalysisResult::Analyzed);
    }
    assert_is_answered_by_both(&env);
    // One decoding and one reading serve both, and what is known is not looked up in the file again.
    let stages = env.scheduler.progress().stages;
    assert_eq!((stages.read.count(), stages.decode.count()), (24, 24));
    assert_eq!((stages.infer.count(), stages.request.count()), (24, 24));
    // The hash, and an answer each: those that come together are committed together.
    assert!(stages.commit.count() <= 3 * 24, "{:?}", stages.commit);
    assert_eq!(env.ask("p00").await, AnalysisResult::Skipped);
    assert_eq!(env.scheduler.progress().stages.read.count(), 24);
}

#[tokio::test]
async fn photos_that_only_a_server_has_answered_wait_for_the_embedded_analyzer_alone() {
    let server = Server::start();
    let parts = collect(&photos(24));
    let (source, library, memory) = (parts.source, parts.library, parts.memory);
    let env = start(source, memory, library, &[(desk(), &server)]);
    env.ask_all(Request::default()).await;
    env.scheduler.stop();

    let eye = Arc::new(Eye::called("eye"));
    let env = again(env, &[&eye], &server);
    assert_eq!(
        waiting(&env),
        [("eye".to_owned(), 24), ("desk".to_owned(), 0)]
    );
    env.ask_all(Request::default()).await;
    assert_is_answered_by_both(&env);
    assert_eq!((server.count(), eye.looks()), (24, 24));
    env.scheduler.stop();

    // Another version is free inside the program; a server is asked again when somebody wants that.
    let newer = Arc::new(Eye {
        version: "2",
        ..Eye::called("eye")
    });
    let env = again(env, &[&newer], &server);
    assert_eq!(
        waiting(&env),
        [("eye".to_owned(), 24), ("desk".to_owned(), 0)]
    );
    let [eye_state, desk_state] = &env.scheduler.providers()[..] else {
        panic!("two providers");
    };
    let known = (eye_state.answered, eye_state.stale, desk_state.answered);
    assert_eq!(known, (24, 24, 24));
    env.ask_all(Request::default()).await;
    env.ask_all(Request::default()).await;
    assert_eq!((server.count(), newer.looks()), (24, 24));
}

#[tokio::test]
async fn what_one_analyzer_fails_at_keeps_no_other_from_looking() {
    let server = Server::start();
    let blind = Arc::new(Eye {
        fails: Some("too dark"),
        ..Eye::called("blind")
    });
    let eye = Arc::new(Eye::called("eye"));
    let env = beside("a:1 b:1 c:2", &[&blind, &eye], &server);
    env.ask_all(Request::default()).await;
    for name in ["a", "b", "c"] {
        assert_eq!(who_answered(&env, name), ["desk", "eye"], "{name}");
        assert_eq!(env.status(name), Status::Analyzed);
    }
    env.ask_all(Request::default()).await;
    assert_eq!((blind.looks(), eye.looks(), server.count()), (2, 2, 2));
    let states = env.scheduler.providers();
    let declined: Vec<_> = states.iter().map(|state| state.declined).collect();
    assert_eq!(declined, [3, 0, 0]);
}

#[tokio::test]
async fn a_photo_that_nobody_has_an_answer_for_has_failed_until_that_is_reconsidered() {
    let server = Server::start();
    server.usual(say("I cannot look at this."));
    let blind = Arc::new(Eye {
        fails: Some("too dark"),
        ..Eye::called("blind")
    });
    let env = beside("a:1", &[&blind], &server);
    env.ask_all(Request::default()).await;
    let a = env.id("a");
    let Outlook::Failed(reasons) = env.scheduler.outlook(a).unwrap() else {
        panic!("{:?}", env.scheduler.outlook(a));
    };
    assert!(reasons.starts_with("too dark; "), "{reasons}");
    assert!(env.scheduler.given_up().contains(a.0));
    let requests = server.count();
    env.scheduler.reconsider(a).unwrap();
    env.library.commit(&[again_found(&env, "a")]).unwrap();
    assert!(!env.scheduler.given_up().contains(a.0));
    env.ask_all(Request::default()).await;
    assert_eq!((blind.looks(), server.count()), (2, requests));
    assert!(env.scheduler.given_up().contains(a.0));
}

/// The file as a scan finds it that takes it for new.
fn again_found(env: &TestEnv, name: &str) -> Change {
    let mut change = found(env.source.path(), name);
    if let Change::Found { known, .. } = &mut change {
        *known = Some(env.id(name));
    }
    change
}

/// The catalog of an environment that has ended, with other analyzers.
fn again(env: TestEnv, eyes: &[&Arc<Eye>], server: &Server) -> TestEnv {
    let memory = Arc::clone(&env.memory);
    let library = Arc::new(Library::load(memory.clone()).unwrap());
    let parts = Parts {
        source: env.source,
        provider_store: memory.clone(),
        memory,
        library,
    };
    looked_at(parts, eyes, server)
}

/// How many photos wait for each provider.
fn waiting(env: &TestEnv) -> Vec<(String, u64)> {
    let request = Request {
        photos: env.all(),
        ..Request::default()
    };
    let estimate = env.scheduler.estimate(&request).into_iter();
    estimate
        .map(|(provider, count)| (provider.analyzer.name().to_owned(), count))
        .collect()
}
