//! What counts as an access: looking is free, reading and asking start analyses, crawlers count one level lower.

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::{Caller, Step, Tree};
use crate::analysis::Access;
use crate::catalog::PhotoId;

impl Tree {
    /// A photo's content was read.
    pub fn read_by(&self, photo: PhotoId, caller: &Caller) {
        self.access(photo, Access::Read, caller);
    }

    /// Counts an access to a photo; gives what it counted for.
    pub(super) fn access(&self, photo: PhotoId, access: Access, caller: &Caller) -> Option<Access> {
        let access = match self.crawlers.judge(caller.pid, photo) {
            true => access.degraded()?,
            false => access,
        };
        self.scheduler.accessed(photo, access);
        Some(access)
    }

    /// A folder was opened; one of a search is among the latest then.
    pub(super) fn note_search(&self, folder: &Folder, caller: &Caller) {
        if let Some(Step::Search(search)) = folder.steps.last()
            && search.query().is_ok()
            && !self.crawlers.is_crawler(caller.pid)
        {
            self.latest.used(&folder.name);
        }
    }

    /// Photos were listed, or would have been if they were analysed.
    pub(super) fn listed(&self, photos: RoaringBitmap, caller: &Caller) {
        if !photos.is_empty() && !self.crawlers.is_crawler(caller.pid) {
            self.scheduler.accessed_all(photos, Access::Listed);
        }
    }
}
