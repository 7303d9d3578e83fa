//! Where the time of a row goes: what the process that serves it was asked and woken for, what it copied, and how long it
//! had a processor, beside the same of the floor. Counts tell it on a busy machine, too, where clocks don't.

use std::fs;
use std::io;
use std::path::Path;

use super::peers::Peer;
use super::rows::Row;

/// What a process has done since it began.
#[derive(Clone, Copy, Default)]
struct Spent {
    /// Reads: a request is one.
    reads: u64,
    /// Writes: a reply is one.
    writes: u64,
    bytes: u64,
    /// Its threads went to sleep so often.
    sleeps: u64,
    processor_ns: u64,
}

impl Spent {
    fn by(process: u32) -> io::Result<Self> {
        let process = Path::new("/proc").join(process.to_string());
        let io = fs::read_to_string(process.join("io"))?;
        let mut spent = Self {
            reads: field(&io, "syscr"),
            writes: field(&io, "syscw"),
            bytes: field(&io, "rchar") + field(&io, "wchar"),
            ..Self::default()
        };
        for thread in fs::read_dir(process.join("task"))? {
            let thread = thread?.path();
            // One that has ended meanwhile served nothing.
            let read = |name| fs::read_to_string(thread.join(name)).unwrap_or_default();
            spent.sleeps += field(&read("status"), "voluntary_ctxt_switches");
            let ran = read("schedstat");
            let ran = ran.split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
            spent.processor_ns += ran.unwrap_or_default();
        }
        Ok(spent)
    }

    fn since(self, before: Self) -> Self {
        Self {
            reads: self.reads.saturating_sub(before.reads),
            writes: self.writes.saturating_sub(before.writes),
            bytes: self.bytes.saturating_sub(before.bytes),
            sleeps: self.sleeps.saturating_sub(before.sleeps),
            processor_ns: self.processor_ns.saturating_sub(before.processor_ns),
        }
    }
}

/// A number of a file of `/proc` with a line for each.
fn field(text: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let value = lines.find(|(key, _)| *key == name).map(|(_, value)| value);
    value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0)
}

/// Prints a table: each row once, through each peer that this bench started.
pub fn run<'a>(rows: impl Iterator<Item = &'a Row<'a>>, peers: &[Peer]) {
    println!("\n| operation, once | through | reads | writes | KB | sleeps | processor ms |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        for peer in peers {
            match of_row(row, peer) {
                Ok(Some(spent)) => println!("| {} | {} | {} |", row.name, peer.name(), line(spent)),
                Ok(None) => {}
                Err(e) => println!("| {} | {} | {e} |", row.name, peer.name()),
            }
        }
    }
}

fn line(spent: Spent) -> String {
    format!(
        "{} | {} | {} | {} | {:.1}",
        spent.reads,
        spent.writes,
        spent.bytes >> 10,
        spent.sleeps,
        spent.processor_ns as f64 / 1e6
    )
}

fn of_row(row: &Row, peer: &Peer) -> io::Result<Option<Spent>> {
    let (Some(process), Some(at)) = (peer.process(), &peer.mountpoint) else {
        return Ok(None);
    };
    row.prepare(at)?;
    let before = Spent::by(process)?;
    (row.run)(at)?;
    Ok(Some(Spent::by(process)?.since(before)))
}
