//! Servers that stand in for each other: one answer is enough, whoever gave it, today and after a restart.

use std::path::{Path, PathBuf};
use std::process::Output;

use image::{Rgb, RgbImage};
use kbasefs::analysis::scheduler::Request;
use kbasefs::analysis::{Access, AnalysisResult};
use kbasefs::library::Library;
use roaring::RoaringBitmap;
use serde_json::Value;

use crate::durability::kbasefs;
use crate::mounted::Catalog;
use crate::server::{Act, Server};
use crate::test_env::{Desk, TestEnv, desk, found, start, test_env};

const FILES: &str = "a:1 b:2 c:3 d:4 e:5 f:6";
const PHOTOS: usize = 6;

fn called(name: &'static str, on: Access) -> Desk {
    Desk {
        name,
        on,
        parallel: 1,
        ..desk()
    }
}

/// A server that takes each request and cuts the connection.
fn cutting() -> Server {
    let server = Server::start();
    server.usual(Act::Break);
    server
}

/// The same catalog in another process.
fn again(env: TestEnv, desks: &[(Desk, &Server)]) -> TestEnv {
    env.scheduler.stop();
    let library = Library::load(env.memory.clone()).unwrap();
    start(env.source, env.memory, library.into(), desks)
}

/// How many photos each provider would look at.
fn estimate(env: &TestEnv, request: Request) -> Vec<u64> {
    let photos = env.all();
    let estimate = env.scheduler.estimate(&Request { photos, ..request });
    estimate.into_iter().map(|(_, count)| count).collect()
}

async fn all_end_as(env: &TestEnv, request: Request, expected: AnalysisResult) {
    let ends = env.ask_all(request).await;
    assert_eq!(ends, vec![expected; PHOTOS]);
}

#[tokio::test]
async fn what_a_fallback_answered_is_not_asked_of_the_preferred_server_again() {
    let (first, second) = (cutting(), Server::start());
    let desks = [
        (called("first", Access::Asked), &first),
        (called("second", Access::Asked), &second),
    ];
    let mut env = test_env(FILES, &desks);
    all_end_as(&env, Request::default(), AnalysisResult::Analyzed).await;
    let requests = first.count();
    assert!(requests > 0 && second.count() == PHOTOS);
    for _ in 0..2 {
        env = again(env, &desks);
        assert_eq!(estimate(&env, Request::default()), [0, 0]);
        all_end_as(&env, Request::default(), AnalysisResult::Skipped).await;
        assert_eq!((first.count(), second.count()), (requests, PHOTOS));
    }
    // Unless somebody wants just that.
    first.lock().usual = None;
    let named = || Request {
        provider: Some("first".into()),
        ..Request::default()
    };
    assert_eq!(estimate(&env, named()), [PHOTOS as u64]);
    all_end_as(&env, named(), AnalysisResult::Analyzed).await;
    assert_eq!((first.count(), second.count()), (requests + PHOTOS, PHOTOS));
}

#[tokio::test]
async fn a_copy_of_what_a_fallback_answered_is_sent_to_nobody() {
    let (first, second) = (cutting(), Server::start());
    let desks = [
        (called("first", Access::Asked), &first),
        (called("second", Access::Asked), &second),
    ];
    let env = test_env(FILES, &desks);
    all_end_as(&env, Request::default(), AnalysisResult::Analyzed).await;
    let env = again(env, &desks);
    let requests = first.count();
    let source = env.source.path();
    std::fs::copy(source.join("a"), source.join("copy")).unwrap();
    env.library.commit(&[found(source, "copy")]).unwrap();
    assert_eq!(env.ask("copy").await, AnalysisResult::Analyzed);
    assert_eq!(env.description("copy").as_deref(), Some("A dog runs."));
    assert_eq!(env.ask("copy").await, AnalysisResult::Skipped);
    assert_eq!((first.count(), second.count()), (requests, PHOTOS));
}

#[tokio::test]
async fn who_wants_new_answers_asks_the_preferred_server_as_was_estimated() {
    let (first, second) = (cutting(), Server::start());
    let desks = [
        (called("first", Access::Asked), &first),
        (called("second", Access::Asked), &second),
    ];
    let env = test_env(FILES, &desks);
    let stale = || Request {
        stale: true,
        ..Request::default()
    };
    assert_eq!(estimate(&env, stale()), [PHOTOS as u64]);
    all_end_as(&env, Request::default(), AnalysisResult::Analyzed).await;
    let env = again(env, &desks);
    first.lock().usual = None;
    let requests = first.count();
    assert_eq!(estimate(&env, stale()), [PHOTOS as u64]);
    all_end_as(&env, stale(), AnalysisResult::Analyzed).await;
    assert_eq!((first.count(), second.count()), (requests + PHOTOS, PHOTOS));
}

#[tokio::test]
async fn a_stronger_model_improves_on_what_a_weaker_one_says_of_listings() {
    let (strong, weak) = (cutting(), Server::start());
    let desks = [
        (called("strong", Access::Asked), &strong),
        (called("weak", Access::Listed), &weak),
    ];
    let env = test_env(FILES, &desks);
    let listing: RoaringBitmap = env.all().into_iter().map(|photo| photo.0).collect();
    env.scheduler.accessed_all(listing.clone(), Access::Listed);
    while env.scheduler.providers()[1].answered < PHOTOS as u64 {
        tokio::task::yield_now().await;
    }
    assert_eq!((strong.count(), weak.count()), (0, PHOTOS));
    // Its failure costs nothing that is there.
    assert_eq!(estimate(&env, Request::default()), [PHOTOS as u64, 0]);
    all_end_as(&env, Request::default(), AnalysisResult::Skipped).await;
    assert!(strong.count() > 0);
    strong.lock().usual = None;
    let env = again(env, &desks);
    all_end_as(&env, Request::default(), AnalysisResult::Analyzed).await;
    all_end_as(&env, Request::default(), AnalysisResult::Skipped).await;
    assert_eq!(weak.count(), PHOTOS);
}

