//! The tree: what a mount shows, and what can be done with it, by the parts that do it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::access::Accesses;
use super::edit::Editor;
use super::namespace::Namespace;
use super::stale::Invalidation;
use super::xattr::Attributes;
use super::xattr::folders::Catalog;
use super::{Error, Inode, OpenDir, Result, Step, generated, texts};
use crate::analysis::{Access, Crawlers, Scheduler};
use crate::catalog::{FileStat, PhotoId, SourcePath, Status};
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
    /// The user, as the kernel gives it.
    pub uid: u32,
}

impl Caller {
    /// Somebody unknown.
    pub const NOBODY: Self = Self { pid: 0, uid: 0 };
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A photo, read from its file.
    Original {
        /// Whose file it is.
        photo: PhotoId,
        /// Where the file is in the source, as far as the catalog knows.
        path: SourcePath,
        /// As the catalog knows it; the file on disk may differ by now.
        stat: FileStat,
        /// Which of the contents that were of this size and time.
        edition: u16,
        /// Whether a read would start an analysis, and so must be seen: see [`Tree::read_by`].
        reads_matter: bool,
    },
    /// What the tree writes itself, whole.
    Generated(Vec<u8>),
    /// The text of a photo, which [`Tree::text`] fetches.
    Text(PhotoId),
}

/// The catalog as folders and files. Answers from memory; only what is `async` or says so may take long.
pub struct Tree {
    /// Lists, looks up and says what `stat` says.
    pub namespace: Arc<Namespace>,
    /// Does what commands change.
    pub editor: Arc<Editor>,
    /// Reads and sets extended attributes.
    pub attributes: Arc<Attributes>,
    /// Says what the kernel must forget.
    pub invalidation: Arc<Invalidation>,
    accesses: Arc<Accesses>,
    first_results_wait: Duration,
}

impl Tree {
    /// Shows what a library holds. Nothing is read before somebody looks.
    pub fn new(
        library: Arc<Library>,
        scheduler: Arc<Scheduler>,
        crawlers: Arc<Crawlers>,
        memory: &Limit,
        options: Options,
    ) -> Self {
        let namespace = Namespace::new(library.clone(), crawlers.clone(), memory, &options);
        let namespace = Arc::new(namespace);
        let editor = Editor::new(library.clone(), namespace.clone(), options.spool);
        let editor = Arc::new(editor);
        let accesses = Arc::new(Accesses {
            scheduler: scheduler.clone(),
            crawlers,
        });
        let attributes = Attributes {
            library,
            scheduler,
            namespace: namespace.clone(),
            editor: editor.clone(),
            accesses: accesses.clone(),
            catalog: options.catalog,
            xattr_wait: options.xattr_wait,
        };
        Self {
            invalidation: Arc::new(Invalidation::new(namespace.clone())),
            namespace,
            editor,
            attributes: Arc::new(attributes),
            accesses,
            first_results_wait: options.first_results_wait,
        }
    }

    /// Opens a folder for listing: an access to what it shows.
    ///
    /// # Errors
    /// [`Error::Unread`] for a search whose words must be read first.
    pub fn open_dir(&self, inode: Inode, caller: &Caller) -> Result<OpenDir> {
        let folder = self.namespace.folder(inode)?;
        self.editor.looked_at(&folder, caller);
        let index = self.namespace.index();
        let pending = index.photos_with(Status::Pending);
        let listing = self.namespace.list(&folder.steps);
        if listing.needs_analyses {
            self.accesses.listed(pending.clone(), caller);
        }
        let listing = self.namespace.resolve_words(listing)?;
        let photos = listing.photos.photos(index);
        if !listing.needs_analyses && listing.photos.is_access() {
            self.accesses.listed(pending & &photos, caller);
        }
        if self.accesses.is_search(&folder, caller) {
            self.namespace.recent_searches.add(&folder.name);
        }
        Ok(self.namespace.open_dir(inode, folder, listing, photos))
    }

    /// Whether a folder would be empty only because nothing is analysed yet.
    pub fn waits_for_first_results(&self, inode: Inode) -> bool {
        let index = self.namespace.index();
        // Cheaper than to plan a listing, and almost always enough.
        if index.count_with(Status::Analyzed) > 0 || index.count_with(Status::Pending) == 0 {
            return false;
        }
        let folder = self.namespace.known(inode);
        folder.is_some_and(|folder| self.namespace.list(&folder.steps).needs_analyses)
    }

    /// Starts what listing the folder starts, and waits for the first analyses, but not for long.
    pub async fn first_results(&self, inode: Inode, caller: &Caller) {
        // Whatever is wrong with the folder is said to whoever opens it then.
        if !matches!(self.open_dir(inode, caller), Ok(_) | Err(Error::Unread(_))) {
            return;
        }
        self.accesses
            .scheduler
            .first_results(self.first_results_wait)
            .await;
    }

    /// What a file holds. Opening starts nothing.
    pub fn open(&self, inode: Inode) -> Result<Content> {
        let index = self.namespace.index();
        if let Some(number) = inode.generated() {
            let content = generated::content(number, index).ok_or(Error::NotFound)?;
            return Ok(Content::Generated(content));
        }
        if let Some(id) = inode.text() {
            let photo = index.photo(id).ok_or(Error::NotFound)?;
            return Ok(match photo.text_bytes {
                0 => Content::Generated(Vec::new()),
                _ => Content::Text(id),
            });
        }
        let folder = self.namespace.known(inode);
        if let Some(text) = folder.and_then(|folder| mistake(&folder.steps)) {
            return Ok(Content::Generated(text.into_bytes()));
        }
        let id = inode.photo().ok_or(Error::IsAFolder)?;
        let photo = index.photo(id).ok_or(Error::NotFound)?;
        Ok(Content::Original {
            photo: id,
            path: photo.path,
            stat: photo.stat,
            edition: photo.edition,
            reads_matter: self
                .accesses
                .scheduler
                .would_start(id, photo.status, Access::Read),
        })
    }

    /// What a text file holds. Starts nothing. May block on the disk.
    pub fn text(&self, photo: PhotoId) -> Result<Vec<u8>> {
        let detail = self.attributes.detail(photo)?;
        Ok(texts::content(&detail))
    }

    /// A photo's content was read.
    pub fn read_by(&self, photo: PhotoId, caller: &Caller) {
        self.accesses.read_by(photo, caller);
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
