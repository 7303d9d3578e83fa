//! A folder of pictures, with its catalog.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kbasefs::catalog::{Actor, Change, Edit, Facet, PhotoId, SourcePath};
use kbasefs::library::{Library, Which};
use kbasefs::source::{Options, Report, Sync};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::store::sqlite::Sqlite;

/// A source folder with its catalog.
pub struct Source {
    pub folder: tempfile::TempDir,
    pub library: Arc<Library>,
    pub sync: Sync,
}

impl Source {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self::with(store, Options::default())
    }

    pub fn with(store: Arc<dyn Store>, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        let library = Arc::new(Library::load(store).unwrap());
        let source_files = Arc::new(SourceFiles::open(&folder.path().join("photos")).unwrap());
        let sync = Sync::new(Arc::clone(&library), source_files, options);
        Self {
            folder,
            library,
            sync,
        }
    }

    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join("photos").join(path)
    }

    /// Puts a picture at a path; each `look` is another content.
    pub fn picture(&self, path: impl AsRef<Path>, look: u32) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture(look)).unwrap();
    }

    /// As `cp -p` does, or `rsync -a`.
    pub fn copy_with_time(&self, from: &str, to: &str) {
        let (from, to) = (self.at(from), self.at(to));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&from, &to).unwrap();
        let time = from.metadata().unwrap().modified().unwrap();
        let copy = fs::File::options().write(true).open(to).unwrap();
        copy.set_modified(time).unwrap();
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    pub fn scan(&self) -> Report {
        let report = self.sync.scan(&AtomicBool::new(false)).unwrap();
        assert!(report.complete && self.sync.progress().done);
        report
    }

    pub fn hash(&self) -> u64 {
        let stop = AtomicBool::new(false);
        self.sync.hash_candidates(&stop).unwrap()
    }

    pub fn id(&self, path: &str) -> PhotoId {
        let path = SourcePath::new(path.as_bytes());
        let id = self.library.index().by_path(&path);
        id.unwrap_or_else(|| panic!("{path} is no photo"))
    }

    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let index = self.library.index();
        index.for_each_photo(&mut |photo| paths.push(photo.path.to_string()));
        paths.sort();
        paths
    }

    pub fn rename(&self, from: &str, to: &str) {
        let to = self.at(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.at(from), to).unwrap();
    }

    pub fn tag(&self, id: PhotoId, tag: &str) {
        let edit = Edit::Tag(tag.to_owned());
        self.library.commit(&[Change::edited(id, edit)]).unwrap();
    }

    /// Takes the latest act back.
    pub fn undo(&self) {
        let by = Actor::default();
        self.library.undo(Which::Last, &by).unwrap();
    }

    /// Does again what was taken back last.
    pub fn redo(&self) {
        self.library.redo(None, &Actor::default()).unwrap();
    }

    pub fn tags(&self, id: PhotoId) -> Vec<String> {
        let labels = self.library.index().labels_of(id).into_iter();
        let tags = labels.filter(|(facet, _)| *facet == Facet::Tag);
        tags.map(|(_, value)| value).collect()
    }
}

pub fn picture(look: u32) -> Vec<u8> {
    let [_, r, g, b] = look.to_be_bytes();
    let image = image::RgbImage::from_pixel(8, 8, image::Rgb([r, g, b]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    // Uncompressed, so that every look has the same size.
    image.write_to(&mut bytes, image::ImageFormat::Bmp).unwrap();
    bytes.into_inner()
}

pub fn on_each_store(check: impl Fn(&Source)) {
    check(&Source::new(Arc::new(Memory::default())));
    let index = tempfile::tempdir().unwrap();
    let file = index.path().join("catalog.sqlite");
    check(&Source::new(Arc::new(
        Sqlite::open(&file, Path::new("/photos")).unwrap(),
    )));
}

pub fn in_memory() -> Source {
    Source::new(Arc::new(Memory::default()))
}
