//! How long does it take until a folder is browsable, what does the next scan cost, and how long does an edit wait
//! meanwhile?
//!
//! Scans the folder named by `KBASEFS_BENCH_PHOTOS`, or 10,000 small files made for it, into a new catalog and once more.
//! Then 10,000 files that are all the same: what they cost more is a ratio, and one model answers for all of them. Last, a tag
//! that all photos have is renamed. `cargo bench --bench scan -- 100000` for more.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kbasefs::catalog::{Act, Actor, Analysis, Answer, Change, Deed, Edit, PhotoId, Role};
use kbasefs::library::Library;
use kbasefs::source::{Options, Report, Sync};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::sqlite::Sqlite;

const FILES: u32 = 10_000;
const FILES_A_FOLDER: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let number = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let files = number.unwrap_or(FILES);
    let work = tempfile::tempdir()?;
    let photos = match std::env::var_os("KBASEFS_BENCH_PHOTOS") {
        Some(folder) => PathBuf::from(folder),
        None => make_photos(&work.path().join("photos"), files, u32::to_be_bytes)?,
    };
    let various = scan(&photos, &work.path().join("various.sqlite"))?;
    if std::env::var_os("KBASEFS_BENCH_PHOTOS").is_none() {
        let copies = make_photos(&work.path().join("copies"), files, |_| [0; 4])?;
        println!("all files the same:");
        let same = scan(&copies, &work.path().join("same.sqlite"))?;
        let ratio = same.as_secs_f64() / various.as_secs_f64();
        println!("{files} copies take {ratio:.2} x of {files} different files (goal 1.5)");
        learn(&copies, &work.path().join("same.sqlite"))?;
        rename(&photos, &work.path().join("various.sqlite"))?;
    }
    Ok(())
}

/// Scans a folder into a new catalog while somebody edits; gives how long the first scan and the hashing took.
fn scan(photos: &Path, catalog: &Path) -> Result<Duration, Box<dyn Error>> {
    let store = Sqlite::open(catalog, photos)?;
    let library = Arc::new(Library::load(Arc::new(store))?);
    let source_files = Arc::new(SourceFiles::open(photos)?);
    let sync = Sync::new(library.clone(), source_files, Options::default());
    let stop = AtomicBool::new(false);
    let begun = Instant::now();
    let (took, longest) = thread::scope(|scope| {
        let editing = scope.spawn(|| longest_wait(&library, &stop));
        let scanned = scan_and_hash(&sync);
        let took = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        let longest = editing.join().expect("nothing panics");
        scanned.map(|()| (took, longest))
    })?;
    println!("longest wait of an edit meanwhile: {longest:.1?} (goal 50 ms)");
    show("rescan", &sync.scan(&AtomicBool::new(false))?);
    Ok(took)
}

/// One answer about all copies.
fn learn(photos: &Path, catalog: &Path) -> Result<(), Box<dyn Error>> {
    let library = Library::load(Arc::new(Sqlite::open(catalog, photos)?))?;
    let first = library.index().all().min().ok_or("no photos")?;
    let photo = library.index().photo(PhotoId(first)).ok_or("no photo")?;
    let analysis = Analysis {
        hash: photo.hash.ok_or("no hash")?,
        stat: photo.stat,
        analyzer: "bench".into(),
        model: "m".into(),
        version: "1".into(),
        remote: false,
        answer: Answer {
            title: Some("A harbour".into()),
            description: Some("Boats in a harbour".into()),
            tags: Vec::new(),
        },
    };
    let (id, analysis) = (photo.id, Box::new(analysis));
    let analyzed = Change::Analyzed { id, analysis };
    let (took, longest) = edited_meanwhile(&library, || Ok(library.commit(&[analyzed])?))?;
    println!(
        "an answer about all copies: {took:.1?}, longest wait of an edit meanwhile {longest:.1?}"
    );
    Ok(())
}

/// As `mv tags/a tags/b` does.
fn rename(photos: &Path, catalog: &Path) -> Result<(), Box<dyn Error>> {
    let library = Library::load(Arc::new(Sqlite::open(catalog, photos)?))?;
    let each = |edit: Edit| {
        let ids = library.index().all().into_iter().map(PhotoId);
        ids.map(move |id| Deed::Edit(id, vec![edit.clone()]))
            .collect()
    };
    let act = |deeds| Act {
        by: Actor::default(),
        words: "rename".into(),
        role: Role::New,
        deeds,
    };
    library.act(act(each(Edit::Tag("harbour".into()))))?;
    let renames = act(each(Edit::Rename("harbour".into(), "port".into())));
    let rename = || Ok(library.act(renames).map(drop)?);
    let (took, longest) = edited_meanwhile(&library, rename)?;
    println!(
        "a tag of all photos renamed: {took:.1?}, longest wait of an edit meanwhile {longest:.1?}"
    );
    Ok(())
}

/// How long work takes, and how long an edit waits at most meanwhile.
fn edited_meanwhile(
    library: &Library,
    work: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<(Duration, Duration), Box<dyn Error>> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let editing = scope.spawn(|| longest_wait(library, &stop));
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        let longest = editing.join().expect("nothing panics");
        done.map(|()| (took, longest))
    })
}

fn scan_and_hash(sync: &Sync) -> Result<(), Box<dyn Error>> {
    let stop = AtomicBool::new(false);
    show("first scan", &sync.scan(&stop)?);
    let began = Instant::now();
    let hashed = sync.hash_candidates(&stop)?;
    println!(
        "hashing: {hashed} files in {:.2} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Makes tags until it is told to stop.
fn longest_wait(library: &Library, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let begun = Instant::now();
        let act = Act {
            by: Actor::default(),
            words: "make".into(),
            role: Role::New,
            deeds: vec![Deed::Make(format!("tag {number}"))],
        };
        library.act(act).expect("there is room");
        longest = longest.max(begun.elapsed());
        // As a program that edits: it is to meet every commit of the scan, and not to be most of the work itself.
        thread::sleep(Duration::from_millis(5));
    }
    longest
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn show(what: &str, report: &Report) {
    println!(
        "{what}: {} files, {} photos in {:.2} s: {:.0} files/s, {} opened, {:.0} bytes read each",
        report.files_seen,
        report.photos,
        report.seconds,
        report.files_seen as f64 / report.seconds,
        report.opened,
        report.bytes_read as f64 / report.opened.max(1) as f64,
    );
}

fn make_photos(
    folder: &Path,
    files: u32,
    color: impl Fn(u32) -> [u8; 4],
) -> Result<PathBuf, Box<dyn Error>> {
    for number in 0..files {
        let folder = folder.join((number / FILES_A_FOLDER).to_string());
        fs::create_dir_all(&folder)?;
        let [_, r, g, b] = color(number);
        let pixels = image::RgbImage::from_pixel(64, 48, image::Rgb([r, g, b]));
        pixels.save(folder.join(format!("IMG_{number:05}.jpg")))?;
    }
    Ok(folder.into())
}
