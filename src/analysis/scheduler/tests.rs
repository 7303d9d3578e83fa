//! The promises of the scheduler, with a store in memory, real files and an analyzer that waits for the test.

use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use futures_util::future::BoxFuture;
use image::{ImageFormat, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::analysis::{Analyzer, Failure, Subject};
use crate::catalog::{Answer, Change, Facts, Format, SourcePath, Tag};
use crate::decoding::Decoders;
use crate::source_files::{SourceFiles, stat_of};
use crate::store::Store;
use crate::store::memory::Memory;

const LONG: Duration = Duration::from_secs(60);

/// Says which photo it was shown, and what `end` says. Each look takes one word from `may_end`, if there is a gate.
struct Eye {
    seen: Mutex<Sender<String>>,
    may_end: Option<Mutex<Receiver<()>>>,
    end: fn() -> Result<Answer, Failure>,
}

impl Analyzer for Eye {
    fn name(&self) -> &str {
        "eye"
    }

    fn model(&self) -> &str {
        "eye/1"
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn analyze<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            let name = subject.facts.title.clone().unwrap_or_default();
            self.seen.lock().send(name).unwrap();
            if let Some(gate) = &self.may_end {
                gate.lock().recv().unwrap();
            }
            (self.end)()
        })
    }
}

fn a_dog() -> Result<Answer, Failure> {
    Ok(Answer {
        tags: vec![Tag {
            name: "dog".into(),
            confidence: 0.9,
        }],
        ..Answer::default()
    })
}

fn request(photos: Vec<PhotoId>) -> Request {
    Request {
        photos,
        ..Request::default()
    }
}

struct TestEnv {
    scheduler: Arc<Scheduler>,
    library: Arc<Library>,
    /// The titles of the photos in the order in which the analyzer was shown them.
    seen: Receiver<String>,
    /// Lets one look end.
    gate: Sender<()>,
    source: TempDir,
}

struct Setting {
    workers: usize,
    on: Access,
    gated: bool,
    decode_time: Duration,
    end: fn() -> Result<Answer, Failure>,
}

const SETTING: Setting = Setting {
    workers: 2,
    on: Access::Listed,
    gated: false,
    decode_time: LONG,
    end: a_dog,
};

/// A catalog of files `name:content`, one letter each: equal contents are copies, `!` is no picture.
fn test_env(files: &str, setting: Setting) -> TestEnv {
    let source = tempfile::tempdir().unwrap();
    let provider_store = Arc::new(Memory::default());
    let store = Arc::clone(&provider_store) as Arc<dyn Store>;
    let library = Arc::new(Library::load(store).unwrap());
    for file in files.split_whitespace() {
        let (name, content) = file.split_once(':').unwrap();
        std::fs::write(source.path().join(name), bytes(content)).unwrap();
        library.commit(&[found(source.path(), name)]).unwrap();
    }
    let (seen, seen_by_test) = channel();
    let (gate, gate_of_eye) = channel();
    let eye = Eye {
        seen: Mutex::new(seen),
        may_end: setting.gated.then(|| Mutex::new(gate_of_eye)),
        end: setting.end,
    };
    let provider = Provider::here(Arc::new(eye), setting.on);
    let options = Options {
        workers: setting.workers,
        max_file_bytes: 100_000,
        decoders: Decoders::in_process(setting.decode_time),
        provider_store,
        memory: Limit::of(1 << 30),
        remote: None,
    };
    let source_files = Arc::new(SourceFiles::open(source.path()).unwrap());
    TestEnv {
        scheduler: Scheduler::start(library.clone(), source_files, vec![provider], options),
        library,
        seen: seen_by_test,
        gate,
        source,
    }
}

fn bytes(content: &str) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    match content {
        "!" => return b"no picture".to_vec(),
        "+" => return vec![0; 200_000],
        _ => {}
    }
    let shade = image::Rgb([content.as_bytes()[0]; 3]);
    let side = if content == "large" { 1000 } else { 24 };
    let picture = RgbImage::from_pixel(side + 8, side, shade);
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn found(source: &Path, name: &str) -> Change {
    let metadata = std::fs::metadata(source.join(name)).unwrap();
    let mut facts = Facts::of(Format::Png);
    facts.title = Some(name.into());
    Change::Found {
        known: None,
        path: SourcePath::new(name.as_bytes()),
        stat: stat_of(&metadata),
        facts: Box::new(facts),
    }
}

