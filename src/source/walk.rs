//! The walk: every regular file below the source that counts, in parallel.
//!
//! Knows what is left out (hidden folders, `.ignore`, `.nomedia`, excluded patterns, links, devices); knows nothing of
//! pictures or of the catalog.

use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};
use parking_lot::Mutex;

use super::Error;
use super::effective_permissions::EffectivePermissions;
use super::folder_rules::{NO_MEDIA, RULES};
use super::scan_scope::ScanScope;
use super::watch::Watches;
use crate::catalog::{FileStat, SourcePath};
use crate::source_files::stat_of;

/// What a walk comes across.
pub enum Sighting {
    /// A folder that is entered.
    Folder,
    /// With the permissions that the folders above leave of its own.
    File(SourcePath, FileStat),
    /// A folder that couldn't be listed as a whole, or a file of which the disk says nothing.
    Unreadable(SourcePath, io::Error),
}

/// A walk that is ready to go.
pub struct Walk {
    root: PathBuf,
    builder: WalkBuilder,
    refused: Refused,
    permissions: Arc<EffectivePermissions>,
}

/// Folders that aren't entered because of what their `.ignore` is.
type Refused = Arc<Mutex<Vec<PathBuf>>>;

/// Where a walk goes.
pub struct WalkOptions<'a> {
    /// The source.
    pub root: &'a Path,
    /// Patterns as in [`super::Options::exclude`].
    pub exclude: &'a [String],
    /// Everything else is passed over.
    pub scope: ScanScope,
    /// Told of every folder before it is listed.
    pub watches: Option<Arc<Watches>>,
}

impl Walk {
    /// # Errors
    /// When a pattern of `exclude` isn't a glob, or the `.ignore` of `root` can't be one.
    pub fn new(options: WalkOptions, threads: usize) -> Result<Self, Error> {
        let root = options.root;
        if let Some(watches) = &options.watches {
            watches.enter(&SourcePath::new(*b""));
        }
        if !has_sane_rules(root) {
            let path = root.join(RULES);
            let source = insane_rules();
            return Err(Error::Unreadable { path, source });
        }
        let refused = Refused::default();
        let permissions = Arc::<EffectivePermissions>::default();
        let filter = EntryFilter {
            root: root.into(),
            scope: options.scope,
            watches: options.watches,
            refused: Arc::clone(&refused),
            permissions: Arc::clone(&permissions),
        };
        let mut builder = WalkBuilder::new(root);
        builder
            .standard_filters(false)
            .ignore(true)
            .follow_links(false)
            .threads(threads)
            .overrides(excluding(root, options.exclude)?)
            .filter_entry(move |entry| filter.admits(entry));
        Ok(Self {
            root: root.into(),
            builder,
            refused,
            permissions,
        })
    }

    /// Calls `each`, from several threads at once, until it breaks or everything was seen.
    pub fn run(self, each: impl Fn(Sighting) -> ControlFlow<()> + Sync) {
        self.builder.build_parallel().run(|| {
            Box::new(|entry| match self.sighting(entry).map(&each) {
                Some(ControlFlow::Break(())) => WalkState::Quit,
                _ => WalkState::Continue,
            })
        });
        let refused = self.refused.lock();
        for folder in refused.iter() {
            let sighting = Sighting::Unreadable(self.relative(folder), insane_rules());
            if each(sighting).is_break() {
                return;
            }
        }
    }

    fn sighting(&self, entry: Result<DirEntry, ignore::Error>) -> Option<Sighting> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.unreadable(error),
        };
        if let Some(error) = entry.error() {
            tracing::warn!(folder = %entry.path().display(), %error, "bad {RULES}");
        }
        if is_folder(&entry) {
            return Some(Sighting::Folder);
        }
        if !entry.file_type().is_some_and(|t| t.is_file()) {
            return None;
        }
        let path = self.relative(entry.path());
        match entry.metadata() {
            Ok(now) => now.is_file().then(|| {
                let stat = self.permissions.fold(path.as_bytes(), stat_of(&now));
                Sighting::File(path, stat)
            }),
            Err(error) => self.unreadable(error),
        }
    }

    /// What vanished between two looks was never there. An error that doesn't say where could be anywhere: at the top.
    fn unreadable(&self, error: ignore::Error) -> Option<Sighting> {
        let place = place(&error).unwrap_or(&self.root);
        let place = self.relative(place);
        let text = error.to_string();
        let error = error
            .into_io_error()
            .unwrap_or_else(|| io::Error::other(text));
        let vanished = error.kind() == io::ErrorKind::NotFound && !place.as_bytes().is_empty();
        (!vanished).then_some(Sighting::Unreadable(place, error))
    }

    fn relative(&self, path: &Path) -> SourcePath {
        SourcePath::new(inside(&self.root, path))
    }
}

/// The bytes of a path below `root`.
fn inside<'a>(root: &Path, path: &'a Path) -> &'a [u8] {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside.as_os_str().as_bytes()
}

/// Rules that people write fit in this many bytes.
const LONGEST_RULES: u64 = 1 << 20;

/// Patterns as in a `.gitignore`, relative to the source.
fn excluding(root: &Path, exclude: &[String]) -> Result<Override, Error> {
    let bad = |glob: &str, error: &ignore::Error| Error::Exclude {
        glob: glob.into(),
        reason: error.to_string(),
    };
    let mut rules = OverrideBuilder::new(root);
    for glob in exclude.iter().filter(|glob| !glob.is_empty()) {
        // In this crate's overrides `!` leaves out and everything else chooses.
        let rule = format!("!{glob}");
        rules.add(&rule).map_err(|e| bad(glob, &e))?;
    }
    rules.build().map_err(|e| bad(&exclude.join(" "), &e))
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|t| t.is_dir())
}

/// Decides what of a folder's entries is looked at.
struct EntryFilter {
    root: PathBuf,
    scope: ScanScope,
    watches: Option<Arc<Watches>>,
    refused: Refused,
    permissions: Arc<EffectivePermissions>,
}

impl EntryFilter {
    fn admits(&self, entry: &DirEntry) -> bool {
        let path = inside(&self.root, entry.path());
        match is_folder(entry) {
            true => self.scope.enters(path) && self.is_entered(entry, path),
            false => self.scope.holds(path),
        }
    }

    /// Whether a folder below the source is walked. One that is refused for its rules is not hidden but unreadable.
    fn is_entered(&self, folder: &DirEntry, path: &[u8]) -> bool {
        if folder.file_name().as_bytes().starts_with(b".") {
            return false;
        }
        // Also where `.nomedia` hides photos: that may be taken away.
        if let Some(watches) = &self.watches {
            watches.enter(&SourcePath::new(path));
        }
        // One that vanishes meanwhile is for the walk to find out.
        if let Ok(metadata) = folder.metadata() {
            self.permissions.enter(path, &stat_of(&metadata));
        }
        if is_there(&folder.path().join(NO_MEDIA)) {
            return false;
        }
        let sane = has_sane_rules(folder.path());
        if !sane {
            let mut refused = self.refused.lock();
            refused.push(folder.path().into());
        }
        sane
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The walk opens `.ignore` and reads it whole: on a FIFO it would hang, on a device never end.
fn has_sane_rules(folder: &Path) -> bool {
    match folder.join(RULES).metadata() {
        Ok(rules) => rules.is_file() && rules.len() <= LONGEST_RULES,
        Err(_) => true,
    }
}

fn insane_rules() -> io::Error {
    io::Error::other(format!(
        "{RULES} is not a file of at most {LONGEST_RULES} bytes"
    ))
}

fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            place(err)
        }
        _ => None,
    }
}
