//! Random changes against what must hold of any catalog, on the bare tree.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use kbasefs::catalog::{
    Analysis, Answer, Change, ContentHash, Edit, Facts, FileStat, Format, Measured, Photo, PhotoId,
    SourcePath, Tag, TextField, WallClock,
};
use kbasefs::library::Library;
use kbasefs::store;
use kbasefs::store::memory::Memory;
use kbasefs::vfs::{Attr, Caller, Inode, Kind, Stale, Tree};
use proptest::prelude::*;

use crate::fixture::new_tree;

const NOBODY: Caller = Caller { pid: 0, uid: 0 };

/// File names that are photos' only: none is that of a folder below.
fn file_names() -> Vec<Vec<u8>> {
    let long = [&[b'x'; 251][..], b".jpg"].concat();
    let plain = [
        "a.jpg",
        "b.jpg",
        "dog",
        "dog%",
        "x\ny.jpg",
        "-",
        "\u{202e}gpj.exe",
        "end. ",
    ];
    let plain = plain.into_iter().map(|n| n.as_bytes().to_vec());
    plain.chain([b"\xff\xfe.jpg".to_vec(), long]).collect()
}

const FOLDERS: [&str; 4] = ["", "trip/", "trip/deep/", "a.jpg.txt/"];
const TAGS: [&str; 7] = ["dog", "Dog", "beach", "a/b", "-x", ".", "dog%"];
const TITLES: [&str; 4] = ["", "Sunset", "sunset/2", "a"];

#[derive(Clone, Debug)]
enum Act {
    Find {
        at: usize,
        name: usize,
        tags: Vec<usize>,
        day: u8,
    },
    Move {
        id: u32,
        at: usize,
        name: usize,
    },
    Lose {
        id: u32,
    },
    Hash {
        id: u32,
        hash: u8,
    },
    Analyze {
        id: u32,
        hash: u8,
        tags: Vec<usize>,
        title: usize,
    },
    Measure {
        id: u32,
        hash: u8,
    },
    Fail {
        id: u32,
    },
    Tag {
        id: u32,
        tag: usize,
    },
    Untag {
        id: u32,
        tag: usize,
    },
    Rate {
        id: u32,
        stars: u8,
    },
    Title {
        id: u32,
        title: usize,
    },
}

fn any_act() -> impl Strategy<Value = Act> {
    let id = || 1_u32..8;
    let tags = || prop::collection::vec(0..TAGS.len(), 0..4);
    let place = || (0..FOLDERS.len(), 0..file_names().len());
    prop_oneof![
        4 => (place(), tags(), 1_u8..4).prop_map(|((at, name), tags, day)| Act::Find { at, name, tags, day }),
        1 => (id(), place()).prop_map(|(id, (at, name))| Act::Move { id, at, name }),
        1 => id().prop_map(|id| Act::Lose { id }),
        1 => (id(), 0_u8..3).prop_map(|(id, hash)| Act::Hash { id, hash }),
        2 => (id(), 0_u8..3, tags(), 0..TITLES.len())
            .prop_map(|(id, hash, tags, title)| Act::Analyze { id, hash, tags, title }),
        1 => (id(), 0..4_u8).prop_map(|(id, hash)| Act::Measure { id, hash }),
        1 => id().prop_map(|id| Act::Fail { id }),
        2 => (id(), 0..TAGS.len()).prop_map(|(id, tag)| Act::Tag { id, tag }),
        2 => (id(), 0..TAGS.len()).prop_map(|(id, tag)| Act::Untag { id, tag }),
        1 => (id(), 0_u8..6).prop_map(|(id, stars)| Act::Rate { id, stars }),
        1 => (id(), 0..TITLES.len()).prop_map(|(id, title)| Act::Title { id, title }),
    ]
}

/// A catalog that is watched: every folder is held, and what each commit made stale is noted.
struct Watched {
    library: Arc<Library>,
    tree: Arc<Tree>,
    stale: Arc<Mutex<Vec<Stale>>>,
    files: u64,
}

