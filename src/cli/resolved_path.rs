//! Where a path leads, without links. A mount of this program is entered by name only: it may be dead, or stuck.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::report::missing;
use crate::fuse::mountinfo::{Mount, MountTable};

/// No path has more, as for the kernel.
const MOST_LINKS: usize = 40;

/// What a path leads to.
pub struct ResolvedPath {
    /// Absolute and without links. In a mount of this program it need not exist.
    pub path: PathBuf,
    /// The mount that it is in, if that is one of this program.
    pub mount: Option<Mount>,
    /// Other absolute names of the same, which other mounts of its file system give it.
    other_names: Vec<PathBuf>,
}

impl ResolvedPath {
    /// # Errors
    /// When there is nothing outside of a mount of this program.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let table = MountTable::read()?;
        let absolute = std::path::absolute(path).map_err(|e| missing(path, &e))?;
        let mut walk = Walk::new(&table);
        walk.go(&absolute).map_err(|e| missing(path, &e))?;
        let (path, mount) = walk.way.pop().expect("the root is never left");
        let other_names = match mount {
            Some(mount) if !mount.is_ours() => table.other_names(mount, &path),
            _ => Vec::new(),
        };
        Ok(Self {
            path,
            mount: mount.filter(|m| m.is_ours()).cloned(),
            other_names,
        })
    }

    /// A path by its name alone, for where nobody can say where it leads.
    ///
    /// # Errors
    /// When it isn't absolute, and there is no folder to begin with.
    pub fn as_written(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            path: std::path::absolute(path).map_err(|e| missing(path, &e))?,
            mount: None,
            other_names: Vec::new(),
        })
    }

    /// Every absolute name of it that still leads there.
    pub fn names(&self) -> Vec<&Path> {
        let others = self.other_names.iter().map(PathBuf::as_path);
        let others = others.filter(|name| is_same(&self.path, name));
        std::iter::once(self.path.as_path()).chain(others).collect()
    }

    /// Where it is in its mount, from the root of what is mounted.
    pub fn below(&self, mount: &Mount) -> PathBuf {
        let from_point = self
            .path
            .strip_prefix(&mount.point)
            .unwrap_or(Path::new(""));
        let root = mount.root.strip_prefix("/").unwrap_or(&mount.root);
        root.join(from_point)
    }
}

/// Whether both names lead to one folder or file, the other one by no mount of this program.
fn is_same(path: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(table) = MountTable::read() else {
        return false;
    };
    let mut walk = Walk::new(&table);
    let leads_outside = walk.go(other).is_ok() && walk.inside().is_none_or(|m| !m.is_ours());
    let file = |path: &Path| path.symlink_metadata().ok().map(|m| (m.dev(), m.ino()));
    leads_outside && file(path).is_some_and(|one| file(other) == Some(one))
}

/// On the way along a path.
struct Walk<'a> {
    table: &'a MountTable,
    /// Each folder from the root to here, and the mount that it is in.
    way: Vec<(PathBuf, Option<&'a Mount>)>,
}

impl<'a> Walk<'a> {
    fn new(table: &'a MountTable) -> Self {
        let root = PathBuf::from("/");
        let mount = table.entered(None, &root);
        Self {
            table,
            way: vec![(root, mount)],
        }
    }

    fn inside(&self) -> Option<&'a Mount> {
        self.way.last().and_then(|(_, mount)| *mount)
    }

    fn go(&mut self, path: &Path) -> io::Result<()> {
        let mut left = VecDeque::new();
        put(&mut left, path);
        let mut links = 0;
        while let Some(step) = left.pop_front() {
            match step {
                Step::Root => self.way.truncate(1),
                Step::Up if self.way.len() > 1 => self.way.truncate(self.way.len() - 1),
                Step::Up => {}
                Step::Into(name) => {
                    if let Some(target) = self.enter(name)? {
                        links += 1;
                        if links > MOST_LINKS {
                            return Err(Errno::LOOP.into());
                        }
                        put(&mut left, &target);
                    }
                }
            }
        }
        Ok(())
    }

    /// Goes on to a name in the folder that was reached, or says where the link of that name leads.
    fn enter(&mut self, name: OsString) -> io::Result<Option<PathBuf>> {
        let (folder, inside) = self.way.last().expect("the root is never left");
        let (path, inside) = (folder.join(name), *inside);
        let mount = match self.table.entered(inside, &path) {
            Some(entered) => Some(entered),
            None if inside.is_some_and(Mount::is_ours) => inside,
            None => match std::fs::read_link(&path) {
                Ok(target) => return Ok(Some(target)),
                // It is there, and is no link.
                Err(e) if e.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => inside,
                Err(e) => return Err(e),
            },
        };
        self.way.push((path, mount));
        Ok(None)
    }
}

enum Step {
    Root,
    Up,
    Into(OsString),
}

/// Puts the steps of a path before those that are left.
fn put(left: &mut VecDeque<Step>, path: &Path) {
    for component in path.components().rev() {
        left.push_front(match component {
            Component::Normal(name) => Step::Into(name.to_owned()),
            Component::ParentDir => Step::Up,
            Component::RootDir => Step::Root,
            Component::CurDir | Component::Prefix(_) => continue,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_dots_are_resolved_as_the_system_does() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        link("a/b", "relative");
        link(root.join("relative").to_str().unwrap(), "a/absolute");
        link("round", "round");
        for path in [
            "a/b",
            "relative",
            "a/absolute/",
            "a/absolute/..",
            "./a//b/../../relative/.",
        ] {
            let path = root.join(path);
            assert_eq!(
                ResolvedPath::of(&path).unwrap().path,
                path.canonicalize().unwrap()
            );
        }
        for path in ["round", "nowhere", "a/nowhere/.."] {
            assert!(ResolvedPath::of(&root.join(path)).is_err(), "{path}");
        }
    }
}
