//! What `top` shows of a snapshot: lines of at most 80 columns, about as many as an ordinary terminal has.

use crate::api::{Count, HostUse, Latency, Memory, Share, Snapshot, Trouble};
use crate::cli::terminal::printable;
use crate::web::words;

/// Kinds of requests of the kernel that are shown, the most frequent first.
const KINDS: usize = 5;
const COLUMNS: usize = 80;

pub fn lines(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![head(snapshot)];
    let facts = [
        ("images", images(snapshot)),
        ("photos", each(&snapshot.photos, counted)),
        ("waiting", each(&snapshot.queue, counted)),
        ("memory", memory(&snapshot.memory)),
        ("cpu", format!("{} cores", words::rate(&snapshot.cpu.now))),
        ("caches", each(&snapshot.caches, hits)),
        ("errors", errors(&snapshot.errors)),
    ];
    lines.extend(facts.map(|(name, text)| format!("{name:9} {text}")));
    lines.push(String::new());
    lines.push(format!(
        "{:28} {:>8} {:>8} {:>8}  today",
        "HOST", "RUNNING", "AT MOST", "WAITING"
    ));
    lines.extend(snapshot.hosts.iter().map(host));
    lines.push(String::new());
    lines.push(latency_head("STAGE"));
    lines.extend(snapshot.stages.iter().map(latency));
    let mut kinds: Vec<_> = snapshot.requests.iter().collect();
    if !kinds.is_empty() {
        kinds.sort_by(|a, b| b.per_second.total_cmp(&a.per_second));
        lines.push(String::new());
        lines.push(latency_head("KERNEL"));
        lines.extend(kinds.into_iter().take(KINDS).map(latency));
    }
    lines.iter().map(|line| cut(line)).collect()
}

fn head(snapshot: &Snapshot) -> String {
    let is_busy = snapshot.hosts.iter().any(|host| host.running != 0);
    let state = match (snapshot.paused, is_busy) {
        (true, _) => "paused",
        (false, true) => "analysing",
        (false, false) => "idle",
    };
    let uptime = words::span(snapshot.uptime_s);
    format!("kbasefs {}, {state}, up {uptime}", snapshot.version)
}

fn images(snapshot: &Snapshot) -> String {
    let ends = &snapshot.ends;
    format!(
        "{} a second; {} looked at, {} copies, {} failed",
        words::rate(&snapshot.images_per_second),
        words::count(&ends.analyzed),
        words::count(&ends.copied),
        words::count(&ends.failed),
    )
}

fn memory(memory: &Memory) -> String {
    let megabytes = |bytes: u64| words::megabytes(bytes as f64);
    format!(
        "{}, {} at most, of {}",
        megabytes(memory.now_bytes.unwrap_or(0)),
        megabytes(memory.peak_bytes.unwrap_or(0)),
        megabytes(memory.limit_bytes),
    )
}

fn counted(of: &Count) -> String {
    format!("{} {}", words::count(&of.count), of.name)
}

fn hits(cache: &Share) -> String {
    format!("{} {}", cache.name, words::share(&cache.rate_lately))
}

fn errors(errors: &[Trouble]) -> String {
    let happened = errors.iter().filter(|error| error.count != 0);
    let said = happened.map(|error| {
        let (count, lately) = (words::count(&error.count), words::count(&error.last_minute));
        format!("{count} {}, {lately} in the last minute", error.name)
    });
    match said.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => "none".into(),
        some => some,
    }
}

fn host(host: &HostUse) -> String {
    let today = match (&host.trouble, &host.today) {
        (Some(trouble), _) => trouble.clone(),
        (None, None) => String::new(),
        (None, Some(today)) => format!(
            "{} requests, {} tokens, cost {}",
            words::count(&today.requests),
            words::count(&(today.input_tokens + today.output_tokens)),
            words::cost(&today.cost),
        ),
    };
    format!(
        "{:28} {:>8} {:>8} {:>8}  {today}",
        host.name,
        words::count(&host.running),
        words::count(&host.limit),
        words::count(&host.waiting),
    )
}