impl TestEnv {
    fn id(&self, name: &str) -> PhotoId {
        let path = SourcePath::new(name.as_bytes());
        self.library.index().by_path(&path).unwrap()
    }

    fn ids(&self, names: &str) -> Vec<PhotoId> {
        names.split_whitespace().map(|n| self.id(n)).collect()
    }

    fn status(&self, name: &str) -> Status {
        let photo = self.library.index().photo(self.id(name));
        photo.unwrap().status
    }

    fn reason(&self, name: &str) -> Option<String> {
        let detail = self.library.detail(self.id(name)).unwrap();
        detail.unwrap().failure
    }

    fn outlook(&self, name: &str) -> Outlook {
        self.scheduler.outlook(self.id(name)).unwrap()
    }

    /// Waits until the analyzer is shown a photo.
    fn next(&self) -> String {
        self.seen.recv_timeout(LONG).unwrap()
    }

    /// What the analyzer was shown besides.
    fn rest(&self) -> Vec<String> {
        self.seen.try_iter().collect()
    }
}

#[tokio::test]
async fn ten_who_ask_for_one_photo_cause_one_analysis() {
    let env = test_env(
        "a:1",
        Setting {
            gated: true,
            ..SETTING
        },
    );
    let asking = (0..10).map(|_| env.scheduler.analyzed(env.id("a"), LONG));
    let all_wait = async { env.gate.send(()).unwrap() };
    let (ended, ()) = tokio::join!(futures_util::future::join_all(asking), all_wait);
    assert_eq!(ended, vec![Some(AnalysisResult::Analyzed); 10]);
    assert_eq!(env.rest(), ["a"]);
}

#[tokio::test]
async fn copies_are_analysed_once() {
    let env = test_env("a:1 b:1 c:1 d:2", SETTING);
    let mut ends = Vec::new();
    let all = env.ids("a b c d");
    let each = |photo, ended: &AnalysisResult| ends.push((photo, ended.clone()));
    env.scheduler.analyze_all(request(all.clone()), each).await;
    ends.sort_by_key(|(photo, _)| *photo);
    let expected: Vec<_> = all
        .into_iter()
        .map(|p| (p, AnalysisResult::Analyzed))
        .collect();
    assert_eq!(ends, expected);
    assert_eq!(env.rest().len(), 2);
    let progress = env.scheduler.progress();
    assert_eq!((progress.analyzed, progress.copies), (2, 2));
    assert_eq!(env.status("c"), Status::Analyzed);
}

#[tokio::test]
async fn a_photo_that_was_gone_is_not_analysed_again() {
    let env = test_env("a:1", SETTING);
    let a = env.id("a");
    env.scheduler.analyzed(a, LONG).await;
    env.library.commit(&[Change::Gone { id: a }]).unwrap();
    let path = env.source.path();
    // Another inode: only the content tells that it is the same.
    std::fs::copy(path.join("a"), path.join("b")).unwrap();
    std::fs::remove_file(path.join("a")).unwrap();
    env.library.commit(&[found(path, "b")]).unwrap();
    let ended = env.scheduler.analyzed(env.id("b"), LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Analyzed));
    assert_eq!((env.id("b"), env.rest().len()), (a, 1));
}

#[tokio::test]
async fn with_an_index_that_is_loaded_anew_answers_are_read_again() {
    let env = test_env("a:1 b:2", SETTING);
    let [a, b] = ["a", "b"].map(|name| env.id(name));
    env.scheduler.analyzed(a, LONG).await;
    let (state, queue) = (&env.scheduler.state, QueueId(0));
    // What is remembered is wrong.
    state.forget(&RoaringBitmap::from_iter([a.0]));
    assert!(!state.has_answered(queue, a));
    start::begin_anew(&env.library, &env.scheduler.answers, state);
    assert!(state.has_answered(queue, a) && !state.has_answered(queue, b));
    assert_eq!(env.rest(), ["a"]);
}

