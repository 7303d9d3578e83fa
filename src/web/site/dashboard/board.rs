//! What stands on the dashboard, from what is counted: the figures of now, each with its curve of the last hour.

use super::plot::{Curve, OfMany, Plot, Window};
use super::words;
use crate::api::{Count, HostUse, Latency, Snapshot, Trouble};
use crate::metrics::Sample;

pub struct Board {
    pub snapshot: Snapshot,
    pub cards: Vec<Card>,
    /// Of which the curves are: `hour`, `5 min`.
    pub window: String,
    pub photos: Vec<Part>,
    pub failed: u64,
}

/// A figure with its curve, and what it is made of.
pub struct Card {
    pub name: &'static str,
    pub now: String,
    pub unit: &'static str,
    pub plot: Plot,
    pub parts: Vec<(String, String)>,
}

/// A part of a bar of a thousand.
#[derive(Debug, PartialEq)]
pub struct Part {
    pub name: String,
    pub count: u64,
    pub from: u64,
    pub width: u64,
}

impl Board {
    pub fn new(snapshot: Snapshot, samples: &[Sample]) -> Self {
        let window = Window::until(snapshot.uptime_s);
        let plot = |curve: Curve| Plot::of(&curve, samples, window);
        Self {
            cards: vec![
                images(&snapshot, &plot),
                queue(&snapshot, &plot),
                memory(&snapshot, &plot),
                cpu(&snapshot, &plot),
                requests(&snapshot, &plot),
                errors(&snapshot, &plot),
            ],
            window: window.words(),
            photos: parts(&snapshot),
            failed: count_of(&snapshot, "failed"),
            snapshot,
        }
    }

    /// What is going on, in a word.
    pub fn state(&self) -> &'static str {
        let is_busy = self.snapshot.hosts.iter().any(|host| host.running > 0);
        match (self.snapshot.paused, is_busy) {
            (true, true) => "pausing",
            (true, false) => "paused",
            (false, true) => "analysing",
            (false, false) => "idle",
        }
    }

    pub fn uptime(&self) -> String {
        words::span(self.snapshot.uptime_s)
    }

    /// What went wrong at least once.
    pub fn troubles(&self) -> Vec<&Trouble> {
        let errors = self.snapshot.errors.iter();
        errors.filter(|trouble| trouble.count > 0).collect()
    }

    /// What the kernel asked at least once.
    pub fn kinds(&self) -> Vec<&Latency> {
        let kinds = self.snapshot.requests.iter();
        kinds.filter(|kind| kind.count > 0).collect()
    }

    pub fn spent(&self) -> Spent {
        Spent::today(&self.snapshot.hosts)
    }
}

/// What all servers together took today.
#[derive(Debug, PartialEq)]
pub struct Spent {
    pub requests: u64,
    pub tokens: u64,
    /// `None` where a part isn't known.
    pub cost: Option<f64>,
}

impl Spent {
    fn today(hosts: &[HostUse]) -> Self {
        let none = Self {
            requests: 0,
            tokens: 0,
            cost: Some(0.0),
        };
        let bills = hosts.iter().filter_map(|host| host.today);
        bills.fold(none, |sum, bill| Self {
            requests: sum.requests + bill.requests,
            tokens: sum.tokens + bill.input_tokens + bill.output_tokens,
            cost: sum.cost.zip(bill.cost).map(|(a, b)| a + b),
        })
    }
}

fn count_of(snapshot: &Snapshot, state: &str) -> u64 {
    let photos = snapshot.photos.iter().find(|count| count.name == state);
    photos.map_or(0, |photos| photos.count)
}

/// The states of all photos, side by side.
fn parts(snapshot: &Snapshot) -> Vec<Part> {
    let all: u64 = snapshot.photos.iter().map(|state| state.count).sum();
    let place = |count: u64| (count * 1000).checked_div(all).unwrap_or(0);
    let mut before = 0;
    let part = |state: &Count| {
        let from = place(before);
        before += state.count;
        Part {
            name: state.name.clone(),
            count: state.count,
            from,
            width: place(before) - from,
        }
    };
    snapshot.photos.iter().map(part).collect()
}

fn named<const N: usize>(parts: [(&str, String); N]) -> Vec<(String, String)> {
    parts.map(|(name, shown)| (name.to_owned(), shown)).into()
}

fn images(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let curve = Curve {
        name: "Images a second",
        value: |s| s.images,
        of_many: OfMany::Mean,
        least_top: 1.0,
        written: |v| words::rate(&v),
    };
    Card {
        name: "Images",
        now: words::rate(&snapshot.images_per_second),
        unit: "a second",
        plot: plot(curve),
        parts: named([
            ("looked at", words::count(&snapshot.ends.analyzed)),
            ("copies", words::count(&snapshot.ends.copied)),
            ("failed", words::count(&snapshot.ends.failed)),
        ]),
    }
}

