//! Every number that Prometheus gets: its name, what it is, and what it means. Base units; names of photos, people or
//! files never stand in a label.

use prometheus_client::metrics::MetricType::{Counter, Gauge, Histogram};

use super::exposition::{self, Exposition};
use super::{CacheUse, Counters, Route, WorkerProcesses};
use crate::api::{Bill, HostUse};

/// The counters as text.
pub fn exposition(counters: Counters) -> String {
    exposition::text(counters, |text, counters| {
        program(text, counters);
        process(text, counters);
        work(text, counters);
        decode_workers(text, &counters.decode_workers);
        hosts(text, &counters.hosts);
        spending(text, &counters.hosts);
        caches(text, &counters.caches);
        mount(text, counters);
        page(text, &counters.routes);
    })
}

fn program(text: &mut Exposition, counters: &Counters) {
    let mut build = text.family(
        "kbasefs_build_info",
        Gauge,
        "The version that runs; always 1.",
    );
    build.sample(&[("version", counters.version)], 1u64);
    let states = counters.photos.iter().flatten();
    let mut photos = text.family("kbasefs_photos", Gauge, "Photos of the catalog by state.");
    states.for_each(|(state, count)| photos.sample(&[("state", state)], *count));
    text.single(
        "kbasefs_ready",
        Gauge,
        "Whether the index is loaded.",
        u64::from(counters.photos.is_some()),
    );
    text.known(
        "kbasefs_index_size_bytes",
        "Size of the catalog.",
        counters.index_bytes,
    );
    let free = "What is free on the disk of the catalog.";
    text.known(
        "kbasefs_index_disk_free_bytes",
        free,
        counters.index_free_bytes,
    );
    text.single(
        "kbasefs_index_writable",
        Gauge,
        "Whether results can be kept; while they can't, nothing is analysed.",
        u64::from(!counters.unkept),
    );
}

fn process(text: &mut Exposition, counters: &Counters) {
    let process = &counters.process;
    let started = "Start time of the process since unix epoch in seconds.";
    text.single(
        "process_start_time_seconds",
        Gauge,
        started,
        counters.started,
    );
    let cpu = "Total user and system CPU time spent in seconds.";
    text.single(
        "process_cpu_seconds_total",
        Counter,
        cpu,
        process.cpu.as_secs_f64(),
    );
    text.known(
        "process_resident_memory_bytes",
        "Resident memory size in bytes.",
        process.resident_bytes,
    );
    text.known(
        "process_open_fds",
        "Number of open file descriptors.",
        process.open_files,
    );
    let peak = "The most resident memory since the start.";
    text.known("kbasefs_memory_peak_bytes", peak, process.peak_bytes);
    let limit = "What the setting max_memory_mb allows.";
    text.single(
        "kbasefs_memory_limit_bytes",
        Gauge,
        limit,
        counters.memory_limit,
    );
}

fn work(text: &mut Exposition, counters: &Counters) {
    let paused = "Whether analyses are paused by somebody.";
    text.single(
        "kbasefs_analysis_paused",
        Gauge,
        paused,
        u64::from(counters.paused),
    );
    let help = "Photos that wait to be looked at, by how much they are wanted.";
    let mut queue = text.family("kbasefs_queue_photos", Gauge, help);
    let waiting = counters.waiting.iter();
    waiting.for_each(|(priority, photos)| queue.sample(&[("priority", priority)], *photos));
    let help = "How long the stages of an analysis take.";
    let mut stages = text.family("kbasefs_analysis_stage_duration_seconds", Histogram, help);
    let each = counters.stages.iter();
    each.for_each(|(stage, times)| stages.times(&[("stage", stage)], times));
    let help = "What went wrong in analyses, by kind; requests that are repeated count each time.";
    let mut errors = text.family("kbasefs_analysis_errors_total", Counter, help);
    let classes = counters.errors.iter();
    classes.for_each(|(class, count)| errors.sample(&[("class", class)], *count));
}

fn decode_workers(text: &mut Exposition, workers: &WorkerProcesses) {
    text.single(
        "kbasefs_decode_workers",
        Gauge,
        "Processes in which pictures are decoded.",
        workers.running,
    );
    text.single(
        "kbasefs_decode_workers_started_total",
        Counter,
        "Processes that were started to decode pictures in.",
        workers.started,
    );
    let help = "Such processes that are gone: idle ones, and those that a picture cost.";
    let mut ended = text.family("kbasefs_decode_workers_ended_total", Counter, help);
    let each = workers.ended.iter();
    each.for_each(|(reason, count)| ended.sample(&[("reason", reason)], *count));
}

