//! What is where: lists folders, looks names up in them, and says what `stat` says. All by the listings that views plan.

use std::sync::Arc;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use roaring::RoaringBitmap;

use super::edit::{Draft, Drafts, NameAliases, StickyDirs};
use super::full_text::FullText;
use super::inode::{Folder, InodeTable};
use super::listing::{Shown, no_matches};
use super::search::RecentSearches;
use super::views::{Root, saved, views};
use super::{Attr, Caller, Editable, Error, Inode, Listing, OpenDir, Options, Result, Step};
use crate::analysis::Crawlers;
use crate::catalog::Query;
use crate::index::Index;
use crate::library::Library;
use crate::memory::Limit;

/// What a name in a folder is.
pub(super) enum Named {
    Folder(Step),
    /// A folder that is there only for the process that emptied it.
    Emptied(Step),
    File(Inode),
    /// What the one who asks is writing.
    Draft(Arc<Draft>),
}

/// The folders and files of a catalog. Answers from memory, but for what says that it blocks.
pub struct Namespace {
    pub(super) library: Arc<Library>,
    pub(super) crawlers: Arc<Crawlers>,
    pub(super) inodes: InodeTable,
    pub(super) full_text: FullText,
    pub(super) recent_searches: RecentSearches,
    pub(super) drafts: Drafts,
    pub(super) aliases: NameAliases,
    pub(super) sticky_dirs: StickyDirs,
    /// As in [`Options`].
    facet_depth: usize,
    pub(super) owner: (u32, u32),
    pub(super) born_ns: i64,
    /// How many listings were planned.
    #[cfg(debug_assertions)]
    planned: AtomicU64,
}

