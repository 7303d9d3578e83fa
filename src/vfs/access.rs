//! What counts as an access: looking is free, reading and asking start analyses, crawlers count one level lower.
//!
//! How many photos a program asks for says nothing: a description that isn't listed is asked for on purpose.

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::{Caller, Step, Tree};
use crate::analysis::Access;
use crate::catalog::PhotoId;

impl Tree {
    /// A photo's content was read.
    pub fn read_by(&self, photo: PhotoId, caller: &Caller) {
        let crawls = self.crawlers.crawls(caller.pid, photo);
        self.count(photo, Access::Read, crawls);
    }

    /// A photo's description was asked for by name. Whether that counts as asked.
    pub(super) fn asked_by(&self, photo: PhotoId, caller: &Caller) -> bool {
        let crawler = self.crawlers.asks_for_all(caller.pid);
        self.count(photo, Access::Asked, crawler.is_some());
        if let Some(program) = &crawler {
            self.scheduler.turn_away(photo, program);
        }
        crawler.is_none()
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

    /// A folder was opened; one of a search is among the latest then.
    pub(super) fn note_search(&self, folder: &Folder, caller: &Caller) {
        if let Some(Step::Search(search)) = folder.steps.last()
            && search.query().is_ok()
            && self.crawlers.lists_all(caller.pid).is_none()
        {
            self.recent_searches.add(&folder.name);
        }
    }

    /// Photos were listed, or would have been if they were analysed.
    pub(super) fn listed(&self, photos: RoaringBitmap, caller: &Caller) {
        if !photos.is_empty() && self.crawlers.lists_all(caller.pid).is_none() {
            self.scheduler.accessed_all(photos, Access::Listed);
        }
    }
}
