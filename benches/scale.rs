//! What does a large catalog cost: how long until it answers, how long a listing takes, how much memory?
//!
//! Fills an index with made-up photos (no files are needed), then a process of its own mounts it, as a daemon would.
//! `cargo bench --bench scale -- 1000000` for a million; 100,000 without a number. To fill takes minutes: KBASEFS_BENCH_DATA
//! names a folder that keeps what was filled for the next time.

mod synthetic;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kbasefs::analysis::{Crawlers, Scheduler};
use kbasefs::fuse::{self, MountOptions, MountTarget};
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source_files::SourceFiles;
use kbasefs::store::Store;
use kbasefs::store::sqlite::Sqlite;
use kbasefs::vfs::{Options, Tree};

const PHOTOS: u32 = 100_000;
/// Photos of one commit.
const BATCH: usize = 1000;
/// Beside an index that is complete.
const FILLED: &str = "filled";
/// Says to a process that it is to mount, and what.
const SERVE: &str = "KBASEFS_BENCH_SERVE";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    if let Some(work) = std::env::var_os(SERVE) {
        return serve(Path::new(&work));
    }
    let number = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let photos = number.unwrap_or(PHOTOS);
    let scratch = tempfile::tempdir()?;
    let kept = std::env::var_os("KBASEFS_BENCH_DATA").map(PathBuf::from);
    let place = kept.unwrap_or_else(|| scratch.path().to_owned());
    let work = place.join(format!("{photos}-photos"));
    fs::create_dir_all(work.join("source"))?;
    fs::create_dir_all(work.join("mount"))?;
    if !work.join(FILLED).exists() {
        fill(&work, photos)?;
        fs::write(work.join(FILLED), "")?;
    }
    let mut daemon = Command::new(std::env::current_exe()?);
    let ended = daemon.env(SERVE, work).status()?;
    ended
        .success()
        .then_some(())
        .ok_or_else(|| "the mount failed".into())
}

fn index(work: &Path) -> PathBuf {
    work.join("catalog.sqlite")
}

fn fill(work: &Path, photos: u32) -> Result<()> {
    let store = Sqlite::open(&index(work), &work.join("source"))?;
    let start = Instant::now();
    let numbers: Vec<u32> = (0..photos).collect();
    for batch in numbers.chunks(BATCH) {
        let both = |&number| {
            let found = std::iter::once(synthetic::found(number));
            found.chain(synthetic::analyzed(number))
        };
        store.commit(&batch.iter().flat_map(both).collect::<Vec<_>>())?;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{photos} photos found and analysed {:7.0} a second",
        f64::from(photos) / seconds
    );
    println!(
        "index                {:10.1} MiB",
        mebibytes(store.size_bytes()?)
    );
    Ok(())
}

fn serve(work: &Path) -> Result<()> {
    let start = Instant::now();
    let source = work.join("source");
    let store = Sqlite::open(&index(work), &source)?;
    let library = Arc::new(Library::unloaded(Arc::new(store)));
    let source_files = Arc::new(SourceFiles::open(&source)?);
    let runtime = tokio::runtime::Runtime::new()?;
    let mountpoint = work.join("mount");
    let mounted = fuse::mount(
        Arc::new(tree(&library)),
        library.clone(),
        source_files,
        MountTarget::Folder(mountpoint.clone()),
        &MountOptions::default(),
        runtime.handle().clone(),
    )?;
    mountpoint.metadata()?;
    show("live after mount", start.elapsed());
    library.fill()?;
    show("loaded", start.elapsed());
    println!("memory               {:10.1} MiB", resident()?);
    list(&mountpoint.join("by-type/jpeg"))?;
    list(&mountpoint.join("tags").join(synthetic::tag(0)))?;
    println!("memory after listing {:10.1} MiB", resident()?);
    mounted.unmount()?;
    Ok(())
}

fn tree(library: &Arc<Library>) -> Tree {
    let options = Options {
        facet_depth: 2,
        xattr_wait: Duration::ZERO,
        first_results_wait: Duration::ZERO,
        owner: (0, 0),
        spool: std::env::temp_dir(),
        catalog: Default::default(),
    };
    let (scheduler, crawlers) = (Scheduler::idle(library.clone()), Arc::<Crawlers>::default());
    let memory = Limit::of(1 << 30);
    Tree::new(library.clone(), scheduler, crawlers, &memory, options)
}

/// As `ls -f` does, twice.
fn list(folder: &Path) -> Result<()> {
    for time in ["first", "again"] {
        let start = Instant::now();
        let mut entries = folder.read_dir()?;
        entries.next().ok_or("an empty folder")??;
        let first = start.elapsed();
        let count = entries.count() + 1;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        println!("{name:8} {time}: {count} entries");
        show("  the first entry", first);
        show("  all of them", start.elapsed());
    }
    Ok(())
}

fn show(what: &str, time: Duration) {
    println!("{what:20} {:10.3} s", time.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// MiB of this process.
fn resident() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap_or_default()
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(mebibytes(kib * 1024))
}