/// What a program could remember of one folder.
#[derive(Clone, Debug, Default, PartialEq)]
struct Remembered {
    listing: BTreeMap<Vec<u8>, Inode>,
    /// What looking names up gave, also names that aren't listed or aren't there.
    names: BTreeMap<Vec<u8>, Option<Inode>>,
}

/// Everything that a program could remember: folders by inode, attributes of files.
#[derive(Clone, Debug, Default, PartialEq)]
struct Memories {
    folders: BTreeMap<Inode, Remembered>,
    paths: BTreeMap<Vec<u8>, Inode>,
    files: BTreeMap<Inode, Attr>,
    /// Names of photos outside folders that narrow.
    links: HashMap<Inode, u32>,
}

impl Watched {
    fn new() -> Self {
        let library = Arc::new(Library::load(Arc::new(Memory::default())).unwrap());
        let tree = Arc::new(new_tree(&library));
        let stale = Arc::<Mutex<Vec<Stale>>>::default();
        let (teller, told) = (Arc::downgrade(&tree), stale.clone());
        library.listen(move |delta| {
            let tree = teller.upgrade().unwrap();
            told.lock().unwrap().extend(tree.invalidation.stale(delta));
        });
        Self {
            library,
            tree,
            stale,
            files: 0,
        }
    }

    fn change(&mut self, act: &Act) -> Option<Change> {
        let photo = |id: u32| self.library.index().photo(PhotoId(id));
        let path = |at: usize, name: usize| {
            let name = &file_names()[name];
            SourcePath::new([FOLDERS[at].as_bytes(), name].concat())
        };
        let tag = |n: usize| TAGS[n].to_owned();
        let edited = |id: u32, edit| Change::edited(PhotoId(id), edit);
        Some(match act.clone() {
            Act::Find {
                at,
                name,
                tags,
                day,
            } => {
                let mut facts = Facts::of(Format::Jpeg);
                facts.keywords = tags.into_iter().map(tag).collect();
                facts.date = WallClock::new(2024, 7, day, 0, 0, 0);
                self.files += 1;
                Change::Found {
                    known: None,
                    path: path(at, name),
                    stat: FileStat {
                        ino: self.files,
                        size: self.files,
                        ..FileStat::default()
                    },
                    facts: Box::new(facts),
                }
            }
            Act::Move { id, at, name } => Change::Moved {
                id: PhotoId(id),
                path: path(at, name),
                stat: photo(id)?.stat,
            },
            Act::Lose { id } => Change::Gone { id: PhotoId(id) },
            Act::Hash { id, hash } => Change::Hashed {
                id: PhotoId(id),
                stat: photo(id)?.stat,
                hash: ContentHash([hash; 32]),
            },
            Act::Analyze {
                id,
                hash,
                tags,
                title,
            } => Change::Analyzed {
                id: PhotoId(id),
                analysis: Box::new(analysis(
                    &photo(id)?,
                    hash,
                    tags.into_iter().map(tag),
                    title,
                )),
            },
            Act::Measure { id, hash } => Change::Measured {
                id: PhotoId(id),
                stat: photo(id)?.stat,
                hash: ContentHash([hash; 32]),
                measured: Box::new(Measured {
                    width: 4,
                    height: 3,
                    colors: Vec::new(),
                    perceptual_hash: 0x0f0f_0f0f_0f0f_0f0f ^ u64::from(hash),
                }),
            },
            Act::Fail { id } => Change::Failed {
                id: PhotoId(id),
                stat: photo(id)?.stat,
                reason: "torn".into(),
            },
            Act::Tag { id, tag: n } => edited(id, Edit::Tag(tag(n))),
            Act::Untag { id, tag: n } => edited(id, Edit::Untag(tag(n))),
            Act::Rate { id, stars } => edited(id, Edit::SetRating(stars)),
            Act::Title { id, title } => {
                edited(id, Edit::SetText(TextField::Title, TITLES[title].into()))
            }
        })
    }

