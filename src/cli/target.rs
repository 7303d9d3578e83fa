//! What a path of the command line can mean: a catalog, a part of one, a photo. [`Finder`](super::finder::Finder) tells
//! which.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::mounted_catalog::MountedCatalog;
use super::report::hinted;
use super::resolved_path::ResolvedPath;
use crate::api::{EncodedPath, FilePath, PhotoName, PhotoPath};
use crate::config::Config;

/// A catalog, whether it is there yet or not.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub source: PathBuf,
    pub file: PathBuf,
    /// The mount by which it was found.
    pub served: Option<MountedCatalog>,
}

impl Catalog {
    /// Its file, which is there.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing(&self) -> anyhow::Result<&Path> {
        if self.file.exists() {
            return Ok(&self.file);
        }
        let source = self.source.display();
        Err(hinted(
            format!("{source}: there is no catalog of this folder"),
            format!("`kbasefs scan {source}` makes one, and so does `kbasefs mount`"),
        ))
    }

    /// The settings under which it is opened.
    pub fn settings(&self, config: &Config) -> Config {
        Config {
            catalog: Some(self.file.clone()),
            ..config.clone()
        }
    }
}

/// What a path means.
pub struct Target {
    pub catalog: Catalog,
    pub part: Part,
}

pub enum Part {
    /// What is below this folder, relative to the source; empty for everything.
    Below(PathBuf),
    /// A folder of the mount that arranges photos in another way than the source.
    View(PathBuf),
}

impl Target {
    /// The folder that is meant, relative to the source; empty for all of it.
    ///
    /// # Errors
    /// For a folder of a mount that is none of the source.
    pub fn folder(&self) -> anyhow::Result<&Path> {
        match &self.part {
            Part::Below(folder) => Ok(folder),
            Part::View(path) => Err(hinted(
                format!("{}: no folder of the photo folder", path.display()),
                "name the mount, or a folder in its all/; what others show is found by a query",
            )),
        }
    }

    /// The folder that is meant, as the API takes it: nothing for all of the source.
    pub fn within(&self) -> anyhow::Result<Option<EncodedPath>> {
        let folder = self.folder()?;
        Ok((!folder.as_os_str().is_empty()).then(|| folder.into()))
    }
}

/// A photo as the API names it, and its catalog.
pub struct Photo {
    pub catalog: Catalog,
    pub name: PhotoName,
}

/// What a path is that may be a folder or a photo.
pub enum Named {
    Folder(Target),
    Photo(Photo),
}

impl From<MountedCatalog> for Catalog {
    fn from(served: MountedCatalog) -> Self {
        Self {
            source: served.source.clone(),
            file: served.file.clone(),
            served: Some(served),
        }
    }
}

/// A file or folder as the API names it. The process of a mount can't read or write in it.
pub fn named_file(path: &Path) -> anyhow::Result<FilePath> {
    let path = std::path::absolute(path)?;
    let there = path
        .ancestors()
        .find_map(|folder| ResolvedPath::of(folder).ok());
    if let Some(mount) = there.and_then(|resolved| resolved.mount) {
        let (path, at) = (path.display(), mount.point.display());
        return Err(hinted(
            format!("{path}: in the mount on {at}"),
            "name a file or folder outside of mounts",
        ));
    }
    let path_base64 = path.as_path().into();
    Ok(FilePath { path_base64 })
}

/// A path of an answer, below its source.
pub fn below(source: &Path, photo: &PhotoPath) -> PathBuf {
    source.join(OsStr::from_bytes(&photo.bytes()))
}
