//! How much of the machine does the scheduler leave to the analysis itself?
//!
//! Analyses the same files, on two threads each: once bare (read, decode, infer), then with the scheduler (queue, hash, colours,
//! commits to SQLite), decoded in the process and, as `kbasefs analyze` does it, in worker processes, in turns. The photos are
//! those of the folder KBASEFS_BENCH_PHOTOS, else made. Then how long a single picture of 1024 x 768 takes that way.

mod pictures;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::RgbImage;
use kbasefs::analysis::providers::embedded::Embedded;
use kbasefs::analysis::scheduler::{AnalysisResult, Options, Request};
use kbasefs::analysis::{Access, Analyzer, Provider, Scheduler, Subject, preview};
use kbasefs::catalog::{Change, Facts, Format, PhotoId, SourcePath};
use kbasefs::decoding::{Decoders, Limits};
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source_files::{SourceFiles, stat_of};
use kbasefs::store::Store;
use kbasefs::store::sqlite::Sqlite;

const THREADS: usize = 2;
const MADE: usize = 200;
const TURNS: usize = 3;
const DECODE_TIME: Duration = Duration::from_secs(60);

fn main() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let (source, files) = match std::env::var_os("KBASEFS_BENCH_PHOTOS") {
        Some(given) => (PathBuf::from(&given), files_in(Path::new(&given))),
        None => (folder.path().to_owned(), make(folder.path())),
    };
    let analyzer: Arc<dyn Analyzer> =
        Arc::new(Embedded::load().expect("the model inside the program loads"));
    let bare = bare(&files, &*analyzer);
    let turns = (0..TURNS).map(|_| {
        [in_process(), in_workers()]
            .map(|decoders| scheduled(&source, &files, Arc::clone(&analyzer), decoders))
    });
    let sums = turns.fold([0.0; 2], |sum, turn| [sum[0] + turn[0], sum[1] + turn[1]]);
    let [here, apart] = sums.map(|sum| sum / TURNS as f64);
    println!(
        "bare                        {bare:6.2} images/s\n\
         decoded in process          {here:6.2} images/s {:6.1} % of bare\n\
         decoded in worker processes {apart:6.2} images/s {:6.1} % of in process",
        here / bare * 100.0,
        apart / here * 100.0
    );
    let small = folder.path().join("small.jpg");
    let picture = pictures::photo(1024, 768);
    std::fs::write(&small, pictures::jpeg(&picture)).expect("there is room for one more");
    let alone = scheduled(folder.path(), &[small], analyzer, in_workers());
    println!("1024 x 768 {:6.0} ms", 1000.0 / alone);
}

fn in_process() -> Decoders {
    Decoders::in_process(DECODE_TIME)
}

fn in_workers() -> Decoders {
    let program = || Ok(Command::new(env!("CARGO_BIN_EXE_kbasefs")));
    let limits = Limits {
        time: DECODE_TIME,
        file_bytes: 1 << 30,
    };
    Decoders::in_workers(Box::new(program), limits)
}

/// Different pictures of 12 megapixels: one picture, brighter and shifted a little more each time.
fn make(folder: &Path) -> Vec<PathBuf> {
    let first = pictures::photo(4000, 3000);
    let made = Mutex::new(Vec::new());
    on_threads(MADE, |n| {
        let path = folder.join(format!("{n:03}.jpg"));
        let bytes = pictures::jpeg(&variation(&first, n));
        std::fs::write(&path, bytes).expect("there is room for the photos");
        made.lock().expect("no thread panics").push(path);
    });
    made.into_inner().expect("no thread panics")
}

fn variation(picture: &RgbImage, n: usize) -> RgbImage {
    let mut picture = picture.clone();
    picture.rotate_left(n * 30);
    let light = u8::try_from(n % 50).expect("below 50");
    picture
        .iter_mut()
        .for_each(|value| *value = value.saturating_add(light));
    picture
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("KBASEFS_BENCH_PHOTOS is a folder");
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.is_file()).collect()
}

/// Images a second of nothing but reading, decoding and inference.
fn bare(files: &[PathBuf], analyzer: &dyn Analyzer) -> f64 {
    let start = Instant::now();
    on_threads(files.len(), |n| {
        let bytes = std::fs::read(&files[n]).expect("the photos stay");
        let Ok(decoded) = preview::decode(&bytes) else {
            return;
        };
        let facts = Arc::new(Facts::of(Format::Jpeg));
        let subject = Subject::of(Arc::new(decoded.picture), facts);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime without drivers asks nothing of the system");
        runtime
            .block_on(analyzer.analyze(&subject))
            .expect("a decoded picture is analysed");
    });
    rate(files.len(), start.elapsed())
}

/// Images a second by way of the scheduler.
fn scheduled(
    source: &Path,
    files: &[PathBuf],
    analyzer: Arc<dyn Analyzer>,
    decoders: Decoders,
) -> f64 {
    let index = tempfile::tempdir().expect("there is room for an index");
    let store = Sqlite::open(&index.path().join("index.db"), source).expect("a new index opens");
    let store = Arc::new(store);
    let kept = Arc::clone(&store) as Arc<dyn Store>;
    let library = Arc::new(Library::load(kept).expect("an empty index loads"));
    let changes: Vec<_> = files.iter().map(|file| found(source, file)).collect();
    library
        .commit(&changes)
        .expect("there is room for the index");
    let source_files = Arc::new(SourceFiles::open(source).expect("the source is a folder"));
    let provider = Provider::here(analyzer, Access::Listed);
    let options = Options {
        workers: THREADS,
        max_file_bytes: u64::MAX - 1,
        decoders,
        provider_store: store,
        memory: Limit::of(1 << 30),
        remote: None,
    };
    let mut photos = Vec::<PhotoId>::new();
    library
        .index()
        .for_each_photo(&mut |photo| photos.push(photo.id));

    let scheduler = Scheduler::start(library, source_files, vec![provider], options);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers asks nothing of the system");
    let mut failed = 0;
    let request = Request {
        photos,
        ..Request::default()
    };
    let start = Instant::now();
    runtime.block_on(scheduler.analyze_all(request, |_, ended| {
        failed += usize::from(*ended != AnalysisResult::Analyzed);
    }));
    let rate = rate(files.len(), start.elapsed());
    let stages = scheduler.progress().stages;
    let spent = stages
        .named()
        .map(|(name, times)| format!("{name} {:?}", times.sum()));
    println!(
        "{} files, {failed} not analysed; {}",
        files.len(),
        spent.join(", ")
    );
    rate
}

fn found(source: &Path, file: &Path) -> Change {
    let inside = file
        .strip_prefix(source)
        .expect("the file is in the source");
    let metadata = std::fs::metadata(file).expect("the photos stay");
    Change::Found {
        known: None,
        path: SourcePath::new(inside.as_os_str().as_encoded_bytes()),
        stat: stat_of(&metadata),
        facts: Box::new(Facts::of(Format::Jpeg)),
    }
}

/// Does `work` for every number below `count`, on as many threads as the scheduler has workers.
fn on_threads(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    work(n);
                }
            });
        }
    });
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
