//! Is a vision server kept busy, and what does a photo cost beside its answer?
//!
//! 300 photos of 12 megapixels against a server of half a second (in a process of its own) that takes 3 or 8 requests at
//! a time: how busy it was, bytes and CPU a photo, memory. Then a mix of faults, copies, and 20 times SIGKILL.
//! `-- kills` is the last of these alone.
//! KBASEFS_BENCH_PHOTOS names a folder in which the photos are kept for the next run.

#[path = "../../tests/common/isolated.rs"]
mod isolated;
mod kills;
#[path = "../pictures/mod.rs"]
mod pictures;
mod process;
mod server;
mod test_env;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kbasefs::analysis::preview;
use serde_json::Value;

use kills::kills;
use process::{cpu, peak_mib};
use server::serve;
use test_env::TestEnv;

const PHOTOS: usize = 300;
const LATENCY: Duration = Duration::from_millis(500);
/// Requests at a time where the time that it takes is of no interest.
const PARALLEL: usize = 3;
const SERVE: &str = "KBASEFS_BENCH_SERVE";
const MAKE: &str = "KBASEFS_BENCH_MAKE";

fn main() {
    if let Ok(setting) = std::env::var(SERVE) {
        return serve(&setting);
    }
    if let Some(folder) = std::env::var_os(MAKE) {
        return make(Path::new(&folder));
    }
    let scratch = tempfile::tempdir().expect("there is room for temporary files");
    let kept = std::env::var_os("KBASEFS_BENCH_PHOTOS").map(PathBuf::from);
    let photos = kept.unwrap_or_else(|| scratch.path().join("photos"));
    let made = myself().env(MAKE, &photos).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "the photos are made"
    );

    if std::env::args().any(|argument| argument == "kills") {
        return kills(&photos);
    }
    let decoding = decoding(&photos);
    println!("decoding alone              {decoding:8.3} CPU s a photo");
    for capacity in [3, 8] {
        let run = run(
            &photos,
            &format!("{capacity} {} none", LATENCY.as_millis()),
            capacity,
        );
        println!(
            "capacity {capacity}: server busy      {:8.1} %",
            run.stats["busy"].as_f64().unwrap_or(0.0) * 100.0
        );
        println!(
            "            sent            {:8.3} MB a photo",
            number(&run.stats, "bytes") / PHOTOS as f64 / 1e6
        );
        println!(
            "            on top          {:8.3} CPU s a photo",
            run.cpu / PHOTOS as f64 - decoding
        );
        println!(
            "            memory          {:8.1} MiB at most",
            run.peak_mib
        );
        println!(
            "            took            {:8.1} s for {} analysed",
            run.seconds, run.analyzed
        );
    }
    let faults = run(&photos, "3 20 mix", PARALLEL);
    println!(
        "faults: analysed            {:8.2} %",
        faults.analyzed as f64 / PHOTOS as f64 * 100.0
    );
    println!(
        "        requests            {:8.3} a photo",
        number(&faults.stats, "requests") / PHOTOS as f64
    );
    copies(&photos, scratch.path());
    kills(&photos);
}

fn myself() -> Command {
    Command::new(std::env::current_exe().expect("a running program has a file"))
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or(f64::NAN)
}

/// Different pictures, each a little brighter and shifted.
fn make(folder: &Path) {
    std::fs::create_dir_all(folder).expect("there is room for photos");
    let first = pictures::photo(4000, 3000);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let path = folder.join(format!("{n:03}.jpg"));
                    if n >= PHOTOS {
                        break;
                    }
                    if path.exists() {
                        continue;
                    }
                    let mut picture = first.clone();
                    picture.rotate_left(n * 30);
                    let light = u8::try_from(n % 50).expect("below 50");
                    picture
                        .iter_mut()
                        .for_each(|value| *value = value.saturating_add(light));
                    std::fs::write(path, pictures::jpeg(&picture))
                        .expect("there is room for photos");
                }
            });
        }
    });
}

/// CPU seconds for reading and decoding a photo, as on one of the first 40.
fn decoding(photos: &Path) -> f64 {
    let before = cpu("self");
    for n in 0..40 {
        let bytes = std::fs::read(photos.join(format!("{n:03}.jpg"))).expect("the photos stay");
        preview::decode(&bytes).expect("the photos decode");
    }
    (cpu("self") - before) / 40.0
}

struct Run {
    stats: Value,
    cpu: f64,
    peak_mib: f64,
    seconds: f64,
    analyzed: usize,
}

/// `analyze` from the beginning to the end.
fn run(photos: &Path, setting: &str, parallel: usize) -> Run {
    let env = TestEnv::new(setting, parallel);
    let start = Instant::now();
    let mut child = env.analyze(photos);
    let id = child.id().to_string();
    let out = child.stdout.take().expect("its output is piped");
    let (mut cpu_s, mut peak, mut analyzed) = (0.0, 0.0, 0);
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        // The process is gone after the last line: what it took is read while it is there.
        (cpu_s, peak) = (cpu(&id).max(cpu_s), peak_mib(&id).max(peak));
        let line: Value = serde_json::from_str(&line).expect("the program prints JSON");
        analyzed += usize::from(line["result"] == "analyzed");
    }
    child.wait().expect("the program ends");
    Run {
        stats: env.stats(),
        cpu: cpu_s,
        peak_mib: peak,
        seconds: start.elapsed().as_secs_f64(),
        analyzed,
    }
}

/// Ten pictures, five times each.
fn copies(photos: &Path, scratch: &Path) {
    let folder = scratch.join("copies");
    std::fs::create_dir_all(&folder).expect("there is room for copies");
    for n in 0..50 {
        let from = photos.join(format!("{:03}.jpg", n % 10));
        std::fs::copy(from, folder.join(format!("{n}.jpg"))).expect("there is room for copies");
    }
    let run = run(&folder, "3 20 none", PARALLEL);
    println!(
        "copies: requests            {:8.2} a picture, {} photos of 50 analysed",
        number(&run.stats, "requests") / 10.0,
        run.analyzed
    );
}
