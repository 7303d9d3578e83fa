//! What counts as an access: looking is free, reading and asking start analyses, crawlers count one level lower.
//!
//! How many photos a program asks for says nothing: a description that isn't listed is asked for on purpose. What each
//! access may cost is the scheduler's, by the `on` of each provider.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::{Caller, Step};
use crate::analysis::{Access, Crawlers, Scheduler};
use crate::catalog::PhotoId;

/// Tells the scheduler what is looked at.
pub struct Accesses {
    pub scheduler: Arc<Scheduler>,
    pub crawlers: Arc<Crawlers>,
}

impl Accesses {
    /// A photo's content was read.
    pub fn read_by(&self, photo: PhotoId, caller: &Caller) {
        let crawls = self.crawlers.crawls(caller.pid, photo);
        self.count(photo, Access::Read, crawls);
    }

    /// Whether a photo's description is asked for on purpose by whoever asks for it by name. A program that asks for all
    /// that it meets doesn't; what that counts for instead is counted here.
    pub fn asks_on_purpose(&self, photo: PhotoId, caller: &Caller) -> bool {
        let Some(program) = self.crawlers.asks_for_all(caller.pid) else {
            return true;
        };
        self.count(photo, Access::Asked, true);
        self.scheduler.turn_away(photo, &program);
        false
    }

    fn count(&self, photo: PhotoId, access: Access, crawls: bool) {
        let access = if crawls {
            access.degraded()
        } else {
            Some(access)
        };
        if let Some(access) = access {
            self.scheduler.accessed(photo, access);
        }
    }

    /// Whether a folder that is opened is of a search that somebody looks at.
    pub fn is_search(&self, folder: &Folder, caller: &Caller) -> bool {
        let is_query = match folder.steps.last() {
            Some(Step::Search(search)) => search.query().is_ok(),
            _ => false,
        };
        is_query && self.crawlers.lists_all(caller.pid).is_none()
    }

    /// Photos were listed, or would have been if they were analysed.
    pub fn listed(&self, photos: RoaringBitmap, caller: &Caller) {
        // Who asks is found out last: that reads files of `/proc`, for each folder that a walk opens.
        if !photos.is_empty()
            && self.scheduler.wants(Access::Listed)
            && self.crawlers.lists_all(caller.pid).is_none()
        {
            self.scheduler.accessed_all(photos, Access::Listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::library::Library;
    use crate::store::memory::Memory;

    #[test]
    fn a_listing_that_starts_nothing_asks_for_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("rsync");
        symlink("/bin/cat", &named).unwrap();
        let mut rsync = Command::new(named);
        let rsync = rsync.arg0("cat").stdin(Stdio::piped());
        let mut rsync = rsync.stdout(Stdio::null()).spawn().unwrap();
        let library = Arc::new(Library::unloaded(Arc::new(Memory::default())));
        let accesses = Accesses {
            scheduler: Scheduler::idle(library),
            crawlers: Arc::default(),
        };
        let caller = Caller {
            pid: rsync.id(),
            uid: 0,
        };
        accesses.listed([1].into(), &caller);
        let listed = accesses.crawlers.counts();
        let is_known = accesses.crawlers.lists_all(caller.pid);
        // It ends when nobody writes to it any more.
        drop(rsync.stdin.take());
        rsync.wait().unwrap();
        assert_eq!(listed, []);
        assert_eq!(is_known.as_deref(), Some("rsync"));
    }
}
