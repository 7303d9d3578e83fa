//! The bare tree as a surface: walks paths with lookups, as the kernel does.

use std::io::Read;
use std::sync::{Arc, Mutex};

use kbasefs::catalog::Change;
use kbasefs::source_files::SourceFiles;
use kbasefs::vfs::{Attr, Caller, Content, Error, Inode, Kind, SetAttr, Stale, Tree};

use crate::fixture::{Fixture, Refusal, Stat, Surface, Writing};
use crate::suite;

/// Counted where the library counts it.
#[cfg(debug_assertions)]
#[test]
fn a_lookup_plans_one_listing() {
    let fixture = Fixture::new("a.jpg beach sunset 2024-07-14; b.jpg beach");
    let namespace = &fixture.tree.namespace;
    let look_up = |parent, name: &str| {
        let before = namespace.planned();
        let found = namespace.lookup(parent, name.as_bytes()).unwrap();
        assert_eq!(namespace.planned() - before, 1, "{name}");
        assert_eq!(namespace.attr(found.inode).unwrap().inode, found.inode);
        assert_eq!(namespace.planned() - before, 1, "what stat says of {name}");
        found.inode
    };
    let tags = look_up(Inode::ROOT, "tags");
    let beach = look_up(tags, "beach");
    look_up(beach, "sunset");
    look_up(beach, "-sunset");
    look_up(beach, "a.jpg");
    look_up(look_up(Inode::ROOT, "search"), "beach -sunset");
    look_up(look_up(Inode::ROOT, "by-date"), "2024");
}

/// To the index a folder that comes again is another one; a process may have stood in it meanwhile.
#[test]
fn a_folder_that_comes_again_is_listed_under_the_number_that_is_known() {
    let fixture = Fixture::new("a.jpg; x/y/b.jpg");
    let tree = fixture.tree.clone();
    let folder = |parent, name: &str| {
        let found = tree.namespace.lookup(parent, name.as_bytes());
        found.unwrap().inode
    };
    let x = folder(folder(Inode::ROOT, "all"), "x");
    let y = folder(x, "y");
    let list = |inode| {
        let open = tree.open_dir(inode, &NOBODY).unwrap();
        let entries = open.entries(&tree.namespace, 0);
        let names = entries.map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        names
            .filter(|name| !name.starts_with('.'))
            .collect::<Vec<_>>()
    };
    let stale = Arc::<Mutex<Vec<Stale>>>::default();
    let (teller, told) = (Arc::downgrade(&tree), stale.clone());
    fixture.library.listen(move |delta| {
        let tree = teller.upgrade().unwrap();
        *told.lock().unwrap() = tree.invalidation.stale(delta);
    });
    let gone = Change::Gone {
        id: fixture.id("x/y/b.jpg"),
    };
    fixture.library.commit(&[gone]).unwrap();
    // What nobody has any more is forgotten before the next change.
    fixture.add("c.jpg");
    assert_eq!((list(x), list(y)), (vec![], vec![]));
    fixture.add("x/y/new.jpg");
    let stale = stale.lock().unwrap().clone();
    assert!(stale.contains(&Stale::Listing(x)) && stale.contains(&Stale::Listing(y)));
    assert_eq!(list(y), ["new.jpg"]);
    assert_eq!(list(x), ["y"]);
}

#[test]
fn the_bare_tree_behaves() {
    let fixture = Fixture::new(suite::PHOTOS);
    let surface = Bare::new(&fixture);
    suite::run(&fixture, &surface);
}

