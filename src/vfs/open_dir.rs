//! A folder that is being listed.
//!
//! Its folders and the set of its photos are fixed when it is opened; names are looked up as they are handed out, so
//! that a listing of a million photos takes no more memory than a bitmap. An entry's cookie follows from what it is, so
//! that a listing goes on at the right place whatever changed meanwhile: [`cookies`] has their order, and why.

use std::collections::HashSet;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::listing::{PhotoFiles, Subfolder, cookies};
use super::namespace::Namespace;
use super::views::labels;
use super::{Attr, Editable, Inode, Kind, Listing, Result, Step, naming};
use crate::catalog::{Facet, PhotoId};

/// One line of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct DirEntry {
    /// Where the listing goes on after this entry. Above 0, ascending.
    pub cookie: u64,
    /// Of what is listed. The kernel holds no reference to it until it is looked up.
    pub inode: Inode,
    /// What `ls` shows without asking for more.
    pub kind: Kind,
    /// At most 255 bytes of any kind, without a slash.
    pub name: Vec<u8>,
    /// The step that a folder is; `None` for files and the dots.
    step: Option<Step>,
}

/// A folder opened for listing.
pub struct OpenDir {
    inode: Inode,
    folder: Arc<Folder>,
    /// The dots, the generated files, the folders: by cookie.
    first: Vec<DirEntry>,
    photos: RoaringBitmap,
    shown: Box<dyn PhotoFiles>,
    is_steady: bool,
}

impl OpenDir {
    pub(super) fn new(
        namespace: &Namespace,
        inode: Inode,
        folder: Arc<Folder>,
        listing: Listing,
        photos: RoaringBitmap,
    ) -> Self {
        let entry = |cookie, inode, kind, name: &[u8]| DirEntry {
            cookie,
            inode,
            kind,
            name: name.into(),
            step: None,
        };
        let mut first = vec![
            entry(1, inode, Kind::Folder, b"."),
            entry(2, folder.parent, Kind::Folder, b".."),
        ];
        let generated = listing.folders.generated().into_iter();
        first.extend(generated.map(|(number, name)| {
            let cookie = cookies::GENERATED + number as u64;
            entry(cookie, Inode::of_generated(number), Kind::File, name)
        }));
        let mut folders = listing.folders.list(namespace.shown());
        folders.extend(edited(namespace, inode, &folder, &folders));
        first.extend(folders.into_iter().map(|shown| {
            let kind = match shown.step {
                Step::Mistake => Kind::File,
                _ => Kind::Folder,
            };
            let number = namespace.inodes.number(inode, &shown.name);
            DirEntry {
                step: Some(shown.step),
                ..entry(shown.cookie, number, kind, &shown.name)
            }
        }));
        first.sort_by_key(|e| e.cookie);
        Self {
            inode,
            folder,
            first,
            photos,
            is_steady: listing.folders.is_steady(),
            shown: listing.photos,
        }
    }

    /// Whether a change that isn't told is no reason to list it anew: looking at searches changes which are listed.
    pub fn is_steady(&self) -> bool {
        self.is_steady
    }

    /// The entries after a cookie; 0 for all. Photos that went away meanwhile are left out.
    pub fn entries<'a>(
        &'a self,
        namespace: &'a Namespace,
        after: u64,
    ) -> impl Iterator<Item = DirEntry> + 'a {
        let start = self.first.partition_point(|e| e.cookie <= after);
        let (before, behind) = {
            let behind = self.first.partition_point(|e| e.cookie < cookies::PHOTOS);
            (
                &self.first[start.min(behind)..behind],
                &self.first[start.max(behind)..],
            )
        };
        let first_photo = u32::try_from((after + 1).saturating_sub(cookies::PHOTOS));
        let ids = first_photo.ok().map(|from| self.photos.range(from..));
        let photos = ids
            .into_iter()
            .flatten()
            .filter_map(|id| self.photo(namespace, PhotoId(id)));
        before
            .iter()
            .cloned()
            .chain(photos)
            .chain(behind.iter().cloned())
    }

    /// What a lookup of an entry gives. Holds one reference to a folder, unless it is `.` or `..`.
    pub fn adopt(&self, namespace: &Namespace, entry: &DirEntry) -> Result<Attr> {
        match &entry.step {
            Some(step) => {
                Ok(namespace.reference_folder(self.inode, &self.folder, &entry.name, step.clone()))
            }
            None if entry.kind == Kind::Folder => {
                Ok(namespace.own_attr(entry.inode, Kind::Folder, 0))
            }
            None => namespace.attr(entry.inode),
        }
    }

    fn photo(&self, namespace: &Namespace, id: PhotoId) -> Option<DirEntry> {
        let index = namespace.index();
        let packed = index.packed_names(id)?;
        Some(DirEntry {
            cookie: cookies::PHOTOS + u64::from(id.0),
            inode: self.shown.file(id),
            kind: Kind::File,
            name: self.shown.name(&packed, index)?,
            step: None,
        })
    }
}

/// The folders that are there only because somebody edits: tags that were made, folders that were made below others.
fn edited(
    namespace: &Namespace,
    inode: Inode,
    folder: &Folder,
    shown: &[Subfolder],
) -> Vec<Subfolder> {
    let (editable, index) = (namespace.editable(&folder.steps), namespace.index());
    if editable == Editable::Nothing {
        return Vec::new();
    }
    let made = match editable.shows_made() {
        true => index.empty_labels(Facet::Tag),
        false => Vec::new(),
    };
    let made = made.into_iter().map(|l| {
        let name = naming::folder_name(&l.shown, "", index);
        (name.into_bytes(), Step::Label(l.key))
    });
    let kept = namespace.sticky_dirs.made_below(inode).into_iter();
    let mut known: HashSet<Vec<u8>> = shown.iter().map(|shown| shown.name.clone()).collect();
    let new = made
        .chain(kept)
        .filter(|(name, _)| known.insert(name.clone()));
    let with_cookie = |(name, step)| match &step {
        Step::Label(key) => {
            let cookie = labels::cookie(index.label_id(key)?);
            Some(Subfolder { cookie, name, step })
        }
        _ => None,
    };
    new.filter_map(with_cookie).collect()
}
