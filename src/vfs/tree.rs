//! The tree: executes what the views plan.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::edit::{ActBatcher, Draft, Drafts, NameAliases, StickyDirs};
use super::full_text::FullText;
use super::inode::{Folder, InodeTable};
use super::open_dir::OpenDir;
use super::search::{MISTAKE, RecentSearches, Search};
use super::views::{View, views};
use super::xattr::folders::Catalog;
use super::{Attr, Error, Folders, Inode, Listing, Photos, Result, Step, generated, naming};
use crate::analysis::{Access, Crawlers, Scheduler};
use crate::catalog::{FileStat, LabelKey, PhotoId, Query, SourcePath, Status, unescape};
use crate::index::Index;
use crate::library::Library;
use crate::memory::Limit;

/// What the user may set.
#[derive(Clone, Debug)]
pub struct Options {
    /// How deep folders of tags list sub-folders; deeper ones resolve all the same.
    pub facet_depth: usize,
    /// How long reading a description waits for its analysis.
    pub xattr_wait: Duration,
    /// How long the first listing of a view that needs analyses waits for the first of them.
    pub first_results_wait: Duration,
    /// Owner and group of folders and generated files.
    pub owner: (u32, u32),
    /// The folder where copies are kept while they are written.
    pub spool: PathBuf,
    /// The catalog that is shown.
    pub catalog: Catalog,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A thread id, as the kernel gives it; 0 for none.
    pub pid: u32,
    pub uid: u32,
}

impl Caller {
    /// Somebody unknown.
    pub const NOBODY: Self = Self { pid: 0, uid: 0 };
}

/// What a name in a folder is.
pub(super) enum Named {
    Folder(Step),
    /// A folder that is there only for the process that emptied it.
    Emptied(Step),
    File(Inode),
    /// What the one who asks is writing.
    Draft(Arc<Draft>),
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Original {
        photo: PhotoId,
        path: SourcePath,
        /// As the catalog knows it; the file on disk may differ by now.
        stat: FileStat,
        /// Whether a read would start an analysis, and so must be seen: see [`Tree::read_by`].
        reads_matter: bool,
    },
    Generated(Vec<u8>),
    /// The text of a photo, which [`Tree::text`] fetches.
    Text(PhotoId),
}

/// The catalog as folders and files. Answers from memory; only what is `async` or says so may take long.
pub struct Tree {
    pub(super) library: Arc<Library>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) crawlers: Arc<Crawlers>,
    pub(super) inodes: InodeTable,
    pub(super) full_text: FullText,
    pub(super) recent_searches: RecentSearches,
    pub(super) batcher: ActBatcher,
    pub(super) drafts: Drafts,
    pub(super) aliases: NameAliases,
    pub(super) sticky_dirs: StickyDirs,
    pub(super) options: Options,
    pub(super) born_ns: i64,
}

