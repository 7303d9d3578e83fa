//! A catalog of real files with a scheduler and providers on servers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use image::{Rgb, RgbImage};
use kbasefs::analysis::budget::{BudgetGuard, BudgetLimits, Price};
use kbasefs::analysis::previews::Previews;
use kbasefs::analysis::prompt::Prompt;
use kbasefs::analysis::providers::anthropic::Anthropic;
use kbasefs::analysis::providers::ollama::Ollama;
use kbasefs::analysis::providers::openai::OpenAi;
use kbasefs::analysis::providers::remote::{Dialect, Pool, Remote, Settings, Timeouts};
use kbasefs::analysis::scheduler::{Options, RemoteOptions, Request, Server as Place};
use kbasefs::analysis::tag_normalizer::TagNormalizer;
use kbasefs::analysis::{Access, AnalysisResult, Provider, Scheduler};
use kbasefs::catalog::{Change, Detail, Facts, Format, PhotoId, SourcePath, Status, TextField};
use kbasefs::decoding::Decoders;
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source_files::{SourceFiles, stat_of};
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::store::provider_store::ProviderStore;

use crate::faulty::Faulty;
use crate::server::Server;

pub const LONG: Duration = Duration::from_secs(60);

/// A provider for a test, and the scheduler's patience.
#[derive(Clone)]
pub struct Desk {
    pub name: &'static str,
    pub kind: &'static str,
    pub model: &'static str,
    pub on: Access,
    pub parallel: usize,
    pub price: Option<Price>,
    pub budget: BudgetLimits,
    pub prompt: Prompt,
}

pub const fn desk() -> Desk {
    Desk {
        name: "desk",
        kind: "openai",
        model: "m",
        on: Access::Asked,
        parallel: 4,
        price: None,
        budget: BudgetLimits {
            requests: [None; 3],
            cost: [None; 3],
        },
        prompt: Prompt {
            instructions: None,
            language: None,
            vocabulary: Vec::new(),
            vocabulary_only: false,
            version: None,
        },
    }
}

pub struct TestEnv {
    pub scheduler: Arc<Scheduler>,
    pub library: Arc<Library>,
    pub memory: Arc<Memory>,
    pub source: tempfile::TempDir,
}

pub const KEY: &str = "sk-very-secret";

pub fn remote(
    desk: &Desk,
    url: &str,
    budget: &Arc<BudgetGuard>,
    provider_store: &Arc<dyn ProviderStore>,
) -> Remote {
    let dialect: Box<dyn Dialect> = match desk.kind {
        "ollama" => Box::new(Ollama),
        "anthropic" => Box::new(Anthropic),
        _ => Box::new(OpenAi),
    };
    let settings = Settings {
        name: desk.name.into(),
        url: url.into(),
        model: desk.model.into(),
        key: Some(KEY.to_owned().into()),
        prompt: desk.prompt.clone(),
        normalizer: TagNormalizer::new(true),
        max_side: 768,
        max_tokens: None,
        temperature: None,
        think: false,
        keep_alive: Some("5m".into()),
        timeouts: Timeouts {
            connect: LONG,
            first_byte: LONG,
            read: LONG,
            total: LONG,
        },
        pool: Pool { idle: 10 },
    };
    Remote::new(
        settings,
        dialect,
        Arc::clone(budget),
        Arc::clone(provider_store),
    )
    .unwrap()
}

pub fn provider(desk: &Desk, url: &str, provider_store: &Arc<dyn ProviderStore>) -> Provider {
    let budget = Arc::new(BudgetGuard::new(
        desk.name,
        desk.price,
        desk.budget,
        Arc::clone(provider_store),
    ));
    let analyzer = Arc::new(remote(desk, url, &budget, provider_store));
    Provider {
        on: desk.on,
        server: Some(Place {
            host: analyzer.origin().to_owned(),
            parallel: desk.parallel,
            max_side: 768,
            budget,
        }),
        analyzer,
    }
}

/// What an environment is made of before anybody looks at it.
pub struct Parts {
    pub source: tempfile::TempDir,
    pub memory: Arc<Memory>,
    pub provider_store: Arc<dyn ProviderStore>,
    pub library: Arc<Library>,
}

/// Files `name:content`, one letter each: equal contents are copies, `!` is no picture.
pub fn test_env(files: &str, desks: &[(Desk, &Server)]) -> TestEnv {
    start_desks(collect(files), desks)
}

pub fn collect(files: &str) -> Parts {
    let memory = Arc::new(Memory::default());
    let (source, library) = collection(memory.clone(), files);
    let provider_store = memory.clone();
    Parts {
        source,
        memory,
        provider_store,
        library,
    }
}

/// The environment of [`test_env`] over a store that can be told to fail.
pub fn faulty(files: &str, desks: &[(Desk, &Server)]) -> (TestEnv, Arc<Faulty>) {
    let store = Faulty::over(Arc::default());
    (over(&store, files, desks), store)
}

