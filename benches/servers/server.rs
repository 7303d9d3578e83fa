//! A vision server that takes its time, and counts.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

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
pub fn serve(setting: &str) {
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

pub const ANSWER: &str = "A dog runs.";
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
