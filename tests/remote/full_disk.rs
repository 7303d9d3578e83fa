//! The disk of the index is full: what is paid is kept and paid once, with the real program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use image::{Rgb, RgbImage};
use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::can_mount::can_mount;
use crate::durability::kbasefs;
use crate::server::Server;
use crate::until::until;

const PHOTOS: usize = 33;
const PARALLEL: usize = 4;

/// A home whose index is on a small disk of its own.
struct TestEnv {
    home: tempfile::TempDir,
}

impl TestEnv {
    /// `None` for who may not mount a disk.
    fn new(server: &Server) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let env = Self { home };
        for folder in ["photos", "disk"] {
            std::fs::create_dir(env.path(folder)).unwrap();
        }
        for n in 0..PHOTOS {
            let picture = RgbImage::from_fn(96, 72, |x, y| Rgb([n as u8 * 7, x as u8, y as u8]));
            picture
                .save(env.path("photos").join(format!("{n:02}.png")))
                .unwrap();
        }
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(env.path("disk"))
            .output()
            .unwrap();
        if !mounted.status.success() {
            eprintln!("skipped: only root mounts a disk");
            return None;
        }
        let config = format!(
            "catalog = \"{}\"\nlog = \"warn\"\nxattr_wait_s = 0.3\n[[provider]]\nname = \"desk\"\nkind = \"openai\"\nurl = \"{}\"\nmodel = \"m\"\n\
             parallel_requests = {PARALLEL}\n",
            env.path("disk/catalog.sqlite").display(),
            server.url
        );
        std::fs::write(env.path("config.toml"), config).unwrap();
        Some(env)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let config = self.path("config.toml");
        let all = [&["--config", config.to_str().unwrap()], args].concat();
        let mut command = kbasefs(self.home.path(), &all);
        command.arg(self.path("photos"));
        command
    }

    fn analyze(&self) -> Child {
        let mut command = self.command(&["analyze", "--provider", "desk", "--json"]);
        let log = std::fs::File::create(self.path("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log).spawn().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// Takes all the room that there is. It may come to less, as the program gives some back.
    fn fill(&self) {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.path("disk/filler"))
            .unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path("disk/filler")).unwrap();
    }

    /// What the program says of its only server.
    fn provider(&self) -> Value {
        let output = self.command(&["status", "--json"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut providers = status["providers"].as_array().unwrap().iter();
        let desk = providers.find(|provider| provider["name"] == "desk");
        desk.unwrap().clone()
    }

    fn recorded(&self) -> usize {
        usize::try_from(self.provider()["today"]["requests"].as_u64().unwrap()).unwrap()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // What a test left that failed. Most environments have a disk.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.path("mnt"))
            .output();
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.path("disk"))
            .output();
    }
}

/// Answers that are told of: each was on the disk before.
fn analyzed(child: Child) -> usize {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text
        .lines()
        .filter(|l| l.contains("\"result\":\"analyzed\""));
    lines.count()
}

#[test]
fn a_full_disk_stops_the_buying_and_what_was_bought_is_kept_when_there_is_room() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(20);
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let child = env.analyze();
    until("some answers", || server.count() >= 8);
    until("the disk to be full", || {
        env.fill();
        env.log().contains("the disk is full; nothing is analysed")
    });
    let bought = server.count();
    env.make_room();
    until("room", || env.log().contains("can be written again"));
    assert_eq!(analyzed(child), PHOTOS, "{}", env.log());
    assert!(bought < PHOTOS, "{bought}");
    assert_eq!((server.count(), server.pictures().len()), (PHOTOS, PHOTOS));
    assert_eq!(env.recorded(), PHOTOS);
    assert!(!env.log().contains("is lost"), "{}", env.log());
}

#[test]
fn nothing_is_bought_while_the_disk_is_full_from_the_start() {
    let server = Server::start();
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let scanned = env.command(&["scan"]).output().unwrap();
    assert!(scanned.status.success(), "{scanned:?}");
    env.fill();
    // The other way in which it may end is that it can't even be opened.
    let output = env.analyze().wait_with_output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(server.count(), 0);
    env.make_room();
    assert_eq!(analyzed(env.analyze()), PHOTOS);
    assert_eq!((server.count(), env.recorded()), (PHOTOS, PHOTOS));
}

