//! The catalog of a folder within the source, which the catalog of the source takes over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::Lock;
use super::{App, Error, scan_options};
use crate::catalog::SourcePath;
use crate::library::Library;
use crate::source::Sync;
use crate::source_files::SourceFiles;
use crate::store::{Sqlite, Store, sqlite};

/// Such a catalog, in step with its folder, and nobody else's while this lives.
pub struct Inner {
    pub index: Arc<Sqlite>,
    /// Its folder in the source.
    pub folder: SourcePath,
    path: PathBuf,
    _lock: Lock,
}

impl App {
    /// Opens the catalog of a folder within the source, and brings both in step with that folder. Blocks.
    ///
    /// # Errors
    /// When it is in use, or of another folder, or no such folder is in the source.
    pub fn inner(&self, folder: &Path, index: &Path) -> Result<Inner, Error> {
        use std::os::unix::ffi::OsStrExt;
        let outside = || Error::Source {
            path: folder.into(),
            source: std::io::Error::other("not in the photo folder"),
        };
        let below = folder
            .strip_prefix(self.source_files.root())
            .map_err(|_| outside())?;
        let below = SourcePath::new(below.as_os_str().as_bytes());
        let failed = |source| Error::Source {
            path: folder.into(),
            source,
        };
        let source_files = Arc::new(SourceFiles::open(folder).map_err(failed)?);
        let lock = Lock::take(index)?;
        let kept = Arc::new(Sqlite::open(index, source_files.root())?);
        let library = Arc::new(Library::load(Arc::clone(&kept) as Arc<dyn Store>)?);
        Sync::new(library, source_files, scan_options(&self.config)).scan(&self.stop)?;
        self.scan_below(&below)?;
        Ok(Inner {
            index: kept,
            folder: below,
            path: index.into(),
            _lock: lock,
        })
    }

    /// Takes over what another catalog keeps of providers.
    pub fn inherit(&self, inner: &Inner) -> Result<(), Error> {
        Ok(self.kept.inherit(&inner.index)?)
    }
}

impl Inner {
    /// Puts the index out of the way, under the first name that is free, and says where it is.
    ///
    /// # Errors
    /// When somebody reads it, or it can't be renamed.
    pub fn put_aside(self) -> Result<PathBuf, Error> {
        let names = (1..).map(|n| self.path.with_added_extension(format!("adopted-{n}")));
        let free = |name: &PathBuf| !name.exists();
        let aside = names.into_iter().find(free);
        let aside = aside.expect("there is always another number");
        let failed = |source| Error::Lock {
            path: self.path.clone(),
            source,
        };
        // Whoever closes an index last puts all of it into its one file.
        drop(self.index);
        if sqlite::was_left_open(&self.path) {
            return Err(Error::InUse { path: self.path });
        }
        std::fs::rename(&self.path, &aside).map_err(failed)?;
        Ok(aside)
    }
}
