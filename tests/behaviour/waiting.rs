//! What starts an analysis through a mount, and who waits for it.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kbasefs::analysis::scheduler::Options;
use kbasefs::analysis::{Access, Analyzer, Failure, Provider, Scheduler, Subject};
use kbasefs::catalog::Answer;
use kbasefs::decoding::Decoders;
use kbasefs::fuse::{MountOptions, Request};
use kbasefs::memory::Limit;
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::store::sqlite::Sqlite;

use crate::fixture::{Fixture, Surface, tree_with};
use crate::mount::Mount;
use crate::watched::Watched;

const LONG: Duration = Duration::from_secs(60);

/// Sees a dog everywhere: says so when it is asked, and answers when it is let.
struct Eye {
    asked: Mutex<Sender<()>>,
    may_answer: Mutex<Receiver<()>>,
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

    fn analyze<'a>(&'a self, _: &'a Subject) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async {
            self.asked.lock().unwrap().send(()).unwrap();
            self.may_answer.lock().unwrap().recv().unwrap();
            Ok(Answer {
                description: Some("a dog".into()),
                ..Answer::default()
            })
        })
    }
}

/// A photo that can be analysed, and the ends of an [`Eye`] started by such an access.
fn watched(on: Access) -> (Fixture, Arc<Scheduler>, Receiver<()>, Sender<()>) {
    watched_over(Arc::new(Memory::default()), on)
}

fn watched_over(
    store: Arc<dyn Store>,
    on: Access,
) -> (Fixture, Arc<Scheduler>, Receiver<()>, Sender<()>) {
    let fixture = Fixture::with_store(store, "");
    let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 99]));
    picture.save(fixture.path("a.png")).unwrap();
    fixture.add("a.png beach");
    let (asked, was_asked) = channel();
    let (answer, may_answer) = channel();
    let eye = Eye {
        asked: Mutex::new(asked),
        may_answer: Mutex::new(may_answer),
    };
    let analyzer = Arc::new(eye);
    let options = Options {
        workers: 2,
        max_file_bytes: 1 << 20,
        decoders: Decoders::in_process(Duration::from_secs(60)),
        provider_store: Arc::new(Memory::default()),
        memory: Limit::of(1 << 30),
        remote: None,
    };
    let (library, source_files) = (fixture.library.clone(), fixture.source_files.clone());
    let providers = vec![Provider::here(analyzer, on)];
    let scheduler = Scheduler::start(library, source_files, providers, options);
    (fixture, scheduler, was_asked, answer)
}

#[test]
fn who_waits_for_a_description_asks_once_and_looks_before_and_after() {
    let store = Watched::open();
    let (fixture, scheduler, was_asked, answer) = watched_over(store.clone(), Access::Asked);
    let tree = tree_with(&fixture.library, scheduler.clone(), LONG);
    let Some(mount) = Mount::serving(&fixture, tree, &MountOptions::default()) else {
        return;
    };
    answer.send(()).unwrap();
    let (calls, questions) = (store.calls(), scheduler.questions());
    let description = mount.get("all/a.png", "user.kbasefs.description");
    assert_eq!(description.as_deref(), Ok("a dog"));
    was_asked.recv().unwrap();
    assert_eq!(scheduler.questions() - questions, 1);
    // A look before and one after; of the worker, one at the facts, and the commits of the hash and the answer.
    assert_eq!(store.calls() - calls, 5);
    // Nobody is left who may say more: it is listed, and who fetches it asks nobody.
    let listed = mount.attributes("all/a.png").unwrap();
    assert!(listed.iter().any(|name| name == "user.kbasefs.description"));
    mount.get("all/a.png", "user.kbasefs.description").unwrap();
    assert_eq!(scheduler.questions() - questions, 1);
    drop(mount);
    scheduler.stop();
}