#[test]
fn a_tag_lists_the_tags_of_most_photos_and_finds_the_others() {
    let many: Vec<_> = (0..40).map(|n| format!("t{n}")).collect();
    let photos = format!(
        "a.jpg {}; b.jpg t0 {}; c.jpg t0",
        many.join(" "),
        many[20..].join(" ")
    );
    let fixture = Fixture::new(&photos);
    let surface = Bare::new(&fixture);
    assert_eq!(surface.list("/tags").unwrap().len(), 40);
    let below = surface.list("/tags/t0").unwrap();
    let folders = below.iter().filter(|name| name.ends_with('/'));
    assert_eq!(folders.count(), 32);
    let listed = |tag: &&String| below.contains(&format!("{tag}/"));
    assert!(many[20..].iter().all(|tag| listed(&tag)));
    let other = many[1..].iter().find(|tag| !listed(tag)).unwrap();
    assert_eq!(
        surface.list(&format!("/tags/t0/{other}")).unwrap(),
        ["a.jpg"]
    );
}

const NOBODY: Caller = Caller { pid: 0, uid: 0 };

pub struct Bare {
    tree: Arc<Tree>,
    source_files: Arc<SourceFiles>,
}

impl Bare {
    pub fn new(fixture: &Fixture) -> Self {
        Self {
            tree: fixture.tree.clone(),
            source_files: fixture.source_files.clone(),
        }
    }

    fn find(&self, path: &str) -> Result<Attr, Refusal> {
        let root = self.tree.namespace.attr(Inode::ROOT).map_err(refusal);
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(root?, |attr, name| {
            self.asked(|tree| tree.namespace.lookup(attr.inode, name.as_bytes()))
        })
    }

    fn place<'a>(&self, path: &'a str) -> Result<(Inode, &'a [u8]), Refusal> {
        let (folder, name) = path.rsplit_once('/').unwrap();
        Ok((self.inode(folder)?, name.as_bytes()))
    }

    /// Asks, and reads what must be read for it, as the mount does.
    fn asked<T>(&self, ask: impl Fn(&Tree) -> kbasefs::vfs::Result<T>) -> Result<T, Refusal> {
        loop {
            match ask(&self.tree) {
                Err(Error::Unread(words)) => self.tree.namespace.read(&words).unwrap(),
                answer => return answer.map_err(refusal),
            }
        }
    }

    fn inode(&self, path: &str) -> Result<Inode, Refusal> {
        Ok(self.find(path)?.inode)
    }
}

impl Surface for Bare {
    fn list(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let inode = self.inode(path)?;
        let open = self.asked(|tree| tree.open_dir(inode, &NOBODY))?;
        let entries = open.entries(&self.tree.namespace, 0).map(|entry| {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            (name, entry.kind == Kind::Folder)
        });
        Ok(suite::shown(entries))
    }