    /// Commits changes together; where one is refused, which takes the others along, each by itself.
    fn commit(&self, changes: &[Change]) {
        let known = |committed: Result<(), store::Error>| match committed {
            Ok(()) => true,
            Err(store::Error::NoSuchPhoto(_)) => false,
            Err(other) => panic!("{other}"),
        };
        if !known(self.library.commit(changes)) {
            for change in changes {
                known(self.library.commit(std::slice::from_ref(change)));
            }
        }
    }

    /// Looks at everything, as `find` does, and at more names than are listed.
    fn look(&self, tree: &Tree) -> Memories {
        let mut memories = Memories::default();
        self.look_into(tree, Inode::ROOT, b"", 0, &mut memories);
        memories
    }

    fn look_into(
        &self,
        tree: &Tree,
        folder: Inode,
        path: &[u8],
        narrowed: u32,
        seen: &mut Memories,
    ) {
        let open = tree.open_dir(folder, &NOBODY).unwrap();
        let mut here = Remembered::default();
        let mut below = Vec::new();
        for entry in open.entries(&tree.namespace, 0) {
            if matches!(&entry.name[..], b"." | b"..") {
                continue;
            }
            let name = entry.name.clone();
            let found = tree.namespace.lookup(folder, &name).unwrap_or_else(|e| {
                panic!(
                    "{} in {} is listed: {e}",
                    name.escape_ascii(),
                    path.escape_ascii()
                )
            });
            assert_eq!((found.inode, found.kind), (entry.inode, entry.kind));
            assert!((1..=255).contains(&name.len()) && !name.contains(&b'/'));
            let twice = here.listing.insert(name.clone(), entry.inode);
            assert_eq!(
                twice,
                None,
                "{} twice in {}",
                name.escape_ascii(),
                path.escape_ascii()
            );
            let full = [path, b"/", &name].concat();
            seen.paths.insert(full.clone(), entry.inode);
            match entry.kind {
                Kind::Folder => below.push((entry.inode, full)),
                Kind::File => {
                    seen.files.insert(entry.inode, found);
                    let counts = entry.inode.photo().is_some() && narrowed < 2;
                    *seen.links.entry(entry.inode).or_default() += u32::from(counts);
                }
            }
        }
        let in_labels = path.starts_with(b"/tags/")
            || path.starts_with(b"/by-")
            || path.starts_with(b"/duplicates/");
        let may_be_empty = !in_labels || path.split(|&b| b == b'/').count() < 3;
        assert!(
            may_be_empty || !here.listing.is_empty(),
            "{} is empty",
            path.escape_ascii()
        );
        here.names = self
            .probes(path)
            .into_iter()
            .chain(here.listing.keys().cloned())
            .map(|name| {
                let found = tree.namespace.lookup(folder, &name).ok();
                (name, found.map(|attr| attr.inode))
            })
            .collect();
        seen.folders.insert(folder, here);
        for (inode, full) in below {
            let narrowed = narrowed + u32::from(full.starts_with(b"/tags/"));
            self.look_into(tree, inode, &full, narrowed, seen);
        }
    }

    /// Names that somebody may type.
    fn probes(&self, path: &[u8]) -> BTreeSet<Vec<u8>> {
        let mut names: BTreeSet<Vec<u8>> = file_names().into_iter().collect();
        let texts: Vec<_> = names.iter().map(|n| [n, &b".txt"[..]].concat()).collect();
        names.extend(texts);
        if path.starts_with(b"/tags") {
            let tags = ["dog", "beach", "a%2Fb", "%2Dx", "%2E", "dog%25", "dog%"];
            names.extend(
                tags.iter()
                    .flat_map(|t| [t.as_bytes().to_vec(), format!("-{t}").into()]),
            );
        }
        names
    }
}

