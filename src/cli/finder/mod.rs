//! Which catalog a path means, and what of it.
//!
//! A path in a mount means the catalog that the mount shows, whatever the environment says. Elsewhere a catalog of this
//! user that is mounted comes first, then the one of the outermost folder that has one. Nothing is made here.

mod whole;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::mounted_catalog::{self, MountedCatalog, within};
use super::report::{hinted, missing};
use super::resolved_path::ResolvedPath;
use super::target::{Catalog, Named, Part, Photo, Target};
use super::terminal::printable;
use crate::api::PhotoName;
use crate::app;
use crate::config::Config;
use crate::fuse::mountinfo::{Mount, MountTable};
use crate::vfs::Inode;

/// How long a disk may take to say what is there.
const DISK_TIMEOUT: Duration = Duration::from_millis(500);

/// Finds catalogs for one command.
pub struct Finder {
    pub config: Config,
    /// The catalog that the command line names, which is more than what the settings name.
    named: Option<PathBuf>,
    /// What mounts showed when they were asked, by the device that each is.
    answers: RefCell<BTreeMap<String, Option<MountedCatalog>>>,
    /// Folders of whose own catalog it was said that another one comes before it.
    said: RefCell<BTreeSet<PathBuf>>,
}

/// What is at a place.
enum Seen {
    Folder,
    File,
    /// In a mount.
    FolderOf(Target),
    FileOf(Target, Inode),
}

impl Finder {
    pub fn new(config: Config, named: Option<PathBuf>) -> Self {
        Self {
            config,
            named,
            answers: RefCell::default(),
            said: RefCell::default(),
        }
    }

    /// The catalog that a folder means, and which part of it. One that has none is a catalog that isn't there yet.
    pub async fn target(&self, path: &Path) -> anyhow::Result<Target> {
        match self.looked_at_in_time(path).await? {
            (resolved, Seen::Folder) => self.in_source(&resolved).await,
            (_, Seen::FolderOf(target)) => Ok(target),
            _ => Err(hinted(
                format!("{}: not a folder", path.display()),
                "name a photo folder, a part of one, or a mount",
            )),
        }
    }

    /// A photo in a folder that has a catalog, or in a mount.
    pub async fn photo(&self, path: &Path) -> anyhow::Result<Photo> {
        match self.named(path).await? {
            Named::Photo(photo) => Ok(photo),
            Named::Folder(_) => Err(not_a_photo(path)),
        }
    }

    /// A folder, or a photo in one that has a catalog.
    pub async fn named(&self, path: &Path) -> anyhow::Result<Named> {
        match self.looked_at(path).await? {
            (resolved, Seen::Folder) => Ok(Named::Folder(self.in_source(&resolved).await?)),
            (resolved, Seen::File) => Ok(Named::Photo(self.photo_in_source(&resolved).await?)),
            (_, Seen::FolderOf(target)) => Ok(Named::Folder(target)),
            (_, Seen::FileOf(target, inode)) => {
                let id = inode.photo().ok_or_else(|| not_a_photo(path))?;
                Ok(Named::Photo(Photo {
                    catalog: target.catalog,
                    name: PhotoName::of_id(id.0),
                }))
            }
        }
    }

    /// Whether there is a file.
    pub async fn is_file(&self, path: &Path) -> bool {
        let seen = self.looked_at(path).await;
        matches!(seen, Ok((_, Seen::File | Seen::FileOf(..))))
    }

    /// What is there. In a mount, once it is known to answer, and to whom it belongs.
    async fn looked_at(&self, path: &Path) -> anyhow::Result<(ResolvedPath, Seen)> {
        let (resolved, is_folder) = look(path)?;
        self.seen(path, resolved, is_folder).await
    }

    /// As [`Self::looked_at`]. Where a disk on the way doesn't answer, it is a folder by the name that was given: whoever
    /// has a catalog of it may answer.
    async fn looked_at_in_time(&self, path: &Path) -> anyhow::Result<(ResolvedPath, Seen)> {
        let name = path.to_owned();
        let (resolved, is_folder) = match within(DISK_TIMEOUT, move || look(&name)).await {
            Err(e) if e.downcast_ref() == Some(&Errno::TIMEDOUT) => {
                (ResolvedPath::as_written(path)?, true)
            }
            looked => looked?,
        };
        self.seen(path, resolved, is_folder).await
    }

