//! What does it cost that every request is counted and timed?

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kbasefs::fuse::{Counters, Request};

use super::collection::Collection;

/// Counted without a mount.
const COUNTED: u32 = 1_000_000;
/// Sent through a mount.
const SENT: usize = 10_000;

/// Beside the shortest of requests, one that is answered from memory.
pub fn run(collection: &Collection, mount: &Path) -> io::Result<()> {
    let (counted, sent) = (counted(), sent(collection, mount)?);
    let part = counted.as_secs_f64() / sent.as_secs_f64() * 100.0;
    println!("counting a request: {counted:.2?} of {sent:.2?}, {part:.2} % (goal 2 %)");
    Ok(())
}

fn counted() -> Duration {
    let counters = Arc::<Counters>::default();
    let start = Instant::now();
    for _ in 0..COUNTED {
        black_box(counters.begin(Request::GetXattr, ())).now();
    }
    start.elapsed() / COUNTED
}

/// The median.
fn sent(collection: &Collection, mount: &Path) -> io::Result<Duration> {
    let folder = mount.join("tags/many");
    let mut times = Vec::with_capacity(SENT);
    for name in collection.sample.iter().cycle().take(SENT) {
        let path = folder.join(name);
        let start = Instant::now();
        rustix::fs::getxattr(&path, "user.xdg.tags", &mut [0; 1024][..])?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[SENT / 2])
}
