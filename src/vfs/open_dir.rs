//! A folder that is being listed.
//!
//! Its folders and the set of its photos are fixed when it is opened; names are looked up as they are handed out, so
//! that a listing of a million photos takes no more memory than a bitmap. An entry's cookie follows from what it is,
//! so that a listing goes on at the right place whatever changed meanwhile. Photos come before folders: who removes a
//! folder of a tag with all that is in it thus removes that tag, before anything in the folders below.

use std::collections::HashSet;

use std::cmp::Reverse;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::search::{MISTAKE, Search};
use super::views::views;
use super::{
    Attr, Edits, Folders, Inode, Kind, Listing, Photos, Result, Step, Tree, generated, naming,
};
use crate::catalog::{Facet, PhotoId, escape};

const GENERATED: u64 = 16;
const VIEW: u64 = 256;
const PHOTO: u64 = 1 << 40;
const SOURCE: u64 = 2 << 40;
const LABEL: u64 = 3 << 40;
const GROUP: u64 = 4 << 40;

/// One line of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct DirEntry {
    /// Where the listing goes on after this entry. Above 0, ascending.
    pub cookie: u64,
    pub inode: Inode,
    pub kind: Kind,
    pub name: Vec<u8>,
    /// The step that a folder is; `None` for files and the dots.
    step: Option<Step>,
}

/// A folder opened for listing.
pub struct OpenDir {
    inode: Inode,
    folder: Folder,
    /// The dots, the generated files, the folders: by cookie.
    first: Vec<DirEntry>,
    photos: RoaringBitmap,
    shown: Photos,
    is_steady: bool,
}

impl OpenDir {
    pub(super) fn new(
        tree: &Tree,
        inode: Inode,
        folder: &Folder,
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
        first.extend(generated::files_in(&listing.folders).map(|(n, name)| {
            entry(
                GENERATED + n as u64,
                Inode::of_generated(n),
                Kind::File,
                name,
            )
        }));
        let mut folders = folders(tree, &listing.folders);
        if listing.edits != Edits::None {
            folders.extend(edited(tree, inode, &listing, &folders));
        }
        first.extend(folders.into_iter().map(|(cookie, name, step)| {
            let kind = match step {
                Step::Mistake => Kind::File,
                _ => Kind::Folder,
            };
            DirEntry {
                step: Some(step),
                ..entry(cookie, tree.inodes.number(inode, &name), kind, &name)
            }
        }));
        first.sort_by_key(|e| e.cookie);
        Self {
            inode,
            folder: folder.clone(),
            first,
            photos,
            is_steady: listing.folders != Folders::Searches,
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
        tree: &'a Tree,
        after: u64,
    ) -> impl Iterator<Item = DirEntry> + 'a {
        let start = self.first.partition_point(|e| e.cookie <= after);
        let (before, behind) = {
            let behind = self.first.partition_point(|e| e.cookie < PHOTO);
            (
                &self.first[start.min(behind)..behind],
                &self.first[start.max(behind)..],
            )
        };
        let first_photo = u32::try_from((after + 1).saturating_sub(PHOTO));
        let ids = first_photo.ok().map(|from| self.photos.range(from..));
        let photos = ids
            .into_iter()
            .flatten()
            .filter_map(|id| self.photo(tree, PhotoId(id)));
        before
            .iter()
            .cloned()
            .chain(photos)
            .chain(behind.iter().cloned())
    }

    /// What a lookup of an entry gives. Holds one reference to a folder, unless it is `.` or `..`.
    pub fn adopt(&self, tree: &Tree, entry: &DirEntry) -> Result<Attr> {
        match &entry.step {
            Some(step) => {
                Ok(tree.reference_folder(self.inode, &self.folder, &entry.name, step.clone()))
            }
            None if entry.kind == Kind::Folder => Ok(tree.own_attr(entry.inode, Kind::Folder, 0)),
            None => tree.attr(entry.inode),
        }
    }

