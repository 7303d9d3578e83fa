//! Photos, folders and tags that come, are renamed and go, again and again: every table in memory is then as large as it was.

// Only builds with debug assertions count.
#![cfg(debug_assertions)]

use std::path::Path;
use std::sync::Arc;

use kbasefs::analysis::{Crawlers, Scheduler};
use kbasefs::catalog::{
    Change, ContentHash, Edit, Facet, Facts, FileStat, Format, Label, Measured, Origin, PhotoId,
    SourcePath,
};
use kbasefs::library::Library;
use kbasefs::memory::Limit;
use kbasefs::store::sqlite::Sqlite;
use kbasefs::vfs::{Inode, Options, Tree};

/// Photos of a round, each in a folder of its own and with a tag of its own.
const PHOTOS: u32 = 400;
const ROUNDS: u32 = 5;
/// Changes of one commit.
const BATCH: usize = 200;

struct Catalog {
    library: Arc<Library>,
    tree: Tree,
    _folder: tempfile::TempDir,
}

impl Catalog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("catalog.sqlite"), Path::new("/photos"));
        let library = Arc::new(Library::load(Arc::new(store.unwrap())).unwrap());
        let options = Options {
            facet_depth: 2,
            xattr_wait: Default::default(),
            first_results_wait: Default::default(),
            owner: (0, 0),
            spool: folder.path().into(),
            catalog: Default::default(),
        };
        let (scheduler, crawlers) = (Scheduler::idle(library.clone()), Arc::<Crawlers>::default());
        let memory = Limit::of(1 << 30);
        let tree = Tree::new(library.clone(), scheduler, crawlers, &memory, options);
        Self {
            library,
            tree,
            _folder: folder,
        }
    }

    fn commit(&self, changes: Vec<Change>) {
        for batch in changes.chunks(BATCH) {
            self.library.commit(batch).unwrap();
        }
    }

    fn id(&self, path: &SourcePath) -> PhotoId {
        self.library.index().by_path(path).expect("it was found")
    }

    /// Looks a folder up as the kernel does; gives all that it knows then.
    fn look_up(&self, path: &str) -> Vec<Inode> {
        let mut known = vec![Inode::ROOT];
        for name in path.split('/') {
            let parent = *known.last().expect("the root is known");
            let found = self.tree.namespace.lookup(parent, name.as_bytes());
            known.push(found.unwrap_or_else(|e| panic!("{path}: {e}")).inode);
        }
        known.split_off(1)
    }

    fn forget(&self, known: Vec<Inode>) {
        let known = known.into_iter().rev();
        known.for_each(|inode| self.tree.namespace.forget(inode, 1));
    }

    fn sizes(&self) -> Vec<(&'static str, usize)> {
        let mut sizes = self.library.index().table_sizes();
        sizes.push((
            "folders that the kernel knows",
            self.tree.namespace.known_folders(),
        ));
        sizes
    }
}

fn stat(number: u32) -> FileStat {
    FileStat {
        dev: 1,
        ino: u64::from(number) + 1,
        size: 1_000 + u64::from(number),
        mtime_ns: 1,
        ctime_ns: 0,
        links: 1,
        attributes: 0,
        mode: 0o644,
        uid: number,
        gid: 0,
    }
}

fn found(number: u32, path: SourcePath) -> Change {
    Change::Found {
        known: None,
        path,
        stat: stat(number),
        facts: Box::new(Facts {
            keywords: vec![format!("keyword {number}")],
            camera: Some(format!("Camera {number}")),
            title: Some(format!("Title {number}")),
            ..Facts::of(Format::Jpeg)
        }),
    }
}

fn measured(id: PhotoId, number: u32) -> Change {
    let mut hash = [7; 32];
    // Two of a content each.
    hash[..4].copy_from_slice(&(number / 2).to_le_bytes());
    Change::Measured {
        id,
        stat: stat(number),
        hash: ContentHash(hash),
        measured: Box::new(Measured {
            width: 9,
            height: 9,
            colors: vec![Label::new(Facet::Color, "blue", Origin::File, 0.5)],
            perceptual_hash: u64::from(number / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }),
    }
}

/// Photos of numbers that no round before had.
fn round(catalog: &Catalog, round: u32) {
    let numbers = || (0..PHOTOS).map(|n| round * PHOTOS + n + 10);
    let path =
        |name: &str, n: u32| SourcePath::new(format!("{name}/{n}/deep/{n}.jpg").into_bytes());
    catalog.commit(numbers().map(|n| found(n, path("new", n))).collect());
    let ids: Vec<_> = numbers()
        .map(|n| (n, catalog.id(&path("new", n))))
        .collect();
    let tag = |(n, id): &(u32, PhotoId)| Change::edited(*id, Edit::Tag(format!("tag {n}")));
    catalog.commit(ids.iter().map(tag).collect());
    catalog.commit(ids.iter().map(|(n, id)| measured(*id, *n)).collect());
    let first = ids[0].0;
    let known = [
        catalog.look_up(&format!("all/new/{first}/deep")),
        catalog.look_up(&format!("tags/tag {first}")),
    ];
    let renamed = |(n, id): &(u32, PhotoId)| Change::Moved {
        id: *id,
        path: path("renamed", *n),
        stat: stat(*n),
    };
    catalog.commit(ids.iter().map(renamed).collect());
    let other_tag = |(n, id): &(u32, PhotoId)| {
        let tags = Edit::SetTags(vec![format!("other tag {n}")]);
        Change::edited(*id, tags)
    };
    catalog.commit(ids.iter().map(other_tag).collect());
    let more = catalog.look_up(&format!("all/renamed/{first}/deep"));
    let gone = |(_, id): &(u32, PhotoId)| Change::Gone { id: *id };
    catalog.commit(ids.iter().map(gone).collect());
    known
        .into_iter()
        .chain([more])
        .for_each(|all| catalog.forget(all));
}

#[test]
fn what_came_and_went_leaves_nothing_in_memory() {
    let catalog = Catalog::new();
    let stays = SourcePath::new(*b"stays/a.jpg");
    catalog.commit(vec![found(1, stays.clone())]);
    let id = catalog.id(&stays);
    catalog.commit(vec![
        Change::edited(id, Edit::Tag("stays".into())),
        measured(id, 1),
    ]);
    let before = catalog.sizes();
    for n in 0..ROUNDS {
        round(&catalog, n);
        assert_eq!(catalog.sizes(), before, "after round {n}");
    }
    assert_eq!(catalog.id(&stays), id);
    println!("{before:?}");
}

/// As when a folder is deleted and made again while a process is in it.
#[test]
fn a_folder_that_comes_back_is_found_at_the_number_that_the_kernel_knows() {
    let catalog = Catalog::new();
    let path = SourcePath::new(*b"a/b/1.jpg");
    catalog.commit(vec![found(1, path.clone())]);
    let known = catalog.look_up("all/a/b");
    let listed = |folder: Inode| catalog.tree.namespace.lookup(folder, b"1.jpg").is_ok();
    assert!(listed(known[2]));
    let id = catalog.id(&path);
    catalog.commit(vec![Change::Gone { id }]);
    assert!(!listed(known[2]));
    // Something else happens in between.
    catalog.commit(vec![found(2, SourcePath::new(*b"c/2.jpg"))]);
    assert!(catalog.tree.namespace.lookup(known[0], b"a").is_err());
    catalog.commit(vec![found(1, path)]);
    assert_eq!(catalog.look_up("all/a/b"), known);
    assert!(listed(known[2]));
}
