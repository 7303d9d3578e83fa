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
        if !photos.is_empty() && self.crawlers.lists_all(caller.pid).is_none() {
            self.scheduler.accessed_all(photos, Access::Listed);
        }
    }
}
