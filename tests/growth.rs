//! What one event costs, counted in photos that are looked at: as many in a catalog of a hundred thousand as in one of a
//! thousand.

// Only builds with debug assertions count.
#![cfg(debug_assertions)]

#[path = "common/forwarded.rs"]
mod forwarded;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use kbasefs::analysis::{Crawlers, Scheduler};
use kbasefs::catalog::{
    Change, ContentHash, Edit, Effect, Facet, FileStat, Format, Label, Origin, Photo, PhotoId,
    SourcePath, Status, Stored, Words,
};
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::source::{Options as ScanOptions, Report, Sync};
use kbasefs::source_files::SourceFiles;
use kbasefs::store::memory::Memory;
use kbasefs::store::{Result, Store};
use kbasefs::vfs::{Caller, Inode, Options, Tree};
use roaring::RoaringBitmap;
use tempfile::TempDir;

use forwarded::forward_reads;

const SMALL: u32 = 1_000;
const LARGE: u32 = 100_000;
/// Photos that an event may look at beside those that it is about: hash tables are not the same at every size.
const SLACK: u64 = 16;

/// What the photos of a catalog have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Size, folder, tag and day, with 49 others each.
    Various,
    /// All of that, and the camera, with all others: scans, for one.
    Uniform,
}

/// Bytes of every file of a uniform catalog.
const UNIFORM_SIZE: usize = 4096;

/// A catalog in RAM: many photos whose files aren't there, and one that is.
struct Catalog {
    source: TempDir,
    library: Arc<Library>,
    source_files: Arc<SourceFiles>,
    sync: Sync,
    tree: Arc<Tree>,
    kind: Kind,
}

impl Catalog {
    fn of(photos: u32, kind: Kind) -> Self {
        let source = tempfile::tempdir().unwrap();
        std::fs::create_dir(source.path().join("new")).unwrap();
        let rest = Memory::default();
        let store = Arc::new(Vast { photos, kind, rest });
        let library = Arc::new(Library::load(store).unwrap());
        let source_files = Arc::new(SourceFiles::open(source.path()).unwrap());
        let sync = Sync::new(
            library.clone(),
            source_files.clone(),
            ScanOptions::default(),
        );
        let tree = Arc::new(tree(&library));
        let catalog = Self {
            source,
            library,
            source_files,
            sync,
            tree,
            kind,
        };
        catalog.write("one");
        catalog.look();
        catalog.find_copies();
        catalog
    }

    fn write(&self, text: &str) {
        let mut jpeg = Vec::new();
        let picture = image::RgbImage::new(8, 8);
        let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
        encoder.encode_image(&picture).unwrap();
        jpeg.extend_from_slice(text.as_bytes());
        if self.kind == Kind::Uniform {
            jpeg.resize(UNIFORM_SIZE, 0);
        }
        std::fs::write(self.source.path().join("new/a.jpg"), jpeg).unwrap();
    }

    fn look(&self) {
        let report = self.scan();
        assert_eq!(report.added + report.changed, 1);
    }

    fn scan(&self) -> Report {
        let folder = SourcePath::new(*b"new");
        let stop = AtomicBool::new(false);
        self.sync.scan_below(&folder, &stop).unwrap()
    }

    /// A program copies the photo into a folder of tags.
    fn copy(&self, folder: Inode, name: &[u8]) {
        let bytes = std::fs::read(self.source.path().join("new/a.jpg")).unwrap();
        let editor = &self.tree.editor;
        let draft = editor
            .create((folder, name), 0o600, 0, true, &Caller::NOBODY)
            .unwrap();
        draft.write(0, &bytes).unwrap();
        editor.commit_draft(&draft, &self.source_files).unwrap();
        editor.close_draft(&draft);
    }

    fn find_copies(&self) {
        self.sync.hash_candidates(&AtomicBool::new(false)).unwrap();
    }

    fn photo(&self) -> PhotoId {
        let path = SourcePath::new(*b"new/a.jpg");
        self.library.index().by_path(&path).unwrap()
    }

    /// The folder at a path, as the kernel knows it afterwards.
    fn folder(&self, path: &str) -> Inode {
        path.split('/').fold(Inode::ROOT, |parent, name| {
            self.tree
                .namespace
                .lookup(parent, name.as_bytes())
                .unwrap()
                .inode
        })
    }
}

/// A store that has many photos from the start, with numbers that the rest doesn't reach.
struct Vast {
    photos: u32,
    kind: Kind,
    rest: Memory,
}

const FIRST: u32 = 1_000;

/// Tag and day are of 50 photos each, so that none of them is of more photos in a larger catalog.
const GROUP: u32 = 50;

impl Store for Vast {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        each(Stored::AtMost(FIRST + self.photos));
        let groups = match self.kind {
            Kind::Various => self.photos / GROUP,
            Kind::Uniform => 1,
        };
        for group in 0..groups {
            for (facet, value) in self.kind.labels(group) {
                each(Stored::Label(Label::sure(facet, value, Origin::Embedded)));
            }
        }
        for number in 0..self.photos {
            let group = number / GROUP % groups;
            let kinds = self.kind.labels(group).len() as u32;
            let labels = (group * kinds..(group + 1) * kinds).collect();
            each(Stored::Photo(self.kind.photo(number), labels));
        }
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.rest.commit(changes)
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.rest.full_text(words)
    }

    forward_reads!(self => self.rest);
}