    async fn seen(
        &self,
        path: &Path,
        resolved: ResolvedPath,
        is_folder: bool,
    ) -> anyhow::Result<(ResolvedPath, Seen)> {
        let Some(mount) = &resolved.mount else {
            let seen = match is_folder {
                true => Seen::Folder,
                false => Seen::File,
            };
            return Ok((resolved, seen));
        };
        let target = self.in_mount(mount, &resolved).await?;
        let file = resolved.path.clone();
        let looked = move || rustix::fs::lstat(&file);
        let found = within(mounted_catalog::MOUNT_TIMEOUT, looked).await;
        let found = found.map_err(|e| missing(path, &e.into()))?;
        let seen = match FileType::from_raw_mode(found.st_mode).is_dir() {
            true => Seen::FolderOf(target),
            false => Seen::FileOf(target, Inode(found.st_ino)),
        };
        Ok((resolved, seen))
    }

    async fn in_mount(&self, mount: &Mount, resolved: &ResolvedPath) -> anyhow::Result<Target> {
        let known = self.answers.borrow().get(&mount.device).cloned();
        let served = match known.flatten() {
            Some(served) => served,
            None => MountedCatalog::by(mount).await?,
        };
        let answer = Some(served.clone());
        self.answers
            .borrow_mut()
            .insert(mount.device.clone(), answer);
        if let Some(named) = &self.named
            && !is_same_file(named, &served.file)
        {
            let (at, shown) = (mount.point.display(), served.file.display());
            return Err(hinted(
                format!("{at}: shows the catalog {shown}, not {}", named.display()),
                "leave --catalog out, or name the photo folder in place of the mount",
            ));
        }
        let below = resolved.below(mount);
        let part = match (below.strip_prefix("all"), below.as_os_str().is_empty()) {
            (_, true) => Part::Below(PathBuf::new()),
            (Ok(folder), _) => Part::Below(folder.into()),
            (Err(_), _) => Part::View(resolved.path.clone()),
        };
        Ok(Target {
            catalog: served.into(),
            part,
        })
    }

    async fn in_source(&self, resolved: &ResolvedPath) -> anyhow::Result<Target> {
        if let Some(found) = self.known(resolved).await? {
            return Ok(found);
        }
        let source = resolved.path.clone();
        let file = app::catalog_path(&source, &self.config)?;
        Ok(Target {
            catalog: Catalog {
                source,
                file,
                served: None,
            },
            part: Part::Below(PathBuf::new()),
        })
    }

    async fn photo_in_source(&self, resolved: &ResolvedPath) -> anyhow::Result<Photo> {
        let Some(target) = self.known(resolved).await? else {
            if let Some(file) = &self.config.catalog {
                app::owner(&app::followed(file)?)?;
            }
            return Err(hinted(
                format!("{}: no catalog knows this file", resolved.path.display()),
                "`kbasefs scan FOLDER` makes a catalog of a photo folder",
            ));
        };
        let bytes = target.folder()?.as_os_str().as_bytes();
        let name = PhotoName::of_path(bytes);
        Ok(Photo {
            catalog: target.catalog,
            name,
        })
    }

    /// The catalog that has a place outside of mounts, if there is one.
    async fn known(&self, resolved: &ResolvedPath) -> anyhow::Result<Option<Target>> {
        let names = resolved.names();
        let mut all = self.mounted(&names).await?;
        if let Some(file) = &self.named {
            all.retain(|(catalog, _)| is_same_file(file, &catalog.file));
        }
        let settled = all.len();
        all.extend(self.kept(&names)?);
        if all.is_empty() {
            return Ok(None);
        }
        // Those that are mounted come first; of several the one of the outermost folder, by whatever name.
        let (mounted, others) = all.split_at(settled);
        let first = if mounted.is_empty() { others } else { mounted };
        let outermost = |(_, folder): &&(Catalog, PathBuf)| Reverse(folder.components().count());
        let (catalog, folder) = first
            .iter()
            .min_by_key(outermost)
            .expect("there is one")
            .clone();
        if mounted.iter().any(|(other, _)| is_another(other, &catalog)) {
            return Err(several(&catalog.source));
        }
        self.say_inner(&catalog, &all);
        let part = Part::Below(folder);
        Ok(Some(Target { catalog, part }))
    }

    /// Catalogs with a place in them that this user has mounted, and what the place is called there.
    async fn mounted(&self, names: &[&Path]) -> anyhow::Result<Vec<(Catalog, PathBuf)>> {
        let mut found = Vec::new();
        let table = MountTable::read()?;
        let mounts = mounted_catalog::own_mounts_of(&table).into_iter();
        for mount in mounts.filter(|m| names.iter().any(|n| may_show(m, n))) {
            if table.is_hidden(&mount) {
                return Err(hidden(&mount));
            }
            let known = self.answers.borrow().get(&mount.device).cloned();
            let answer = match known {
                Some(answer) => answer,
                None => MountedCatalog::if_known(&mount).await?,
            };
            let of_place = answer.as_ref().and_then(|s| inside(names, &s.source));
            self.answers
                .borrow_mut()
                .insert(mount.device, answer.clone());
            if let (Some(served), Some(folder)) = (answer, of_place) {
                if !served.in_place {
                    return Err(replaced(&served.source));
                }
                found.push((served.into(), folder));
            }
        }
        Ok(found)
    }

