//! Is a vision server kept busy, and what does a photo cost beside its answer?
//!
//! 300 photos of 12 megapixels against a server of half a second (in a process of its own) that takes 3 or 8 requests at
//! a time: how busy it was, bytes and CPU a photo, memory. Then a mix of faults, copies, and 20 times SIGKILL.
//! `-- kills` is the last of these alone.
//! KBASEFS_BENCH_PHOTOS names a folder in which the photos are kept for the next run.

mod pictures;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use kbasefs::analysis::preview;
use serde_json::{Value, json};

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

/// User and system time of a process so far, in seconds.
fn cpu(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(") ")
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

struct Run {
    stats: Value,
    cpu: f64,
    peak_mib: f64,
    seconds: f64,
    analyzed: usize,
}

/// A home with a configuration, and a server in a process of its own.
struct House {
    home: tempfile::TempDir,
    server: Child,
    url: String,
}

impl House {
    fn new(setting: &str, parallel: usize) -> Self {
        let mut server = myself()
            .env(SERVE, setting)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server starts");
        let mut url = String::new();
        let out = server.stdout.take().expect("its output is piped");
        BufReader::new(out)
            .read_line(&mut url)
            .expect("the server says where it is");
        let url = url.trim().to_owned();
        let home = tempfile::tempdir().expect("there is room for temporary files");
        let config = format!(
            "retry_delay = 0.2\n[[provider]]\nname = \"desk\"\nkind = \"openai\"\nurl = \"{url}/v1\"\nmodel = \"m\"\n\
             parallel_requests = {parallel}\n"
        );
        std::fs::write(home.path().join("config.toml"), config)
            .expect("there is room for a configuration");
        Self { home, server, url }
    }

    /// The program, with nothing but this home.
    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kbasefs"));
        for (name, _) in
            std::env::vars().filter(|(n, _)| n.starts_with("XDG_") || n.starts_with("KBASEFS_"))
        {
            command.env_remove(name);
        }
        command
            .env("HOME", self.home.path())
            .arg("--config")
            .arg(self.home.path().join("config.toml"));
        command
    }

    fn analyze(&self, photos: &Path) -> Child {
        let mut command = self.program();
        command
            .arg("analyze")
            .arg(photos)
            .args(["--provider", "desk", "--json"]);
        command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// The photos whose answers are in the index.
    fn kept(&self, photos: &Path) -> HashSet<String> {
        let to = self.home.path().join("exported");
        let mut command = self.program();
        command.arg("export").arg(photos).arg(&to);
        let status = command
            .args(["--format", "json"])
            .stdout(Stdio::null())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the answers are exported"
        );
        let text = std::fs::read_to_string(to.join("catalog.jsonl")).expect("it was written");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("what is exported is JSON"));
        lines
            .filter(|line| line["description"] == ANSWER)
            .filter_map(|line| line["path"].as_str().map(str::to_owned))
            .collect()
    }

    fn stats(&self) -> Value {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))
            .expect("the server is there");
        write!(stream, "GET /stats HTTP/1.1\r\nconnection: close\r\n\r\n")
            .expect("the server reads");
        let mut text = String::new();
        stream
            .read_to_string(&mut text)
            .expect("the server answers");
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).expect("the server counts")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// `analyze` from the beginning to the end.
fn run(photos: &Path, setting: &str, parallel: usize) -> Run {
    let house = House::new(setting, parallel);
    let start = Instant::now();
    let mut child = house.analyze(photos);
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
        stats: house.stats(),
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

/// Kills the program 20 times while answers come in; what it had said was analysed must be in the index afterwards.
fn kills(photos: &Path) {
    let house = House::new("3 20 none", PARALLEL);
    let (mut told, mut lost) = (HashSet::new(), HashSet::new());
    let mut killed = 0;
    for kill in 0..20 {
        killed += u32::from(killed_amid_answers(house.analyze(photos), kill, &mut told));
        let kept = house.kept(photos);
        lost.extend(told.iter().filter(|path| !kept.contains(*path)).cloned());
    }
    let stats = house.stats();
    let repeated = number(&stats, "requests") - number(&stats, "pictures");
    println!(
        "20 kills: amid answers      {killed:8}\n          answers sent      {:8}\n          acknowledged      {:8}",
        number(&stats, "answered"),
        told.len()
    );
    println!(
        "          of these lost     {:8}\n          requests repeated {repeated:8} ({} may be on their way at each)",
        lost.len(),
        PARALLEL
    );
}

/// Kills the program at a moment after its first answers, adds what it acknowledged until then, and says whether it was
/// still at work.
fn killed_amid_answers(mut child: Child, kill: u32, told: &mut HashSet<String>) -> bool {
    let out = child.stdout.take().expect("its output is piped");
    let (answers, wait) = moment(kill);
    let (mut at_work, mut heard) = (false, 0);
    // What is in the pipe when the program is killed was acknowledged as well.
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        // The last line may be cut off.
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        if line["result"] == "analyzed" {
            told.extend(line["path"].as_str().map(str::to_owned));
            heard += 1;
        }
        if heard == answers && !at_work {
            std::thread::sleep(wait);
            at_work = child.try_wait().is_ok_and(|ended| ended.is_none());
            child.kill().expect("it has not been waited for");
        }
    }
    child.wait().expect("the program ends");
    at_work
}

