//! Trying providers without a catalog: who can be reached, how fast, and what it says of one picture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Error;
use super::providers::{self, Described};
use crate::analysis::providers::embedded::Embedded;
use crate::analysis::tag_normalizer::Known;
use crate::analysis::{Analyzer, Failure, Picture, Subject};
use crate::catalog::{Answer, Facts, Format};
use crate::config::{Config, Kind, On};
use crate::store::memory::Memory;
use crate::store::provider_store::{ProviderStore, Spent};

/// What came of trying a provider.
pub struct Reached {
    pub name: String,
    pub kind: &'static str,
    pub url: String,
    pub model: String,
    pub on: &'static str,
    pub models: Option<Vec<String>>,
    /// Of the answer; without one, of the list of models.
    pub latency: Option<Duration>,
    pub answer: Option<Answer>,
    pub failure: Option<String>,
    pub spent: Option<Spent>,
}

/// The names of all providers, the one inside the program last.
pub fn names(config: &Config) -> Vec<String> {
    let servers = config.provider.iter().filter(|p| p.kind != Kind::Embedded);
    let names = servers.map(|p| p.name.clone());
    names.chain([Kind::Embedded.name().to_owned()]).collect()
}

/// Tries one provider, or all: lists its models, and with `asks` has it describe the picture, or one that is made.
pub async fn reach(
    config: &Config,
    name: Option<&str>,
    picture: Option<Picture>,
    asks: bool,
) -> Result<Vec<Reached>, Error> {
    let picture = Arc::new(picture.unwrap_or_else(made));
    let subject = Subject::of(picture, Arc::new(Facts::of(Format::Jpeg)));
    let provider_store: Arc<dyn ProviderStore> = Arc::new(Memory::default());
    let known: Known = Arc::new(|_| false);
    let mut all = Vec::new();
    for server in providers::servers(config, &provider_store, &known)? {
        if name.is_none_or(|name| name == server.table.name) {
            all.push(try_server(&server, &subject, asks).await);
        }
    }
    if name.is_none_or(|name| name == Kind::Embedded.name()) {
        all.push(try_embedded(config, &subject, asks).await?);
    }
    Ok(all)
}

async fn try_server(server: &Described<'_>, subject: &Subject, asks: bool) -> Reached {
    let start = Instant::now();
    let models = server.remote.models().await;
    let mut reached = Reached {
        name: server.table.name.clone(),
        kind: server.table.kind.name(),
        url: server.url.clone(),
        model: server.table.model.clone(),
        on: server.table.on.unwrap_or(On::Asked).name(),
        latency: models.is_ok().then(|| start.elapsed()),
        failure: models.as_ref().err().map(Failure::to_string),
        models: models.ok(),
        answer: None,
        spent: None,
    };
    if asks {
        // Some servers don't list their models: the answer decides.
        reached.ask(&*server.remote, subject).await;
        reached.spent = Some(server.budget.spending().today);
    }
    reached
}

async fn try_embedded(config: &Config, subject: &Subject, asks: bool) -> Result<Reached, Error> {
    let embedded = Embedded::load()?;
    let mut reached = Reached {
        name: embedded.name().into(),
        kind: Kind::Embedded.name(),
        url: "inside kbasefs".into(),
        model: embedded.model().into(),
        on: providers::embedded_on(config).name(),
        models: None,
        latency: None,
        answer: None,
        failure: None,
        spent: None,
    };
    if asks {
        reached.ask(&embedded, subject).await;
    }
    Ok(reached)
}

impl Reached {
    async fn ask(&mut self, analyzer: &dyn Analyzer, subject: &Subject) {
        let start = Instant::now();
        let answer = analyzer.analyze(subject).await;
        self.latency = Some(start.elapsed());
        self.failure = answer.as_ref().err().map(Failure::to_string);
        self.answer = answer.ok();
    }
}

/// A blue sky over green ground.
fn made() -> Picture {
    let (width, height) = (256, 192);
    let pixel = |n: u32| match n / width < height / 2 {
        true => [90, 150, 230],
        false => [60, 140, 50],
    };
    Picture {
        width,
        height,
        rgb: (0..width * height).flat_map(pixel).collect(),
    }
}