pub fn over(store: &Arc<Faulty>, files: &str, desks: &[(Desk, &Server)]) -> TestEnv {
    let (source, library) = collection(store.clone(), files);
    let parts = Parts {
        source,
        memory: Arc::clone(&store.memory),
        provider_store: store.clone(),
        library,
    };
    start_desks(parts, desks)
}

fn collection(store: Arc<dyn Store>, files: &str) -> (tempfile::TempDir, Arc<Library>) {
    let source = tempfile::tempdir().unwrap();
    let library = Arc::new(Library::load(store).unwrap());
    for file in files.split_whitespace() {
        let (name, content) = file.split_once(':').unwrap();
        std::fs::write(source.path().join(name), bytes(content)).unwrap();
        library.commit(&[found(source.path(), name)]).unwrap();
    }
    (source, library)
}

pub fn start(
    source: tempfile::TempDir,
    memory: Arc<Memory>,
    library: Arc<Library>,
    desks: &[(Desk, &Server)],
) -> TestEnv {
    let provider_store = memory.clone();
    let parts = Parts {
        source,
        memory,
        provider_store,
        library,
    };
    start_desks(parts, desks)
}

fn start_desks(parts: Parts, desks: &[(Desk, &Server)]) -> TestEnv {
    let providers = desks
        .iter()
        .map(|(desk, server)| provider(desk, &server.url, &parts.provider_store));
    let providers = providers.collect();
    start_providers(parts, providers)
}

pub fn start_providers(parts: Parts, providers: Vec<Provider>) -> TestEnv {
    let Parts {
        source,
        memory,
        provider_store,
        library,
    } = parts;
    let limit = Limit::of(1 << 30);
    let options = Options {
        workers: 2,
        max_file_bytes: 1 << 30,
        decoders: Decoders::in_process(Duration::from_secs(60)),
        provider_store,
        memory: limit.clone(),
        remote: Some(RemoteOptions {
            previews: Arc::new(Previews::in_memory(&limit, 16 << 20, None)),
            max_retries: 3,
            retry_delay: Duration::from_millis(2),
        }),
    };
    let source_files = Arc::new(SourceFiles::open(source.path()).unwrap());
    TestEnv {
        scheduler: Scheduler::start(library.clone(), source_files, providers, options),
        library,
        memory,
        source,
    }
}

fn bytes(content: &str) -> Vec<u8> {
    if content == "!" {
        return b"no picture".to_vec();
    }
    let shade = content
        .bytes()
        .fold(7u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
    let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([shade, x as u8, y as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

pub fn found(source: &Path, name: &str) -> Change {
    let metadata = std::fs::metadata(source.join(name)).unwrap();
    Change::Found {
        known: None,
        path: SourcePath::new(name.as_bytes()),
        stat: stat_of(&metadata),
        facts: Box::new(Facts::of(Format::Png)),
    }
}

impl TestEnv {
    pub fn id(&self, name: &str) -> PhotoId {
        let path = SourcePath::new(name.as_bytes());
        self.library.index().by_path(&path).unwrap()
    }

    pub fn all(&self) -> Vec<PhotoId> {
        let mut all = Vec::new();
        self.library
            .index()
            .for_each_photo(&mut |photo| all.push(photo.id));
        all
    }

    pub async fn ask(&self, name: &str) -> AnalysisResult {
        self.scheduler
            .analyzed(self.id(name), LONG)
            .await
            .expect("in time")
    }

    /// Asks for everything and gives how each photo ended, in order of name.
    pub async fn ask_all(&self, request: Request) -> Vec<AnalysisResult> {
        let mut ends = Vec::new();
        let request = Request {
            photos: self.all(),
            ..request
        };
        let each = |photo, ended: &AnalysisResult| ends.push((photo, ended.clone()));
        tokio::time::timeout(LONG, self.scheduler.analyze_all(request, each))
            .await
            .expect("in time");
        ends.sort_by_key(|(photo, _)| *photo);
        ends.into_iter().map(|(_, ended)| ended).collect()
    }

    pub fn detail(&self, name: &str) -> Detail {
        self.library.detail(self.id(name)).unwrap().unwrap()
    }

    pub fn description(&self, name: &str) -> Option<String> {
        let detail = self.detail(name);
        detail.text(TextField::Description).map(|t| t.value.clone())
    }

    pub fn tags(&self, name: &str) -> Vec<String> {
        let labels = self.detail(name).entry.labels;
        let tags = labels
            .into_iter()
            .filter(|l| l.facet == kbasefs::catalog::Facet::Tag);
        tags.map(|l| l.value).collect()
    }

    pub fn status(&self, name: &str) -> Status {
        self.detail(name).entry.photo.status
    }
}
