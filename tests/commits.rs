//! A commit that panics in the middle, in a process that a panic doesn't end: what the store has is shown, before the next
//! commit and after it, and whoever remembers something is told to look again.

// Only builds with debug assertions have faults.
#![cfg(debug_assertions)]

#[path = "common/forwarded.rs"]
mod forwarded;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kbasefs::analysis::{Crawlers, Scheduler};
use kbasefs::catalog::{
    Change, Edit, Effect, Facet, Facts, FileStat, Format, PhotoId, SourcePath, Status, Stored,
    Words,
};
use kbasefs::index::Index;
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::store::cached::{Cached, Capacity};
use kbasefs::store::sqlite::Sqlite;
use kbasefs::store::{Error, Result, Store};
use kbasefs::vfs::{Caller, Inode, Options, Stale, Tree};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use forwarded::forward_reads;

/// Places in a commit: before the index follows the store, in the middle of that, and before anybody is told.
const PLACES: [&str; 3] = ["commit", "index", "indexed"];

/// Runs a test again for each place, in a process of its own in which a commit panics there while [`Catalog::breaking`].
fn at_each_place(test: &str, check: impl FnOnce(Catalog)) {
    if let Some(begin) = std::env::var_os("KBASEFS_FAULTS_BEGIN") {
        return check(Catalog::new(begin.into()));
    }
    let folder = tempfile::tempdir().unwrap();
    for place in PLACES {
        let mut itself = Command::new(std::env::current_exe().unwrap());
        itself.args(["--exact", test]);
        itself.env("KBASEFS_FAULTS", format!("panic-{place}"));
        itself.env("KBASEFS_FAULTS_BEGIN", folder.path().join(place));
        let output = itself.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{place}: {said}"
        );
    }
}

/// Three photos, the store that has them, a tree that shows them, and what the kernel was told to forget.
struct Catalog {
    begin: PathBuf,
    store: Arc<Gated>,
    library: Arc<Library>,
    tree: Arc<Tree>,
    stale: Arc<Mutex<Vec<Stale>>>,
    _folder: tempfile::TempDir,
}

impl Catalog {
    fn new(begin: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("catalog.sqlite"), folder.path()).unwrap();
        let room = Capacity {
            entries: 100,
            bytes: 1 << 20,
            ttl: None,
        };
        let cached = Cached::new(Arc::new(sqlite), &Limit::of(1 << 30), room);
        let store = Arc::new(Gated {
            store: cached,
            is_unreadable: AtomicBool::new(false),
        });
        let library = Arc::new(Library::load(Arc::clone(&store) as Arc<dyn Store>).unwrap());
        let tree = Arc::new(tree(&library));
        let stale = Arc::<Mutex<Vec<Stale>>>::default();
        let (teller, told) = (Arc::downgrade(&tree), Arc::clone(&stale));
        library.listen(move |delta| {
            let tree = teller.upgrade().unwrap();
            told.lock().extend(tree.invalidation.stale(delta));
        });
        for (ino, path) in [(1, "a.jpg"), (2, "old/b.jpg"), (3, "old/deep/c.jpg")] {
            library.commit(&[found(None, path, ino)]).unwrap();
        }
        Self {
            begin,
            store,
            library,
            tree,
            stale,
            _folder: folder,
        }
    }

    /// Commits what breaks down.
    fn breaking(&self, changes: &[Change]) {
        std::fs::write(&self.begin, "").unwrap();
        let committed = catch_unwind(AssertUnwindSafe(|| self.library.commit(changes)));
        std::fs::remove_file(&self.begin).unwrap();
        assert!(committed.is_err(), "it was to panic");
    }

    fn photo(&self, path: &str) -> PhotoId {
        let path = SourcePath::new(path.as_bytes());
        self.library.index().by_path(&path).unwrap()
    }

    fn folder(&self, path: &str) -> Inode {
        path.split('/').fold(Inode::ROOT, |parent, name| {
            let namespace = &self.tree.namespace;
            namespace.lookup(parent, name.as_bytes()).unwrap().inode
        })
    }

    fn names(&self, folder: Inode) -> Vec<String> {
        let folder = self.tree.open_dir(folder, &Caller::NOBODY).unwrap();
        let entries = folder.entries(&self.tree.namespace, 0);
        let names = entries.map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The index says what one says that is loaded from the store, and the cache says what the store says.
    #[track_caller]
    fn agrees_with_the_store(&self) {
        let fresh = Library::load(Arc::clone(&self.store) as Arc<dyn Store>).unwrap();
        assert_eq!(shown(self.library.index()), shown(fresh.index()));
        for id in fresh.index().all().iter().map(PhotoId) {
            let known = self.library.detail(id).unwrap().map(|d| d.entry);
            let kept = self.store.store.detail(id).unwrap().map(|d| d.entry);
            assert_eq!(known, kept);
        }
    }
}

/// Everything that an index says of its photos and labels, without the numbers that it gave them.
fn shown(index: &Index) -> Vec<String> {
    let mut all = Vec::new();
    index.for_each_photo(&mut |photo| all.push(format!("{photo:?}")));
    for id in index.all().iter().map(PhotoId) {
        let mut labels = index.labels_of(id);
        labels.sort();
        all.push(format!("{id:?} {labels:?} {}", index.is_recent(id)));
    }
    for facet in Facet::ALL {
        let mut labels = index.labels_within(facet, &index.all());
        labels.sort_by(|a, b| a.shown.cmp(&b.shown));
        let labels = labels.iter().map(|l| (&l.key, &l.shown, l.photos));
        all.push(format!("{facet:?} {:?}", labels.collect::<Vec<_>>()));
    }
    for status in Status::ALL {
        all.push(format!("{status:?} {:?}", index.photos_with(status)));
    }
    all
}

