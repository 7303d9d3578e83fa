//! Whether a photo that a scan didn't see is gone, or only out of sight.
//!
//! What can't be read, or lies on a disk that isn't mounted now, keeps its photos. Knows nothing of the store.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::catalog::{Photo, SourcePath};
use crate::source_files::{SourceFiles, is_absence};

/// Answers for one scan.
pub struct MissingFiles<'a> {
    source_files: &'a SourceFiles,
    /// Folders that weren't listed without error, and files that couldn't be looked at.
    unreadable: HashSet<SourcePath>,
    folders: HashMap<SourcePath, Folder>,
}

/// What is at the place of a folder now.
#[derive(Clone, Copy)]
enum Folder {
    /// With an entry: whatever disk it is on is there.
    Full,
    /// Without any entry, on this device.
    Empty(u64),
    /// There is no folder of this name.
    Absent,
    /// The disk doesn't say.
    Unknown,
}

impl<'a> MissingFiles<'a> {
    /// `unreadable`: what the scan could not look at, folders and files.
    pub fn new(source_files: &'a SourceFiles, unreadable: HashSet<SourcePath>) -> Self {
        Self {
            source_files,
            unreadable,
            folders: HashMap::new(),
        }
    }

    /// For a photo that wasn't seen.
    pub fn is_gone(&mut self, photo: &Photo) -> bool {
        let unreadable = |path: &SourcePath| self.unreadable.contains(path);
        let out_of_sight =
            unreadable(&photo.path) || folders_of(&photo.path).any(|f| unreadable(&f));
        !out_of_sight && !self.is_unmounted(photo)
    }

    /// Whether the nearest folder that is still there looks like the mount point of the photo's disk.
    fn is_unmounted(&mut self, photo: &Photo) -> bool {
        for folder in folders_of(&photo.path) {
            match self.folder(folder) {
                Folder::Full => return false,
                Folder::Empty(device) => return device != photo.stat.dev,
                Folder::Unknown => return true,
                Folder::Absent => {}
            }
        }
        true
    }

    fn folder(&mut self, path: SourcePath) -> Folder {
        let on_disk = self.source_files.absolute(&path);
        *self
            .folders
            .entry(path)
            .or_insert_with(|| look_at(&on_disk))
    }
}

fn look_at(folder: &Path) -> Folder {
    match try_look_at(folder) {
        Ok(what) => what,
        Err(e) if is_absence(&e) => Folder::Absent,
        Err(_) => Folder::Unknown,
    }
}

fn try_look_at(folder: &Path) -> io::Result<Folder> {
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() {
        return Ok(Folder::Absent);
    }
    Ok(match folder.read_dir()?.next().transpose()? {
        Some(_) => Folder::Full,
        None => Folder::Empty(metadata.dev()),
    })
}

/// The folders that a path is in, from its own up to the source.
fn folders_of(path: &SourcePath) -> impl Iterator<Item = SourcePath> {
    let folder = |path: &SourcePath| SourcePath::new(path.folder());
    let above = move |path: &SourcePath| (!path.as_bytes().is_empty()).then(|| folder(path));
    std::iter::successors(above(path), above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{FileStat, Format, PhotoId, Status};

    fn photo(path: &str, dev: u64) -> Photo {
        let path = SourcePath::new(path.as_bytes());
        Photo {
            id: PhotoId(1),
            title_name: None,
            text_bytes: 0,
            name: path.file_name().into(),
            path,
            stat: FileStat {
                dev,
                ..FileStat::default()
            },
            format: Format::Jpeg,
            status: Status::Pending,
            date: None,
            hash: None,
            width: 0,
            height: 0,
            perceptual_hash: None,
            edited: false,
            edition: 0,
        }
    }

    fn check(photo: &Photo, unreadable: &[&str], gone: bool) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("full/empty")).unwrap();
        let source_files = SourceFiles::open(dir.path()).unwrap();
        let unreadable = unreadable.iter().map(|p| SourcePath::new(p.as_bytes()));
        let mut missing = MissingFiles::new(&source_files, unreadable.collect());
        assert_eq!(missing.is_gone(photo), gone, "{photo:?}");
    }

    fn here() -> u64 {
        std::env::temp_dir().metadata().unwrap().dev()
    }

    #[test]
    fn a_photo_that_is_not_in_its_folder_is_gone() {
        check(&photo("full/a.jpg", here()), &[], true);
        check(&photo("deleted/with/a.jpg", here()), &[], true);
        check(&photo("full/empty/a.jpg", here()), &[], true);
    }

    #[test]
    fn a_photo_below_a_folder_that_could_not_be_listed_is_out_of_sight() {
        check(&photo("full/x/a.jpg", here()), &["full"], false);
        check(&photo("full/a.jpg", here()), &["full/a.jpg"], false);
        check(&photo("full/a.jpg", here()), &[""], false);
        check(&photo("full/a.jpg", here()), &["ful"], true);
    }

    #[test]
    fn a_photo_of_another_disk_below_an_empty_folder_is_not_mounted() {
        check(&photo("full/empty/2019/a.jpg", here() + 1), &[], false);
        check(&photo("full/2019/a.jpg", here() + 1), &[], true);
    }

    #[test]
    fn the_folders_of_a_path_end_with_the_source() {
        let path = SourcePath::new(*b"2019/x/a.jpg");
        let folders: Vec<_> = folders_of(&path).map(|f| f.to_string()).collect();
        assert_eq!(folders, ["2019/x", "2019", ""]);
    }
}