#[tokio::test]
async fn the_end_is_told_after_the_commit() {
    let env = test_env("a:1 b:2 c:3 d:4 e:5", SETTING);
    let is_analyzed = |photo| env.library.index().photo(photo).unwrap().status;
    let each = |photo, _: &AnalysisResult| assert_eq!(is_analyzed(photo), Status::Analyzed);
    let all = env.ids("a b c d e");
    env.scheduler.analyze_all(request(all), each).await;
}

#[tokio::test]
async fn what_is_asked_for_overtakes_what_was_listed() {
    let env = test_env(
        "a:1 b:2 c:3",
        Setting {
            workers: 1,
            gated: true,
            ..SETTING
        },
    );
    env.scheduler.accessed(env.id("a"), Access::Read);
    assert_eq!(env.next(), "a");
    let listing = env.ids("b c").into_iter().map(|p| p.0).collect();
    env.scheduler.accessed_all(listing, Access::Listed);
    env.scheduler.accessed(env.id("c"), Access::Asked);
    for _ in 0..3 {
        env.gate.send(()).unwrap();
    }
    assert_eq!([env.next(), env.next()], ["c", "b"]);
}

#[tokio::test]
async fn nothing_starts_by_itself_nor_from_a_weaker_access_than_the_provider_wants() {
    let env = test_env(
        "a:1",
        Setting {
            on: Access::Asked,
            ..SETTING
        },
    );
    let a = env.id("a");
    env.scheduler.accessed(a, Access::Read);
    env.scheduler
        .accessed_all(RoaringBitmap::from_iter([a.0]), Access::Listed);
    assert!(!env.scheduler.wants(Access::Read));
    assert_eq!(env.scheduler.progress(), Progress::default());
    let ended = env.scheduler.analyzed(a, LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Analyzed));
}

#[tokio::test]
async fn a_picture_that_an_analyzer_fails_at_is_not_tried_again() {
    let dark = || {
        Err(Failure::Permanent {
            reason: "too dark".into(),
        })
    };
    let env = test_env(
        "a:1 b:!",
        Setting {
            end: dark,
            ..SETTING
        },
    );
    let ended = env.scheduler.analyzed(env.id("a"), LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Failed("too dark".into())));
    assert_eq!(env.status("a"), Status::Pending);
    assert_eq!(env.outlook("a"), Outlook::Failed("too dark".into()));
    env.scheduler.analyzed(env.id("b"), LONG).await;
    assert_eq!(env.status("b"), Status::Failed);
    let again = env.scheduler.analyzed(env.id("a"), LONG).await;
    assert_eq!(again, Some(AnalysisResult::Skipped));
    assert_eq!(env.rest(), ["a"]);
}

#[tokio::test]
async fn copies_of_a_picture_that_an_analyzer_fails_at_fail_too() {
    let dark = || {
        Err(Failure::Permanent {
            reason: "too dark".into(),
        })
    };
    let env = test_env(
        "a:1 b:1",
        Setting {
            end: dark,
            ..SETTING
        },
    );
    let all = env.ids("a b");
    env.scheduler.analyze_all(request(all), |_, _| {}).await;
    for name in ["a", "b"] {
        assert_eq!(env.outlook(name), Outlook::Failed("too dark".into()));
    }
    assert_eq!(env.rest().len(), 1);
}

#[tokio::test]
async fn what_may_work_later_stays_pending_until_the_next_access() {
    static BUSY: AtomicBool = AtomicBool::new(true);
    let once = || match BUSY.swap(false, Ordering::SeqCst) {
        true => Err(Failure::Transient {
            reason: "busy".into(),
            retry_after: None,
        }),
        false => a_dog(),
    };
    let env = test_env(
        "a:1",
        Setting {
            end: once,
            ..SETTING
        },
    );
    let a = env.id("a");
    let ended = env.scheduler.analyzed(a, LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Failed("busy".into())));
    assert_eq!(env.status("a"), Status::Pending);
    assert_eq!(env.scheduler.progress().queued, 0);
    let ended = env.scheduler.analyzed(a, LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Analyzed));
}

