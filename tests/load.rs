//! Sixteen programs at a time on one mount: they walk, archive, copy, read and set attributes, edit tags and change the
//! source, while a server of models fails in every way. Nobody gets an error that the source would not give, and in the end
//! all is as the programs left it. `KBASEFS_LONG=1` goes on for ten minutes; `KBASEFS_PROGRAM` names another build.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kbasefs::fuse::mounts;
use rustix::process::{Pid, Signal, kill_process};

#[path = "common/isolated.rs"]
mod isolated;
#[path = "common/live_mount.rs"]
mod live_mount;
#[path = "remote/server.rs"]
#[allow(dead_code, reason = "made for tests that ask it more")]
mod server;

use isolated::isolated;
use server::{Act, DOG, Server, say, status};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

struct TestEnv {
    folder: tempfile::TempDir,
    server: Server,
}

/// Photos that nobody changes in the source.
const STEADY: usize = 24;

impl TestEnv {
    /// `None` where nothing can be mounted, or a program is missing.
    fn new() -> Option<Self> {
        let programs = ["find", "tar", "rsync", "getfattr", "setfattr", "ln", "rm"];
        let is_there = |name: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(name).exists())
        };
        let missing = programs.iter().find(|name| !is_there(name));
        if missing.is_some() || !Path::new("/dev/fuse").exists() {
            eprintln!("skipped: /dev/fuse or {missing:?} is missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["home/.config/kbasefs", "photos/steady", "mnt", "work"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let env = Self {
            folder,
            server: Server::start(),
        };
        for n in 0..STEADY {
            picture(&env.path(&format!("photos/steady/{n}.png")), n);
        }
        env.server.usual(say(DOG));
        env.server.next(faults().cycle().take(100_000));
        let settings = format!(
            "retry_delay = 0.1\n[[provider]]\nname = \"desk\"\nkind = \"openai\"\nmodel = \"m\"\non = \"listed\"\nurl = \"{}/v1\"\n",
            env.server.url
        );
        fs::write(env.path("home/.config/kbasefs/config.toml"), settings).unwrap();
        Some(env)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mount(&self) -> TestDaemon {
        let program = std::env::var_os("KBASEFS_PROGRAM");
        let program = Command::new(program.unwrap_or(env!("CARGO_BIN_EXE_kbasefs").into()));
        let mut command = isolated(program, &self.path("home"));
        command.args(["mount", "-f"]);
        command.args([self.path("photos"), self.path("mnt")]);
        let (child, _log) = live_mount::start(&mut command).unwrap_or_else(|said| panic!("{said}"));
        TestDaemon(child)
    }

    fn run<A: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) -> Output {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").current_dir(self.path("mnt"));
        command.args(args).output().unwrap()
    }

    /// What must work as it does in any folder.
    fn must(&self, program: &str, args: &[&str]) -> String {
        let output = self.run(program, args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What walks while others change things may miss what is gone, and see a change half-way, as it would in the source:
    /// a file that gets shorter, a value that gets longer between two calls. `find` looks at a folder again when it has
    /// opened it; when two of them are gone by then, on any file system, it takes one nothing for the other, and for a loop.
    fn walk(&self, program: &str, args: &[&str]) {
        const USUAL: [&str; 13] = [
            "No such file or directory",
            "File system loop detected",
            "file changed as we read it",
            "File shrank by",
            "File removed before we read it",
            "Numerical result out of range",
            "xattr",
            "has vanished",
            "some files vanished",
            "No data available",
            "No such attribute",
            "failed verification -- update discarded",
            "Exiting with failure status due to previous errors",
        ];
        let output = self.run(program, args);
        let said = String::from_utf8_lossy(&output.stderr);
        let is_usual = |line: &str| USUAL.iter().any(|usual| line.contains(usual)) || is_sum(line);
        let unusual: Vec<_> = said.lines().filter(|line| !is_usual(line)).collect();
        assert!(unusual.is_empty(), "{program}: {unusual:#?}");
    }

    /// Waits for what shows in the mount.
    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{what}");
            std::thread::yield_now();
        }
    }
}

/// What rsync says at the end of what it said before, and empty lines of it.
fn is_sum(line: &str) -> bool {
    line.is_empty()
        || line.starts_with("rsync error: some files")
        || line.starts_with("rsync warning:")
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        // A test that failed leaves it.
        let _ = mounts::detach(&self.path("mnt"));
    }
}

/// A mount's process; killed when dropped.
struct TestDaemon(Child);

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// MiB that are no files'.
    memory: u64,
    files: usize,
}