    fn stat(&self, path: &str) -> Result<Stat, Refusal> {
        let attr = self.find(path)?;
        Ok(Stat {
            inode: attr.inode.0,
            is_folder: attr.kind == Kind::Folder,
            size: attr.size,
            mtime_ns: attr.mtime_ns,
            mode: attr.mode,
            nlink: attr.nlink.into(),
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        match self.tree.open(self.inode(path)?).map_err(refusal)? {
            Content::Generated(content) => Ok(content),
            Content::Text(photo) => self.tree.text(photo).map_err(refusal),
            Content::Original { path, .. } => {
                let mut bytes = Vec::new();
                let (mut file, _) = self.source_files.read(&path).unwrap();
                file.read_to_end(&mut bytes).unwrap();
                Ok(bytes)
            }
        }
    }

    fn attributes(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let names = self
            .tree
            .attributes
            .list_xattr(self.inode(path)?)
            .map_err(refusal)?;
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn get(&self, path: &str, name: &str) -> Result<String, Refusal> {
        let inode = self.inode(path)?;
        let value = self
            .tree
            .attributes
            .get_xattr(inode, name.as_bytes(), &NOBODY);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let value = runtime.unwrap().block_on(value);
        Ok(String::from_utf8(value.map_err(refusal)?).unwrap())
    }

    fn set(&self, path: &str, name: &str, value: &str) -> Result<(), Refusal> {
        let inode = self.inode(path)?;
        let done =
            self.tree
                .attributes
                .set_xattr(inode, name.as_bytes(), value.as_bytes(), &NOBODY);
        done.map_err(refusal)
    }

    fn remove(&self, path: &str, name: &str) -> Result<(), Refusal> {
        let inode = self.inode(path)?;
        let done = self
            .tree
            .attributes
            .remove_xattr(inode, name.as_bytes(), &NOBODY);
        done.map_err(refusal)
    }

    fn make_folder(&self, path: &str) -> Result<(), Refusal> {
        let (parent, name) = self.place(path)?;
        let made = self.tree.editor.make_folder(parent, name, &NOBODY);
        made.map(|_| ()).map_err(refusal)
    }

    fn remove_folder(&self, path: &str) -> Result<(), Refusal> {
        let (parent, name) = self.place(path)?;
        self.tree
            .editor
            .remove_folder(parent, name, &NOBODY)
            .map_err(refusal)
    }

    fn remove_file(&self, path: &str) -> Result<(), Refusal> {
        let (parent, name) = self.place(path)?;
        self.tree
            .editor
            .remove_file(parent, name, &NOBODY)
            .map_err(refusal)
    }

    fn link(&self, from: &str, to: &str) -> Result<(), Refusal> {
        let (file, (parent, name)) = (self.inode(from)?, self.place(to)?);
        let linked = self.tree.editor.link(file, parent, name, &NOBODY);
        linked.map(|_| ()).map_err(refusal)
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> Result<(), Refusal> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        self.tree
            .editor
            .rename(from, to, replace, &NOBODY)
            .map_err(refusal)
    }

    fn create(&self, path: &str) -> Result<Box<dyn Writing + '_>, Refusal> {
        let at = self.place(path)?;
        let draft = self.tree.editor.create(at, 0o644, 0, true, &NOBODY);
        let draft = draft.map_err(refusal)?;
        Ok(Box::new(Draft {
            surface: self,
            draft,
        }))
    }

    fn touch(&self, path: &str) -> Result<(), Refusal> {
        let set = self
            .tree
            .editor
            .set_attr(self.inode(path)?, &TOUCHED, &NOBODY);
        set.map(|_| ()).map_err(refusal)
    }

    fn eventually(&self, holds: &mut dyn FnMut() -> bool) {
        assert!(holds());
    }
}

const TOUCHED: SetAttr = SetAttr {
    mode: Some(0o640),
    uid: None,
    gid: None,
    size: None,
    mtime_ns: Some(1_000_000_000),
};

struct Draft<'a> {
    surface: &'a Bare,
    draft: Arc<kbasefs::vfs::Draft>,
}

impl Writing for Draft<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.draft.write(self.size(), bytes).map_err(refusal)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let inode = self.draft.attr().inode;
        let tree = &self.surface.tree;
        let set = tree
            .attributes
            .set_xattr(inode, name.as_bytes(), value.as_bytes(), &NOBODY);
        set.map_err(refusal)
    }

    fn touch(&mut self) -> Result<(), Refusal> {
        let inode = self.draft.attr().inode;
        let set = self.surface.tree.editor.set_attr(inode, &TOUCHED, &NOBODY);
        assert_eq!(set.map(|attr| attr.mode).map_err(refusal)?, 0o640);
        Ok(())
    }

    fn size(&self) -> u64 {
        self.draft.attr().size
    }

    fn close(self: Box<Self>) -> Result<(), Refusal> {
        let settled = self
            .surface
            .tree
            .editor
            .commit_draft(&self.draft, &self.surface.source_files);
        self.surface.tree.editor.close_draft(&self.draft);
        settled.map_err(refusal)
    }
}

fn refusal(error: Error) -> Refusal {
    let name = match error {
        Error::NotFound => "ENOENT",
        Error::NotAFolder => "ENOTDIR",
        Error::NoData => "ENODATA",
        Error::Unsupported => "ENOTSUP",
        Error::NotPermitted => "EPERM",
        Error::ReadOnly => "EROFS",
        Error::Exists => "EEXIST",
        Error::NotEmpty => "ENOTEMPTY",
        Error::IsAFolder => "EISDIR",
        Error::Invalid(_) => "EINVAL",
        other => return other.to_string(),
    };
    name.into()
}
