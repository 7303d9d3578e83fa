//! What ordinary commands change: `mkdir`, `rmdir`, `rm`, `ln`, `mv`, `cp`.
//!
//! The listing of a folder says what it takes; here each command finds out what it is about, and hands it to the file
//! of that kind of folder. Every call blocks on the disk. The source is never touched, and nothing is ever deleted:
//! what a folder shows is said about photos, and only that changes.

mod aliases;
mod copies;
mod drafts;
mod edited_names;
mod journal_batches;
mod removals;
mod saved;
mod sticky_dirs;
mod tag_folders;
mod tags;

pub use aliases::NameAliases;
pub use drafts::{Draft, Drafts, SetAttr};
pub use journal_batches::ActBatcher;
pub use sticky_dirs::StickyDirs;
use sticky_dirs::{ProcessKey, Reason};

use std::path::PathBuf;
use std::sync::Arc;

use self::removals::Removals;
use super::inode::Folder;
use super::namespace::{Named, Namespace};
use super::{Attr, Caller, Editable, Error, Inode, Listing, Result, Step};
use crate::catalog::PhotoId;
use crate::index::Index;
use crate::library::Library;

/// Carries out what ordinary commands change. Every call blocks on the disk.
pub struct Editor {
    library: Arc<Library>,
    namespace: Arc<Namespace>,
    batcher: ActBatcher,
    removals: Removals,
    /// The folder where copies are kept while they are written.
    spool: PathBuf,
}

/// A name in a folder, which may be there or not, as the dentries of the kernel.
struct Dentry<'a> {
    parent: Inode,
    folder: Arc<Folder>,
    listing: Listing,
    editable: Editable,
    name: &'a [u8],
    caller: &'a Caller,
}

impl Dentry<'_> {
    fn find(&self, editor: &Editor) -> Option<Named> {
        let Self {
            parent,
            folder,
            listing,
            name,
            caller,
            ..
        } = self;
        editor
            .namespace
            .find(*parent, folder, listing, name, caller)
    }

    /// The photo of this name.
    fn photo(&self, editor: &Editor) -> Result<PhotoId> {
        match self.find(editor).ok_or(Error::NotFound)? {
            Named::Folder(Step::Mistake) => Err(Error::NotPermitted),
            Named::Folder(_) | Named::Emptied(_) => Err(Error::IsAFolder),
            Named::File(inode) => inode.photo().ok_or(Error::NotPermitted),
            Named::Draft(_) => Err(Error::NotPermitted),
        }
    }

    fn must_be_free(&self, editor: &Editor) -> Result<()> {
        match self.find(editor) {
            None | Some(Named::Emptied(_)) => Ok(()),
            Some(_) => Err(Error::Exists),
        }
    }
}

impl Editor {
    pub(super) fn new(library: Arc<Library>, namespace: Arc<Namespace>, spool: PathBuf) -> Self {
        Self {
            library,
            namespace,
            batcher: ActBatcher::default(),
            removals: Removals::default(),
            spool,
        }
    }

    fn index(&self) -> &Index {
        self.library.index()
    }

    /// Somebody looks into a folder.
    pub(super) fn looked_at(&self, folder: &Folder, caller: &Caller) {
        // Nearly always.
        if self.removals.is_empty() {
            return;
        }
        if let Editable::Tags(path) = self.namespace.editable(&folder.steps)
            && let Some(process) = self.namespace.crawlers.process(caller.pid)
        {
            self.removals.forget_before_look(&process, &path);
        }
    }

    fn dentry<'a>(&self, parent: Inode, name: &'a [u8], caller: &'a Caller) -> Result<Dentry<'a>> {
        let folder = self.namespace.folder(parent)?;
        Ok(Dentry {
            parent,
            listing: self.namespace.list_blocking(&folder.steps)?,
            editable: self.namespace.editable(&folder.steps),
            folder,
            name,
            caller,
        })
    }

    /// `mkdir`. Holds one reference to the folder.
    pub fn make_folder(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<Attr> {
        let dentry = self.dentry(parent, name, caller)?;
        dentry.must_be_free(self)?;
        match &dentry.editable {
            Editable::Nothing => Err(Error::NotPermitted),
            Editable::Tags(path) => self.make_tag(&dentry, path),
            Editable::Saved => self.make_saved(&dentry),
        }
    }

    /// `rmdir`
    pub fn remove_folder(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<()> {
        let dentry = self.dentry(parent, name, caller)?;
        match dentry.find(self).ok_or(Error::NotFound)? {
            Named::File(_) | Named::Draft(_) => Err(Error::NotAFolder),
            Named::Folder(step) | Named::Emptied(step) => match &dentry.editable {
                Editable::Nothing => Err(Error::NotPermitted),
                Editable::Tags(path) => self.remove_tag(&dentry, step, path),
                Editable::Saved => self.remove_saved(&dentry, &step),
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
        match &dentry.editable {
            Editable::Nothing | Editable::Saved => Err(Error::NotPermitted),
            Editable::Tags(path) => self.untag(photo, &dentry, path),
        }?;
        self.namespace.aliases.remove(parent, name);
        Ok(())
    }

    /// `ln`, `cp -l`: a photo under one more name.
    pub fn link(&self, file: Inode, parent: Inode, name: &[u8], caller: &Caller) -> Result<Attr> {
        let dentry = self.dentry(parent, name, caller)?;
        dentry.must_be_free(self)?;
        let photo = file.photo().ok_or(Error::NotPermitted)?;
        match &dentry.editable {
            Editable::Nothing | Editable::Saved => Err(Error::NotPermitted),
            Editable::Tags(path) => self.tag(photo, &dentry, path),
        }?;
        self.add_alias(&dentry, photo);
        self.namespace.attr(file)
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
        match (&from.editable, &to.editable) {
            (Editable::Tags(path), Editable::Tags(to_path)) => {
                self.move_tag((from, path), step, (to, to_path))
            }
            (Editable::Saved, Editable::Saved) => self.move_saved(from, &step, to),
            _ => Err(Error::NotPermitted),
        }
    }

    /// A photo that is moved onto the name of another takes nothing from that one: both are there then.
    fn move_photo(&self, from: &Dentry, to: &Dentry) -> Result<()> {
        let photo = from.photo(self)?;
        if let Some(Named::Folder(_) | Named::Emptied(_)) = to.find(self) {
            return Err(Error::IsAFolder);
        }
        match &to.editable {
            Editable::Nothing | Editable::Saved => return Err(Error::NotPermitted),
            // A photo's own name is the same in every folder; one that a program gave it may change.
            Editable::Tags(_) if from.parent == to.parent => {
                if !self.namespace.aliases.remove(from.parent, from.name) {
                    return Err(Error::NotPermitted);
                }
            }
            Editable::Tags(path) => self.retag(photo, from, (to, path))?,
        }
        self.namespace.aliases.remove(from.parent, from.name);
        self.add_alias(to, photo);
        Ok(())
    }

    /// Lets a photo be found under the name that it was brought under.
    fn add_alias(&self, dentry: &Dentry, photo: PhotoId) {
        let packed = self.index().packed_names(photo);
        if packed.is_some_and(|packed| packed.name() != dentry.name) {
            self.namespace
                .aliases
                .add(dentry.parent, dentry.name, photo);
        }
    }
}