    /// Catalogs with a place in them that are where the settings keep them.
    fn kept(&self, names: &[&Path]) -> anyhow::Result<Vec<(Catalog, PathBuf)>> {
        let catalog = |source: &Path, file| Catalog {
            source: source.into(),
            file,
            served: None,
        };
        if self.config.catalog.is_some() {
            let file = app::catalog_path(Path::new("/"), &self.config)?;
            // One that can't be read is of nobody; whoever opens it says what is wrong with it.
            let owner = app::owner(&file).unwrap_or_default();
            let found = owner.and_then(|owner| {
                let folder = inside(names, &owner)?;
                Some((catalog(&owner, file), folder))
            });
            return Ok(found.into_iter().collect());
        }
        let mut found = Vec::new();
        for name in names {
            for source in name.ancestors() {
                let file = match app::catalog_path(source, &self.config) {
                    Err(app::Error::NoHome) => return Ok(found),
                    file => file?,
                };
                if file.exists() {
                    let folder = name.strip_prefix(source)?.to_owned();
                    found.push((catalog(source, file), folder));
                }
            }
        }
        Ok(found)
    }

    /// Says of catalogs that are within another one that nothing goes there.
    fn say_inner(&self, taken: &Catalog, all: &[(Catalog, PathBuf)]) {
        for (other, _) in all.iter().filter(|(c, _)| c.file != taken.file) {
            let (inner, outer) = (&other.source, &taken.source);
            if inner == outer
                || !inner.starts_with(outer)
                || !self.said.borrow_mut().insert(inner.clone())
            {
                continue;
            }
            let said = format!(
                "{} has a catalog of its own, but is in that of {} (hint: `kbasefs catalog adopt {}` \
                 brings its words over)",
                inner.display(),
                outer.display(),
                inner.display()
            );
            eprintln!("kbasefs: {}", printable(&said));
        }
    }
}

/// Where a path leads, and whether that is a folder. In a mount of this program nothing is touched, nor said.
fn look(path: &Path) -> anyhow::Result<(ResolvedPath, bool)> {
    let resolved = ResolvedPath::of(path)?;
    let is_folder = match &resolved.mount {
        Some(_) => false,
        None => {
            let metadata = resolved.path.metadata();
            metadata.map_err(|e| missing(path, &e))?.is_dir()
        }
    };
    Ok((resolved, is_folder))
}

/// Whether it is another catalog of the same folder.
fn is_another(one: &Catalog, other: &Catalog) -> bool {
    one.source == other.source && one.file != other.file
}

fn several(source: &Path) -> anyhow::Error {
    hinted(
        format!("{}: several catalogs of it are mounted", source.display()),
        "name a path in the mount that is meant, or its --catalog",
    )
}

fn hidden(mount: &Mount) -> anyhow::Error {
    hinted(
        format!(
            "{}: something else is mounted over this mount of {}",
            mount.point.display(),
            mount.source.display()
        ),
        "unmount what lies over it first: its catalog can't be reached",
    )
}

fn replaced(source: &Path) -> anyhow::Error {
    hinted(
        format!(
            "{}: another folder is in the place of the one that is mounted",
            source.display()
        ),
        "name a path in the mount, or unmount it and mount this folder",
    )
}

/// What a place is called below a source, by any of its names.
fn inside(names: &[&Path], source: &Path) -> Option<PathBuf> {
    let mut names = names.iter();
    names.find_map(|name| Some(name.strip_prefix(source).ok()?.to_owned()))
}

/// Whether a mount may show a place, by what it is called: names of mounts are text.
fn may_show(mount: &Mount, place: &Path) -> bool {
    let lossy = |path: &Path| PathBuf::from(path.to_string_lossy().into_owned());
    lossy(place).starts_with(lossy(&mount.source))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
    let absolute = std::path::absolute(one);
    absolute.is_ok_and(|one| one == other) || file(one).is_some_and(|one| file(other) == Some(one))
}

fn not_a_photo(path: &Path) -> anyhow::Error {
    hinted(format!("{}: not a photo", path.display()), "name a photo")
}
