//! A source folder with its catalog, and what a program sees of one.

use std::sync::Arc;
use std::time::Duration;

use kbasefs::analysis::{Crawlers, Scheduler};
use kbasefs::catalog::{
    Analysis, Answer, Change, ContentHash, Edit, Facts, Format, Measured, PhotoId, SourcePath, Tag,
};
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source_files::SourceFiles;
use kbasefs::store::Store;
use kbasefs::store::memory::Memory;
use kbasefs::vfs::{Options, Tree};
use tempfile::TempDir;

/// Why something was refused, as its number is called.
pub type Refusal = String;

/// What `stat` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    pub inode: u64,
    pub is_folder: bool,
    pub size: u64,
    pub mtime_ns: i64,
    pub mode: u32,
    pub nlink: u64,
}

/// A catalog as a program sees it; paths begin with `/`.
pub trait Surface {
    /// The names, those of folders with a `/` behind, sorted, without dots and generated files.
    fn list(&self, path: &str) -> Result<Vec<String>, Refusal>;
    fn stat(&self, path: &str) -> Result<Stat, Refusal>;
    fn read(&self, path: &str) -> Result<Vec<u8>, Refusal>;
    fn attributes(&self, path: &str) -> Result<Vec<String>, Refusal>;
    fn get(&self, path: &str, name: &str) -> Result<String, Refusal>;
    fn set(&self, path: &str, name: &str, value: &str) -> Result<(), Refusal>;
    fn remove(&self, path: &str, name: &str) -> Result<(), Refusal>;
    fn make_folder(&self, path: &str) -> Result<(), Refusal>;
    fn remove_folder(&self, path: &str) -> Result<(), Refusal>;
    fn remove_file(&self, path: &str) -> Result<(), Refusal>;
    fn link(&self, from: &str, to: &str) -> Result<(), Refusal>;
    /// `replace`: also onto a name that is there.
    fn rename(&self, from: &str, to: &str, replace: bool) -> Result<(), Refusal>;
    /// Begins a file that isn't there, as copying does.
    fn create(&self, path: &str) -> Result<Box<dyn Writing + '_>, Refusal>;
    /// What programs say of a file beside its bytes: permissions and time, as that of its source.
    fn touch(&self, path: &str) -> Result<(), Refusal>;
    /// Holds soon, or the test fails: a change reaches the surface after its commit.
    fn eventually(&self, holds: &mut dyn FnMut() -> bool);
}

/// A file that is being written.
pub trait Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal>;
    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal>;
    fn touch(&mut self) -> Result<(), Refusal>;
    fn size(&self) -> u64;
    /// The end of it, however that goes.
    fn close(self: Box<Self>) -> Result<(), Refusal>;
}

/// A source folder with its catalog.
pub struct Fixture {
    pub source: TempDir,
    pub library: Arc<Library>,
    pub source_files: Arc<SourceFiles>,
    pub tree: Arc<Tree>,
}

impl Fixture {
    /// Photos as `name tag tag; folder/name tag 2024-07-14`, each file with a content of its own.
    pub fn new(photos: &str) -> Self {
        Self::with_store(Arc::new(Memory::default()), photos)
    }

