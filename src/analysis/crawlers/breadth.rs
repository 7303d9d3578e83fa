//! How many photos a process touches within seconds.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::processes::Key;
use crate::catalog::PhotoId;

/// A viewer reads a photo and up to six neighbours ahead, maybe twice when someone leafs fast.
const NARROW: usize = 12;
/// Somebody who looks at a photo a second, with six read ahead, touches eleven in it; a thumbnailer that takes 0.4 s
/// for one touches thirteen.
const WINDOW: Duration = Duration::from_secs(5);

/// Processes remembered. Short-lived ones come by the thousand where a program starts one for each file.
const MOST: usize = 1024;

/// The different photos that each process touched last.
#[derive(Default)]
pub struct Breadth {
    /// The oldest first, no more than tell whether it is wide.
    touched: HashMap<Key, VecDeque<(Instant, PhotoId)>>,
}

impl Breadth {
    /// Notes an access; whether the process touches too many photos for someone who looks at them.
    pub fn is_wide(&mut self, process: Key, photo: PhotoId, now: Instant) -> bool {
        if self.touched.len() >= MOST && !self.touched.contains_key(&process) {
            self.make_room(now);
        }
        let touched = self.touched.entry(process).or_default();
        touched.retain(|&(at, other)| is_recent(at, now) && other != photo);
        touched.push_back((now, photo));
        if touched.len() > NARROW + 1 {
            touched.pop_front();
        }
        touched.len() > NARROW
    }

    fn make_room(&mut self, now: Instant) {
        let is_live = |t: &VecDeque<_>| t.back().is_some_and(|&(at, _)| is_recent(at, now));
        self.touched.retain(|_, touched| is_live(touched));
        if self.touched.len() >= MOST {
            self.touched.clear();
        }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < WINDOW
}
