//! Catalogs to be written and read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use kbasefs::catalog::{
    Analysis, Answer, Change, ContentHash, Detail, Edit, Facet, Facts, Label, Measured, Origin,
    PhotoId, SourcePath, Tag, TextField,
};
use kbasefs::exchange::{Exchange, ForeignAnswer, Format, Report};
use kbasefs::library::Library;
use kbasefs::source_files::SourceFiles;
use kbasefs::store::memory::Memory;
use tempfile::TempDir;

pub const NAMES: [&[u8]; 6] = [
    b"a.jpg",
    b"trip/b & c.jpg",
    b"trip/new\nline.jpg",
    b"trip/\xff\xfe.jpg",
    b"-rf.jpg",
    b"../",
];

/// A catalog of photos that say nothing of themselves, in a folder that holds them.
pub struct Catalog {
    pub source: Arc<TempDir>,
    pub library: Library,
    pub source_files: SourceFiles,
}

/// None of these files holds answers of other programs' models.
pub fn no_answers(id: PhotoId, said: &ForeignAnswer) -> std::result::Result<bool, String> {
    panic!("{id:?}: {said:?}")
}

impl Catalog {
    pub fn new() -> Self {
        let source = tempfile::tempdir().unwrap();
        for name in names() {
            let path = source.path().join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        Self::of(Arc::new(source))
    }

    /// A catalog that knows nothing yet of the same photos.
    pub fn another(&self) -> Self {
        Self::of(self.source.clone())
    }

    pub fn of(source: Arc<TempDir>) -> Self {
        let library = Library::load(Arc::new(Memory::default())).unwrap();
        let source_files = SourceFiles::open(source.path()).unwrap();
        let found = names().map(|name| {
            let path = SourcePath::new(name);
            Change::Found {
                known: None,
                stat: source_files.stat(&path).unwrap().unwrap(),
                path,
                facts: Box::new(Facts::of(kbasefs::catalog::Format::Jpeg)),
            }
        });
        library.commit(&found.collect::<Vec<_>>()).unwrap();
        Self {
            source,
            library,
            source_files,
        }
    }

    pub fn exchange(&self) -> Exchange<'_> {
        Exchange {
            folder: Default::default(),
            library: &self.library,
            source_files: &self.source_files,
        }
    }

    pub fn export(&self, format: Format, to: &Path) -> Report {
        self.exchange().export(format, to).unwrap()
    }

    pub fn import(&self, from: &Path) -> Report {
        self.exchange().import(from, None, &no_answers).unwrap()
    }

    pub fn id(&self, name: &[u8]) -> PhotoId {
        let path = SourcePath::new(name);
        self.library.index().by_path(&path).unwrap()
    }

    pub fn detail(&self, name: &[u8]) -> Detail {
        self.library.detail(self.id(name)).unwrap().unwrap()
    }

    pub fn edit(&self, name: &[u8], edits: &[Edit]) {
        let id = self.id(name);
        let edits = edits.iter().cloned();
        let changes = edits.map(|edit| Change::edited(id, edit));
        self.library.commit(&changes.collect::<Vec<_>>()).unwrap();
    }

    pub fn analyze(&self, name: &[u8], tags: &[&str]) {
        let photo = self.detail(name).entry.photo;
        let tag = |name: &&str| Tag {
            name: (*name).into(),
            confidence: 0.75,
        };
        let analysis = Analysis {
            hash: ContentHash(*blake3::hash(name).as_bytes()),
            stat: photo.stat,
            analyzer: "eye".into(),
            model: "eye/1".into(),
            version: "1".into(),
            remote: true,
            answer: Answer {
                title: Some("A dog".into()),
                description: Some("A dog & a \"cat\" on <b>grass</b>".into()),
                tags: tags.iter().map(tag).collect(),
            },
        };
        let measured = Change::Measured {
            id: photo.id,
            stat: photo.stat,
            hash: analysis.hash,
            measured: Box::new(Measured {
                width: 4,
                height: 3,
                colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
                perceptual_hash: 0xf0f0_f0f0_0f0f_0f0f,
            }),
        };
        let (id, analysis) = (photo.id, Box::new(analysis));
        let learned = Change::Learned {
            id,
            analysis,
            at: 1_700_000_000,
        };
        self.library.commit(&[measured, learned]).unwrap();
    }

    /// Something of everything is known.
    pub fn described() -> Self {
        let catalog = Self::new();
        catalog.analyze(b"a.jpg", &["dog", "cat"]);
        catalog.analyze(b"trip/\xff\xfe.jpg", &["dog"]);
        let text = "Line one\nline \u{1F3D6}; \"two\"".into();
        catalog.edit(
            b"a.jpg",
            &[
                Edit::Untag("cat".into()),
                Edit::Tag("Rex; the dog".into()),
                Edit::SetText(TextField::Description, text),
                Edit::SetRating(4),
            ],
        );
        catalog.edit(b"trip/new\nline.jpg", &[Edit::Tag("=1+1".into())]);
        catalog
    }
}

/// Those of [`NAMES`] that a file can have.
pub fn names() -> impl Iterator<Item = &'static [u8]> {
    NAMES.into_iter().filter(|name| !name.ends_with(b"/"))
}

/// The tags that hold.
pub fn tags(detail: &Detail) -> BTreeSet<String> {
    let labels = Label::effective(&detail.entry.labels).into_iter();
    let tags = labels.filter(|l| l.facet == Facet::Tag);
    tags.map(|l| l.value.clone()).collect()
}