    pub fn with_store(store: Arc<dyn Store>, photos: &str) -> Self {
        let source = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::load(store).unwrap());
        let source_files = Arc::new(SourceFiles::open(source.path()).unwrap());
        let tree = Arc::new(new_tree(&library));
        let fixture = Self {
            source,
            library,
            source_files,
            tree,
        };
        let changes: Vec<_> = each(photos).map(|photo| fixture.found(photo)).collect();
        fixture.library.commit(&changes).unwrap();
        fixture
    }

    /// Many photos arrive whose content doesn't matter: empty files.
    pub fn add_empty(&self, photos: &str) {
        for photo in each(photos) {
            let name = photo.split_whitespace().next().unwrap();
            std::fs::File::create_new(self.path(name)).unwrap();
        }
        let changes: Vec<_> = each(photos).map(|photo| self.found(photo)).collect();
        self.library.commit(&changes).unwrap();
    }

    /// One more photo arrives.
    pub fn add(&self, photo: &str) {
        self.library.commit(&[self.found(photo)]).unwrap();
    }

    /// A scan comes upon a file that is another one now.
    pub fn see_again(&self, name: &str) {
        let id = self.id(name);
        let Change::Found {
            path, stat, facts, ..
        } = self.found(name)
        else {
            unreachable!("what is found")
        };
        let known = Some(id);
        let seen = Change::Found {
            known,
            path,
            stat,
            facts,
        };
        self.library.commit(&[seen]).unwrap();
    }

    /// Puts a file into the source, unless it is there, without the catalog's knowing.
    pub fn place(&self, name: &str) {
        let path = self.path(name);
        if !path.exists() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content(name)).unwrap();
        }
    }

    pub fn id(&self, name: &str) -> PhotoId {
        let path = SourcePath::new(name.as_bytes());
        self.library.index().by_path(&path).unwrap()
    }

    /// A person changes something of a photo.
    pub fn edit(&self, name: &str, edit: Edit) {
        let change = Change::edited(self.id(name), edit);
        self.library.commit(&[change]).unwrap();
    }

    /// A model answers.
    pub fn analyze(&self, name: &str, tags: &[&str]) {
        let id = self.id(name);
        let photo = self.library.index().photo(id).unwrap();
        let tag = |name: &&str| Tag {
            name: (*name).to_owned(),
            confidence: 0.9,
        };
        let analysis = Analysis {
            hash: ContentHash(*blake3::hash(&content(name)).as_bytes()),
            stat: photo.stat,
            analyzer: "eye".into(),
            model: "eye/1".into(),
            version: "1".into(),
            remote: false,
            answer: Answer {
                title: None,
                description: None,
                tags: tags.iter().map(tag).collect(),
            },
        };
        let measured = Change::Measured {
            id,
            stat: photo.stat,
            hash: analysis.hash,
            measured: Box::new(Measured {
                width: 4,
                height: 3,
                colors: Vec::new(),
                perceptual_hash: u64::from(id.0) * 0x0123_4567_89ab_cdef,
            }),
        };
        let analysis = Box::new(analysis);
        let changes = [measured, Change::Analyzed { id, analysis }];
        self.library.commit(&changes).unwrap();
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.source.path().join(name)
    }

    fn found(&self, photo: &str) -> Change {
        let mut words = photo.split_whitespace();
        let name = words.next().unwrap();
        self.place(name);
        let path = SourcePath::new(name.as_bytes());
        let mut facts = Facts::of(Format::Jpeg);
        for word in words {
            match format!("{word}T00:00:00").parse() {
                Ok(date) => facts.date = Some(date),
                Err(()) => facts.keywords.push(word.to_owned()),
            }
        }
        Change::Found {
            known: None,
            stat: self.source_files.stat(&path).unwrap().unwrap(),
            path,
            facts: Box::new(facts),
        }
    }
}

fn each(photos: &str) -> impl Iterator<Item = &str> {
    photos.split(';').map(str::trim).filter(|p| !p.is_empty())
}

/// A tree over a library, as a remount makes it, that analyses nothing.
pub fn new_tree(library: &Arc<Library>) -> Tree {
    tree_with(library, Scheduler::idle(library.clone()), Duration::ZERO)
}

/// A tree whose descriptions are waited for.
pub fn tree_with(library: &Arc<Library>, scheduler: Arc<Scheduler>, xattr_wait: Duration) -> Tree {
    let options = Options {
        facet_depth: 2,
        xattr_wait,
        first_results_wait: Duration::ZERO,
        owner: (0, 0),
        spool: std::env::temp_dir(),
        catalog: Default::default(),
    };
    let crawlers = Arc::<Crawlers>::default();
    let memory = Limit::of(1 << 30);
    Tree::new(library.clone(), scheduler, crawlers, &memory, options)
}

/// What the file of this name holds: a few hundred kilobytes that differ everywhere.
pub fn content(name: &str) -> Vec<u8> {
    let mut bytes = vec![0; 300_001];
    let mut reader = blake3::Hasher::new().update(name.as_bytes()).finalize_xof();
    reader.fill(&mut bytes);
    bytes
}