impl Tree {
    pub fn new(
        library: Arc<Library>,
        scheduler: Arc<Scheduler>,
        crawlers: Arc<Crawlers>,
        memory: &Limit,
        options: Options,
    ) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = since_1970.map_or(0, |d| d.as_nanos());
        Self {
            library,
            scheduler,
            crawlers,
            inodes: InodeTable::default(),
            full_text: FullText::new(memory),
            recent_searches: RecentSearches::default(),
            batcher: ActBatcher::default(),
            drafts: Drafts::default(),
            aliases: NameAliases::default(),
            sticky_dirs: StickyDirs::default(),
            options,
            born_ns: i64::try_from(nanos).unwrap_or(i64::MAX),
        }
    }

    /// What `name` is in a folder. Holds one reference to a folder that it finds.
    ///
    /// # Errors
    /// [`Error::Unread`] in a search whose words must be read first.
    pub fn lookup(&self, parent: Inode, name: &[u8]) -> Result<Attr> {
        Ok(self.lookup_by(parent, name, &Caller::NOBODY)?.0)
    }

    /// The same, and whether it is so for everybody, and to be remembered.
    pub fn lookup_by(&self, parent: Inode, name: &[u8], caller: &Caller) -> Result<(Attr, bool)> {
        let folder = self.folder(parent)?;
        let listing = self.resolve_words(self.list(&folder.steps))?;
        let found = self.find(parent, &listing, name, caller);
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
        listing: &Listing,
        name: &[u8],
        caller: &Caller,
    ) -> Option<Named> {
        if let Some(number) = generated::find(&listing.folders, name) {
            return Some(Named::File(Inode::of_generated(number)));
        }
        if let Some(step) = self.find_folder(&listing.folders, name) {
            return Some(Named::Folder(step));
        }
        if let Some(draft) = self.find_draft(parent, name, caller) {
            return Some(Named::Draft(draft));
        }
        match self.find_file(&listing.photos, name) {
            Some(inode) => Some(Named::File(inode)),
            None => self.find_edited(parent, listing, name, caller),
        }
    }

    /// Drops references to a folder.
    pub fn forget(&self, inode: Inode, references: u64) {
        self.inodes.forget(inode, references);
    }

    /// Opens a folder for listing: an access to what it shows.
    ///
    /// # Errors
    /// [`Error::Unread`] for a search whose words must be read first.
    pub fn open_dir(&self, inode: Inode, caller: &Caller) -> Result<OpenDir> {
        let folder = self.folder(inode)?;
        let pending = self.index().photos_with(Status::Pending);
        let listing = self.list(&folder.steps);
        if listing.needs_analyses {
            self.listed(pending.clone(), caller);
        }
        let listing = self.resolve_words(listing)?;
        let photos = self.photos(&listing.photos);
        // The texts of photos may be read without an analysis.
        if !listing.needs_analyses && !matches!(listing.photos, Photos::Texts(_)) {
            self.listed(pending & &photos, caller);
        }
        self.note_search(&folder, caller);
        Ok(OpenDir::new(self, inode, &folder, listing, photos))
    }

    /// Whether a folder would be empty only because nothing is analysed yet.
    pub fn waits_for_first_results(&self, inode: Inode) -> bool {
        let Some(folder) = self.inodes.get(inode) else {
            return false;
        };
        self.index().count_with(Status::Analyzed) == 0
            && self.index().count_with(Status::Pending) > 0
            && self.list(&folder.steps).needs_analyses
    }

    /// Starts what listing the folder starts, and waits for the first analyses, but not for long.
    pub async fn first_results(&self, inode: Inode, caller: &Caller) {
        // Whatever is wrong with the folder is said to whoever opens it then.
        if !matches!(self.open_dir(inode, caller), Ok(_) | Err(Error::Unread(_))) {
            return;
        }
        self.scheduler
            .first_results(self.options.first_results_wait)
            .await;
    }

    /// What a file holds. Opening starts nothing.
    pub fn open(&self, inode: Inode) -> Result<Content> {
        if let Some(number) = inode.generated() {
            let content = generated::content(number, self.index()).ok_or(Error::NotFound)?;
            return Ok(Content::Generated(content));
        }
        if let Some(id) = inode.text() {
            let photo = self.index().photo(id).ok_or(Error::NotFound)?;
            return Ok(match photo.text_bytes {
                0 => Content::Generated(Vec::new()),
                _ => Content::Text(id),
            });
        }
        if let Some(text) = self
            .inodes
            .get(inode)
            .and_then(|folder| mistake(&folder.steps))
        {
            return Ok(Content::Generated(text.into_bytes()));
        }
        let id = inode.photo().ok_or(Error::IsAFolder)?;
        let photo = self.index().photo(id).ok_or(Error::NotFound)?;
        Ok(Content::Original {
            photo: id,
            path: photo.path,
            stat: photo.stat,
            reads_matter: self.scheduler.would_start(id, photo.status, Access::Read),
        })
    }

    pub(super) fn index(&self) -> &Index {
        self.library.index()
    }

    pub(super) fn folder(&self, inode: Inode) -> Result<Folder> {
        match self.inodes.get(inode) {
            Some(folder) if folder.steps.last() == Some(&Step::Mistake) => Err(Error::NotAFolder),
            Some(folder) => Ok(folder),
            None if inode.is_file() => Err(Error::NotAFolder),
            None => Err(Error::NotFound),
        }
    }

    /// What the folder at these steps shows.
    pub(super) fn list(&self, steps: &[Step]) -> Listing {
        match steps {
            [Step::View(view), below @ ..] => {
                let below = self.current(below);
                views()[*view].list(&below, self.options.facet_depth)
            }
            _ => Listing {
                folders: Folders::Views,
                ..Listing::nothing()
            },
        }
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

    pub(super) fn find_folder(&self, folders: &Folders, name: &[u8]) -> Option<Step> {
        match folders {
            Folders::None => None,
            Folders::Views => {
                let is_it = |view: &&dyn View| view.name().as_bytes() == name;
                views().iter().position(is_it).map(Step::View)
            }
            Folders::Searches => Search::named(name).map(|s| Step::Search(Arc::new(s))),
            Folders::Saved => {
                let name = unescape(std::str::from_utf8(name).ok()?)?;
                Some(self.saved_step(self.index().saved(&name)?))
            }
            Folders::Mistake => (name == MISTAKE).then_some(Step::Mistake),
            Folders::Source(folder) => self.index().subfolder(*folder, name).map(Step::Source),
            Folders::Groups => {
                let oldest = self.index().by_name(name)?;
                let is_group = self.index().group_of(oldest) == Some(oldest);
                is_group.then_some(Step::Group(oldest))
            }
            Folders::Labels {
                facet,
                within,
                prefix,
                narrowing,
                ..
            } => {
                let find = |name| naming::find(name, *facet, prefix, self.index());
                let shows = |key: &LabelKey| self.shows(key, within, *narrowing);
                if let Some(label) = find(name) {
                    return shows(&label.key).then_some(Step::Label(label.key));
                }
                let denied = find(name.strip_prefix(b"-").filter(|_| *narrowing)?)?;
                shows(&denied.key).then_some(Step::Except(denied.key))
            }
        }
    }

    /// Whether a label has a folder among the photos of `within`.
    fn shows(&self, key: &LabelKey, within: &Query, narrowing: bool) -> bool {
        let within = self.evaluate(within);
        let count = self
            .evaluate(&Query::Label(key.clone()))
            .intersection_len(&within);
        count > 0 && (!narrowing || count < within.len())
    }
}

/// What the file at these steps says, if they lead to one that explains a mistake.
pub(super) fn mistake(steps: &[Step]) -> Option<String> {
    match steps {
        [
            ..,
            Step::Search(search) | Step::Saved { search, .. },
            Step::Mistake,
        ] => Some(search.mistake()),
        _ => None,
    }
}