#[tokio::test]
async fn a_panic_costs_one_picture() {
    let env = test_env(
        "a:1 b:2",
        Setting {
            workers: 1,
            end: || panic!("tensor too long"),
            ..SETTING
        },
    );
    let all = env.ids("a b");
    env.scheduler.analyze_all(request(all), |_, _| {}).await;
    let failed = Outlook::Failed("the analysis broke down: tensor too long".into());
    assert_eq!(env.outlook("a"), failed);
    assert_eq!(env.outlook("b"), failed);
}

#[tokio::test]
async fn a_file_that_is_too_large_fails_unread() {
    let env = test_env("a:+", SETTING);
    env.scheduler.analyzed(env.id("a"), LONG).await;
    let reason = "file of 1 MB is larger than max_file_size_mb";
    assert_eq!(env.reason("a").as_deref(), Some(reason));
}

#[tokio::test]
async fn a_picture_that_takes_too_long_to_decode_fails_with_the_reason() {
    let decode_time = Duration::ZERO;
    let env = test_env(
        "a:large",
        Setting {
            decode_time,
            ..SETTING
        },
    );
    let ended = env.scheduler.analyzed(env.id("a"), LONG).await;
    let reason = "decoding takes more than 0 s".to_owned();
    assert_eq!(ended, Some(AnalysisResult::Failed(reason.clone())));
    assert_eq!(env.reason("a"), Some(reason));
}

#[tokio::test]
async fn a_file_that_is_gone_or_changed_is_left_to_the_scan() {
    let env = test_env("a:1 b:2", SETTING);
    std::fs::remove_file(env.source.path().join("a")).unwrap();
    std::fs::write(env.source.path().join("b"), "other").unwrap();
    for name in ["a", "b"] {
        let ended = env.scheduler.analyzed(env.id(name), LONG).await;
        assert_eq!(ended, Some(AnalysisResult::Skipped));
        assert_eq!(env.status(name), Status::Pending);
    }
}

#[tokio::test]
async fn who_waits_gets_away_at_the_deadline_and_the_analysis_goes_on() {
    let env = test_env(
        "a:1",
        Setting {
            gated: true,
            ..SETTING
        },
    );
    let a = env.id("a");
    let ended = env.scheduler.analyzed(a, Duration::ZERO).await;
    assert_eq!(ended, None);
    assert_eq!(env.next(), "a");
    env.gate.send(()).unwrap();
    env.scheduler.stop();
    assert_eq!(env.status("a"), Status::Analyzed);
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_drops_the_rest() {
    let env = test_env(
        "a:1 b:2",
        Setting {
            workers: 1,
            gated: true,
            ..SETTING
        },
    );
    let (a, b) = (env.id("a"), env.id("b"));
    env.scheduler.accessed(a, Access::Read);
    assert_eq!(env.next(), "a");
    let scheduler = env.scheduler.clone();
    let stopping = thread::spawn(move || scheduler.stop());
    // Either it is dropped from the queue, or it comes too late.
    let ended = env.scheduler.analyzed(b, LONG).await;
    assert_eq!(ended, Some(AnalysisResult::Skipped));
    env.gate.send(()).unwrap();
    stopping.join().unwrap();
    env.scheduler.stop();
    assert_eq!(env.status("a"), Status::Analyzed);
    assert_eq!(env.status("b"), Status::Pending);
}

#[tokio::test]
async fn the_first_results_end_the_wait_for_them() {
    let env = test_env("a:1", SETTING);
    let a = env.id("a");
    env.scheduler
        .accessed_all(RoaringBitmap::from_iter([a.0]), Access::Listed);
    env.scheduler.first_results(LONG).await;
    assert_eq!(env.status("a"), Status::Analyzed);
    let idle = Scheduler::idle(env.library.clone());
    idle.first_results(LONG).await;
}