fn queue(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let curve = Curve {
        name: "Photos in the queue",
        value: |s| s.queued as f64,
        of_many: OfMany::Most,
        least_top: 10.0,
        written: whole,
    };
    let parts = snapshot.queue.iter();
    Card {
        name: "Queue",
        now: words::count(&snapshot.queue.iter().map(|priority| priority.count).sum()),
        unit: "photos",
        plot: plot(curve),
        parts: parts
            .map(|p| (p.name.clone(), words::count(&p.count)))
            .collect(),
    }
}

fn memory(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let megabytes = |bytes: Option<u64>| bytes.map(|b| words::megabytes(b as f64));
    let shown = |bytes| megabytes(bytes).unwrap_or_else(|| "not known".into());
    let limit = snapshot.memory.limit_bytes;
    let curve = Curve {
        name: "Memory",
        value: |s| s.memory_bytes as f64,
        of_many: OfMany::Most,
        least_top: limit as f64,
        written: words::megabytes,
    };
    Card {
        name: "Memory",
        now: shown(snapshot.memory.now_bytes),
        unit: "",
        plot: plot(curve),
        parts: named([
            ("peak", shown(snapshot.memory.peak_bytes)),
            ("allowed", shown(Some(limit))),
        ]),
    }
}

fn cpu(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let curve = Curve {
        name: "Processors kept busy",
        value: |s| s.cpu,
        of_many: OfMany::Mean,
        least_top: processors as f64,
        written: |v| words::rate(&v),
    };
    Card {
        name: "CPU",
        now: words::rate(&snapshot.cpu.now),
        unit: "processors",
        plot: plot(curve),
        parts: named([
            ("there are", processors.to_string()),
            ("spent", words::span(snapshot.cpu.seconds)),
        ]),
    }
}

fn requests(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let curve = Curve {
        name: "Requests of the kernel a second",
        value: |s| s.requests,
        of_many: OfMany::Mean,
        least_top: 10.0,
        written: |v| words::rate(&v),
    };
    let sum = |of: fn(&Latency) -> u64| words::count(&snapshot.requests.iter().map(of).sum());
    Card {
        name: "Kernel",
        now: words::rate(&snapshot.requests_per_second),
        unit: "requests a second",
        plot: plot(curve),
        parts: named([
            ("running", sum(|kind| kind.running)),
            ("since the mount", sum(|kind| kind.count)),
        ]),
    }
}

fn errors(snapshot: &Snapshot, plot: &dyn Fn(Curve) -> Plot) -> Card {
    let curve = Curve {
        name: "Errors a second",
        value: |s| s.errors,
        of_many: OfMany::Most,
        least_top: 1.0,
        written: |v| words::rate(&v),
    };
    let sum = |of: fn(&Trouble) -> u64| words::count(&snapshot.errors.iter().map(of).sum());
    Card {
        name: "Errors",
        now: sum(|class| class.last_minute),
        unit: "in the last minute",
        plot: plot(curve),
        parts: named([("since the start", sum(|class| class.count))]),
    }
}

fn whole(value: f64) -> String {
    words::count(&(value.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Bill;
    use crate::metrics::{Counters, History};

    fn board(counters: &Counters) -> Board {
        Board::new(Snapshot::of(counters, &History::default()), &[])
    }

    #[test]
    fn a_bar_is_as_long_as_all_photos() {
        let photos = vec![("pending", 1), ("analyzed", 2), ("failed", 0)];
        let counters = Counters {
            photos: Some(photos),
            ..Counters::default()
        };
        let widths = board(&counters).photos;
        let widths: Vec<_> = widths.iter().map(|part| (part.from, part.width)).collect();
        assert_eq!(widths, [(0, 333), (333, 667), (1000, 0)]);
        let none = Counters {
            photos: Some(vec![("pending", 0)]),
            ..Counters::default()
        };
        assert_eq!(board(&none).photos[0].width, 0);
        assert!(board(&Counters::default()).photos.is_empty());
    }

    #[test]
    fn what_servers_cost_is_added_up_and_unknown_where_a_part_is() {
        let bill = |cost| HostUse {
            today: Some(Bill {
                requests: 2,
                input_tokens: 100,
                output_tokens: 10,
                cost,
            }),
            ..HostUse::default()
        };
        let free = HostUse::default();
        let spent = Spent::today(&[free, bill(Some(0.5)), bill(Some(0.25))]);
        let expected = Spent {
            requests: 4,
            tokens: 220,
            cost: Some(0.75),
        };
        assert_eq!(spent, expected);
        assert_eq!(Spent::today(&[bill(Some(0.5)), bill(None)]).cost, None);
    }

    #[test]
    fn the_state_says_what_a_pause_still_waits_for() {
        let state = |paused, running| {
            let host = HostUse {
                running,
                ..HostUse::default()
            };
            let counters = Counters {
                paused,
                hosts: vec![host],
                ..Counters::default()
            };
            board(&counters).state()
        };
        assert_eq!(state(false, 0), "idle");
        assert_eq!(state(false, 1), "analysing");
        assert_eq!(state(true, 1), "pausing");
        assert_eq!(state(true, 0), "paused");
    }
}
