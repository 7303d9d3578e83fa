//! Which catalog a path means, and what of it: a photo folder or a part of one, a mount, or a photo in one of them.
//!
//! A path in a mount means the catalog that the mount shows, whatever the environment says. Elsewhere a catalog of this
//! user that is mounted comes first, then the one of the outermost folder that has one. Nothing is made here.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::place::Place;
use super::report::hinted;
use super::served::{self, Served, within};
use super::terminal::printable;
use crate::app;
use crate::config::Config;
use crate::fuse::table::Mount;
use crate::vfs::Inode;

/// A catalog, whether it is there yet or not.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub source: PathBuf,
    pub index: PathBuf,
    /// The mount by which it was found.
    pub served: Option<Served>,
}

impl Catalog {
    /// Its index, which is there.
    ///
    /// # Errors
    /// When there is none.
    pub fn existing(&self) -> anyhow::Result<&Path> {
        if self.index.exists() {
            return Ok(&self.index);
        }
        let source = self.source.display();
        Err(hinted(
            format!("{source}: there is no catalog of this folder"),
            format!("`kbasefs scan {source}` makes one, and so does `kbasefs mount`"),
        ))
    }

    /// The settings under which it is opened.
    pub fn settings(&self, config: &Config) -> Config {
        Config {
            index: Some(self.index.clone()),
            ..config.clone()
        }
    }
}

/// What a path means.
pub struct Target {
    pub catalog: Catalog,
    part: Part,
}

enum Part {
    /// What is below this folder, relative to the source; empty for everything.
    Below(PathBuf),
    /// A folder of the mount that arranges photos in another way than the source.
    View(PathBuf),
}

impl Target {
    /// The folder that is meant, relative to the source; empty for all of it.
    ///
    /// # Errors
    /// For a folder of a mount that is none of the source.
    pub fn folder(&self) -> anyhow::Result<&Path> {
        match &self.part {
            Part::Below(folder) => Ok(folder),
            Part::View(path) => Err(hinted(
                format!("{}: no folder of the photo folder", path.display()),
                "name the mount, or a folder in its all/; what others show is found by a query",
            )),
        }
    }