impl TestDaemon {
    fn held(&self) -> Held {
        let of = |name: &str| PathBuf::from(format!("/proc/{}/{name}", self.0.id()));
        let status = fs::read_to_string(of("status")).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"));
        let kilobytes = line.and_then(|l| l.split_whitespace().next());
        Held {
            memory: kilobytes.unwrap().parse::<u64>().unwrap() >> 10,
            files: fs::read_dir(of("fd")).unwrap().count(),
        }
    }
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        // Most have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every other answer is of no use, each in its own way.
fn faults() -> impl Iterator<Item = Act> + Clone {
    let busy = Act::Status(429, "{}".into(), Some(("Retry-After", "0".into())));
    let acts = [
        status(500),
        say(DOG),
        busy,
        say("nonsense"),
        say(DOG),
        Act::Cut(DOG[..40].into()),
        Act::Break,
        say(DOG),
        Act::Raw("<html>".into()),
        say(DOG),
    ];
    acts.into_iter()
}

/// A picture that no other number has.
fn picture(path: &Path, n: usize) {
    let mut noise = blake3::Hasher::new()
        .update(&n.to_le_bytes())
        .finalize_xof();
    let mut image = image::RgbImage::new(48, 32);
    noise.fill(&mut image);
    // Written under another name and renamed, as programs do that care.
    let half = path.with_extension("part");
    image
        .save_with_format(&half, image::ImageFormat::Png)
        .unwrap();
    fs::rename(half, path).unwrap();
}

/// How long the programs go on.
#[derive(Clone, Copy)]
enum Length {
    Rounds(usize),
    Until(Instant),
}

impl Length {
    fn rounds(self) -> impl Iterator<Item = usize> {
        (0..).take_while(move |&round| match self {
            Self::Rounds(rounds) => round < rounds,
            Self::Until(end) => Instant::now() < end,
        })
    }
}

/// Sets the tags of photos that are its own; gives what it set last.
fn label(env: &TestEnv, worker: usize, length: Length) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    for round in length.rounds() {
        let photo = format!("all/steady/{}.png", worker * 3 + round % 3);
        let tags = format!("round {round},worker {worker}");
        env.must("setfattr", &["-n", "user.xdg.tags", "-v", &tags, &photo]);
        let read = env.must(
            "getfattr",
            &["--only-values", "-n", "user.xdg.tags", &photo],
        );
        assert_eq!(own(&read), own(&tags), "{photo}");
        set.insert(photo, tags);
    }
    set
}

/// The tags that these programs set; models may add some of theirs at any time.
fn own(tags: &str) -> BTreeSet<&str> {
    let is_own = |tag: &&str| tag.starts_with("round") || tag.starts_with("worker");
    tags.split(',').filter(is_own).collect()
}

/// Puts photos into a tag and takes them out; gives those that are in it.
fn tag(env: &TestEnv, worker: usize, length: Length) -> BTreeSet<String> {
    let folder = format!("tags/shelf {worker}");
    let mut inside = BTreeSet::new();
    env.must("mkdir", &[&folder]);
    for round in length.rounds() {
        let name = format!("{}.png", 12 + (round * 5 + worker) % (STEADY - 12));
        let linked = format!("{folder}/{name}");
        if inside.remove(&name) {
            env.must("rm", &[&linked]);
        } else {
            env.must("ln", &[&format!("all/steady/{name}"), &linked]);
            inside.insert(name);
        }
    }
    inside
}

/// Adds, replaces, renames and deletes photos in the source; gives which picture is where.
fn churn(env: &TestEnv, worker: usize, length: Length) -> BTreeMap<String, usize> {
    let folder = env.path(&format!("photos/churn {worker}"));
    fs::create_dir(&folder).unwrap();
    let mut there = BTreeMap::new();
    for round in length.rounds() {
        let name = |n: usize| format!("{}.png", n % 7);
        let look = (worker + 1) * 1_000_000 + round;
        match round % 5 {
            0..=2 => {
                picture(&folder.join(name(round)), look);
                there.insert(name(round), look);
            }
            3 => {
                if let Some((from, look)) = there.pop_first() {
                    let to = format!("moved {from}");
                    fs::rename(folder.join(&from), folder.join(&to)).unwrap();
                    there.insert(to, look);
                }
            }
            _ => {
                if let Some((name, _)) = there.pop_last() {
                    fs::remove_file(folder.join(name)).unwrap();
                }
            }
        }
    }
    there
}

/// What the programs left.
#[derive(Default)]
struct Left {
    labels: BTreeMap<String, String>,
    shelves: BTreeMap<usize, BTreeSet<String>>,
    churned: BTreeMap<usize, BTreeMap<String, usize>>,
}

