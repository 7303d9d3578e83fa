//! What ordinary commands change: `mkdir`, `rmdir`, `rm`, `ln`, `mv`.
//!
//! The listing of a folder says what it takes; here each command finds out what it is about, and hands it to the file
//! of that kind of folder. Every call blocks on the disk. The source is never touched, and nothing is ever deleted:
//! what a folder shows is said about photos, and only that changes.

mod tags;

use super::tree::Named;
use super::{Attr, Caller, Edits, Error, Inode, Listing, Result, Step, Tree};
use crate::catalog::PhotoId;

/// A name in a folder, which may be there or not.
struct Place<'a> {
    parent: Inode,
    listing: Listing,
    name: &'a [u8],
}

impl Place<'_> {
    fn find(&self, tree: &Tree) -> Option<Named> {
        tree.find(&self.listing, self.name)
    }

    /// The photo of this name.
    fn photo(&self, tree: &Tree) -> Result<PhotoId> {
        match self.find(tree).ok_or(Error::NotFound)? {
            Named::Folder(Step::Mistake) => Err(Error::NotPermitted),
            Named::Folder(_) => Err(Error::IsAFolder),
            Named::File(inode) => inode.photo().ok_or(Error::NotPermitted),
        }
    }

    fn must_be_free(&self, tree: &Tree) -> Result<()> {
        match self.find(tree) {
            Some(_) => Err(Error::Exists),
            None => Ok(()),
        }
    }
}

impl Tree {
    fn place<'a>(&self, parent: Inode, name: &'a [u8]) -> Result<Place<'a>> {
        let listing = self.list_read(&self.folder(parent)?.steps)?;
        Ok(Place {
            parent,
            listing,
            name,
        })
    }

    /// `mkdir`. Holds one reference to the folder.
    pub fn make_folder(&self, parent: Inode, name: &[u8], _: &Caller) -> Result<Attr> {
        let place = self.place(parent, name)?;
        place.must_be_free(self)?;
        match place.listing.edits {
            Edits::None | Edits::Tags(_) => Err(Error::NotPermitted),
        }
    }

    /// `rmdir`
    pub fn remove_folder(&self, parent: Inode, name: &[u8], _: &Caller) -> Result<()> {
        let place = self.place(parent, name)?;
        match place.find(self).ok_or(Error::NotFound)? {
            Named::File(_) => Err(Error::NotAFolder),
            Named::Folder(_) => match place.listing.edits {
                Edits::None | Edits::Tags(_) => Err(Error::NotPermitted),
            },
        }
    }

    /// `rm` of a photo: of what the folder says about it.
    pub fn remove_file(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<()> {
        let place = self.place(parent, name)?;
        let photo = place.photo(self)?;
        match &place.listing.edits {
            Edits::None => Err(Error::NotPermitted),
            Edits::Tags(path) => self.untag(photo, path, caller),
        }
    }

    /// `ln`, `cp -l`: a photo under one more name.
    pub fn link(&self, file: Inode, parent: Inode, name: &[u8], caller: &Caller) -> Result<Attr> {
        let place = self.place(parent, name)?;
        place.must_be_free(self)?;
        let photo = file.photo().ok_or(Error::NotPermitted)?;
        match &place.listing.edits {
            Edits::None => Err(Error::NotPermitted),
            Edits::Tags(path) => self.tag(photo, path, caller),
        }?;
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
        let (from, to) = (self.place(parent, name)?, self.place(new_parent, new_name)?);
        if !replace {
            to.must_be_free(self)?;
        }
        match from.find(self).ok_or(Error::NotFound)? {
            Named::Folder(_) => Err(Error::NotPermitted),
            Named::File(_) => self.move_photo(&from, &to, caller),
        }
    }

    fn move_photo(&self, from: &Place, to: &Place, caller: &Caller) -> Result<()> {
        let photo = from.photo(self)?;
        // Its name is the photo's own, the same in every folder.
        if from.parent == to.parent {
            return Err(Error::NotPermitted);
        }
        match &to.listing.edits {
            Edits::None => Err(Error::NotPermitted),
            Edits::Tags(path) => self.retag(photo, &from.listing.edits, path, caller),
        }
    }
}
