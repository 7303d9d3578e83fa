//! Which catalog a path belongs to: a source folder, a mount, or a photo in one of them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::report::hinted;
use crate::app;
use crate::config::Config;
use crate::fuse::mounts;
use crate::vfs::Inode;

/// A photo as the API names it, and the source it belongs to.
pub struct Photo {
    pub source: PathBuf,
    pub name: Value,
}

/// The source that a folder is, or that the mount at it shows.
pub fn source(path: &Path) -> anyhow::Result<PathBuf> {
    if let Some((source, _)) = mount_of(path) {
        return Ok(source);
    }
    absolute(path)
}

/// A file or folder as the API names it.
pub fn named_file(path: &Path) -> anyhow::Result<Value> {
    let path = std::path::absolute(path)?;
    let bytes = path.as_os_str().as_bytes();
    Ok(json!({"path_base64": URL_SAFE_NO_PAD.encode(bytes)}))
}

/// Finds a photo in a source that has a catalog, or in a mount.
pub fn photo(path: &Path, config: &Config) -> anyhow::Result<Photo> {
    let path = absolute(path)?;
    if let Some((source, _)) = mount_of(&path) {
        return in_mount(source, &path);
    }
    for folder in path.ancestors().skip(1) {
        if !app::has_catalog(folder, config)? {
            continue;
        }
        let inside = path.strip_prefix(folder)?.as_os_str().as_bytes();
        return Ok(Photo {
            source: folder.into(),
            name: json!({"path_base64": URL_SAFE_NO_PAD.encode(inside)}),
        });
    }
    let message = format!("{}: no catalog knows this file", path.display());
    Err(hinted(
        message,
        "`kbasefs scan FOLDER` makes a catalog of a photo folder",
    ))
}

fn in_mount(source: PathBuf, path: &Path) -> anyhow::Result<Photo> {
    let metadata = path.symlink_metadata().map_err(|e| missing(path, &e))?;
    match Inode(metadata.ino()).photo() {
        Some(id) => Ok(Photo {
            source,
            name: json!({"id": id.0}),
        }),
        None => Err(hinted(
            format!("{}: not a photo", path.display()),
            "name a photo in the mount",
        )),
    }
}

/// The source and the mountpoint of the mount that a path is in.
pub fn mount_of(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let path = std::path::absolute(path).ok()?;
    let mut above = path.ancestors();
    above.find_map(|folder| {
        let mount = mounts::at(folder)?;
        (mount.fstype == "fuse.kbasefs").then(|| (mount.source, folder.to_owned()))
    })
}

/// An absolute path with all links resolved.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().map_err(|e| missing(path, &e))
}

fn missing(path: &Path, error: &std::io::Error) -> anyhow::Error {
    hinted(
        format!("{}: {}", path.display(), plain(error)),
        "check the path",
    )
}

/// The system's words for an error, without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
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