/// After how many answers, and how long after the last of them: scattered over the time of a request.
fn moment(kill: u32) -> (usize, Duration) {
    let hash = blake3::hash(&kill.to_le_bytes());
    let [answers, wait, ..] = *hash.as_bytes();
    (
        1 + usize::from(answers) % 12,
        Duration::from_micros(u64::from(wait) * 100),
    )
}

/// What the server counts.
#[derive(Default)]
struct Counted {
    running: usize,
    requests: u64,
    /// That were sent to the end.
    answered: u64,
    bytes: u64,
    pictures: HashMap<[u8; 32], u64>,
    /// Seconds of work, and when the first began and the last ended.
    worked: f64,
    window: Option<(Instant, Instant)>,
}

/// `capacity milliseconds faults`: one thread a connection, HTTP/1.1 by hand, so that it takes little of the machine.
fn serve(setting: &str) {
    let mut parts = setting.split(' ');
    let mut next = || parts.next().expect("a setting has three parts");
    let capacity: usize = next().parse().expect("a number");
    let latency = Duration::from_millis(next().parse().expect("a number"));
    let faulty = next() == "mix";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    println!(
        "http://{}",
        listener.local_addr().expect("a listener has an address")
    );
    let state = Arc::new((Mutex::new(Counted::default()), Condvar::new()));
    for stream in listener.incoming().flatten() {
        let state = Arc::clone(&state);
        // A connection that breaks ends its thread.
        std::thread::spawn(move || converse(stream, &state, capacity, latency, faulty));
    }
}

fn converse(
    mut stream: TcpStream,
    state: &(Mutex<Counted>, Condvar),
    capacity: usize,
    latency: Duration,
    faulty: bool,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let lower = head.to_lowercase();
        let length = lower
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if head.starts_with("GET") {
            let counted = state.0.lock().ok()?;
            let stats = stats(&counted, capacity).to_string();
            drop(counted);
            // Whoever asks reads until the connection ends.
            return respond(&mut stream, "200 OK", &stats);
        }
        let number = work(state, capacity, latency, &body, head.len());
        match if faulty { fault(number) } else { Fault::None } {
            Fault::Busy => respond(&mut stream, "429 Too Many Requests", "{}")?,
            Fault::Error => respond(&mut stream, "500 Internal Server Error", "{}")?,
            Fault::Reset => return None,
            Fault::Cut => respond(&mut stream, "200 OK", &said("{\"title\": \"A do", "length"))?,
            Fault::Fenced => respond(
                &mut stream,
                "200 OK",
                &said(&format!("```json\n{DOG}\n```"), "stop"),
            )?,
            Fault::Hostile => respond(
                &mut stream,
                "200 OK",
                &said("\u{1b}[2J<script>{{{\u{202e}", "stop"),
            )?,
            Fault::None => {
                respond(&mut stream, "200 OK", &said(DOG, "stop"))?;
                state.0.lock().ok()?.answered += 1;
            }
        }
    }
}

/// Takes a place, works, and gives the number of the request.
fn work(
    state: &(Mutex<Counted>, Condvar),
    capacity: usize,
    latency: Duration,
    body: &[u8],
    head: usize,
) -> u64 {
    let (counted, place) = state;
    let mut counts = counted.lock().expect("no thread panics");
    let arrived = Instant::now();
    while counts.running >= capacity {
        counts = place.wait(counts).expect("no thread panics");
    }
    counts.running += 1;
    counts.requests += 1;
    counts.bytes += (head + body.len()) as u64;
    *counts
        .pictures
        .entry(*blake3::hash(body).as_bytes())
        .or_default() += 1;
    let number = counts.requests;
    counts.window.get_or_insert((arrived, arrived));
    drop(counts);
    let began = Instant::now();
    std::thread::sleep(latency);
    let mut counts = counted.lock().expect("no thread panics");
    counts.running -= 1;
    counts.worked += began.elapsed().as_secs_f64();
    if let Some((_, last)) = &mut counts.window {
        *last = Instant::now();
    }
    place.notify_one();
    number
}

fn stats(counts: &Counted, capacity: usize) -> Value {
    let window = counts
        .window
        .map_or(0.0, |(first, last)| (last - first).as_secs_f64());
    json!({
        "requests": counts.requests,
        "answered": counts.answered,
        "bytes": counts.bytes,
        "pictures": counts.pictures.len(),
        "busy": counts.worked / (window * capacity as f64),
    })
}

enum Fault {
    Busy,
    Error,
    Reset,
    Cut,
    Fenced,
    Hostile,
    None,
}

/// 10 % 429, 10 % 500, 5 % resets, 10 % cut off, 10 % fenced, 5 % hostile; scattered, and the same in each run.
fn fault(number: u64) -> Fault {
    let hash = blake3::hash(&number.to_le_bytes());
    match u32::from_le_bytes(hash.as_bytes()[..4].try_into().expect("four bytes")) % 100 {
        0..10 => Fault::Busy,
        10..20 => Fault::Error,
        20..25 => Fault::Reset,
        25..35 => Fault::Cut,
        35..45 => Fault::Fenced,
        45..50 => Fault::Hostile,
        _ => Fault::None,
    }
}

const ANSWER: &str = "A dog runs.";
const DOG: &str = r#"{"title": "A dog", "description": "A dog runs.", "tags": [{"name": "dog", "confidence": 0.9}], "kind": "photo"}"#;

fn said(text: &str, finish: &str) -> String {
    json!({
        "choices": [{"message": {"content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 90},
    })
    .to_string()
}

fn respond(stream: &mut TcpStream, status: &str, body: &str) -> Option<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").ok()
}