    fn photo(&self, tree: &Tree, id: PhotoId) -> Option<DirEntry> {
        let packed = tree.index().packed_names(id)?;
        Some(DirEntry {
            cookie: PHOTO + u64::from(id.0),
            inode: match self.shown {
                Photos::Texts(_) => Inode::of_text(id),
                _ => Inode::of_photo(id),
            },
            kind: Kind::File,
            name: tree.name_in(&self.shown, &packed)?,
            step: None,
        })
    }
}

/// The folders of a listing: cookie, name, step.
fn folders(tree: &Tree, folders: &Folders) -> Vec<(u64, Vec<u8>, Step)> {
    match folders {
        Folders::None | Folders::Labels { listed: 0, .. } => Vec::new(),
        Folders::Views => {
            let named = views().iter().enumerate();
            named
                .map(|(n, view)| (VIEW + n as u64, view.name().into(), Step::View(n)))
                .collect()
        }
        Folders::Groups => {
            let groups = tree.index().groups().into_iter();
            groups
                .filter_map(|oldest| {
                    let packed = tree.index().packed_names(oldest)?;
                    let cookie = GROUP + u64::from(oldest.0);
                    Some((cookie, packed.name().into(), Step::Group(oldest)))
                })
                .collect()
        }
        Folders::Searches => {
            let named = tree.recent_searches.names().into_iter().zip(VIEW..);
            named
                .filter_map(|(name, cookie)| {
                    let search = Search::named(&name)?;
                    Some((cookie, name, Step::Search(Arc::new(search))))
                })
                .collect()
        }
        Folders::Saved => {
            let saved = tree.index().all_saved().into_iter();
            saved
                .map(|saved| {
                    let cookie = VIEW + u64::from(saved.number);
                    (cookie, escape(&saved.name).into(), tree.saved_step(saved))
                })
                .collect()
        }
        Folders::Mistake => vec![(VIEW, MISTAKE.into(), Step::Mistake)],
        Folders::Source(folder) => {
            let below = tree.index().subfolders(*folder).into_iter();
            below
                .map(|f| {
                    (
                        SOURCE + u64::from(f.id.0),
                        f.name.into(),
                        Step::Source(f.id),
                    )
                })
                .collect()
        }
        Folders::Labels {
            facet,
            within,
            prefix,
            narrowing,
            listed,
        } => {
            let within = tree.evaluate(within);
            let mut labels = tree.index().labels_within(*facet, &within);
            labels.retain(|l| !narrowing || l.photos < within.len());
            labels.retain(|l| l.shown.starts_with(prefix.as_str()));
            if labels.len() > *listed {
                labels.sort_by_key(|l| (Reverse(l.photos), l.id));
                labels.truncate(*listed);
            }
            labels
                .into_iter()
                .map(|l| {
                    let name = naming::folder_name(&l.shown, prefix, tree.index());
                    (LABEL + u64::from(l.id.0), name.into(), Step::Label(l.key))
                })
                .collect()
        }
    }
}

/// The folders that are there only because somebody edits: tags that were made, folders that were made below others.
fn edited(
    tree: &Tree,
    inode: Inode,
    listing: &Listing,
    shown: &[(u64, Vec<u8>, Step)],
) -> Vec<(u64, Vec<u8>, Step)> {
    let made = match listing.shows_made() {
        true => tree.index().empty_labels(Facet::Tag),
        false => Vec::new(),
    };
    let made = made.into_iter().map(|l| {
        let name = naming::folder_name(&l.shown, "", tree.index());
        (name.into_bytes(), Step::Label(l.key))
    });
    let kept = tree.sticky_dirs.made_below(inode).into_iter();
    let mut known: HashSet<Vec<u8>> = shown.iter().map(|(_, name, _)| name.clone()).collect();
    let new = made
        .chain(kept)
        .filter(|(name, _)| known.insert(name.clone()));
    let with_cookie = |(name, step): (Vec<u8>, Step)| match &step {
        Step::Label(key) => Some((LABEL + u64::from(tree.index().label_id(key)?.0), name, step)),
        _ => None,
    };
    new.filter_map(with_cookie).collect()
}
