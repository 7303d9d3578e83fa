//! Two analyzers look at the same photos, in any order, through ends and kills of the scheduler: what is known in the end
//! is always the same, and nobody is asked twice for what he has answered.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use image::{Rgb, RgbImage};
use kbasefs::analysis::budget::{BudgetGuard, BudgetLimits};
use kbasefs::analysis::previews::Previews;
use kbasefs::analysis::scheduler::{Options, RemoteOptions, Request, Server};
use kbasefs::analysis::{Access, Analyzer, Failure, Provider, Scheduler, Subject};
use kbasefs::catalog::{
    Answer, Change, Detail, Facts, Format, PhotoId, SourcePath, Status, Tag, TextField,
};
use kbasefs::decoding::Decoders;
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source_files::{SourceFiles, stat_of};
use kbasefs::store::memory::Memory;
use kbasefs::store::provider_store::ProviderStore;
use proptest::prelude::*;
use tokio::sync::Semaphore;

/// Two of the same content, and two others.
const FILES: [(&str, u8); 4] = [("a", 40), ("b", 40), ("c", 120), ("d", 200)];

const LONG: Duration = Duration::from_secs(60);

/// Answers when it is let, in words that tell the analyzer and the picture.
struct Eye {
    name: &'static str,
    is_remote: bool,
    /// One permit lets one answer pass.
    gate: Semaphore,
    /// The process is gone: nothing comes of what is under way.
    is_killed: AtomicBool,
    /// How often each picture was answered, in all processes.
    answered: Arc<Mutex<HashMap<(&'static str, u8), usize>>>,
}

impl Analyzer for Eye {
    fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        "1"
    }

    fn is_remote(&self) -> bool {
        self.is_remote
    }

    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let permit = self.gate.acquire().await.expect("the gate is never closed");
            permit.forget();
            if self.is_killed.load(Ordering::SeqCst) {
                return Err(Failure::Transient {
                    reason: "killed".into(),
                    retry_after: None,
                });
            }
            let shade = shade_of(subject)?;
            let key = (self.name, shade);
            *self.answered.lock().unwrap().entry(key).or_default() += 1;
            let tag = Tag {
                name: format!("{} {shade}", self.name),
                confidence: 0.5,
            };
            Ok(Answer {
                title: None,
                description: Some(format!("{} saw {shade}", self.name)),
                tags: vec![tag],
            })
        })
    }
}

/// The picture that it is, whatever a JPEG made of its shade.
fn shade_of(subject: &Subject) -> Result<u8, Failure> {
    let shown = subject.picture()?.rgb[0];
    let nearest = FILES.map(|(_, shade)| shade).into_iter();
    Ok(nearest
        .min_by_key(|shade| shade.abs_diff(shown))
        .expect("there are files"))
}

/// What happens, one after the other.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody asks for a photo.
    Ask(usize),
    /// A folder of all photos is opened.
    List,
    /// An analyzer may answer once more.
    Let(usize),
    /// The program ends and is started again; what is under way comes to its end.
    Restart,
    /// The same, and what is under way is lost.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..FILES.len()).prop_map(Step::Ask),
        1 => Just(Step::List),
        5 => (0usize..2).prop_map(Step::Let),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
    ]
}

/// A catalog that outlives its processes.
struct TestEnv {
    source: tempfile::TempDir,
    store: Arc<Memory>,
    /// Which of the two is on a server.
    remote: [bool; 2],
    answered: Arc<Mutex<HashMap<(&'static str, u8), usize>>>,
}

/// One run of the program.
struct Process {
    library: Arc<Library>,
    scheduler: Arc<Scheduler>,
    eyes: [Arc<Eye>; 2],
}

impl TestEnv {
    fn new(remote: [bool; 2]) -> Self {
        let source = tempfile::tempdir().unwrap();
        let store = Arc::new(Memory::default());
        let library = Library::load(store.clone()).unwrap();
        for (name, shade) in FILES {
            let path = source.path().join(name);
            let picture = RgbImage::from_pixel(16, 16, Rgb([shade; 3]));
            picture
                .save_with_format(&path, image::ImageFormat::Png)
                .unwrap();
            library.commit(&[found(&path, name)]).unwrap();
        }
        Self {
            source,
            store,
            remote,
            answered: Arc::default(),
        }
    }

    fn start(&self) -> Process {
        let library = Arc::new(Library::load(self.store.clone()).unwrap());
        let eye = |name, is_remote| {
            Arc::new(Eye {
                name,
                is_remote,
                gate: Semaphore::new(0),
                is_killed: AtomicBool::new(false),
                answered: Arc::clone(&self.answered),
            })
        };
        let eyes = [eye("first", self.remote[0]), eye("second", self.remote[1])];
        let providers = eyes.iter().map(|eye| self.provider(eye)).collect();
        let limit = Limit::of(1 << 30);
        let options = Options {
            workers: 3,
            max_file_bytes: 1 << 20,
            decoders: Decoders::in_process(LONG),
            provider_store: self.store.clone(),
            memory: limit.clone(),
            remote: Some(RemoteOptions {
                previews: Arc::new(Previews::in_memory(&limit, 1 << 20, None)),
                max_retries: 0,
                retry_delay: Duration::from_millis(1),
            }),
        };
        let source_files = Arc::new(SourceFiles::open(self.source.path()).unwrap());
        Process {
            scheduler: Scheduler::start(library.clone(), source_files, providers, options),
            library,
            eyes,
        }
    }

