//! What does the web page keep in memory after thousands of thumbnails, and how many does it make a second?
//!
//! 1,440 photos of various sizes, `kbasefs serve` as people start it, 19,200 thumbnails of every size, 16 at a time; each is
//! made once, and asked for again and again. `cargo bench --bench thumbnails -- 2000` for fewer. KBASEFS_BENCH_PROGRAM names
//! another build of the program, KBASEFS_BENCH_PHOTOS a folder of photos, which are made there if it isn't.

#[path = "../tests/common/isolated.rs"]
mod isolated;
mod pictures;
mod site;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::stream;
use futures_util::{StreamExt, TryStreamExt};
use isolated::isolated;
use site::Site;
use tokio::time::sleep;

const REQUESTS: usize = 19_200;
const PHOTOS: u32 = 1_440;
const CLIENTS: usize = 16;
const SIZES: [u32; 3] = [256, 512, 1024];
/// What an idle process has given back after this time, it gives back.
const REST: Duration = Duration::from_secs(10);
const GOAL_MIB: f64 = 250.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    kbasefs::app::ready_tls();
    let number = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let scratch = tempfile::tempdir()?;
    let photos = match std::env::var_os("KBASEFS_BENCH_PHOTOS") {
        Some(folder) if Path::new(&folder).exists() => folder.into(),
        Some(folder) => make_photos(Path::new(&folder))?,
        None => make_photos(&scratch.path().join("photos"))?,
    };
    let measured = measure(&photos, scratch.path(), number.unwrap_or(REQUESTS));
    tokio::runtime::Runtime::new()?.block_on(measured)
}

/// From a third of a megapixel to twelve. Their files differ behind the end of the picture, where decoders read nothing.
fn make_photos(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let shapes = [
        (640, 480),
        (1024, 768),
        (1600, 1200),
        (2048, 1536),
        (4000, 3000),
    ];
    let shapes = shapes.map(|(width, height)| pictures::jpeg(&pictures::photo(width, height)));
    for n in 0..PHOTOS {
        // The largest are a few, as they take longest.
        let shape = if n % 24 == 0 { 4 } else { n as usize % 4 };
        let file = [&shapes[shape][..], &n.to_be_bytes()].concat();
        fs::write(folder.join(format!("{n}.jpg")), file)?;
    }
    Ok(folder.into())
}

async fn measure(photos: &Path, scratch: &Path, requests: usize) -> Result<()> {
    let site = serve(photos, scratch)?;
    let ids = site.ids().await?;
    let before = site.memory("VmRSS")?;
    let paths = |n: usize| {
        format!(
            "/thumbnail/{}/{}",
            ids[n % ids.len()],
            SIZES[n / ids.len() % 3]
        )
    };
    let begun = Instant::now();
    stream::iter((0..requests).map(|n| site.bytes(paths(n))))
        .buffer_unordered(CLIENTS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let took = begun.elapsed();
    let after = site.memory("VmRSS")?;
    sleep(REST).await;
    let rate = requests as f64 / took.as_secs_f64();
    println!(
        "{requests} thumbnails of {} photos: {rate:.0} /s",
        ids.len()
    );
    println!("processor time {:>30.1} s", site.processor_seconds()?);
    println!("memory before {before:>31.1} MiB");
    println!("memory at most {:>30.1} MiB", site.memory("VmHWM")?);
    println!("memory right after {after:>26.1} MiB");
    println!(
        "memory at the end {:>27.1} MiB (goal {GOAL_MIB})",
        site.memory("VmRSS")?
    );
    Ok(())
}

fn serve(photos: &Path, scratch: &Path) -> Result<Site> {
    let program = std::env::var_os("KBASEFS_BENCH_PROGRAM");
    let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_kbasefs").into());
    let mut command = isolated(Command::new(program), &scratch.join("home"));
    command.arg("serve").arg(photos).arg("--web=127.0.0.1:0");
    Site::start(command)
}

impl Site {
    /// Of all photos, once there are no more.
    async fn ids(&self) -> Result<Vec<u64>> {
        let mut known = 0;
        loop {
            sleep(Duration::from_secs(3)).await;
            let mut ids = Vec::new();
            let mut after = String::new();
            loop {
                let found = self
                    .bytes(format!("/api/v1/photos?limit=1000{after}"))
                    .await?;
                let found: serde_json::Value = serde_json::from_slice(&found)?;
                let photos = found["photos"].as_array().ok_or("no photos")?;
                ids.extend(photos.iter().filter_map(|photo| photo["id"].as_u64()));
                match found["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            if ids.len() == known && known > 0 {
                return Ok(ids);
            }
            known = ids.len();
        }
    }

    async fn bytes(&self, path: String) -> Result<Vec<u8>> {
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await?;
        Ok(answer.error_for_status()?.bytes().await?.into())
    }

    fn processor_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.server.id()))?;
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks = fields.skip(11).take(2).map(str::parse::<f64>);
        let ticks: Vec<_> = ticks.collect::<std::result::Result<_, _>>()?;
        Ok(ticks.iter().sum::<f64>() / 100.0)
    }
}
