//! What ordinary commands change: `mkdir`, `rmdir`, `rm`, `ln`, `mv`, `cp`.
//!
//! The listing of a folder says what it takes; here each command finds out what it is about, and hands it to the file
//! of that kind of folder. Every call blocks on the disk. The source is never touched, and nothing is ever deleted:
//! what a folder shows is said about photos, and only that changes.

mod aliases;
mod copies;
mod drafts;
mod journal_batches;
mod saved;
mod sticky_dirs;
mod tag_folders;
mod tags;

pub use aliases::NameAliases;
pub use drafts::{Draft, Drafts, SetAttr};
pub use journal_batches::ActBatcher;
use sticky_dirs::Reason;
pub use sticky_dirs::StickyDirs;

use super::inode::Folder;
use super::tree::Named;
use super::{Attr, Caller, Edits, Error, Inode, Listing, Result, Step, Tree, naming};
use crate::catalog::{Facet, LabelKey, PhotoId};

/// A name in a folder, which may be there or not, as the dentries of the kernel.
struct Dentry<'a> {
    parent: Inode,
    folder: Folder,
    listing: Listing,
    name: &'a [u8],
    caller: &'a Caller,
}

impl Dentry<'_> {
    fn find(&self, tree: &Tree) -> Option<Named> {
        tree.find(self.parent, &self.listing, self.name, self.caller)
    }

    /// The photo of this name.
    fn photo(&self, tree: &Tree) -> Result<PhotoId> {
        match self.find(tree).ok_or(Error::NotFound)? {
            Named::Folder(Step::Mistake) => Err(Error::NotPermitted),
            Named::Folder(_) | Named::Emptied(_) => Err(Error::IsAFolder),
            Named::File(inode) => inode.photo().ok_or(Error::NotPermitted),
            Named::Draft(_) => Err(Error::NotPermitted),
        }
    }

    fn must_be_free(&self, tree: &Tree) -> Result<()> {
        match self.find(tree) {
            None | Some(Named::Emptied(_)) => Ok(()),
            Some(_) => Err(Error::Exists),
        }
    }
}

impl Tree {
    fn dentry<'a>(&self, parent: Inode, name: &'a [u8], caller: &'a Caller) -> Result<Dentry<'a>> {
        let folder = self.folder(parent)?;
        Ok(Dentry {
            parent,
            listing: self.list_blocking(&folder.steps)?,
            folder,
            name,
            caller,
        })
    }