    /// The same as the API takes it: nothing for everything.
    pub fn within(&self) -> anyhow::Result<Option<String>> {
        let bytes = self.folder()?.as_os_str().as_bytes();
        Ok((!bytes.is_empty()).then(|| URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// A photo as the API names it, and its catalog.
pub struct Photo {
    pub catalog: Catalog,
    pub name: Value,
}

/// What a path is that may be a folder or a photo.
pub enum Named {
    Folder(Target),
    Photo(Photo),
}

/// Finds catalogs for one command.
pub struct Finder {
    pub config: Config,
    /// The index that the command line names, which is more than what the settings name.
    named: Option<PathBuf>,
    /// What this user's mounts show, once somebody asked.
    mounts: tokio::sync::OnceCell<Vec<Mount>>,
    /// Folders of whose own catalog it was said that another one comes before it.
    said: RefCell<BTreeSet<PathBuf>>,
}

impl Finder {
    pub fn new(config: Config, named: Option<PathBuf>) -> Self {
        Self {
            config,
            named,
            mounts: tokio::sync::OnceCell::new(),
            said: RefCell::default(),
        }
    }

    /// The catalog that a folder means, and which part of it. One that has none is a catalog that isn't there yet.
    pub async fn target(&self, path: &Path) -> anyhow::Result<Target> {
        let place = Place::of(path)?;
        match &place.mount {
            Some(mount) => self.in_mount(mount, &place).await,
            None => self.in_source(&place).await,
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
        let place = Place::of(path)?;
        let Some(mount) = &place.mount else {
            let metadata = place.path.metadata().map_err(|e| missing(path, &e))?;
            return match metadata.is_dir() {
                true => Ok(Named::Folder(self.in_source(&place).await?)),
                false => Ok(Named::Photo(self.photo_in_source(&place).await?)),
            };
        };
        let target = self.in_mount(mount, &place).await?;
        let file = place.path.clone();
        let looked = move || Ok(rustix::fs::lstat(&file)?);
        let found = within(served::PATIENCE, looked).await;
        let found = found.map_err(|e| missing(path, &e.into()))?;
        if rustix::fs::FileType::from_raw_mode(found.st_mode).is_dir() {
            return Ok(Named::Folder(target));
        }
        let id = Inode(found.st_ino)
            .photo()
            .ok_or_else(|| not_a_photo(path))?;
        Ok(Named::Photo(Photo {
            catalog: target.catalog,
            name: json!({"id": id.0}),
        }))
    }

    /// What is named; else the catalog of the index that is named, or the only one that this user has mounted.
    pub async fn target_or_mount(&self, what: Option<&Path>) -> anyhow::Result<Target> {
        if let Some(path) = what {
            return self.target(path).await;
        }
        let catalog = match (&self.named, &served::mine()[..]) {
            (Some(index), _) => self.of_index(index)?,
            (None, [mount]) => Served::by(mount).await?.into(),
            (None, []) => return Err(hinted("nothing is mounted", "name a photo folder")),
            (None, _) => return Err(hinted("several catalogs are mounted", "name one of them")),
        };
        let part = Part::Below(PathBuf::new());
        Ok(Target { catalog, part })
    }

    fn of_index(&self, index: &Path) -> anyhow::Result<Catalog> {
        let index = std::path::absolute(index)?;
        let nothing = || {
            let message = format!("{}: there is no index", index.display());
            hinted(message, "`kbasefs scan FOLDER --index FILE` makes one")
        };
        let source = app::owner(&index)?.ok_or_else(nothing)?;
        Ok(Catalog {
            source,
            index,
            served: None,
        })
    }

    /// The catalog that a mount of a folder shows. A part of another one is mounted with that, unless it has its own.
    pub async fn to_mount(&self, path: &Path) -> anyhow::Result<Catalog> {
        let place = Place::of(path)?;
        if place.mount.is_some() {
            let message = format!("{}: a mount, not a photo folder", path.display());
            return Err(hinted(message, "mount the photo folder that it shows"));
        }
        let target = self.in_source(&place).await?;
        let folder = target.folder()?;
        if folder.as_os_str().is_empty() {
            return Ok(target.catalog);
        }
        let index = app::index_file(&place.path, &self.config)?;
        if self.config.index.is_some() || index.exists() {
            return Ok(Catalog {
                source: place.path,
                index,
                served: None,
            });
        }
        let (part, whole) = (place.path.display(), target.catalog.source.display());
        Err(hinted(
            format!("{part}: a part of the catalog of {whole}"),
            format!(
                "mount {whole}, and look in all/{}; --index FILE makes a catalog of its own",
                folder.display()
            ),
        ))
    }

    /// The catalog of a folder, and the one around it that comes before it. `--index` names the former.
    pub async fn to_adopt(&self, path: &Path) -> anyhow::Result<(Catalog, Catalog)> {
        let place = Place::of(path)?;
        let inner = Self::new(self.config.clone(), self.named.clone());
        let inner = inner.kept(&place.names())?.into_iter();
        let inner = inner.filter(|(_, folder)| folder.as_os_str().is_empty());
        let none = || {
            let message = format!("{}: has no catalog of its own", place.path.display());
            hinted(
                message,
                "name the folder that it was made of; --index FILE names another index",
            )
        };
        let (inner, _) = inner.last().ok_or_else(none)?;
        let usual = Config {
            index: self.config.index.clone().filter(|_| self.named.is_none()),
            ..self.config.clone()
        };
        let around = Self::new(usual, None);
        around.said.borrow_mut().insert(inner.source.clone());
        match around.known(&place).await? {
            Some(outer) if outer.catalog.source != inner.source => Ok((inner, outer.catalog)),
            _ if app::is_in_use(&inner.index) => {
                Err(app::Error::InUse { path: inner.index }.into())
            }
            _ => Err(hinted(
                format!(
                    "{}: in no other folder that has a catalog",
                    inner.source.display()
                ),
                "`kbasefs scan FOLDER` makes the catalog of the folder around it",
            )),
        }
    }

    async fn in_mount(&self, mount: &Mount, place: &Place) -> anyhow::Result<Target> {
        let served = Served::by(mount).await?;
        if let Some(named) = &self.named
            && !is_same_file(&std::path::absolute(named)?, &served.index)
        {
            let (at, shown) = (mount.point.display(), served.index.display());
            return Err(hinted(
                format!("{at}: shows the index {shown}, not {}", named.display()),
                "leave --index out, or name the photo folder in place of the mount",
            ));
        }
        let below = place.below(mount);
        let part = match (below.strip_prefix("all"), below.as_os_str().is_empty()) {
            (_, true) => Part::Below(PathBuf::new()),
            (Ok(folder), _) => Part::Below(folder.into()),
            (Err(_), _) => Part::View(place.path.clone()),
        };
        Ok(Target {
            catalog: served.into(),
            part,
        })
    }

    async fn in_source(&self, place: &Place) -> anyhow::Result<Target> {
        if let Some(found) = self.known(place).await? {
            return Ok(found);
        }
        let source = place.path.clone();
        let index = app::index_file(&source, &self.config)?;
        Ok(Target {
            catalog: Catalog {
                source,
                index,
                served: None,
            },
            part: Part::Below(PathBuf::new()),
        })
    }

    async fn photo_in_source(&self, place: &Place) -> anyhow::Result<Photo> {
        let Some(target) = self.known(place).await? else {
            return Err(hinted(
                format!("{}: no catalog knows this file", place.path.display()),
                "`kbasefs scan FOLDER` makes a catalog of a photo folder",
            ));
        };
        let bytes = target.folder()?.as_os_str().as_bytes();
        let name = json!({"path_base64": URL_SAFE_NO_PAD.encode(bytes)});
        Ok(Photo {
            catalog: target.catalog,
            name,
        })
    }

    /// The catalog that has a place outside of mounts, if there is one.
    async fn known(&self, place: &Place) -> anyhow::Result<Option<Target>> {
        let names = place.names();
        let mut all = match &self.named {
            Some(_) => Vec::new(),
            None => self.mounted(&names).await?,
        };
        let settled = all.len();
        all.extend(self.kept(&names)?);
        if all.is_empty() {
            return Ok(None);
        }
        // Those that are mounted come first; of several the one of the outermost folder.
        let (mounted, others) = all.split_at(settled);
        let first = if mounted.is_empty() { others } else { mounted };
        let outermost = |(catalog, _): &&(Catalog, PathBuf)| catalog.source.components().count();
        let (catalog, folder) = first
            .iter()
            .min_by_key(outermost)
            .expect("there is one")
            .clone();
        self.say_inner(&catalog, &all);
        let part = Part::Below(folder);
        Ok(Some(Target { catalog, part }))
    }

    /// Catalogs with a place in them that this user has mounted, and what the place is called there.
    async fn mounted(&self, names: &[&Path]) -> anyhow::Result<Vec<(Catalog, PathBuf)>> {
        let mut found = Vec::new();
        let mounts = self.mounts.get_or_init(|| async { served::mine() }).await;
        for mount in mounts
            .iter()
            .filter(|m| names.iter().any(|n| may_show(m, n)))
        {
            let Some(served) = Served::if_known(mount).await? else {
                continue;
            };
            if let Some(folder) = inside(names, &served.source) {
                found.push((served.into(), folder));
            }
        }
        Ok(found)
    }

    /// Catalogs with a place in them that are where the settings keep them.
    fn kept(&self, names: &[&Path]) -> anyhow::Result<Vec<(Catalog, PathBuf)>> {
        let catalog = |source: &Path, index| Catalog {
            source: source.into(),
            index,
            served: None,
        };
        if self.config.index.is_some() {
            let index = app::index_file(Path::new("/"), &self.config)?;
            let owner = app::owner(&index)?;
            let found = owner.and_then(|owner| {
                let folder = inside(names, &owner)?;
                Some((catalog(&owner, index), folder))
            });
            return Ok(found.into_iter().collect());
        }
        let mut found = Vec::new();
        for name in names {
            for source in name.ancestors() {
                let index = app::index_file(source, &self.config)?;
                if index.exists() {
                    let folder = name.strip_prefix(source)?.to_owned();
                    found.push((catalog(source, index), folder));
                }
            }
        }
        Ok(found)
    }

    /// Says of catalogs that are within another one that nothing goes there.
    fn say_inner(&self, taken: &Catalog, all: &[(Catalog, PathBuf)]) {
        for (other, _) in all.iter().filter(|(c, _)| c.index != taken.index) {
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

impl From<Served> for Catalog {
    fn from(served: Served) -> Self {
        Self {
            source: served.source.clone(),
            index: served.index.clone(),
            served: Some(served),
        }
    }
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
    one == other || file(one).is_some_and(|one| file(other) == Some(one))
}

/// A file or folder as the API names it.
pub fn named_file(path: &Path) -> anyhow::Result<Value> {
    let path = std::path::absolute(path)?;
    let bytes = path.as_os_str().as_bytes();
    Ok(json!({"path_base64": URL_SAFE_NO_PAD.encode(bytes)}))
}

fn not_a_photo(path: &Path) -> anyhow::Error {
    hinted(format!("{}: not a photo", path.display()), "name a photo")
}

pub fn missing(path: &Path, error: &std::io::Error) -> anyhow::Error {
    hinted(
        format!("{}: {}", path.display(), plain(error)),
        "check the path",
    )
}

/// The system's words for an error, without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}

/// A path as the API writes it.
pub fn path_of(encoded: &Value) -> Option<PathBuf> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded.as_str()?).ok()?;
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

/// The bytes of a path in an answer of the API.
pub fn path_bytes(photo: &Value) -> Vec<u8> {
    let encoded = photo["path_base64"].as_str();
    let decoded = encoded.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.unwrap_or_else(|| photo["path"].as_str().unwrap_or_default().into())
}

/// A path of an answer, below its source.
pub fn below(source: &Path, photo: &Value) -> PathBuf {
    source.join(OsStr::from_bytes(&path_bytes(photo)))
}
