//! What is in a folder only because somebody edits there.

use std::sync::Arc;

use super::{Draft, ProcessKey, Reason};
use crate::catalog::{Facet, LabelKey};
use crate::vfs::inode::Folder;
use crate::vfs::namespace::{Named, Namespace};
use crate::vfs::{Caller, Editable, Inode, Listing, Step, naming};

impl Namespace {
    /// What the one who asks is writing under a name.
    pub(in crate::vfs) fn find_draft(
        &self,
        parent: Inode,
        name: &[u8],
        caller: &Caller,
    ) -> Option<Arc<Draft>> {
        self.drafts.find(parent, name, || self.process(caller))
    }

    /// What is in a folder only because somebody edits there: a tag that was made, a folder that was emptied, a photo
    /// under the name that a program gave it.
    pub(in crate::vfs) fn find_edited(
        &self,
        parent: Inode,
        folder: &Folder,
        listing: &Listing,
        name: &[u8],
        caller: &Caller,
    ) -> Option<Named> {
        let Editable::Tags(path) = self.editable(&folder.steps) else {
            return None;
        };
        let tag = || naming::find(name, Facet::Tag, "", self.index());
        let is_made = |key: &LabelKey| path.is_empty() && self.index().is_made(key);
        if let Some(made) = tag().filter(|tag| is_made(&tag.key)) {
            return Some(Named::Folder(Step::Label(made.key)));
        }
        match self.sticky_dirs.find(parent, name) {
            Some((step, Reason::Made)) => return Some(Named::Folder(step)),
            Some((step, Reason::EmptiedBy(process))) if process == self.process(caller) => {
                return Some(Named::Emptied(step));
            }
            _ => {}
        }
        if let Some(photo) = self.aliases.find(parent, name) {
            let is_here = listing.photos.photos(self.index()).contains(photo.0);
            return is_here.then_some(Named::File(Inode::of_photo(photo)));
        }
        // Below a folder that was emptied every tag has a folder, so that `rm -r` finds those that it listed.
        let tag = tag().filter(|tag| !path.contains(&tag.key))?;
        let is_emptied = self.is_emptied(parent, listing, caller);
        is_emptied.then_some(Named::Emptied(Step::Label(tag.key)))
    }

    fn is_emptied(&self, inode: Inode, listing: &Listing, caller: &Caller) -> bool {
        let Some(folder) = self.known(inode) else {
            return false;
        };
        let sticky = self.sticky_dirs.find(folder.parent, &folder.name);
        let reason = sticky.map(|(_, reason)| reason);
        let emptied = reason == Some(Reason::EmptiedBy(self.process(caller)));
        (emptied || reason == Some(Reason::Made)) && listing.photos.photos(self.index()).is_empty()
    }

    /// The process of who asks.
    pub(super) fn process(&self, caller: &Caller) -> ProcessKey {
        Some(self.crawlers.process(caller.pid)?.key)
    }
}