fn analysis(photo: &Photo, hash: u8, tags: impl Iterator<Item = String>, title: usize) -> Analysis {
    Analysis {
        hash: ContentHash([hash; 32]),
        stat: photo.stat,
        analyzer: "eye".into(),
        model: "eye/1".into(),
        version: "1".into(),
        remote: false,
        answer: Answer {
            title: Some(TITLES[title].to_owned()).filter(|t| !t.is_empty()),
            description: Some("something".into()),
            tags: tags
                .map(|name| Tag {
                    name: name.to_lowercase(),
                    confidence: 0.5,
                })
                .collect(),
        },
    }
}

/// Everything that a program would remember wrongly was named.
fn check_stale(before: &Memories, after: &Memories, stale: &HashSet<Stale>) {
    for (inode, was) in &before.folders {
        let Some(is) = after.folders.get(inode) else {
            continue;
        };
        let path = after.paths.iter().find(|(_, i)| *i == inode);
        let path = path.map_or_else(|| "/".into(), |(p, _)| p.escape_ascii().to_string());
        if was.listing != is.listing {
            assert!(stale.contains(&Stale::Listing(*inode)), "listing of {path}");
        }
        for (name, now) in was
            .names
            .iter()
            .map(|(name, then)| (name, is.names.get(name).map_or(*then, |n| *n)))
        {
            let named = stale.contains(&Stale::Entry {
                parent: *inode,
                name: name.clone(),
            });
            assert!(
                named || was.names[name] == now,
                "{} in {path}",
                name.escape_ascii()
            );
        }
        for name in is.listing.keys().filter(|n| !was.names.contains_key(*n)) {
            // Somebody may have looked for it before it was there.
            let named = stale.contains(&Stale::Entry {
                parent: *inode,
                name: name.clone(),
            });
            assert!(named, "{} appears in {path}", name.escape_ascii());
        }
        for name in was.listing.keys().filter(|n| !is.names.contains_key(*n)) {
            let named = stale.contains(&Stale::Entry {
                parent: *inode,
                name: name.clone(),
            });
            assert!(named, "{} is gone from {path}", name.escape_ascii());
        }
    }
    for (inode, was) in &before.files {
        let same = after.files.get(inode).is_none_or(|is| is == was);
        assert!(
            same || stale.contains(&Stale::Attributes(*inode)),
            "{was:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_tree_holds_together(
        commits in prop::collection::vec(prop::collection::vec(any_act(), 1..5), 1..10),
    ) {
        let mut watched = Watched::new();
        let mut before = watched.look(&watched.tree);
        for acts in &commits {
            watched.stale.lock().unwrap().clear();
            let changes: Vec<_> = acts.iter().filter_map(|act| watched.change(act)).collect();
            let mut names: Vec<_> = catalog_names(&watched.library);
            watched.commit(&changes);
            let after = watched.look(&watched.tree);
            let stale = watched.stale.lock().unwrap().iter().cloned().collect();
            check_stale(&before, &after, &stale);
            for (inode, links) in &after.links {
                if inode.photo().is_some() {
                    prop_assert_eq!(after.files[inode].nlink, *links, "{:?}", inode);
                }
            }
            // A name is the file's: only a file that is called something else changes it, or another one of the same content
            // that turns up as the photo that was lost.
            let moved = |id: &PhotoId| {
                let is_other = |c: &Change| {
                    matches!(c, Change::Moved { id: m, .. } | Change::Gone { id: m } if m == id)
                };
                changes.iter().any(is_other)
            };
            let now: HashMap<_, _> = catalog_names(&watched.library).into_iter().collect();
            names.retain(|(id, _)| now.contains_key(id) && !moved(id));
            prop_assert!(names.iter().all(|(id, name)| now[id] == *name), "a catalog name changed");
            before = after;
        }
        let remounted = new_tree(&watched.library);
        prop_assert_eq!(watched.look(&remounted).paths, before.paths);
    }
}

fn catalog_names(library: &Library) -> Vec<(PhotoId, Box<[u8]>)> {
    let mut names = Vec::new();
    library
        .index()
        .for_each_photo(&mut |photo| names.push((photo.id, photo.name.clone())));
    names
}
