//! Files of an export: found, and written whole or not at all.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::{Error, Format, Result};

/// What holds the import at a path: the file of a format, or the folder of sidecars.
pub fn find(from: &Path, format: Option<Format>) -> Result<(Format, std::path::PathBuf)> {
    if !from.metadata().map_err(|e| disk(from, e))?.is_dir() {
        let format = format.or_else(|| by_extension(from));
        let unknown = || malformed(from, "neither .jsonl, .json nor .csv");
        return Ok((format.ok_or_else(unknown)?, from.into()));
    }
    let wanted = |f: &Format| format.is_none_or(|wanted| wanted == *f);
    for format in Format::ALL.into_iter().filter(wanted) {
        let Some(name) = format.file_name() else {
            return Ok((format, from.into()));
        };
        if from.join(name).is_file() {
            return Ok((format, from.join(name)));
        }
    }
    Err(malformed(from, "holds no export of this format"))
}

fn by_extension(file: &Path) -> Option<Format> {
    match file.extension()?.to_ascii_lowercase().to_str()? {
        "json" | "jsonl" | "ndjson" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    }
}

/// Begins the names of files that are being written.
const UNFINISHED: &str = ".kbasefs-";
/// Letters and digits behind it.
const RANDOM: usize = 6;

/// Writes files into folders, and takes away first what killed exports left there.
#[derive(Default)]
pub struct Writer {
    swept: HashSet<PathBuf>,
}

impl Writer {
    /// Writes a file beside its place and moves it there: whoever looks sees the old one or the whole new one.
    pub fn write(
        &mut self,
        path: &Path,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        if self.swept.insert(folder.to_owned()) {
            sweep(folder).map_err(|e| disk(folder, e))?;
        }
        let written = || {
            let old = fs::symlink_metadata(path).ok();
            let mode = old.map_or(0o666, |m| m.permissions().mode() & 0o777);
            let mut builder = tempfile::Builder::new();
            let builder = builder
                .prefix(UNFINISHED)
                .rand_bytes(RANDOM)
                .permissions(Permissions::from_mode(mode));
            let mut out = BufWriter::new(builder.tempfile_in(folder)?);
            // Not every file system has locks; where there are none, nobody sweeps either.
            let _ = out.get_ref().as_file().try_lock();
            fill(&mut out)?;
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            // Before it takes the place of the old one: else a crash may leave an empty file where there was a whole one.
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        written().map_err(|e| disk(path, e))
    }
}

/// Takes away files that nobody writes any more: whoever does has them locked.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        if !(is_unfinished(&entry.file_name()) && entry.file_type()?.is_file()) {
            continue;
        }
        // It may be gone by now, or another user's.
        let is_left =
            File::open(entry.path()).is_ok_and(|file| is_old(&file) && file.try_lock().is_ok());
        if is_left && let Err(e) = fs::remove_file(entry.path()) {
            tracing::warn!("{}: {e}", entry.path().display());
        }
    }
    Ok(())
}

fn is_unfinished(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(UNFINISHED));
    random.is_some_and(|r| r.len() == RANDOM && r.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Whether a file is not just being made, and will be locked in a moment.
fn is_old(file: &File) -> bool {
    let age = file
        .metadata()
        .and_then(|m| m.modified())
        .map(|at| at.elapsed());
    matches!(age, Ok(Ok(age)) if age > Duration::from_secs(60))
}

/// Makes the folders between `root` and a path below it. Refuses to go through links, which may lead out of `root`.
pub fn make_folders(root: &Path, below: &Path) -> Result<()> {
    let mut folder = root.to_owned();
    for component in below.components() {
        let Component::Normal(name) = component else {
            return Err(malformed(below, "leads out of the folder"));
        };
        folder.push(name);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(malformed(&folder, "is in the way: not a folder")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&folder).map_err(|e| disk(&folder, e))?;
            }
            Err(e) => return Err(disk(&folder, e)),
        }
    }
    Ok(())
}

/// What the system says of a path.
pub fn disk(path: &Path, source: io::Error) -> Error {
    let path = path.into();
    Error::Disk { path, source }
}

/// What is wrong with a file.
pub fn malformed(path: &Path, reason: impl ToString) -> Error {
    Error::Malformed {
        path: path.into(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        Writer::default()
            .write(&file, |out| out.write_all(b"old"))
            .unwrap();
        let torn = Writer::default().write(&file, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("full"))
        });
        assert!(torn.is_err());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("out")).unwrap();
        assert!(make_folders(folder.path(), Path::new("a/b")).is_ok());
        assert!(make_folders(folder.path(), Path::new("out/b")).is_err());
        assert!(make_folders(folder.path(), Path::new("../b")).is_err());
    }
}
