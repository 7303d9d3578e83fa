//! How a mount's process lives and ends: signals, kills, systemd.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kbasefs::fuse::mounts;
use rustix::process::{Pid, Signal, kill_process};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// `None` where nothing can be mounted.
    fn new() -> Option<Self> {
        if !Path::new("/dev/fuse").exists() {
            eprintln!("skipped: /dev/fuse is missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "photos", "mnt"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let house = Self { folder };
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([1, 2, 3]));
        picture.save(house.path("photos/a.png")).unwrap();
        Some(house)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        self.alone(Command::new(env!("CARGO_BIN_EXE_kbasefs")))
    }

    /// With no settings but this house's.
    fn alone(&self, mut command: Command) -> Command {
        let ours = |name: &str| name.starts_with("XDG_") || name.starts_with("KBASEFS_");
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("HOME", self.path("home"));
        command
    }

    /// Mounts in the foreground; live when this returns.
    fn mount(&self, prepare: impl FnOnce(&mut Command)) -> Daemon {
        self.mount_by(self.command(), prepare)
    }

    fn mount_by(&self, mut command: Command, prepare: impl FnOnce(&mut Command)) -> Daemon {
        command
            .args(["mount", "-f"])
            .args([self.path("photos"), self.path("mnt")]);
        prepare(command.stderr(Stdio::piped()));
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains("is mounted on") {
            assert!(log.read_line(&mut text).unwrap() > 0, "{text}");
        }
        let rest = std::thread::spawn(move || {
            log.read_to_string(&mut text).unwrap();
            text
        });
        Daemon {
            child,
            rest: Some(rest),
        }
    }

    fn mounted(&self) -> Option<mounts::MountInfo> {
        mounts::at(&self.path("mnt"))
    }

    fn until_unmounted(&self) {
        let began = Instant::now();
        while self.mounted().is_some() {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.mounted());
            std::thread::yield_now();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Most tests have unmounted.
        let _ = mounts::detach(&self.path("mnt"));
    }
}

/// A mount's process; killed when dropped.
struct Daemon {
    child: Child,
    rest: Option<std::thread::JoinHandle<String>>,
}

impl Daemon {
    fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    /// Waits for its end: how it ended, and its log.
    fn end(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.rest.take().unwrap().join().unwrap())
    }

    fn children(&self) -> Vec<u32> {
        let tasks = format!("/proc/{}/task", self.child.id());
        let tasks = std::fs::read_dir(tasks).unwrap().map(Result::unwrap);
        let lists = tasks.map(|t| std::fs::read_to_string(t.path().join("children")).unwrap());
        let all: Vec<_> = lists.collect();
        all.iter()
            .flat_map(|l| l.split_whitespace())
            .map(|p| p.parse().unwrap())
            .collect()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap()).unwrap()
}

#[test]
fn a_signal_unmounts_and_ends_well() {
    let Some(house) = House::new() else { return };
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut daemon = house.mount(|_| ());
        daemon.signal(signal);
        let (status, log) = daemon.end();
        assert!(status.success(), "{log}");
        assert_eq!(house.mounted(), None);
        assert!(log.ends_with("unmounted\n"), "{log}");
    }
}

#[test]
fn a_signal_ends_also_a_mount_in_use() {
    let Some(house) = House::new() else { return };
    let mut daemon = house.mount(|_| ());
    let _open = std::fs::File::open(house.path("mnt/all")).unwrap();
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("still in use"), "{log}");
    assert_eq!(house.mounted(), None);
}