fn latency_head(of: &str) -> String {
    format!(
        "{of:28} {:>8} {:>8} {:>8} {:>8}",
        "A SECOND", "50 %", "95 %", "99 %"
    )
}

fn latency(of: &Latency) -> String {
    format!(
        "{:28} {:>8} {:>8} {:>8} {:>8}",
        of.name,
        words::rate(&of.per_second),
        words::time(&of.p50),
        words::time(&of.p95),
        words::time(&of.p99),
    )
}

fn each<T>(list: &[T], words: impl Fn(&T) -> String) -> String {
    list.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// Names come from settings, reasons from servers: none of them moves the cursor.
fn cut(line: &str) -> String {
    printable(line).chars().take(COLUMNS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Cpu, Ends};

    fn count(name: &str, count: u64) -> Count {
        Count {
            name: name.into(),
            count,
        }
    }

    fn latency(name: &str, per_second: f64, p99: Option<f64>) -> Latency {
        Latency {
            name: name.into(),
            count: 9,
            per_second,
            running: 0,
            p50: Some(0.0001),
            p95: Some(0.0002),
            p99,
        }
    }

    fn hosts() -> Vec<HostUse> {
        let embedded = HostUse {
            name: "embedded".into(),
            running: 2,
            limit: 2,
            waiting: 7,
            ..HostUse::default()
        };
        let desk = HostUse {
            name: "desk\u{1b}[2J".into(),
            limit: 3,
            trouble: Some("connection refused".into()),
            ..HostUse::default()
        };
        vec![embedded, desk]
    }

    fn snapshot() -> Snapshot {
        let trouble = |name: &str, count| Trouble {
            name: name.into(),
            count,
            last_minute: 0,
        };
        Snapshot {
            version: "1.0.0".into(),
            uptime_s: 250.0,
            images_per_second: 3.25,
            ends: Ends {
                analyzed: 1200,
                copied: 3,
                failed: 1,
            },
            photos: vec![count("pending", 7), count("analyzed", 1200)],
            queue: vec![count("asked", 2)],
            hosts: hosts(),
            stages: vec![latency("infer", 3.25, None)],
            errors: vec![trouble("picture", 1), trouble("file", 0)],
            caches: vec![Share {
                name: "details".into(),
                hits: 1,
                misses: 1,
                rate: Some(0.5),
                rate_lately: Some(0.5),
            }],
            memory: Memory {
                now_bytes: Some(120 << 20),
                peak_bytes: Some(180 << 20),
                limit_bytes: 1 << 30,
            },
            cpu: Cpu {
                seconds: 9.0,
                now: 1.9,
            },
            requests: vec![
                latency("lookup", 1.0, Some(0.0003)),
                latency("getattr", 20.0, Some(0.0003)),
            ],
            ..Snapshot::default()
        }
    }

    #[test]
    fn everything_is_on_one_screen() {
        let lines = lines(&snapshot());
        assert_eq!(lines[0], "kbasefs 1.0.0, analysing, up 4 min");
        assert_eq!(
            lines[1],
            "images    3.2 a second; 1,200 looked at, 3 copies, 1 failed"
        );
        assert_eq!(lines[4], "memory    120 MB, 180 MB at most, of 1,024 MB");
        assert_eq!(lines[7], "errors    1 picture, 0 in the last minute");
        assert!(lines.len() <= 24 && lines.iter().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn what_the_kernel_asks_most_comes_first() {
        let lines = lines(&snapshot());
        let at = |name: &str| lines.iter().position(|line| line.starts_with(name));
        assert!(at("getattr").unwrap() < at("lookup").unwrap());
    }

    #[test]
    fn a_name_moves_no_cursor() {
        let lines = lines(&snapshot());
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
        assert!(lines.iter().any(|line| line.contains("connection refused")));
    }
}
