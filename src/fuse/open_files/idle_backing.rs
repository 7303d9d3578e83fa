//! Backing files that nobody reads any more, kept for a moment.
//!
//! Programs open a photo several times in a row: to see what it is, for its metadata, for its picture. To register a file
//! with the kernel and to drop it again takes two calls each time, a tenth of what an open and a close take of this
//! process. What is kept is still that file, because its inode isn't given to another one as long as it is held. It is
//! held for seconds only, because the room of a file that is deleted meanwhile is free no sooner.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashlink::LruCache;

use super::open_modes::File;
use crate::vfs::Inode;

/// For how long.
pub const KEPT_FOR: Duration = Duration::from_secs(5);
/// No more than so many.
const MOST: usize = 1024;

/// What is kept, by inode; in order of time.
pub struct IdleBacking<B> {
    files: LruCache<Inode, Idle<B>>,
    /// Whether somebody will come to drop what was kept long enough.
    is_swept: bool,
}

struct Idle<B> {
    file: File,
    backing: Arc<B>,
    since: Instant,
}

impl<B> Default for IdleBacking<B> {
    fn default() -> Self {
        Self {
            files: LruCache::new(MOST),
            is_swept: false,
        }
    }
}

impl<B> IdleBacking<B> {
    /// Keeps a backing file. True when from now on somebody has to call [`Self::take_expired`] until nothing is left.
    pub fn keep(&mut self, inode: Inode, file: File, backing: Arc<B>, now: Instant) -> bool {
        let idle = Idle {
            file,
            backing,
            since: now,
        };
        self.files.insert(inode, idle);
        !std::mem::replace(&mut self.is_swept, true)
    }

    /// The backing file of an inode, if it is of this file; one of another file goes.
    pub fn take(&mut self, inode: Inode, file: File) -> Option<Arc<B>> {
        let idle = self.files.remove(&inode)?;
        (idle.file == file).then_some(idle.backing)
    }

    /// Those that were kept long enough, to be dropped; `None` when nothing was left to look after.
    pub fn take_expired(&mut self, now: Instant) -> Option<Vec<Arc<B>>> {
        self.is_swept = !self.files.is_empty();
        let mut expired = Vec::new();
        while let Some((_, oldest)) = self.files.iter().next()
            && now.saturating_duration_since(oldest.since) >= KEPT_FOR
        {
            expired.extend(self.files.remove_lru().map(|(_, idle)| idle.backing));
        }
        self.is_swept.then_some(expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = (1, 1);

    fn keep(idle: &mut IdleBacking<u64>, inode: u64, now: Instant) -> bool {
        idle.keep(Inode(inode), FILE, Arc::new(inode), now)
    }

    #[test]
    fn the_same_file_is_had_again_and_another_one_is_not() {
        let (mut idle, now) = (IdleBacking::default(), Instant::now());
        keep(&mut idle, 7, now);
        assert_eq!(idle.take(Inode(7), FILE), Some(Arc::new(7)));
        assert_eq!(idle.take(Inode(7), FILE), None);
        keep(&mut idle, 7, now);
        assert_eq!(idle.take(Inode(7), (1, 2)), None);
        assert_eq!(idle.take(Inode(7), FILE), None, "it went");
    }

    #[test]
    fn what_was_kept_long_enough_goes_and_one_sweep_is_asked_for_at_a_time() {
        let (mut idle, start) = (IdleBacking::default(), Instant::now());
        assert!(keep(&mut idle, 1, start));
        assert!(!keep(&mut idle, 2, start + KEPT_FOR / 2));
        assert_eq!(
            idle.take_expired(start + KEPT_FOR),
            Some(vec![Arc::new(1)]),
            "the second is still young"
        );
        assert!(!keep(&mut idle, 3, start + KEPT_FOR));
        let end = start + KEPT_FOR * 3;
        assert_eq!(idle.take_expired(end).map(|gone| gone.len()), Some(2));
        assert_eq!(idle.take_expired(end), None);
        assert!(keep(&mut idle, 4, end), "nobody comes any more");
    }

    #[test]
    fn only_so_many_are_kept() {
        let (mut idle, now) = (IdleBacking::default(), Instant::now());
        for inode in 0..3 * MOST as u64 {
            keep(&mut idle, inode, now);
        }
        let kept = idle.take_expired(now + KEPT_FOR);
        assert_eq!(kept.map(|kept| kept.len()), Some(MOST));
    }
}
