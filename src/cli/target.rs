//! What a path of the command line can mean: a catalog, a part of one, a photo. [`Finder`](super::finder::Finder) tells
//! which.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::mounted_catalog::MountedCatalog;
use super::report::hinted;
use super::resolved_path::ResolvedPath;
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

    /// The same as the API takes it: nothing for everything.
    pub fn within(&self) -> anyhow::Result<Option<String>> {
        let bytes = self.folder()?.as_os_str().as_bytes();
        Ok((!bytes.is_empty()).then(|| URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// A photo as the API names it, and its catalog.
pub struct Photo {
    pub catalog: Catalog,
    pub name: Value,
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
pub fn named_file(path: &Path) -> anyhow::Result<Value> {
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
    let bytes = path.as_os_str().as_bytes();
    Ok(json!({"path_base64": URL_SAFE_NO_PAD.encode(bytes)}))
}

/// A path as the API writes it.
pub fn path_of(encoded: &Value) -> Option<PathBuf> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded.as_str()?).ok()?;
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

/// The bytes of a path in an answer of the API.
pub fn path_bytes(photo: &Value) -> Vec<u8> {
    let encoded = photo["path_base64"].as_str();
    let decoded = encoded.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.unwrap_or_else(|| photo["path"].as_str().unwrap_or_default().into())
}

/// A path of an answer, below its source.
pub fn below(source: &Path, photo: &Value) -> PathBuf {
    source.join(OsStr::from_bytes(&path_bytes(photo)))
}