    fn provider(&self, eye: &Arc<Eye>) -> Provider {
        let analyzer = Arc::clone(eye) as Arc<dyn Analyzer>;
        let mut provider = Provider::here(analyzer, Access::Listed);
        let store = self.store.clone() as Arc<dyn ProviderStore>;
        let server = || Server {
            host: "there".into(),
            parallel: 2,
            max_side: 768,
            budget: Arc::new(BudgetGuard::new(
                eye.name,
                None,
                BudgetLimits::default(),
                store,
            )),
        };
        provider.server = eye.is_remote.then(server);
        provider
    }
}

fn found(path: &Path, name: &str) -> Change {
    Change::Found {
        known: None,
        path: SourcePath::new(name.as_bytes()),
        stat: stat_of(&path.metadata().unwrap()),
        facts: Box::new(Facts::of(Format::Png)),
    }
}

impl Process {
    fn photo(&self, name: &str) -> PhotoId {
        let path = SourcePath::new(name.as_bytes());
        self.library.index().by_path(&path).unwrap()
    }

    fn all(&self) -> Vec<PhotoId> {
        FILES.map(|(name, _)| self.photo(name)).into()
    }

    /// Lets everything pass from now on.
    fn open(&self) {
        self.eyes.iter().for_each(|eye| eye.gate.add_permits(1000));
    }

    fn end(self, killed: bool) {
        for eye in &self.eyes {
            eye.is_killed.store(killed, Ordering::SeqCst);
        }
        self.open();
        self.scheduler.stop();
    }

    /// Everybody looks at everything that he has not dealt with.
    fn finish(&self) {
        self.open();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        // What was turned away in between is asked for again, as a person would.
        let request = || Request {
            photos: self.all(),
            ..Request::default()
        };
        runtime.block_on(self.scheduler.analyze_all(request(), |_, _| {}));
    }
}

/// What is known of a photo, without when it was found out and by which file.
#[derive(Debug, PartialEq)]
struct Record {
    status: Status,
    labels: Vec<(String, f32)>,
    descriptions: Vec<String>,
    answered: Vec<String>,
}

fn record(detail: &Detail) -> Record {
    let labels = detail.entry.labels.iter();
    let texts = detail.texts.iter();
    let texts = texts.filter(|text| text.field == TextField::Description);
    let mut record = Record {
        status: detail.entry.photo.status,
        labels: labels
            .map(|label| (label.value.clone(), label.confidence))
            .collect(),
        descriptions: texts.map(|text| text.value.clone()).collect(),
        answered: detail
            .analyses
            .iter()
            .map(|(who, ..)| who.clone())
            .collect(),
    };
    record.labels.sort_by(|a, b| a.0.cmp(&b.0));
    record.answered.sort();
    record
}

/// What is known in the end, after these steps.
fn outcome(remote: [bool; 2], steps: &[Step]) -> Vec<Record> {
    let env = TestEnv::new(remote);
    let mut process = env.start();
    for step in steps {
        match step {
            Step::Ask(file) => {
                let photo = process.photo(FILES[*file].0);
                process.scheduler.accessed(photo, Access::Asked);
            }
            Step::List => {
                let photos = process.all().into_iter().map(|photo| photo.0).collect();
                process.scheduler.accessed_all(photos, Access::Listed);
            }
            Step::Let(eye) => process.eyes[*eye].gate.add_permits(1),
            Step::Restart | Step::Kill => {
                process.end(matches!(step, Step::Kill));
                process = env.start();
            }
        }
    }
    process.finish();
    let details = process.all().into_iter();
    let details = details.map(|photo| process.library.detail(photo).unwrap().unwrap());
    let records = details.map(|detail| record(&detail)).collect();
    process.end(false);
    let answered = env.answered.lock().unwrap();
    // Each analyzer, each content, once.
    assert_eq!(answered.len(), 2 * 3, "{answered:?}");
    assert!(answered.values().all(|&times| times == 1), "{answered:?}");
    records
}

fn check(remote: [bool; 2], steps: &[Step]) {
    let straight = outcome(remote, &[]);
    assert!(straight.iter().all(|r| r.answered == ["first", "second"]));
    assert_eq!(outcome(remote, steps), straight);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_embedded_analyzer_and_a_server_end_in_the_same_record_whoever_comes_first(
        steps in prop::collection::vec(step(), 0..24)
    ) {
        check([false, true], &steps);
    }

    #[test]
    fn two_embedded_analyzers_end_in_the_same_record_whoever_comes_first(
        steps in prop::collection::vec(step(), 0..24)
    ) {
        check([false, false], &steps);
    }
}
