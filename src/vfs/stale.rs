//! What the kernel must forget after a change.
//!
//! The kernel keeps names, absent names, attributes and listings for an hour, so each change must name whatever it
//! makes wrong. Works on the folders that the kernel knows, each of which says what of it is stale; naming too much costs
//! speed, naming too little is a lie.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::inode::Folder;
use super::listing::{Changed, Names};
use super::namespace::Namespace;
use super::{Editable, Inode, Step, naming};
use crate::catalog::PhotoId;
use crate::index::Delta;

/// Something that the kernel may remember wrongly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stale {
    /// The cached listing of a folder.
    Listing(Inode),
    /// A name in a folder: gone, new, or something else.
    Entry {
        /// The folder.
        parent: Inode,
        /// In it, whether it is there now or not.
        name: Vec<u8>,
    },
    /// Size, times, links of a file.
    Attributes(Inode),
    /// Every name in every folder.
    AllNames,
}

/// Works out what a change makes stale.
pub struct Invalidation {
    namespace: Arc<Namespace>,
}

impl Invalidation {
    pub(super) fn new(namespace: Arc<Namespace>) -> Self {
        Self { namespace }
    }

    /// Everything that a change makes stale, without repetition.
    pub fn stale(&self, delta: &Delta) -> Vec<Stale> {
        if delta.anew {
            return self.everything();
        }
        let mut stale = attributes(delta);
        let mut change = Changed::new(delta, self.namespace.index());
        for (inode, folder) in self.namespace.inodes.all() {
            let folder = self.namespace.current(inode, folder);
            if folder
                .steps
                .last()
                .is_some_and(|step| is_changed(step, delta))
            {
                stale.insert(Stale::Listing(inode));
                stale.insert(Stale::Entry {
                    parent: folder.parent,
                    name: folder.name.clone(),
                });
            }
            let names = self.stale_names(inode, &folder, &mut change);
            if !names.is_empty() {
                stale.insert(Stale::Listing(inode));
            }
            stale.extend(names.into_iter().map(|name| Stale::Entry {
                parent: inode,
                name,
            }));
        }
        stale.into_iter().collect()
    }

    /// Everything that the kernel may remember.
    fn everything(&self) -> Vec<Stale> {
        let folders = self.namespace.inodes.all().into_iter();
        let listings = folders.map(|(inode, _)| Stale::Listing(inode));
        let files = files_of(self.namespace.index().all().into_iter().map(PhotoId));
        listings
            .chain(files.map(Stale::Attributes))
            .chain([Stale::AllNames])
            .collect()
    }

    /// The names in a folder that a change makes stale.
    fn stale_names(&self, inode: Inode, folder: &Folder, change: &mut Changed<'_>) -> Names {
        let listing = self.namespace.list(&folder.steps);
        let mut names = listing.photos.stale(change);
        names.extend(listing.folders.stale(change));
        let editable = self.namespace.editable(&folder.steps);
        if editable != Editable::Nothing {
            let changed = change.delta.photos.iter();
            let aliases = &self.namespace.aliases;
            names.extend(changed.flat_map(|p| aliases.names(inode, p.id)));
        }
        if editable.shows_made() {
            let index = change.index;
            let made = change.delta.made.iter();
            let spelled = made.filter_map(|tag| index.spelling(tag));
            names.extend(spelled.map(|s| naming::folder_name(&s, "", index).into()));
        }
        names
    }
}

/// The attributes that a change makes stale: of photos, their texts, and the file that counts them.
fn attributes(delta: &Delta) -> BTreeSet<Stale> {
    let recent = delta.recent.iter().map(PhotoId);
    let regrouped = delta.regrouped.iter().map(|r| r.photo);
    let photos = delta.photos.iter().map(|p| p.id);
    let files = files_of(photos.chain(recent).chain(regrouped));
    files.map(Stale::Attributes).collect()
}

/// The files whose attributes follow from photos: theirs, their texts, and the one that counts them.
fn files_of(photos: impl Iterator<Item = PhotoId>) -> impl Iterator<Item = Inode> {
    let files = photos.flat_map(|id| [Inode::of_photo(id), Inode::of_text(id)]);
    files.chain([Inode::of_generated(0)])
}

/// Whether a folder that a step leads to is another one now.
fn is_changed(step: &Step, delta: &Delta) -> bool {
    matches!(step, Step::Saved { name, .. } if delta.saved.contains(name))
}