    /// `mkdir`. Holds one reference to the folder.
    pub fn make_folder(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<Attr> {
        let dentry = self.dentry(parent, name, caller)?;
        dentry.must_be_free(self)?;
        match &dentry.listing.edits {
            Edits::None => Err(Error::NotPermitted),
            Edits::Tags(path) => self.make_tag(&dentry, path),
            Edits::Saved => self.make_saved(&dentry),
        }
    }

    /// `rmdir`
    pub fn remove_folder(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<()> {
        let dentry = self.dentry(parent, name, caller)?;
        match dentry.find(self).ok_or(Error::NotFound)? {
            Named::File(_) | Named::Draft(_) => Err(Error::NotAFolder),
            Named::Folder(step) | Named::Emptied(step) => match &dentry.listing.edits {
                Edits::None => Err(Error::NotPermitted),
                Edits::Tags(path) => self.remove_tag(&dentry, step, path),
                Edits::Saved => self.remove_saved(&dentry, &step),
            },
        }
    }

    /// `rm` of a photo: of what the folder says about it.
    pub fn remove_file(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<()> {
        let dentry = self.dentry(parent, name, caller)?;
        if let Some(Named::Draft(draft)) = dentry.find(self) {
            draft.unlink();
            return Ok(());
        }
        let photo = dentry.photo(self)?;
        match &dentry.listing.edits {
            Edits::None | Edits::Saved => Err(Error::NotPermitted),
            Edits::Tags(path) => self.untag(photo, &dentry, path),
        }?;
        self.aliases.remove(parent, name);
        Ok(())
    }

    /// `ln`, `cp -l`: a photo under one more name.
    pub fn link(&self, file: Inode, parent: Inode, name: &[u8], caller: &Caller) -> Result<Attr> {
        let dentry = self.dentry(parent, name, caller)?;
        dentry.must_be_free(self)?;
        let photo = file.photo().ok_or(Error::NotPermitted)?;
        match &dentry.listing.edits {
            Edits::None | Edits::Saved => Err(Error::NotPermitted),
            Edits::Tags(path) => self.tag(photo, &dentry, path),
        }?;
        self.add_alias(&dentry, photo);
        self.attr(file)
    }

    /// `mv`; `replace`: also onto a name that is there.
    pub fn rename(
        &self,
        (parent, name): (Inode, &[u8]),
        (new_parent, new_name): (Inode, &[u8]),
        replace: bool,
        caller: &Caller,
    ) -> Result<()> {
        let (from, to) = (
            self.dentry(parent, name, caller)?,
            self.dentry(new_parent, new_name, caller)?,
        );
        if !replace {
            to.must_be_free(self)?;
        }
        match from.find(self).ok_or(Error::NotFound)? {
            Named::Folder(step) | Named::Emptied(step) => self.move_folder(&from, step, &to),
            Named::File(_) => self.move_photo(&from, &to),
            Named::Draft(draft) => self.move_draft(&draft, &to),
        }
    }

    fn move_folder(&self, from: &Dentry, step: Step, to: &Dentry) -> Result<()> {
        match (&from.listing.edits, &to.listing.edits) {
            (Edits::Tags(path), Edits::Tags(to_path)) => {
                self.move_tag((from, path), step, (to, to_path))
            }
            (Edits::Saved, Edits::Saved) => self.move_saved(from, &step, to),
            _ => Err(Error::NotPermitted),
        }
    }

    /// A photo that is moved onto the name of another takes nothing from that one: both are there then.
    fn move_photo(&self, from: &Dentry, to: &Dentry) -> Result<()> {
        let photo = from.photo(self)?;
        if let Some(Named::Folder(_) | Named::Emptied(_)) = to.find(self) {
            return Err(Error::IsAFolder);
        }
        match &to.listing.edits {
            Edits::None | Edits::Saved => return Err(Error::NotPermitted),
            // A photo's own name is the same in every folder; one that a program gave it may change.
            Edits::Tags(_) if from.parent == to.parent => {
                if !self.aliases.remove(from.parent, from.name) {
                    return Err(Error::NotPermitted);
                }
            }
            Edits::Tags(path) => self.retag(photo, from, (to, path))?,
        }
        self.aliases.remove(from.parent, from.name);
        self.add_alias(to, photo);
        Ok(())
    }

    /// Lets a photo be found under the name that it was brought under.
    fn add_alias(&self, dentry: &Dentry, photo: PhotoId) {
        let packed = self.index().packed_names(photo);
        if packed.is_some_and(|packed| packed.name() != dentry.name) {
            self.aliases.add(dentry.parent, dentry.name, photo);
        }
    }

    /// What is in a folder only because somebody edits there: a tag that was made, a folder that was emptied, a photo
    /// under the name that a program gave it.
    pub(super) fn find_edited(
        &self,
        parent: Inode,
        listing: &Listing,
        name: &[u8],
        caller: &Caller,
    ) -> Option<Named> {
        let Edits::Tags(path) = &listing.edits else {
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
            let is_here = self.photos(&listing.photos).contains(photo.0);
            return is_here.then_some(Named::File(Inode::of_photo(photo)));
        }
        // Below a folder that was emptied every tag has a folder, so that `rm -r` finds those that it listed.
        let tag = tag().filter(|tag| !path.contains(&tag.key))?;
        let is_emptied = self.is_emptied(parent, listing, caller);
        is_emptied.then_some(Named::Emptied(Step::Label(tag.key)))
    }

    fn is_emptied(&self, inode: Inode, listing: &Listing, caller: &Caller) -> bool {
        let Some(folder) = self.inodes.get(inode) else {
            return false;
        };
        let sticky = self.sticky_dirs.find(folder.parent, &folder.name);
        let reason = sticky.map(|(_, reason)| reason);
        let emptied = reason == Some(Reason::EmptiedBy(self.process(caller)));
        (emptied || reason == Some(Reason::Made)) && self.photos(&listing.photos).is_empty()
    }

    fn process(&self, caller: &Caller) -> sticky_dirs::ProcessKey {
        Some(self.crawlers.process(caller.pid)?.key)
    }
}
