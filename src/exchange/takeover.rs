//! The catalog of a folder within the source, which the catalog of the source takes over.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Exchange, Report, Result, files};
use crate::catalog::SourcePath;
use crate::library::Library;
use crate::source::Scanner;
use crate::source_files::SourceFiles;
use crate::store::{self, OwnerLock, Sqlite, Store, sqlite};

/// A catalog that takes over others.
pub struct Takeover {
    /// What is known already.
    pub library: Arc<Library>,
    /// The source, in which the other catalog's folder is.
    pub source_files: Arc<SourceFiles>,
    /// Brings both catalogs in step with the folder, so that photos are told from each other by what they are now.
    pub scanner: Arc<Scanner>,
    /// Where the catalog keeps what it knows of providers.
    pub kept: Arc<Sqlite>,
}

/// What came of it.
pub struct TakenOver {
    /// How it went.
    pub report: Report,
    /// Where the index of the other catalog is from now on.
    pub aside: PathBuf,
}

/// The other catalog, in step with its folder, and nobody else's while this lives.
struct Inner {
    kept: Arc<Sqlite>,
    /// Its folder in the source.
    folder: SourcePath,
    index: PathBuf,
    _lock: OwnerLock,
}

impl Takeover {
    /// Takes over what the catalog of a folder within the source knows, and puts its index out of the way. Blocks.
    ///
    /// # Errors
    /// When it is in use, or of another folder, or no such folder is in the source.
    pub fn run(&self, folder: &Path, index: &Path) -> Result<TakenOver> {
        let inner = self.open(folder, index)?;
        let exchange = Exchange {
            library: &self.library,
            source_files: &self.source_files,
            folder: inner.folder.clone(),
        };
        let report = exchange.adopt(&inner.kept)?;
        self.kept.inherit(&inner.kept)?;
        let aside = inner.put_aside()?;
        Ok(TakenOver { report, aside })
    }

    /// Opens it, and brings both catalogs in step with the folder.
    fn open(&self, folder: &Path, index: &Path) -> Result<Inner> {
        let failed = |source| files::disk(folder, source);
        let below = folder.strip_prefix(self.source_files.root());
        let below = below.map_err(|_| failed(io::Error::other("not in the photo folder")))?;
        let below = SourcePath::new(below.as_os_str().as_bytes());
        let source_files = Arc::new(SourceFiles::open(folder).map_err(failed)?);
        let lock = OwnerLock::take(index)?;
        let kept = Arc::new(Sqlite::open(index, source_files.root())?);
        let library = Arc::new(Library::load(Arc::clone(&kept) as Arc<dyn Store>)?);
        self.scanner.scan_other(library, source_files)?;
        self.scanner.scan_below(&below)?;
        Ok(Inner {
            kept,
            folder: below,
            index: index.into(),
            _lock: lock,
        })
    }
}

impl Inner {
    /// Puts the index out of the way, under the first name that is free, and says where it is.
    ///
    /// # Errors
    /// When somebody reads it, or it can't be renamed.
    fn put_aside(self) -> Result<PathBuf> {
        let names = (1..).map(|n| self.index.with_added_extension(format!("adopted-{n}")));
        let free = |name: &PathBuf| !name.exists();
        let aside = names.into_iter().find(free);
        let aside = aside.expect("there is always another number");
        // Whoever closes an index last puts all of it into its one file.
        drop(self.kept);
        if sqlite::was_left_open(&self.index) {
            return Err(Error::Store(store::Error::InUse { path: self.index }));
        }
        let failed = |source| files::disk(&self.index, source);
        std::fs::rename(&self.index, &aside).map_err(failed)?;
        Ok(aside)
    }
}
