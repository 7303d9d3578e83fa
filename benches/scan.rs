//! How long does it take until a folder is browsable, and what does the next scan cost?
//!
//! Scans the folder named by `KBASEFS_BENCH_PHOTOS`, or 10,000 small files made for it, into a new catalog and once more.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::library::Library;
use kbasefs::source::{Options, Report, Sync};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::sqlite::Sqlite;

const FILES: u32 = 10_000;
const FILES_A_FOLDER: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let work = tempfile::tempdir()?;
    let photos = match std::env::var_os("KBASEFS_BENCH_PHOTOS") {
        Some(folder) => PathBuf::from(folder),
        None => make_photos(&work.path().join("photos"))?,
    };
    let store = Sqlite::open(&work.path().join("catalog.sqlite"), &photos)?;
    let library = Arc::new(Library::load(Arc::new(store))?);
    let source_files = Arc::new(SourceFiles::open(&photos)?);
    let sync = Sync::new(library, source_files, Options::default());
    let stop = AtomicBool::new(false);
    show("first scan", &sync.scan(&stop)?);
    show("rescan", &sync.scan(&stop)?);
    let began = std::time::Instant::now();
    let hashed = sync.hash_candidates(&stop)?;
    println!(
        "hashing: {hashed} files in {:.2} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
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

fn make_photos(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    for number in 0..FILES {
        let folder = folder.join((number / FILES_A_FOLDER).to_string());
        fs::create_dir_all(&folder)?;
        let [_, r, g, b] = number.to_be_bytes();
        let pixels = image::RgbImage::from_pixel(64, 48, image::Rgb([r, g, b]));
        pixels.save(folder.join(format!("IMG_{number:05}.jpg")))?;
    }
    Ok(folder.into())
}