/// Sixteen programs, of which each waits for nobody.
fn run_all(env: &TestEnv, length: Length) -> Left {
    let left = Mutex::<Left>::default();
    let work = env.path("work");
    let at = |name: &str| work.join(name).to_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        let again = |program: &'static str, args: Vec<String>| {
            scope.spawn(move || {
                let args: Vec<_> = args.iter().map(String::as_str).collect();
                length
                    .rounds()
                    .step_by(4)
                    .for_each(|_| env.walk(program, &args));
            });
        };
        let words = |list: &str| list.split(' ').map(str::to_owned).collect::<Vec<_>>();
        again("find", words("."));
        again("find", words("all tags by-date -type f -size +0"));
        again("find", words(". -name *.png -newer all -ls"));
        again(
            "tar",
            [words("-cf"), vec![at("all.tar")], words("all")].concat(),
        );
        again(
            "tar",
            [
                words("--xattrs -cf"),
                vec![at("tags.tar")],
                words("tags descriptions"),
            ]
            .concat(),
        );
        again(
            "rsync",
            [words("-a --delete all/"), vec![at("copy")]].concat(),
        );
        again(
            "rsync",
            [words("-aX --delete recent/"), vec![at("recent")]].concat(),
        );
        again("getfattr", words("-R -d -m - all"));
        again("getfattr", words("-R -d -m user.kbasefs.status all"));
        let left = &left;
        for worker in 0..3 {
            scope.spawn(move || {
                let set = label(env, worker, length);
                left.lock().unwrap().labels.extend(set);
            });
        }
        for worker in 0..2 {
            scope.spawn(move || {
                let inside = tag(env, worker, length);
                left.lock().unwrap().shelves.insert(worker, inside);
            });
            scope.spawn(move || {
                let there = churn(env, worker, length);
                left.lock().unwrap().churned.insert(worker, there);
            });
        }
    });
    left.into_inner().unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

impl Left {
    fn check(&self, env: &TestEnv) {
        for (photo, tags) in &self.labels {
            let read = env.must("getfattr", &["--only-values", "-n", "user.xdg.tags", photo]);
            assert_eq!(own(&read), own(tags), "{photo}");
        }
        for (worker, inside) in &self.shelves {
            let folder = env.path(&format!("mnt/tags/shelf {worker}"));
            let is_photo = |name: &String| name.ends_with(".png");
            env.until("a shelf", || {
                let shown: BTreeSet<_> = names(&folder).into_iter().filter(is_photo).collect();
                shown == *inside
            });
        }
        for (worker, there) in &self.churned {
            let folder = |top: &str| env.path(&format!("{top}/churn {worker}"));
            let expected: BTreeSet<_> = there.keys().cloned().collect();
            env.until("the source", || names(&folder("mnt/all")) == expected);
            for name in there.keys() {
                let original = fs::read(folder("photos").join(name)).unwrap();
                let shown = || fs::read(folder("mnt/all").join(name)).ok();
                env.until(name, || shown().as_ref() == Some(&original));
            }
        }
    }
}

#[test]
fn sixteen_programs_at_a_time_get_along() {
    let Some(env) = TestEnv::new() else { return };
    let mut daemon = env.mount();
    let before = daemon.held();
    let halves = match std::env::var_os("KBASEFS_LONG") {
        None => [Length::Rounds(12), Length::Rounds(0)],
        Some(_) => {
            let half = Duration::from_secs(300);
            [half, half * 2].map(|end| Length::Until(Instant::now() + end))
        }
    };
    let first = run_all(&env, halves[0]);
    first.check(&env);
    let middle = daemon.held();
    if let Length::Until(_) = halves[1] {
        for n in 0..2 {
            fs::remove_dir_all(env.path(&format!("photos/churn {n}"))).unwrap();
            env.run("rm", ["-r", &format!("tags/shelf {n}")]);
        }
        run_all(&env, halves[1]).check(&env);
    }
    let after = daemon.held();
    println!(
        "{before:?} {middle:?} {after:?}, {} requests to the server",
        env.server.count()
    );
    // What is kept open and at hand has a bound, which the first half reaches.
    assert!(after.files <= middle.files + 16, "{middle:?} {after:?}");
    assert!(
        after.memory <= middle.memory + middle.memory / 4,
        "{middle:?} {after:?}"
    );
    kill_process(Pid::from_child(&daemon.0), Signal::TERM).unwrap();
    assert!(daemon.0.wait().unwrap().success());
}