fn hosts(text: &mut Exposition, hosts: &[HostUse]) {
    let help = "Photos that are done with, by who looked and how it ended.";
    let mut photos = text.family("kbasefs_analyses_total", Counter, help);
    for host in hosts {
        let ends = host.ends;
        for (result, count) in [
            ("analyzed", ends.analyzed),
            ("copied", ends.copied),
            ("failed", ends.failed),
        ] {
            photos.sample(&[("provider", &host.name), ("result", result)], count);
        }
    }
    let mut each = |name, help, of: fn(&HostUse) -> u64| {
        let mut family = text.family(name, Gauge, help);
        hosts
            .iter()
            .for_each(|host| family.sample(&provider(host), of(host)));
    };
    each(
        "kbasefs_provider_running",
        "What it works on just now.",
        |h| h.running,
    );
    each(
        "kbasefs_provider_parallel_limit",
        "The most that it works on at a time, as things are.",
        |h| h.limit,
    );
    each(
        "kbasefs_provider_waiting_photos",
        "Photos that wait for it.",
        |h| h.waiting,
    );
    each(
        "kbasefs_provider_up",
        "Whether it is of use: reachable, not denied, money left.",
        |h| u64::from(h.trouble.is_none()),
    );
    each(
        "kbasefs_provider_budget_spent",
        "Whether its budget is spent.",
        |h| u64::from(h.is_spent),
    );
}

fn spending(text: &mut Exposition, hosts: &[HostUse]) {
    let bills = || hosts.iter().filter_map(|host| Some((host, host.today?)));
    let help = "Requests today; a day begins at local midnight.";
    let mut requests = text.family("kbasefs_provider_today_requests", Gauge, help);
    bills().for_each(|(host, bill)| requests.sample(&provider(host), bill.requests));
    let mut tokens = text.family("kbasefs_provider_today_tokens", Gauge, "Tokens today.");
    for (
        host,
        Bill {
            input_tokens,
            output_tokens,
            ..
        },
    ) in bills()
    {
        for (direction, count) in [("input", input_tokens), ("output", output_tokens)] {
            tokens.sample(&[("provider", &host.name), ("direction", direction)], count);
        }
    }
    let help = "What today's requests cost, in the currency of the prices; absent where a price isn't known.";
    let mut cost = text.family("kbasefs_provider_today_cost", Gauge, help);
    let priced = bills().filter_map(|(host, bill)| Some((host, bill.cost?)));
    priced.for_each(|(host, sum)| cost.sample(&provider(host), sum));
}

fn caches(text: &mut Exposition, caches: &[CacheUse]) {
    let help = "Questions to a cache, by what came of them.";
    let mut lookups = text.family("kbasefs_cache_lookups_total", Counter, help);
    for CacheUse { name, hits, misses } in caches {
        for (result, count) in [("hit", hits), ("miss", misses)] {
            lookups.sample(&[("cache", name), ("result", result)], *count);
        }
    }
}

fn mount(text: &mut Exposition, counters: &Counters) {
    text.single(
        "kbasefs_mounted",
        Gauge,
        "Whether the catalog is mounted.",
        u64::from(!counters.requests.is_empty()),
    );
    let help = "From a request of the kernel to its answer, by kind.";
    let mut times = text.family("kbasefs_fuse_request_duration_seconds", Histogram, help);
    let kinds = counters.requests.iter();
    kinds.for_each(|of| times.times(&[("kind", of.kind)], &of.times));
    let help = "Requests of the kernel that wait for an answer, by kind.";
    let mut running = text.family("kbasefs_fuse_requests_running", Gauge, help);
    for of in &counters.requests {
        running.sample(
            &[("kind", of.kind)],
            of.begun.saturating_sub(of.times.count()),
        );
    }
}

fn page(text: &mut Exposition, routes: &[Route]) {
    let help = "From a request of a browser or a program to the head of its answer, by route.";
    let mut times = text.family("kbasefs_http_request_duration_seconds", Histogram, help);
    routes
        .iter()
        .for_each(|of| times.times(&[("route", &of.route)], &of.times));
    let help = "Requests of browsers and programs over TCP, by route and HTTP status.";
    let mut answers = text.family("kbasefs_http_requests_total", Counter, help);
    for Route { route, codes, .. } in routes {
        for (code, count) in codes {
            answers.sample(&[("route", route), ("code", &code.to_string())], *count);
        }
    }
}

fn provider(host: &HostUse) -> [(&str, &str); 1] {
    [("provider", &host.name)]
}
