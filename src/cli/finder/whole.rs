//! Catalogs as a whole: to be mounted, to be taken over, or the only one there is.

use std::path::{Path, PathBuf};

use super::Finder;
use crate::app;
use crate::cli::mounted_catalog::{self, MountedCatalog};
use crate::cli::report::hinted;
use crate::cli::resolved_path::ResolvedPath;
use crate::cli::target::{Catalog, Part, Target};
use crate::config::Config;
use crate::store;

impl Finder {
    /// What is named; else the catalog whose file is named, or the only one that this user has mounted.
    pub async fn target_or_mount(&self, what: Option<&Path>) -> anyhow::Result<Target> {
        if let Some(path) = what {
            return self.target(path).await;
        }
        let catalog = match (&self.named, &mounted_catalog::own_mounts()?[..]) {
            (Some(file), _) => self.of_file(file)?,
            (None, [mount]) => MountedCatalog::by(mount).await?.into(),
            (None, []) => return Err(hinted("nothing is mounted", "name a photo folder")),
            (None, _) => return Err(hinted("several catalogs are mounted", "name one of them")),
        };
        let part = Part::Below(PathBuf::new());
        Ok(Target { catalog, part })
    }

    fn of_file(&self, file: &Path) -> anyhow::Result<Catalog> {
        let file = app::followed(file)?;
        let nothing = || {
            let message = format!("{}: there is no catalog", file.display());
            hinted(message, "`kbasefs scan FOLDER --catalog FILE` makes one")
        };
        let source = app::owner(&file)?.ok_or_else(nothing)?;
        Ok(Catalog {
            source,
            file,
            served: None,
        })
    }

    /// The catalog that a mount of a folder shows. A part of another one is mounted with that, unless it has its own.
    pub async fn to_mount(&self, path: &Path) -> anyhow::Result<Catalog> {
        let resolved = ResolvedPath::of(path)?;
        if resolved.mount.is_some() {
            let message = format!("{}: a mount, not a photo folder", path.display());
            return Err(hinted(message, "mount the photo folder that it shows"));
        }
        let target = self.in_source(&resolved).await?;
        let folder = target.folder()?;
        if folder.as_os_str().is_empty() {
            return Ok(target.catalog);
        }
        let file = app::catalog_path(&resolved.path, &self.config)?;
        if self.config.catalog.is_some() || file.exists() {
            return Ok(Catalog {
                source: resolved.path,
                file,
                served: None,
            });
        }
        let (part, whole) = (resolved.path.display(), target.catalog.source.display());
        Err(hinted(
            format!("{part}: a part of the catalog of {whole}"),
            format!(
                "mount {whole}, and look in all/{}; --catalog FILE makes a catalog of its own",
                folder.display()
            ),
        ))
    }

    /// The catalog of a folder, and the one around it that comes before it. `--catalog` names the former.
    pub async fn to_adopt(&self, path: &Path) -> anyhow::Result<(Catalog, Catalog)> {
        let resolved = ResolvedPath::of(path)?;
        let inner = Self::new(self.config.clone(), self.named.clone());
        let inner = inner.kept(&resolved.names())?.into_iter();
        let mut inner = inner.filter(|(_, folder)| folder.as_os_str().is_empty());
        let none = || {
            let message = format!("{}: has no catalog of its own", resolved.path.display());
            hinted(
                message,
                "name the folder that it was made of; --catalog FILE names another one",
            )
        };
        let (inner, _) = inner.next().ok_or_else(none)?;
        let usual = Config {
            catalog: self.config.catalog.clone().filter(|_| self.named.is_none()),
            ..self.config.clone()
        };
        let around = Self::new(usual, None);
        around.said.borrow_mut().insert(inner.source.clone());
        match around.known(&resolved).await? {
            Some(outer) if outer.catalog.source != inner.source => Ok((inner, outer.catalog)),
            _ if app::is_in_use(&inner.file) => {
                Err(app::Error::Store(store::Error::InUse { path: inner.file }).into())
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
}