/// A folder of photos, and settings with a preferred server and one that stands in for it.
fn home(preferred: &str, other: &Server) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let photos = home.path().join("six");
    std::fs::create_dir_all(&photos).unwrap();
    for n in 0..PHOTOS as u8 {
        let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([n * 40, x as u8, y as u8]));
        picture.save(photos.join(format!("{n}.png"))).unwrap();
    }
    let table = |name: &str, url: &str| {
        format!(
            "[[provider]]\nname = \"{name}\"\nkind = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n"
        )
    };
    let config = [
        "max_retries = 1\nretry_delay = 0.01\n".to_owned(),
        table("first", preferred),
        table("second", &other.url),
    ];
    std::fs::write(home.path().join("config.toml"), config.concat()).unwrap();
    home
}

fn run(home: &Path, args: &[&str]) -> Output {
    let config: PathBuf = home.join("config.toml");
    let args = [&["--config", config.to_str().unwrap()], args].concat();
    let mut command = kbasefs(home, &args);
    command.current_dir(home).output().unwrap()
}

/// The last line that a command prints, which sums up.
fn sum(output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Whoever names a server pays for no other one.
#[test]
fn a_server_that_is_named_is_asked_alone_though_it_is_gone() {
    let second = Server::start();
    let home = home("http://127.0.0.1:9", &second);
    let named = ["analyze", "six", "--provider", "first", "--json"];
    let ended = sum(&run(home.path(), &named));
    assert_eq!(
        (&ended["analyzed"], &ended["failed"]),
        (&0.into(), &6.into())
    );
    assert_eq!(second.count(), 0);
    let any = run(home.path(), &["analyze", "six", "--json"]);
    assert!(any.status.success(), "{any:?}");
    assert_eq!(second.count(), PHOTOS);
}

/// Each `analyze` of the same catalog ends well, and only the first one asks anybody.
fn every_analyze_ends_alike(preferred: &str, requests: impl Fn() -> usize) {
    let second = Server::start();
    let home = home(preferred, &second);
    let mut sent = None;
    for key in ["analyzed", "skipped", "skipped"] {
        let output = run(home.path(), &["analyze", "six", "--json"]);
        let sum = sum(&output);
        assert!(output.status.success(), "{output:?}");
        assert_eq!((&sum[key], &sum["failed"]), (&PHOTOS.into(), &0.into()));
        assert_eq!(second.count(), PHOTOS);
        assert_eq!(*sent.get_or_insert(requests()), requests());
        let status = self::sum(&run(home.path(), &["status", "six", "--json"]));
        assert_eq!(
            (&status["analyzed"], &status["failed"]),
            (&PHOTOS.into(), &0.into()),
            "{status}"
        );
        let estimate = self::sum(&run(
            home.path(),
            &["analyze", "six", "--dry-run", "--json"],
        ));
        let images = estimate["providers"].as_array().unwrap().iter();
        assert!(images.clone().count() > 0);
        assert!(images.clone().all(|p| p["images"] == 0), "{estimate}");
    }
}

#[test]
fn every_analyze_ends_alike_where_nobody_listens_at_the_preferred_server() {
    let gone = Server::start();
    let url = gone.url.clone();
    drop(gone);
    every_analyze_ends_alike(&url, || 0);
}

#[test]
fn every_analyze_ends_alike_where_the_preferred_server_cuts() {
    let first = cutting();
    every_analyze_ends_alike(&first.url, || first.count());
    assert!(first.count() > 0);
}

#[test]
fn a_description_of_a_fallback_is_listed_and_asks_nobody_again() {
    let (first, second) = (cutting(), Server::start());
    let table = "[[provider]]\nname = \"second\"\nkind = \"openai\"\nmodel = \"m\"";
    let settings = format!(
        "xattr_wait_s = 120\nmax_retries = 1\nretry_delay = 0.01 | {table}\nurl = \"{}\"",
        second.url
    );
    let Some(mut catalog) = Catalog::mount(&first, &[("a", 1)], &settings, None) else {
        return;
    };
    let photo = "all/a/00.png";
    let description = "user.kbasefs.description";
    assert_eq!(
        catalog.get(photo, description).as_deref(),
        Ok("A dog runs.")
    );
    let requests = first.count();
    for _ in 0..2 {
        let mut names = [0; 4096];
        let length = rustix::fs::listxattr(catalog.path(photo), &mut names).unwrap();
        let names = String::from_utf8_lossy(&names[..length]).into_owned();
        assert!(names.split('\0').any(|name| name == description), "{names}");
        assert_eq!(
            catalog.get(photo, description).as_deref(),
            Ok("A dog runs.")
        );
        assert_eq!(catalog.status(photo), "analyzed");
        assert_eq!((first.count(), second.count()), (requests, 1));
        catalog.end();
        catalog.start();
    }
    catalog.stop();
}
