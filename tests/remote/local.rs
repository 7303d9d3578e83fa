//! Analyzers inside the program beside a server: each has its own queue, and none keeps a photo from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kbasefs::analysis::scheduler::Request;
use kbasefs::analysis::{Access, AnalysisResult, Analyzer, Failure, Provider, Subject};
use kbasefs::catalog::{Answer, Tag};
use kbasefs::store::provider_store::ProviderStore;

use crate::server::Server;
use crate::world::{World, collect, desk, provider, start_providers};

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
fn beside(files: &str, eyes: &[&Arc<Eye>], server: &Server) -> World {
    let parts = collect(files);
    let provider_store: Arc<dyn ProviderStore> = parts.memory.clone();
    let local = eyes
        .iter()
        .map(|&eye| Provider::here(Arc::clone(eye) as Arc<dyn Analyzer>, Access::Listed));
    let remote = provider(&desk(), &server.url, &provider_store);
    let providers = local.chain([remote]).collect();
    start_providers(parts, providers)
}

fn who_answered(world: &World, name: &str) -> Vec<String> {
    let analyses = world.detail(name).analyses;
    let mut who: Vec<_> = analyses.into_iter().map(|(who, ..)| who).collect();
    who.sort();
    who
}

async fn everybody_answers_everything(latency: Duration) {
    let server = Server::start();
    server.lock().latency = latency;
    let eye = Arc::new(Eye::called("eye"));
    let world = beside(&photos(24), &[&eye], &server);
    let ends = world.ask_all(Request::default()).await;
    assert!(ends.iter().all(|end| *end == AnalysisResult::Analyzed));
    for n in 0..24 {
        let name = format!("p{n:02}");
        assert_eq!(who_answered(&world, &name), ["desk", "eye"], "{name}");
        let tags = world.tags(&name);
        assert!(tags.contains(&"eye".to_owned()), "{name}: {tags:?}");
    }
    assert_eq!((server.count(), eye.looks()), (24, 24));
}

#[tokio::test]
async fn a_photo_that_a_server_answers_at_once_gets_the_tags_of_the_embedded_analyzer_too() {
    everybody_answers_everything(Duration::ZERO).await;
}

#[tokio::test]
async fn a_photo_that_a_server_answers_late_gets_the_tags_of_the_embedded_analyzer_too() {
    everybody_answers_everything(Duration::from_secs(2)).await;
}