fn found(known: Option<PhotoId>, path: &str, ino: u64) -> Change {
    let mut facts = Facts::of(Format::Jpeg);
    facts.keywords = vec!["sea".into(), path.replace('/', " ")];
    Change::Found {
        known,
        path: SourcePath::new(path.as_bytes()),
        stat: FileStat {
            dev: 1,
            ino,
            size: 1000 + ino,
            mtime_ns: 1,
            ctime_ns: 0,
            links: 1,
            attributes: 0,
            mode: 0o644,
            uid: 0,
            gid: 0,
        },
        facts: Box::new(facts),
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
    Tree::new(
        Arc::clone(library),
        Scheduler::idle(Arc::clone(library)),
        Arc::<Crawlers>::default(),
        &Limit::of(1 << 30),
        options,
    )
}

#[test]
fn what_the_store_has_is_shown_though_nobody_commits_again() {
    at_each_place(
        "what_the_store_has_is_shown_though_nobody_commits_again",
        |catalog| {
            let [a, b] = ["a.jpg", "old/b.jpg"].map(|path| catalog.photo(path));
            catalog.library.detail(a).unwrap();
            catalog.breaking(&[
                Change::edited(a, Edit::Tag("beach".into())),
                Change::Gone { id: b },
                found(None, "new/d.jpg", 4),
            ]);
            catalog.agrees_with_the_store();
            let index = catalog.library.index();
            assert_eq!(index.len(), 3);
            let labels = index.labels_of(a);
            assert!(labels.contains(&(Facet::Tag, "beach".into())), "{labels:?}");
        },
    );
}

#[test]
fn the_next_commit_goes_on_from_what_the_store_has() {
    at_each_place(
        "the_next_commit_goes_on_from_what_the_store_has",
        |catalog| {
            let a = catalog.photo("a.jpg");
            for n in 0..3 {
                catalog.breaking(&[Change::edited(a, Edit::Tag(format!("broken {n}")))]);
                let whole = Change::edited(a, Edit::Tag(format!("whole {n}")));
                catalog.library.commit(&[whole]).unwrap();
                catalog.agrees_with_the_store();
            }
            let tags = catalog.library.index().labels_of(a);
            let tags = tags.iter().filter(|(_, tag)| tag.contains(' '));
            assert_eq!(tags.count(), 6);
        },
    );
}

/// Not even where it can't be loaded anew at once: nobody is shown a part of a change.
#[test]
fn an_index_that_cannot_be_loaded_is_loaded_before_the_next_commit() {
    at_each_place(
        "an_index_that_cannot_be_loaded_is_loaded_before_the_next_commit",
        |catalog| {
            let a = catalog.photo("a.jpg");
            catalog.store.is_unreadable.store(true, Ordering::Relaxed);
            catalog.breaking(&[Change::edited(a, Edit::Tag("beach".into()))]);
            let shown = catch_unwind(AssertUnwindSafe(|| catalog.library.index().len()));
            assert!(shown.is_err(), "{shown:?}");
            let next = [Change::edited(a, Edit::Tag("dog".into()))];
            assert!(catalog.library.commit(&next).is_err());
            catalog.store.is_unreadable.store(false, Ordering::Relaxed);
            catalog.library.commit(&next).unwrap();
            catalog.agrees_with_the_store();
        },
    );
}

#[test]
fn the_kernel_is_told_to_forget_all_and_its_folders_stay_what_they_are() {
    at_each_place(
        "the_kernel_is_told_to_forget_all_and_its_folders_stay_what_they_are",
        |catalog| {
            let [all, deep] = ["all", "all/old/deep"].map(|path| catalog.folder(path));
            let tag = catalog.folder("tags/sea");
            let [a, b] = ["a.jpg", "old/b.jpg"].map(|path| catalog.photo(path));
            catalog.stale.lock().clear();
            // A folder before the others, and one fewer.
            catalog.breaking(&[
                Change::Gone { id: b },
                found(None, "a new one/d.jpg", 4),
                Change::edited(a, Edit::Untag("sea".into())),
            ]);
            let stale = std::mem::take(&mut *catalog.stale.lock());
            for folder in [all, deep, tag] {
                assert!(stale.contains(&Stale::Listing(folder)), "{stale:?}");
            }
            assert!(stale.contains(&Stale::AllNames));
            assert!(stale.contains(&Stale::Attributes(Inode::of_photo(a))));
            assert_eq!(catalog.names(deep), ["c.jpg"]);
            assert_eq!(catalog.names(all), ["a new one", "a.jpg", "old"]);
            assert_eq!(catalog.folder("all/old/deep"), deep);
        },
    );
}

/// A store that can't be loaded while somebody says so.
struct Gated {
    store: Cached,
    is_unreadable: AtomicBool,
}

impl Store for Gated {
    fn load(&self, each: &mut dyn FnMut(Stored)) -> Result<()> {
        match self.is_unreadable.load(Ordering::Relaxed) {
            true => {
                each(Stored::Anew);
                Err(Error::Full)
            }
            false => self.store.load(each),
        }
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Effect>> {
        self.store.commit(changes)
    }

    fn full_text(&self, words: &Words) -> Result<RoaringBitmap> {
        self.store.full_text(words)
    }

    forward_reads!(self => self.store);
}
