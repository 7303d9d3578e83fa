//! Import and export: what is known of photos, in files that other programs read.
//!
//! JSON holds everything, so that nothing is lost on the way out and back; CSV is for spreadsheets; XMP sidecars are what
//! photo programs share. Paths that an imported file names are looked up in the catalog, nothing else is ever done with
//! them. Knows the library, the source and its files; nothing of HTTP or the command line.

mod adopt;
mod csv;
mod entry_limit;
mod files;
mod json;
mod matching;
mod people;
mod takeover;
mod xmp;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, VariantArray};

use crate::catalog::{PhotoId, SourcePath};
use crate::library::Library;
use crate::source;
use crate::source_files::SourceFiles;
use crate::store::{self, Sqlite};

pub(crate) use takeover::Takeover;

/// Why an export or import ends before it is through. What is wrong with a single photo or line is in the [`Report`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Of the file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file isn't what it should be, and nothing tells where it goes on.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// Of the file or folder.
        path: PathBuf,
        /// Why, for people.
        reason: String,
    },
    /// The catalog can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The photos of a folder that is taken over can't be looked at.
    #[error(transparent)]
    Scan(#[from] source::Error),
}

/// How far it came, or why it ended.
pub type Result<T> = std::result::Result<T, Error>;

/// What an export consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Format {
    /// One file, `catalog.jsonl`, an object a line: everything.
    Json,
    /// One file, `catalog.csv`: what fits into cells.
    Csv,
    /// A sidecar for each photo: what other photo programs read.
    Xmp,
}

impl Format {
    /// In the order in which a folder is searched for an import.
    pub(crate) const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS.first_chunk().unwrap();

    /// The file in a folder that holds everything; sidecars have none.
    fn file_name(self) -> Option<&'static str> {
        match self {
            Self::Json => Some("catalog.jsonl"),
            Self::Csv => Some("catalog.csv"),
            Self::Xmp => None,
        }
    }
}

/// What the model of another program said of a photo. Which bytes it was shown, and how large they were, nobody knows.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForeignAnswer {
    /// As that program called it; `None` where nobody wrote it down.
    pub model: Option<String>,
    /// Seconds since 1970.
    pub at: Option<i64>,
    /// In any of the shapes in which models answer.
    pub answer: Value,
}

/// Records such an answer of a photo; says whether it is new, or why it can't be taken in. Whoever has decoders does it.
pub type Adopt<'a> = dyn Fn(PhotoId, &ForeignAnswer) -> std::result::Result<bool, String> + 'a;

/// How it went.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// Photos, or lines of a file, looked at.
    pub photos: u64,
    /// Sidecars written, or photos of which something else is known now.
    pub changed: u64,
    /// What it couldn't be done for: a path, and why.
    pub failed: Vec<(String, String)>,
}

impl Report {
    fn fail(&mut self, what: impl ToString, why: impl ToString) {
        self.failed.push((what.to_string(), why.to_string()));
    }
}

/// A catalog that takes in and gives out, or a part of it.
pub struct Exchange<'a> {
    /// What is known.
    pub library: &'a Library,
    /// Where sidecars and contents are read.
    pub source_files: &'a SourceFiles,
    /// Only photos below this folder of the source; all photos where it is empty. Paths begin at the source all the same:
    /// what is exported of a part fits the whole.
    pub folder: SourcePath,
}

impl Exchange<'_> {
    /// Writes everything into a folder; sidecars below it where the photos are in the source. Blocks.
    ///
    /// # Errors
    /// When the folder or its one file can't be written, or the catalog can't be read.
    pub fn export(&self, format: Format, folder: &Path) -> Result<Report> {
        std::fs::create_dir_all(folder).map_err(|e| files::disk(folder, e))?;
        match format {
            Format::Json => json::export(self, folder),
            Format::Csv => csv::export(self, folder),
            Format::Xmp => xmp::export(self, folder),
        }
    }

    /// Takes in a file, or what a folder holds of it: an export, else sidecars. Blocks.
    ///
    /// # Errors
    /// When there is nothing of this format, or it breaks off; what was taken in by then stays, and may be taken in
    /// again.
    pub fn import(&self, from: &Path, format: Option<Format>, adopt: &Adopt) -> Result<Report> {
        let (format, file) = files::find(from, format)?;
        match format {
            Format::Json => json::import(self, &file, adopt),
            Format::Csv => csv::import(self, &file),
            Format::Xmp => xmp::import(self, &file),
        }
    }

    /// Takes over what another catalog knows, of photos in this folder. Blocks.
    pub fn adopt(&self, other: &Sqlite) -> Result<Report> {
        adopt::adopt(self, other)
    }

    /// Every photo that it is about, in order of id.
    fn photos(&self) -> Vec<PhotoId> {
        let index = self.library.index();
        let photos = index.photos_below(self.folder.as_bytes());
        photos.into_iter().map(PhotoId).collect()
    }

    /// Where the photo may be that a file names: from the source on, or, as files say that were made of a catalog of the
    /// folder alone, from the folder on.
    fn places(&self, named: &SourcePath) -> Vec<SourcePath> {
        let folder = self.folder.as_bytes();
        if folder.is_empty() {
            return vec![named.clone()];
        }
        let from_folder = SourcePath::new([folder, b"/", named.as_bytes()].concat());
        let is_below = named.below(folder).is_some();
        let from_source = is_below.then(|| named.clone());
        from_source.into_iter().chain([from_folder]).collect()
    }

    /// How files may name a photo: see [`Self::places`].
    fn names(&self, path: &SourcePath) -> Vec<SourcePath> {
        let below = path.below(self.folder.as_bytes());
        let from_folder = below.filter(|_| !self.folder.as_bytes().is_empty());
        let from_folder = from_folder.map(SourcePath::new);
        [path.clone()].into_iter().chain(from_folder).collect()
    }
}
