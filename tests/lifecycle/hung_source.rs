//! A source that doesn't answer any more, as a server that is gone: who reads photos waits for it, nobody else does.

use std::fs::{File, create_dir, hard_link, read_dir};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, spawn};

use kbasefs::fuse::mounts;
use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::process::{Signal, kill_process};

use crate::test_env::{TestEnv, pid};
use crate::until::{PATIENCE, until};

/// More than the threads that a process has for what may wait.
const READERS: usize = 600;
/// More than the threads that take the kernel's requests.
const CLOSED: usize = 100;

/// The photos of an environment at another place, by a file system that can be stopped.
struct StoppableSource {
    process: Child,
    point: PathBuf,
}

impl StoppableSource {
    /// `None` where there is no such file system.
    fn of(env: &TestEnv) -> Option<Self> {
        let (photos, point) = (env.path("photos"), env.path("elsewhere"));
        let device = |folder: &Path| folder.metadata().unwrap().dev();
        let without = device(&point);
        let mut command = Command::new("bindfs");
        // Whoever looks has to ask it.
        command.args(["-f", "-o", "attr_timeout=0,entry_timeout=0"]);
        command.args([&photos, &point]);
        let Ok(process) = command.stdin(Stdio::null()).spawn() else {
            eprintln!("skipped: bindfs is not installed");
            return None;
        };
        let source = Self { process, point };
        until("bindfs", || device(&source.point) != without);
        Some(source)
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(self.process.id()), signal).unwrap();
    }
}

impl Drop for StoppableSource {
    fn drop(&mut self) {
        // Ends it though it is stopped, and whoever waits for it gets an error; it may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = mounts::detach(&self.point);
    }
}

type Reader = JoinHandle<io::Result<Vec<u8>>>;

/// Begins to read a photo on a thread of its own; returns when that waits for it.
fn reader(read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Reader {
    let (tell, told) = channel();
    let thread = spawn(move || {
        tell.send(std::fs::read_link("/proc/thread-self").unwrap())
            .unwrap();
        read()
    });
    let stat = Path::new("/proc").join(told.recv().unwrap()).join("stat");
    until("a reader", || {
        let stat = std::fs::read_to_string(&stat).unwrap();
        let (_, state) = stat.rsplit_once(") ").unwrap();
        state.starts_with(['S', 'D'])
    });
    thread
}

/// What is answered though the source isn't there to ask.
fn answered<T: Send + 'static>(
    what: &str,
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> T {
    let (tell, told) = channel();
    // Nobody waits for what comes too late.
    spawn(move || drop(tell.send(ask())));
    let answer = told.recv_timeout(PATIENCE);
    let answer = answer.unwrap_or_else(|_| panic!("{what}: no answer"));
    answer.unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// What the mount does without its source.
fn edit_and_look(env: &TestEnv) {
    let (photo, tag) = (env.path("mnt/all/a.png"), env.path("mnt/tags/sea"));
    let rating = "user.baloo.rating";
    let made = tag.clone();
    answered("mkdir", move || create_dir(made));
    let (linked, link) = (photo.clone(), tag.join("a.png"));
    answered("ln", move || hard_link(linked, link));
    let rated = photo.clone();
    answered("setfattr", move || {
        Ok(setxattr(&rated, rating, b"8", XattrFlags::empty())?)
    });
    let rated = photo.clone();
    let mut value = [0; 8];
    let length = answered("getfattr", move || {
        Ok(getxattr(&rated, rating, &mut value)?)
    });
    assert_eq!(length, 1);
    assert_eq!(answered("ls", move || Ok(read_dir(tag)?.count())), 1);
}

/// What is asked of its process.
fn run_commands(env: &TestEnv) {
    for (args, paths) in [
        (&["status"][..], &["mnt"][..]),
        (&["status"], &["elsewhere/trip"]),
        (&["status"], &[]),
        (&["tag", "--tag", "hill"], &["mnt/all/a.png"]),
    ] {
        let output = env.run(args, paths);
        assert!(output.status.success(), "{args:?} {paths:?}: {output:?}");
    }
    let unmounted = env.run(&["umount"], &["mnt"]);
    assert!(unmounted.status.success(), "{unmounted:?}");
    let said = String::from_utf8_lossy(&unmounted.stderr);
    assert!(said.contains("until the last file"), "{said}");
    assert_eq!(env.mounted(), None);
}

#[test]
fn a_mount_is_taken_away_while_its_source_hangs() {
    let Some(env) = TestEnv::new() else { return };
    let Some(source) = StoppableSource::of(&env) else {
        return;
    };
    let daemon = env.mount_of("elsewhere", |_| ());
    let photo = env.path("mnt/all/a.png");
    until("the photo", || photo.exists());
    source.signal(Signal::STOP);
    let unmounted = env.run(&["umount"], &["mnt"]);
    assert!(
        unmounted.status.success() && unmounted.stderr.is_empty(),
        "{unmounted:?}"
    );
    assert_eq!(env.mounted(), None);
    daemon.until_stopped();
}

#[test]
fn who_waits_for_a_source_that_hangs_holds_nobody_up() {
    let Some(env) = TestEnv::new() else { return };
    let Some(source) = StoppableSource::of(&env) else {
        return;
    };
    // Else the kernel reads by itself.
    env.settings("[embedded]\non = \"read\"\n");
    create_dir(env.path("photos/trip")).unwrap();
    env.photo("trip/a.png", 2);
    let mut daemon = env.mount_of("elsewhere/trip", |_| ());
    let photo = env.path("mnt/all/a.png");
    until("the photo", || photo.exists());
    let open = || File::open(&photo).unwrap();
    let (mut read_on, closed) = (open(), Vec::from_iter((0..CLOSED).map(|_| open())));
    source.signal(Signal::STOP);
    drop(closed);
    let open_and_read = || {
        let photo = photo.clone();
        move || std::fs::read(photo)
    };
    let mut readers = Vec::from_iter((0..READERS).map(|_| reader(open_and_read())));
    readers.push(reader(move || {
        let mut content = Vec::new();
        read_on.read_to_end(&mut content).map(|_| content)
    }));

    edit_and_look(&env);
    run_commands(&env);
    source.signal(Signal::CONT);
    let content = std::fs::read(env.path("photos/trip/a.png")).unwrap();
    for reader in readers {
        assert_eq!(reader.join().unwrap().unwrap(), content);
    }
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
}