#[test]
fn a_killed_process_leaves_no_dead_mount() {
    let Some(house) = House::new() else { return };
    for _ in 0..3 {
        let mut daemon = house.mount(|_| ());
        daemon.signal(Signal::KILL);
        assert!(!daemon.end().0.success());
        house.until_unmounted();
    }
    let mut daemon = house.mount(|_| ());
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

#[test]
fn a_dead_mount_is_taken_away_by_the_next() {
    let Some(house) = House::new() else { return };
    let mut daemon = house.mount(|_| ());
    let guards = daemon.children();
    assert_eq!(guards.len(), 1);
    kill_process(pid(guards[0]), Signal::KILL).unwrap();
    daemon.signal(Signal::KILL);
    daemon.end();
    assert!(house.mounted().unwrap().dead);
    let mut next = house.mount(|_| ());
    assert!(house.path("mnt/all/a.png").exists());
    next.signal(Signal::TERM);
    assert!(next.end().0.success());
    assert_eq!(house.mounted(), None);
}

#[test]
fn systemd_is_told_when_it_is_live_that_it_answers_and_when_it_ends() {
    let Some(house) = House::new() else { return };
    let socket = UnixDatagram::bind(house.path("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut text = [0; 64];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut daemon = house.mount(|command| {
        command.env("NOTIFY_SOCKET", house.path("notify"));
        command.env("WATCHDOG_USEC", "20000");
    });
    assert_eq!(next(), "READY=1");
    assert_eq!([next(), next()], ["WATCHDOG=1", "WATCHDOG=1"]);
    daemon.signal(Signal::TERM);
    while next() != "STOPPING=1" {}
    assert!(daemon.end().0.success());
}

#[test]
fn the_log_can_be_json() {
    let Some(house) = House::new() else { return };
    let mut daemon = house.mount(|command| {
        command.env("KBASEFS_LOG_FORMAT", "json");
    });
    daemon.signal(Signal::TERM);
    let (_, log) = daemon.end();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["timestamp"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    assert!(log.lines().count() >= 3);
}

#[test]
fn the_doctor_looks_at_the_system_and_at_a_mount() {
    let Some(house) = House::new() else { return };
    let mut daemon = house.mount(|_| ());
    let mut doctor = house.command();
    let output = doctor
        .arg("doctor")
        .arg(house.path("mnt"))
        .arg("--json")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of = |what: &str| findings.iter().find(|f| f["what"] == what).unwrap();
    for what in [
        "kernel",
        "fuse",
        "open files",
        "watches",
        "mount",
        "provider",
        "index",
        "source",
    ] {
        assert!(of(what)["message"].is_string(), "{what}");
    }
    assert_eq!(
        (&of("index")["state"], &of("source")["state"]),
        (&"ok".into(), &"ok".into())
    );
    assert!(
        findings
            .iter()
            .all(|f| (f["state"] == "ok") == f["hint"].is_null())
    );
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

/// Waits for what the mount shows.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// A process that is stopped takes no events in, and the system keeps only so many.
#[test]
fn what_happens_while_nobody_listens_shows_all_the_same() {
    let Some(house) = House::new() else { return };
    let kept = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let kept: usize = kept.trim().parse().unwrap();
    let mut daemon = house.mount(|_| ());
    until("the first", || count(&house.path("mnt/all")) == 1);
    daemon.signal(Signal::STOP);
    std::fs::write(house.path("photos/b.txt"), "no picture").unwrap();
    for n in 0..=kept.min(100_000) {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        let name = ["photos/a.png", "photos/b.txt"][n % 2];
        std::fs::set_permissions(house.path(name), mode).unwrap();
    }
    for n in 0..2_000_u32 {
        let [_, r, g, b] = n.to_be_bytes();
        let picture = image::RgbImage::from_pixel(2, 2, image::Rgb([r, g, b]));
        picture
            .save(house.path(&format!("photos/{n}.bmp")))
            .unwrap();
    }
    daemon.signal(Signal::CONT);
    until("all of them", || count(&house.path("mnt/all")) == 2_001);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.end();
    assert!(status.success());
    assert!(log.contains("more happened in the source than the system keeps") || kept > 100_000);
}

/// From the end of a change in the source until programs see it in every view. `KBASEFS_LONG=1` makes 200 changes.
#[test]
fn a_change_of_the_source_shows_in_every_view() {
    let Some(house) = House::new() else { return };
    let changes: u8 = match std::env::var_os("KBASEFS_LONG") {
        Some(_) => 200,
        None => 4,
    };
    let mut daemon = house.mount(|_| ());
    let views = ["all", "recent", "by-type/png"].map(|view| house.path("mnt").join(view));
    let shown = |name: &str| {
        let has = |view: &&PathBuf| {
            let mut all = std::fs::read_dir(view).into_iter().flatten();
            all.any(|entry| entry.is_ok_and(|e| e.file_name() == name))
        };
        views.iter().filter(has).count()
    };
    until("the first", || shown("a.png") == 3);
    let mut took = Vec::new();
    for n in 0..changes {
        let (name, before) = (format!("{n}.png"), format!("{}.png", n.wrapping_sub(1)));
        let picture = image::RgbImage::from_pixel(9, 9, image::Rgb([n, 9, 9]));
        picture.save(house.path("photos").join(&name)).unwrap();
        let began = Instant::now();
        until("a new file", || shown(&name) == 3);
        took.push(began.elapsed());
        if n > 0 {
            std::fs::remove_file(house.path("photos").join(&before)).unwrap();
            let began = Instant::now();
            until("a deletion", || shown(&before) == 0);
            took.push(began.elapsed());
        }
    }
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "{} changes show after: p50 {:?}, p99 {:?}, at most {:?}",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    daemon.signal(Signal::TERM);
    assert!(daemon.end().0.success());
}

/// By the kernel itself, and by READ requests, which it must be when reads may start an analysis.
#[test]
fn more_files_may_be_open_than_the_process_may_have_descriptors() {
    const FILES: usize = 10_000;
    let Some(house) = House::new() else { return };
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limits.maximum,
        ..limits
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    for n in 0..FILES {
        std::fs::write(house.path(&format!("photos/{n}.jpg")), format!("photo {n}")).unwrap();
    }
    for on in ["asked", "read"] {
        let settings = house.path("home/config.toml");
        std::fs::write(&settings, format!("[embedded]\non = \"{on}\"\n")).unwrap();
        let mut few = house.alone(Command::new("sh"));
        few.args(["-c", "ulimit -n 1024 && exec \"$0\" --config \"$@\""]);
        few.arg(env!("CARGO_BIN_EXE_kbasefs")).arg(settings);
        let mut daemon = house.mount_by(few, |_| ());
        let path = |n: usize| house.path(&format!("mnt/all/{n}.jpg"));
        until("all of them", || count(&house.path("mnt/all")) > FILES);
        let mut open: Vec<_> = (0..FILES)
            .map(|n| std::fs::File::open(path(n)).unwrap())
            .collect();
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", daemon.child.id()));
        let descriptors = descriptors.unwrap().count();
        assert!(descriptors < 1024, "{on}: {descriptors}");
        for (n, file) in open.iter_mut().enumerate() {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("photo {n}"), "{on}");
        }
        drop(open);
        daemon.signal(Signal::TERM);
        assert!(daemon.end().0.success());
    }
}