#[test]
fn who_is_killed_while_the_disk_is_full_repeats_no_more_than_was_under_way() {
    let server = Server::start();
    server.lock().latency = Duration::from_millis(5);
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let kills = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 50,
        None => 4,
    };
    let mut done = 0;
    for kill in 1..=kills {
        let before = server.count();
        let mut child = env.analyze();
        // At another moment each time: with room, without, and in between.
        until("some requests, or the end", || {
            server.count() >= before + 2 || child.try_wait().unwrap().is_some()
        });
        if kill % 2 == 0 {
            env.fill();
        }
        std::thread::sleep(Duration::from_millis(kill * 7 % 41));
        child.kill().unwrap();
        done += analyzed(child);
        if Path::new(&env.path("disk/filler")).exists() {
            env.make_room();
        }
    }
    done += analyzed(env.analyze());
    assert!(done <= PHOTOS, "{done}");
    let repeated: usize = server.pictures().values().map(|n| n - 1).sum();
    assert_eq!(server.pictures().len(), PHOTOS);
    let under_way = PARALLEL * usize::try_from(kills).unwrap();
    let (paid, recorded) = (server.count(), env.recorded());
    println!("{kills} kills: {paid} requests, {repeated} repeated, {recorded} recorded");
    assert!(repeated <= under_way, "{repeated} requests were repeated");
    // What is paid and not in the store was under way at a kill; what was repeated was.
    assert_eq!(paid - recorded, repeated);
}

