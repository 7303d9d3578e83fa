//! What is measured: one row an operation of programs that people use on photos.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{lgetxattr, llistxattr};

use super::collection::Collection;

/// What the caches are like before a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Warm,
    Cold,
}

/// Does something below a folder, and says how long it took.
type Run<'a> = dyn Fn(&Path) -> io::Result<Duration> + 'a;

pub struct Row<'a> {
    pub name: &'static str,
    /// As a multiple of the native time, where nothing else is said.
    pub goal: &'static str,
    pub start: Start,
    pub run: Box<Run<'a>>,
}

impl Row<'_> {
    /// Brings the caches into the state that the row begins with. Cold needs root.
    pub fn prepare(&self, at: &Path) -> io::Result<()> {
        match self.start {
            Start::Cold => {
                rustix::fs::sync();
                fs::write("/proc/sys/vm/drop_caches", "3")
            }
            // Once fills the caches; the second time finds what the first one changed in them.
            Start::Warm => (0..2).try_for_each(|_| (self.run)(at).map(|_| ())),
        }
    }

    /// Whether this process may measure it.
    pub fn may_run(&self) -> bool {
        self.start == Start::Warm || rustix::process::geteuid().is_root()
    }
}

/// Every row, in the order in which they are printed.
pub fn rows(collection: &Collection) -> Vec<Row<'_>> {
    use Start::{Cold, Warm};
    let row = |name, goal, start, run: fn(&Path, &Collection) -> io::Result<()>| Row {
        name,
        goal,
        start,
        run: Box::new(move |at| timed(|| run(at, collection))),
    };
    vec![
        row("list 10,000, warm", "0.3", Warm, |at, _| {
            list(&at.join("tags/many"))
        }),
        row("list 10,000, cold", "0.35", Cold, |at, _| {
            list(&at.join("tags/many"))
        }),
        row("ls -l of it, warm", "0.6", Warm, |at, _| {
            program("ls", &["-l"], &at.join("tags/many"))
        }),
        row("ls -l of it, cold", "0.3", Cold, |at, _| {
            program("ls", &["-l"], &at.join("tags/many"))
        }),
        row("find over the tree, warm", "1.0", Warm, |at, _| {
            program("find", &[], &at.join("all"))
        }),
        row("find over the tree, cold", "1.5", Cold, |at, _| {
            program("find", &[], &at.join("all"))
        }),
        row("stat of 1,000, warm", "1.25", Warm, stat),
        row("stat of 1,000, cold", "1.8", Cold, stat),
        row(
            "open, read, close of 40 KB",
            "1.1 x the floor",
            Warm,
            |at, c| each(at, c, |path| read(path, 1 << 16)),
        ),
        row("sequential, 5 MB each", "1.15", Warm, sequential),
        row("mmap, 5 MB each", "1.15", Warm, mapped),
        row("random 4 KB", "1.2", Warm, random),
        row("getxattr", "1.3 x the floor", Warm, |at, c| {
            each(at, c, |path| get(path, &mut [0; 1024][..]))
        }),
        row("getxattr: probe and get", "3.3", Warm, |at, c| {
            each(at, c, |path| {
                get(path, &mut []).and_then(|()| get(path, &mut [0; 1024][..]))
            })
        }),
        row("listxattr", "1.3 x the floor", Warm, |at, c| {
            each(at, c, |path| {
                Ok(llistxattr(path, &mut [0; 4096][..]).map(|_| ())?)
            })
        }),
        row("8 threads reading", "2.5", Warm, |at, c| {
            threads(at, c, |path| read(path, 1 << 16))
        }),
        row("8 threads stat", "1.8", Warm, |at, c| {
            threads(at, c, |path| path.symlink_metadata().map(|_| ()))
        }),
        row("list a tag of 6,467", "3", Warm, |at, _| {
            list(&at.join("tags/most"))
        }),
        row("and its sub-tags, cold", "20 ms", Cold, |at, _| {
            list(&at.join("tags/most"))
        }),
        row("and a second tag", "3", Warm, |at, _| {
            list(&at.join("tags/most/half"))
        }),
    ]
}

fn timed(run: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn list(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        entry?;
    }
    Ok(())
}

fn program(name: &str, options: &[&str], at: &Path) -> io::Result<()> {
    let mut command = Command::new(name);
    let status = command
        .args(options)
        .arg(at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| io::Error::other("it failed"))
}

/// Does something with each photo of the sample.
fn each(at: &Path, of: &Collection, run: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = at.join("tags/many");
    of.sample
        .iter()
        .try_for_each(|name| run(&folder.join(name)))
}

/// Does it by eight threads, four times over.
fn threads(
    at: &Path,
    of: &Collection,
    run: impl Fn(&Path) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let folder = at.join("tags/many");
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= of.sample.len() * 4 {
                return Ok(());
            }
            run(&folder.join(&of.sample[n % of.sample.len()]))?;
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        all.into_iter()
            .try_for_each(|t| t.join().expect("nothing panics"))
    })
}

fn stat(at: &Path, of: &Collection) -> io::Result<()> {
    each(at, of, |path| path.symlink_metadata().map(|_| ()))
}

fn get(path: &Path, value: &mut [u8]) -> io::Result<()> {
    Ok(lgetxattr(path, "user.xdg.tags", value).map(|_| ())?)
}

fn read(path: &Path, piece: usize) -> io::Result<()> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; piece]);
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn sequential(at: &Path, of: &Collection) -> io::Result<()> {
    let folder = at.join("all");
    of.large
        .iter()
        .try_for_each(|name| read(&folder.join(name), 1 << 17))
}

/// By a program that maps files: this one may not.
fn mapped(at: &Path, of: &Collection) -> io::Result<()> {
    let script = "import mmap, sys\nfor path in sys.argv[1:]:\n with open(path, 'rb') as f, mmap.mmap(f.fileno(), 0, \
                  prot=mmap.PROT_READ) as m:\n  m.find(b'kbasefs mapped every page of this')";
    let folder = at.join("all");
    let paths = of.large.iter().map(|name| folder.join(name));
    let status = Command::new("python3")
        .args(["-c", script])
        .args(paths)
        .status()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| io::Error::other("it failed"))
}

fn random(at: &Path, of: &Collection) -> io::Result<()> {
    let folder = at.join("all");
    let files = of.large.iter().map(|name| File::open(folder.join(name)));
    let files = files.collect::<io::Result<Vec<_>>>()?;
    let pages = fs::metadata(folder.join(&of.large[0]))?.len() / 4096;
    let (mut buffer, mut seed) = ([0; 4096], 1u64);
    for _ in 0..20_000 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let file = &files[(seed >> 33) as usize % files.len()];
        file.read_exact_at(&mut buffer, (seed >> 20) % pages * 4096)?;
    }
    Ok(())
}
