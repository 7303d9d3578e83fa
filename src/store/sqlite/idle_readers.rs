//! Connections that nobody reads from just now.

use parking_lot::Mutex;
use rusqlite::Connection;

/// How many are kept: each has a cache of 8 MiB, and few threads read at a time.
const MOST: usize = 4;

/// While another catalog takes the place of this one none is kept: whoever has a catalog open, if only idly, keeps its
/// file from others.
#[derive(Default)]
pub struct IdleReaders(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    is_replacing: bool,
    /// How often another catalog took the place.
    replaced: u64,
}

/// Tells connections of one catalog from those of the one before.
#[derive(Clone, Copy, PartialEq)]
pub struct Generation(u64);

impl IdleReaders {
    /// One that is idle, if there is one, and to which catalog one that is opened now belongs.
    pub fn take(&self) -> (Option<Connection>, Generation) {
        let mut idle = self.0.lock();
        (idle.connections.pop(), Generation(idle.replaced))
    }

    /// Keeps one for the next, or closes it.
    pub fn give_back(&self, connection: Connection, of: Generation) {
        let mut idle = self.0.lock();
        let is_of_use = !idle.is_replacing && of == Generation(idle.replaced);
        if is_of_use && idle.connections.len() < MOST {
            idle.connections.push(connection);
        }
    }

    pub fn clear(&self) {
        self.0.lock().connections.clear();
    }

    /// Another catalog is to take the place: closes all, and those that come back meanwhile.
    pub fn begin_replacing(&self) {
        let mut idle = self.0.lock();
        idle.is_replacing = true;
        idle.connections.clear();
    }

    /// The other one is there, or it is still the same.
    pub fn end_replacing(&self) {
        let mut idle = self.0.lock();
        idle.is_replacing = false;
        idle.replaced += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is idle meanwhile would keep whoever mends the file waiting for as long as SQLite waits.
    #[test]
    fn what_comes_back_while_another_catalog_takes_the_place_is_closed() {
        let idle = IdleReaders::default();
        let new = || Connection::open_in_memory().unwrap();
        let (none, before) = idle.take();
        assert!(none.is_none());
        idle.give_back(new(), before);
        assert!(idle.take().0.is_some());
        idle.give_back(new(), before);
        idle.begin_replacing();
        let (none, meanwhile) = idle.take();
        assert!(none.is_none());
        idle.give_back(new(), meanwhile);
        idle.end_replacing();
        idle.give_back(new(), meanwhile);
        assert!(idle.take().0.is_none());
        let after = idle.take().1;
        idle.give_back(new(), after);
        assert!(idle.take().0.is_some());
    }
}
