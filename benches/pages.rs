//! How long does the web page take, and what does it send and keep in memory?
//!
//! A catalog of made-up photos (100,000 without a number; the files of a few are there), `kbasefs serve` as people start
//! it: how long until the first byte of a page comes, one after the other; how many bytes come, compressed; how many
//! pages a second for eight who ask at a time; small pictures a second, made and from the disk; memory when every photo
//! was on a page. `cargo bench --bench pages -- 10000` for fewer. KBASEFS_BENCH_DATA names a folder that keeps what was
//! filled for the next time.

mod pictures;
mod site;
mod synthetic;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use kbasefs::store::Store;
use kbasefs::store::sqlite::Sqlite;
use site::Site;

const PHOTOS: u32 = 100_000;
/// Of which there is a file.
const FILES: u32 = 64;
/// Photos of one commit.
const BATCH: usize = 1000;
/// Beside an index that is complete.
const FILLED: &str = "filled";
/// How often a page is asked for by one.
const TIMES: usize = 40;
/// Who ask at a time.
const CLIENTS: usize = 8;
/// How often they ask, all together.
const REQUESTS: usize = 400;

const PAGES: [(&str, &str); 3] = [
    ("home", "/"),
    ("1,000 photos", "/?n=1000"),
    ("search", "/?q=sunset"),
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    kbasefs::app::ready_tls();
    let number = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let photos = number.unwrap_or(PHOTOS);
    let scratch = tempfile::tempdir()?;
    let kept = std::env::var_os("KBASEFS_BENCH_DATA").map(PathBuf::from);
    let place = kept.unwrap_or_else(|| scratch.path().to_owned());
    let work = place.join(format!("{photos}-pages"));
    if !work.join(FILLED).exists() {
        fill(&work, photos)?;
        fs::write(work.join(FILLED), "")?;
    }
    tokio::runtime::Runtime::new()?.block_on(measure(&work, scratch.path()))
}