#[test]
fn a_mount_on_a_full_disk_refuses_edits_whole_and_buys_nothing_until_there_is_room() {
    if !can_mount() {
        return;
    }
    let server = Server::start();
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let mnt = env.path("mnt");
    std::fs::create_dir(&mnt).unwrap();
    let mounted = env.command(&["mount"]).arg(&mnt).output().unwrap();
    assert!(mounted.status.success(), "{mounted:?}");
    let photo = |n: usize| mnt.join(format!("all/{n:02}.png"));
    let get = |n: usize, name: &str| {
        let mut value = [0; 4096];
        let length = getxattr(photo(n), name, &mut value)?;
        Ok::<_, Errno>(String::from_utf8_lossy(&value[..length]).into_owned())
    };
    let description = |n: usize| get(n, "user.kbasefs.description");
    let tag = |n: usize, tags: String| {
        let (name, flags) = ("user.xdg.tags", XattrFlags::empty());
        setxattr(photo(n), name, tags.as_bytes(), flags)
    };
    until("the first answer", || {
        description(0).as_deref() == Ok("A dog runs.")
    });
    // What people say may take the last room; then it is refused.
    let mut said = 0;
    until("a refusal", || {
        env.fill();
        said += 1;
        tag(1, format!("tag{said}")).is_err()
    });
    assert_eq!(tag(1, "more".into()), Err(Errno::NOSPC));
    let before = (said > 1).then(|| format!("tag{}", said - 1));
    assert_eq!(get(1, "user.xdg.tags").ok(), before);
    assert!(!mnt.join("tags/more").exists());

    let bought = server.count();
    for n in 1..PHOTOS {
        // The disk may have had room for some answers.
        if description(n).is_err() {
            let status = get(n, "user.kbasefs.status").unwrap();
            assert!(status.contains("the disk is full"), "{status}");
        }
    }
    assert!(server.count() < PHOTOS, "{bought}, {}", server.count());
    let full = "catalog: the disk is full";
    assert_eq!(env.provider()["state"], full);
    let doctor = env.command(&["doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains(full) && said.contains("make room"), "{said}");
    env.make_room();
    for n in 1..PHOTOS {
        until("every answer", || {
            description(n).as_deref() == Ok("A dog runs.")
        });
    }
    assert_eq!((server.count(), server.pictures().len()), (PHOTOS, PHOTOS));
    assert_eq!(env.recorded(), PHOTOS);
    tag(1, "more".into()).unwrap();
    until("the tag", || mnt.join("tags/more/01.png").exists());
    let mut unmount = kbasefs(env.home.path(), &["umount"]);
    let unmounted = unmount.arg(&mnt).output().unwrap();
    assert!(unmounted.status.success(), "{unmounted:?}");
}

#[test]
fn who_ends_while_the_disk_is_full_says_what_is_lost() {
    if std::env::var_os("KBASEFS_LONG").is_none() {
        eprintln!("skipped: it is tried for ten seconds; KBASEFS_LONG is not set");
        return;
    }
    let server = Server::start();
    server.lock().latency = Duration::from_millis(20);
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let log = std::fs::File::create(env.path("log")).unwrap();
    let mut serving = env.command(&["serve", "--web", "127.0.0.1:0"]);
    let mut serving = serving.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let client = || {
        let mut client = env.command(&["analyze", "--provider", "desk"]);
        client.stdout(Stdio::null()).stderr(Stdio::null());
        client.spawn().unwrap()
    };
    until("the index", || env.path("disk/catalog.sock").exists());
    let mut asking = client();
    until("some answers", || server.count() >= 8);
    until("the disk to be full", || {
        env.fill();
        env.log().contains("the disk is full; nothing is analysed")
    });
    let pid = Pid::from_raw(serving.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    serving.wait().unwrap();
    asking.wait().unwrap();
    let said = env.log();
    let lost = said.lines().filter(|l| l.contains("is lost")).count();
    assert!((1..=PARALLEL).contains(&lost), "{said}");
    assert!(said.contains("are not in its spending"), "{said}");
    env.make_room();
    assert!(client().wait().unwrap().success());
    assert_eq!(server.pictures().len(), PHOTOS);
    assert_eq!((server.count(), env.recorded()), (PHOTOS + lost, PHOTOS));
}

#[test]
fn an_index_that_another_holds_for_too_long_stops_the_buying() {
    if std::env::var_os("KBASEFS_LONG").is_none() {
        eprintln!("skipped: a lock is waited for for ten seconds; KBASEFS_LONG is not set");
        return;
    }
    let server = Server::start();
    server.lock().latency = Duration::from_millis(20);
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let child = env.analyze();
    until("some answers", || server.count() >= 8);
    let other = rusqlite::Connection::open(env.path("disk/catalog.sqlite")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    until("a refusal", || {
        env.log().contains("is locked; nothing is analysed")
    });
    assert!(server.count() < PHOTOS);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(analyzed(child), PHOTOS, "{}", env.log());
    assert_eq!((server.count(), env.recorded()), (PHOTOS, PHOTOS));
}

#[test]
fn an_unmount_that_would_lose_answers_is_refused_until_there_is_room() {
    if !can_mount() {
        return;
    }
    let server = Server::start();
    server.lock().latency = Duration::from_millis(300);
    let Some(env) = TestEnv::new(&server) else {
        return;
    };
    let mnt = env.path("mnt");
    std::fs::create_dir(&mnt).unwrap();
    let mounted = env.command(&["mount"]).arg(&mnt).output().unwrap();
    assert!(mounted.status.success(), "{mounted:?}");
    let umount = |args: &[&str]| {
        let mut command = kbasefs(env.home.path(), &[&["umount"], args].concat());
        command.arg(&mnt).output().unwrap()
    };
    let unkept = || {
        let output = env.command(&["status", "--json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        status["unkept_answers"].as_u64().unwrap()
    };
    // An answer is on its way when the last room is taken.
    let mut asked = 0;
    until("an answer that can't be kept", || {
        let photo = mnt.join(format!("all/{asked:02}.png"));
        asked = (asked + 1) % PHOTOS;
        // It takes longer than the question waits.
        let _ = getxattr(photo, "user.kbasefs.description", &mut [0; 4096]);
        env.fill();
        unkept() > 0
    });
    let refused = umount(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("wait to be written"),
        "{said}"
    );
    assert!(said.contains("hint: make room"), "{said}");
    env.make_room();
    until("room", || unkept() == 0);
    let unmounted = umount(&[]);
    assert!(unmounted.status.success(), "{unmounted:?}");
    assert_eq!(env.recorded(), server.count());
}