impl Kind {
    /// In a uniform catalog, every photo is of the group that events are about.
    fn group(self, group: u32) -> u32 {
        match self {
            Self::Various => group,
            Self::Uniform => 7,
        }
    }

    fn labels(self, group: u32) -> [(Facet, String); 5] {
        let group = self.group(group);
        let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(i64::from(group));
        [
            (Facet::Tag, format!("tag {group}")),
            (Facet::Day, day.to_string()),
            (Facet::Month, day.strftime("%Y-%m").to_string()),
            (Facet::Year, day.strftime("%Y").to_string()),
            (Facet::Camera, format!("camera {group}")),
        ]
    }

    fn photo(self, number: u32) -> Photo {
        let group = self.group(number / GROUP);
        let name = format!("{number}.jpg").into_bytes();
        let (size, hash) = match self {
            Self::Various => (1_000_000 + u64::from(group), None),
            Self::Uniform => {
                let hash = blake3::hash(&number.to_le_bytes());
                (UNIFORM_SIZE as u64, Some(ContentHash(*hash.as_bytes())))
            }
        };
        Photo {
            id: PhotoId(FIRST + number),
            path: SourcePath::new(format!("old/{group}/{number}.jpg").into_bytes()),
            name: name.into(),
            title_name: None,
            text_bytes: 0,
            stat: FileStat {
                dev: 77,
                ino: u64::from(number) + 1,
                size,
                mtime_ns: 1,
                ctime_ns: 0,
                links: 1,
                attributes: 0,
                mode: 0o644,
                uid: 0,
                gid: 0,
            },
            format: Format::Jpeg,
            status: Status::Pending,
            date: None,
            hash,
            width: 0,
            height: 0,
            perceptual_hash: None,
            edition: 0,
            edited: false,
        }
    }
}

fn tree(library: &Arc<Library>) -> Tree {
    let options = Options {
        facet_depth: 2,
        xattr_wait: Default::default(),
        first_results_wait: Default::default(),
        owner: (0, 0),
        spool: std::env::temp_dir(),
        catalog: Default::default(),
    };
    let (scheduler, crawlers) = (Scheduler::idle(library.clone()), Arc::<Crawlers>::default());
    Tree::new(
        library.clone(),
        scheduler,
        crawlers,
        &Limit::of(1 << 30),
        options,
    )
}

/// How many photos each event looks at, the name of the event first.
fn events(photos: u32, kind: Kind) -> Vec<(&'static str, u64)> {
    let catalog = Catalog::of(photos, kind);
    let mut counts = Vec::new();
    let mut count = |name, event: &mut dyn FnMut()| {
        let before = catalog.library.index().visits();
        event();
        counts.push((name, catalog.library.index().visits() - before));
    };
    let tag = catalog.folder("tags/tag 7");
    for path in [
        "all/new",
        "all/old/7",
        "by-camera/camera 7",
        "by-date/1970/01",
        "recent",
        "descriptions/new",
    ] {
        catalog.folder(path);
    }
    count("a file is written", &mut || {
        catalog.write("another");
        catalog.look();
    });
    match kind {
        Kind::Various => count("copies are looked for", &mut || catalog.find_copies()),
        // That compares all files of one size, in the background.
        Kind::Uniform => count("a photo is copied that nobody has read", &mut || {
            catalog.copy(tag, b"a.jpg");
        }),
    }
    let stale = Arc::new(Mutex::new(0));
    let (told, tree) = (stale.clone(), Arc::downgrade(&catalog.tree));
    catalog.library.listen(move |delta| {
        let tree = tree.upgrade().unwrap();
        *told.lock().unwrap() += tree.invalidation.stale(delta).len();
    });
    count("a photo is tagged and the kernel told", &mut || {
        let edit = Change::edited(catalog.photo(), Edit::Tag("tag 7".into()));
        catalog.library.commit(&[edit]).unwrap();
    });
    assert!(*stale.lock().unwrap() > 0, "something is stale");
    count("a photo is copied into a folder of tags", &mut || {
        catalog.copy(tag, b"copy.jpg");
    });
    count("a name is looked up", &mut || {
        catalog.tree.namespace.lookup(tag, b"350.jpg").unwrap();
    });
    count("a tag is taken away", &mut || {
        let edit = Change::edited(catalog.photo(), Edit::Untag("tag 7".into()));
        catalog.library.commit(&[edit]).unwrap();
    });
    let source = catalog.source.path().join("new");
    count("a file is renamed", &mut || {
        std::fs::rename(source.join("a.jpg"), source.join("b.jpg")).unwrap();
        assert_eq!(catalog.scan().moved, 1);
    });
    count("a file is deleted", &mut || {
        std::fs::remove_file(source.join("b.jpg")).unwrap();
        assert_eq!(catalog.scan().gone, 1);
    });
    counts
}

fn check(kind: Kind) {
    let (small, large) = (events(SMALL, kind), events(LARGE, kind));
    for ((name, few), (_, many)) in small.iter().zip(&large) {
        println!("{kind:?}, {name}: {few} photos of {SMALL}, {many} of {LARGE}");
    }
    for ((name, few), (_, many)) in small.into_iter().zip(large) {
        assert!(few > 0, "{kind:?}, {name}: counts nothing");
        assert!(many <= few + SLACK, "{kind:?}, {name}: {few}, then {many}");
    }
}

#[test]
fn what_an_event_costs_does_not_grow_with_the_catalog() {
    check(Kind::Various);
}

#[test]
fn what_an_event_costs_does_not_grow_with_photos_that_have_much_in_common() {
    check(Kind::Uniform);
}