#[test]
fn who_waits_for_a_description_holds_nobody_up() {
    let (fixture, scheduler, was_asked, answer) = watched(Access::Asked);
    let tree = tree_with(&fixture.library, scheduler.clone(), LONG);
    let Some(mount) = Mount::serving(&fixture, tree, &MountOptions::default()) else {
        return;
    };
    std::thread::scope(|scope| {
        let ask = || mount.get("all/a.png", "user.kbasefs.description");
        // Many more than the mount has threads.
        let waiting: Vec<_> = (0..64).map(|_| scope.spawn(ask)).collect();
        was_asked.recv().unwrap();
        mount.eventually(&mut || mount.count(Request::GetXattr) >= 64);
        assert_eq!(
            mount.get("all/a.png", "user.xdg.tags").as_deref(),
            Ok("beach")
        );
        assert_eq!(mount.list("/tags/beach").unwrap(), ["a.png"]);
        assert!(mount.attributes("all/a.png").is_ok());
        assert!(mount.read("all/a.png").is_ok());
        assert!(mount.stat("all/absent").is_err());
        assert_eq!(mount.list("/search/beach").unwrap(), ["a.png"]);
        mount.set("all/a.png", "user.baloo.rating", "8").unwrap();
        mount.make_folder("/tags/new").unwrap();
        assert!(waiting.iter().all(|thread| !thread.is_finished()));
        answer.send(()).unwrap();
        for thread in waiting {
            assert_eq!(thread.join().unwrap().as_deref(), Ok("a dog"));
        }
    });
    assert!(was_asked.try_recv().is_err(), "one analysis for all");
    drop(mount);
    scheduler.stop();
}

#[test]
fn attributes_that_take_the_disk_are_read_where_a_thread_may_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let index = Sqlite::open(&folder.path().join("index.sqlite"), folder.path()).unwrap();
    let fixture = Fixture::with_store(Arc::new(index), "a.jpg beach");
    let Some(mount) = Mount::new(&fixture) else {
        return;
    };
    // A thread that drives tasks would refuse: see `kbasefs::blocking`.
    let tags = mount.get("all/a.jpg", "user.xdg.tags");
    assert_eq!(tags.as_deref(), Ok("beach"));
    let status = mount.get("all/a.jpg", "user.kbasefs.status");
    assert!(status.is_ok_and(|status| status.starts_with("pending")));
    let description = mount.get("all/a.jpg", "user.kbasefs.description");
    assert_eq!(description, Err("ENODATA".into()));
    assert!(
        mount
            .attributes("all/a.jpg")
            .is_ok_and(|names| names.len() > 1)
    );
}

#[test]
fn reading_starts_an_analysis_and_looking_does_not() {
    let (fixture, scheduler, was_asked, answer) = watched(Access::Read);
    let tree = tree_with(&fixture.library, scheduler.clone(), LONG);
    let Some(mount) = Mount::serving(&fixture, tree, &MountOptions::default()) else {
        return;
    };
    mount.list("/unanalyzed").unwrap();
    mount.attributes("all/a.png").unwrap();
    let mut file = File::open(mount.path("all/a.png")).unwrap();
    assert_eq!(
        scheduler.progress().queued + scheduler.progress().running,
        0
    );
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert!(bytes == std::fs::read(fixture.path("a.png")).unwrap());
    was_asked.recv().unwrap();
    answer.send(()).unwrap();
    mount.eventually(&mut || {
        mount
            .list("/unanalyzed")
            .is_ok_and(|names| names.is_empty())
    });
    drop(file);
    drop(mount);
    scheduler.stop();
}

#[test]
fn a_walk_over_the_descriptions_starts_nothing() {
    let (fixture, scheduler, _was_asked, _answer) = watched(Access::Listed);
    let tree = tree_with(&fixture.library, scheduler.clone(), LONG);
    let Some(mount) = Mount::serving(&fixture, tree, &MountOptions::default()) else {
        return;
    };
    assert_eq!(mount.list("/descriptions").unwrap(), ["a.png.txt"]);
    assert_eq!(mount.read("/descriptions/a.png.txt"), Ok(b"beach\n".into()));
    let progress = scheduler.progress();
    assert_eq!(progress.queued + progress.running, 0);
    drop(mount);
    scheduler.stop();
}
