//! What `top` shows of a snapshot: lines of at most 80 columns, about as many as an ordinary terminal has.

use serde_json::Value;

use crate::cli::terminal::printable;
use crate::web::words;

/// Kinds of requests of the kernel that are shown, the most frequent first.
const KINDS: usize = 5;
const COLUMNS: usize = 80;

pub fn lines(snapshot: &Value) -> Vec<String> {
    let mut lines = vec![head(snapshot)];
    let facts = [
        ("images", images(snapshot)),
        ("photos", each(&snapshot["photos"], counted)),
        ("waiting", each(&snapshot["queue"], counted)),
        ("memory", memory(&snapshot["memory"])),
        ("cpu", format!("{} cores", rate(&snapshot["cpu"]["now"]))),
        ("caches", each(&snapshot["caches"], hits)),
        ("errors", errors(&snapshot["errors"])),
    ];
    lines.extend(facts.map(|(name, text)| format!("{name:9} {text}")));
    lines.push(String::new());
    lines.push(format!(
        "{:28} {:>8} {:>8} {:>8}  today",
        "HOST", "RUNNING", "AT MOST", "WAITING"
    ));
    lines.extend(all(&snapshot["hosts"]).iter().map(host));
    lines.push(String::new());
    lines.push(latency_head("STAGE"));
    lines.extend(all(&snapshot["stages"]).iter().map(latency));
    let mut kinds: Vec<_> = all(&snapshot["requests"]).iter().collect();
    if !kinds.is_empty() {
        kinds.sort_by(|a, b| frequency(b).total_cmp(&frequency(a)));
        lines.push(String::new());
        lines.push(latency_head("KERNEL"));
        lines.extend(kinds.into_iter().take(KINDS).map(latency));
    }
    lines.iter().map(|line| cut(line)).collect()
}

fn head(snapshot: &Value) -> String {
    let is_busy = all(&snapshot["hosts"])
        .iter()
        .any(|host| host["running"] != 0);
    let state = match (snapshot["paused"] == true, is_busy) {
        (true, _) => "paused",
        (false, true) => "analysing",
        (false, false) => "idle",
    };
    let uptime = words::span(snapshot["uptime_s"].as_f64().unwrap_or(0.0));
    format!(
        "kbasefs {}, {state}, up {uptime}",
        text(&snapshot["version"])
    )
}

fn images(snapshot: &Value) -> String {
    let ends = &snapshot["ends"];
    format!(
        "{} a second; {} looked at, {} copies, {} failed",
        rate(&snapshot["images_per_second"]),
        count(&ends["analyzed"]),
        count(&ends["copied"]),
        count(&ends["failed"]),
    )
}

fn memory(memory: &Value) -> String {
    let megabytes = |key: &str| words::megabytes(memory[key].as_f64().unwrap_or(0.0));
    format!(
        "{}, {} at most, of {}",
        megabytes("now_bytes"),
        megabytes("peak_bytes"),
        megabytes("limit_bytes"),
    )
}

fn counted(of: &Value) -> String {
    format!("{} {}", count(&of["count"]), text(&of["name"]))
}

fn hits(cache: &Value) -> String {
    let lately = words::share(&cache["rate_lately"].as_f64());
    format!("{} {lately}", text(&cache["name"]))
}

fn errors(errors: &Value) -> String {
    let happened = |error: &&Value| error["count"] != 0;
    let said = all(errors).iter().filter(happened).map(|error| {
        let lately = count(&error["last_minute"]);
        format!("{}, {lately} in the last minute", counted(error))
    });
    match said.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => "none".into(),
        some => some,
    }
}

fn host(host: &Value) -> String {
    let today = match (&host["trouble"], &host["today"]) {
        (Value::String(trouble), _) => trouble.clone(),
        (_, Value::Null) => String::new(),
        (_, today) => format!(
            "{} requests, {} tokens, cost {}",
            count(&today["requests"]),
            words::count(&(number(&today["input_tokens"]) + number(&today["output_tokens"]))),
            words::cost(&today["cost"].as_f64()),
        ),
    };
    format!(
        "{:28} {:>8} {:>8} {:>8}  {today}",
        text(&host["name"]),
        count(&host["running"]),
        count(&host["limit"]),
        count(&host["waiting"]),
    )
}

fn latency_head(of: &str) -> String {
    format!(
        "{of:28} {:>8} {:>8} {:>8} {:>8}",
        "A SECOND", "50 %", "95 %", "99 %"
    )
}

fn latency(of: &Value) -> String {
    let time = |key: &str| words::time(&of[key].as_f64());
    format!(
        "{:28} {:>8} {:>8} {:>8} {:>8}",
        text(&of["name"]),
        rate(&of["per_second"]),
        time("p50"),
        time("p95"),
        time("p99"),
    )
}

fn all(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn each(list: &Value, words: impl Fn(&Value) -> String) -> String {
    all(list).iter().map(words).collect::<Vec<_>>().join(", ")
}

fn frequency(of: &Value) -> f64 {
    of["per_second"].as_f64().unwrap_or(0.0)
}

fn number(of: &Value) -> u64 {
    of.as_u64().unwrap_or(0)
}

fn count(of: &Value) -> String {
    words::count(&number(of))
}

fn rate(of: &Value) -> String {
    words::rate(&of.as_f64().unwrap_or(0.0))
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

/// Names come from settings, reasons from servers: none of them moves the cursor.
fn cut(line: &str) -> String {
    printable(line).chars().take(COLUMNS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn snapshot() -> Value {
        json!({
            "version": "1.0.0", "uptime_s": 250.0, "paused": false, "images_per_second": 3.25,
            "ends": {"analyzed": 1200, "copied": 3, "failed": 1},
            "photos": [{"name": "pending", "count": 7}, {"name": "analyzed", "count": 1200}],
            "queue": [{"name": "asked", "count": 2}],
            "hosts": [
                {"name": "embedded", "running": 2, "limit": 2, "waiting": 7, "trouble": null, "today": null},
                {"name": "desk\u{1b}[2J", "running": 0, "limit": 3, "waiting": 0, "trouble": "connection refused", "today": null},
            ],
            "stages": [{"name": "infer", "per_second": 3.25, "p50": 0.08, "p95": 0.1, "p99": null}],
            "errors": [{"name": "picture", "count": 1, "last_minute": 0}, {"name": "file", "count": 0, "last_minute": 0}],
            "caches": [{"name": "details", "rate_lately": 0.5}],
            "memory": {"now_bytes": 125_829_120, "peak_bytes": 188_743_680, "limit_bytes": 1_073_741_824u64},
            "cpu": {"now": 1.9},
            "requests": [
                {"name": "lookup", "per_second": 1.0, "p50": 0.0001, "p95": 0.0002, "p99": 0.0003},
                {"name": "getattr", "per_second": 20.0, "p50": 0.0001, "p95": 0.0002, "p99": 0.0003},
            ],
        })
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