/// Photos on a disk that isn't there, which a catalog keeps, and some that are there.
fn fill(work: &Path, photos: u32) -> Result<()> {
    let source = work.join("source");
    fs::create_dir_all(&source)?;
    let picture = pictures::photo(4000, 3000);
    for n in 0..FILES {
        let mut shifted = picture.clone();
        shifted.rotate_left(n as usize * 3000);
        fs::write(
            source.join(format!("file-{n}.jpg")),
            pictures::jpeg(&shifted),
        )?;
    }
    let numbers: Vec<u32> = (0..photos).collect();
    // An empty folder where there were photos of another disk is a disk that isn't mounted.
    let folders: BTreeSet<_> = numbers.iter().map(|&number| top(number)).collect();
    for folder in folders {
        fs::create_dir_all(source.join(folder))?;
    }
    let store = Sqlite::open(&work.join("catalog.sqlite"), &source.canonicalize()?)?;
    for batch in numbers.chunks(BATCH) {
        let both = |&number| {
            let found = std::iter::once(synthetic::found(number));
            found.chain(synthetic::analyzed(number))
        };
        store.commit(&batch.iter().flat_map(both).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// The folder of a photo, below the source itself.
fn top(number: u32) -> PathBuf {
    let path = PathBuf::from(synthetic::path(number));
    path.iter().take(1).collect()
}

async fn measure(work: &Path, scratch: &Path) -> Result<()> {
    println!(
        "{:24}{:>10}{:>10}{:>10}{:>12}",
        "", "median", "95 %", "sent", "8 at a time"
    );
    for (how, seconds) in [("made each time", "0"), ("kept", "300")] {
        let site = serve(work, scratch, seconds)?;
        for (name, path) in PAGES {
            let (median, most, bytes) = site.one_by_one(path).await?;
            let rate = site.at_a_time(&[path.to_owned()], REQUESTS).await?;
            let name = format!("{name}, {how}");
            println!("{name:24}{median:>7.1} ms{most:>7.1} ms{bytes:>8} B{rate:>9.0} /s");
        }
    }
    let site = serve(work, scratch, "300")?;
    pictures_of(&site).await?;
    browse(&site).await
}

/// Small pictures that nobody has seen yet, then once more.
async fn pictures_of(site: &Site) -> Result<()> {
    let found = site.text("/api/v1/photos?limit=1000&q=name:file-*").await?;
    let found: serde_json::Value = serde_json::from_str(&found)?;
    let photos = found["photos"].as_array().ok_or("no photos")?;
    let path = |photo: &serde_json::Value| format!("/thumbnail/{}/256", photo["id"]);
    let paths: Vec<_> = photos.iter().map(path).collect();
    if paths.len() != FILES as usize {
        return Err(format!("{} of {FILES} files were found", paths.len()).into());
    }
    let made = site.at_a_time(&paths, paths.len()).await?;
    println!("pictures of 256 pixels, made from 12 megapixels{made:>8.1} /s");
    let again = site.at_a_time(&paths, 10 * paths.len()).await?;
    println!("pictures of 256 pixels, made before{again:>20.0} /s");
    Ok(())
}

/// Every photo, page after page.
async fn browse(site: &Site) -> Result<()> {
    println!("memory before{:>42.1} MiB", site.memory("VmRSS")?);
    let (mut next, mut pages) = (Some("/?n=1000".to_owned()), 0);
    while let Some(path) = next {
        let page = site.text(&path).await?;
        let link = page.split("<li class=\"more\"><a href=\"").nth(1);
        let link = link.and_then(|rest| rest.split('"').next());
        next = link.map(|link| link.replace("&#38;", "&"));
        pages += 1;
    }
    let after = site.memory("VmRSS")?;
    println!("memory after {pages:4} pages of 1,000{after:>23.1} MiB");
    println!("memory at most{:>41.1} MiB", site.memory("VmHWM")?);
    Ok(())
}

/// Serves pages that are kept for so many seconds.
fn serve(work: &Path, scratch: &Path, kept_seconds: &str) -> Result<Site> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
    command.args([
        "--catalog".as_ref(),
        work.join("catalog.sqlite").as_os_str(),
    ]);
    command.arg("serve").arg(work.join("source"));
    command.arg("--web=127.0.0.1:0");
    command.env("KBASEFS_TEMPLATE_CACHE_TTL", kept_seconds);
    for home in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(home, tempfile::tempdir_in(scratch)?.keep());
    }
    Site::start(command)
}

impl Site {
    async fn text(&self, path: &str) -> Result<String> {
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// Until the first byte, and bytes, of an answer as browsers get it.
    async fn timed(&self, path: &str) -> Result<(Duration, usize)> {
        let start = Instant::now();
        let request = self.client.get(format!("{}{path}", self.url));
        let answer = request.header("accept-encoding", "gzip").send().await?;
        let first = start.elapsed();
        Ok((first, answer.error_for_status()?.bytes().await?.len()))
    }

    /// Milliseconds until the first byte: in the middle, of one in twenty; and the bytes.
    async fn one_by_one(&self, path: &str) -> Result<(f64, f64, usize)> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let (time, length) = self.timed(path).await?;
            times.push(time.as_secs_f64() * 1000.0);
            bytes = length;
        }
        times.sort_by(f64::total_cmp);
        Ok((times[TIMES / 2], times[TIMES * 19 / 20], bytes))
    }

    /// Answers a second.
    async fn at_a_time(&self, paths: &[String], requests: usize) -> Result<f64> {
        let start = Instant::now();
        let asked = paths.iter().cycle().take(requests);
        let answers = stream::iter(asked.map(|path| self.timed(path)));
        let answers: Vec<_> = answers.buffer_unordered(CLIENTS).collect().await;
        answers.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(requests as f64 / start.elapsed().as_secs_f64())
    }
}