impl Namespace {
    pub(super) fn new(
        library: Arc<Library>,
        crawlers: Arc<Crawlers>,
        memory: &Limit,
        options: &Options,
    ) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since_1970.map_or(0, |d| d.as_nanos());
        Self {
            library,
            crawlers,
            inodes: InodeTable::default(),
            full_text: FullText::new(memory),
            recent_searches: RecentSearches::default(),
            drafts: Drafts::default(),
            aliases: NameAliases::default(),
            sticky_dirs: StickyDirs::default(),
            facet_depth: options.facet_depth,
            owner: options.owner,
            born_ns: i64::try_from(nanos).unwrap_or(i64::MAX),
            #[cfg(debug_assertions)]
            planned: AtomicU64::default(),
        }
    }

    /// What `name` is in a folder. Holds one reference to a folder that it finds.
    ///
    /// # Errors
    /// [`Error::Unread`] in a search whose words must be read first.
    pub fn lookup(&self, parent: Inode, name: &[u8]) -> Result<Attr> {
        Ok(self.lookup_by(parent, name, &Caller::NOBODY)?.0)
    }

    /// What `name` is in a folder for whoever asks; and whether it is so for everybody, and to be remembered by the
    /// kernel. Holds one reference to a folder that it finds.
    ///
    /// # Errors
    /// As for [`Self::lookup`].
    pub fn lookup_by(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<(Attr, bool)> {
        let folder = self.folder(parent)?;
        let listing = self.resolve_words(self.list(&folder.steps))?;
        let found = self.find(parent, &folder, &listing, name, caller);
        match found.ok_or(Error::NotFound)? {
            Named::Folder(step) => Ok((self.reference_folder(parent, &folder, name, step), true)),
            Named::Emptied(step) => Ok((self.reference_folder(parent, &folder, name, step), false)),
            Named::File(inode) => Ok((self.attr(inode)?, true)),
            Named::Draft(draft) => Ok((draft.attr(), false)),
        }
    }

    /// What a name in a listing is.
    pub(super) fn find(
        &self,
        parent: Inode,
        folder: &Folder,
        listing: &Listing,
        name: &[u8],
        caller: &Caller,
    ) -> Option<Named> {
        let mut generated = listing.folders.generated().into_iter();
        if let Some((number, _)) = generated.find(|(_, n)| *n == name) {
            return Some(Named::File(Inode::of_generated(number)));
        }
        if let Some(step) = listing.folders.find(name, self.shown()) {
            return Some(Named::Folder(step));
        }
        if let Some(draft) = self.find_draft(parent, name, caller) {
            return Some(Named::Draft(draft));
        }
        match listing.photos.find(name, self.index()) {
            Some(photo) => Some(Named::File(listing.photos.file(photo))),
            None => self.find_edited(parent, folder, listing, name, caller),
        }
    }

    /// Drops references to a folder.
    pub fn forget(&self, inode: Inode, references: u64) {
        self.inodes.forget(inode, references);
    }

    /// Opens a folder for listing.
    pub(super) fn open_dir(
        &self,
        inode: Inode,
        folder: Arc<Folder>,
        listing: Listing,
        photos: RoaringBitmap,
    ) -> OpenDir {
        OpenDir::new(self, inode, folder, listing, photos)
    }

    pub(super) fn index(&self) -> &Index {
        self.library.index()
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        Shown {
            index: self.index(),
            recent_searches: &self.recent_searches,
        }
    }

    /// The folder of a number, if the kernel refers to it.
    pub(super) fn known(&self, inode: Inode) -> Option<Arc<Folder>> {
        let folder = self.inodes.get(inode)?;
        Some(self.current(inode, folder))
    }

    /// What a folder that the kernel refers to is now. One of the source that went and came again is another one to the
    /// index, while a process may stand in it.
    pub(super) fn current(&self, inode: Inode, folder: Arc<Folder>) -> Arc<Folder> {
        match folder.steps.last() {
            Some(Step::Source(id)) if !self.index().has_folder(*id) => {
                self.found_again(inode, &folder).unwrap_or(folder)
            }
            _ => folder,
        }
    }

    fn found_again(&self, inode: Inode, folder: &Folder) -> Option<Arc<Folder>> {
        let parent = self.known(folder.parent)?;
        let listing = self.list(&parent.steps);
        let step = listing.folders.find(&folder.name, self.shown())?;
        let folder = Arc::new(Folder {
            steps: [parent.steps.as_slice(), &[step]].concat(),
            ..folder.clone()
        });
        self.inodes.replace(inode, &folder);
        Some(folder)
    }

    pub(super) fn folder(&self, inode: Inode) -> Result<Arc<Folder>> {
        match self.known(inode) {
            Some(folder) if folder.steps.last() == Some(&Step::Mistake) => Err(Error::NotAFolder),
            Some(folder) => Ok(folder),
            None if inode.is_file() => Err(Error::NotAFolder),
            None => Err(Error::NotFound),
        }
    }

    /// What the folder at these steps shows.
    pub(super) fn list(&self, steps: &[Step]) -> Listing {
        #[cfg(debug_assertions)]
        self.planned.fetch_add(1, Ordering::Relaxed);
        match steps {
            [Step::View(view), below @ ..] => match below.split_last() {
                Some((Step::Saved { name, .. }, above)) => {
                    let current = self.index().saved(name).map(|saved| saved::step(&saved));
                    // One that is forgotten shows nothing any more.
                    let last = current.unwrap_or(Step::Mistake);
                    let below = [above, std::slice::from_ref(&last)].concat();
                    views()[*view].list(&below, self.facet_depth)
                }
                _ => views()[*view].list(below, self.facet_depth),
            },
            _ => Listing::folders(Root),
        }
    }

    /// What ordinary commands change in the folder at these steps.
    pub(super) fn editable(&self, steps: &[Step]) -> Editable {
        match steps {
            [Step::View(view), below @ ..] => views()[*view].editable(below),
            _ => Editable::Nothing,
        }
    }

    /// How many listings were planned so far, for tests: a lookup plans one.
    #[cfg(debug_assertions)]
    pub fn planned(&self) -> u64 {
        self.planned.load(Ordering::Relaxed)
    }

    /// How many folders the kernel may still ask about, for tests.
    #[cfg(debug_assertions)]
    pub fn known_folders(&self) -> usize {
        self.inodes.len()
    }

    /// Counts a reference of the kernel to a folder below `parent`.
    pub(super) fn reference_folder(
        &self,
        parent: Inode,
        folder: &Folder,
        name: &[u8],
        step: Step,
    ) -> Attr {
        let mut steps = folder.steps.clone();
        steps.push(step);
        let name = name.to_vec();
        let attr = self.inode_attr(Inode::ROOT, &steps);
        let inode = self.inodes.add_reference(Folder {
            parent,
            name,
            steps,
        });
        Attr { inode, ..attr }
    }

    pub(super) fn evaluate(&self, query: &Query) -> RoaringBitmap {
        self.index().evaluate(query, &no_matches)
    }
}
