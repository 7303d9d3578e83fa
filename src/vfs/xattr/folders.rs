//! Attributes of folders: the query of a search, and what a mount says of its catalog.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Attributes;
use crate::vfs::{Error, Inode, Result, Step};

/// The query of a folder below `search/` or `saved/`. Setting it changes a saved one.
pub const QUERY: &str = "user.kbasefs.query";

/// The index of the catalog that a mount shows, an absolute path.
pub const CATALOG: &str = "user.kbasefs.catalog";
/// Where the process of the mount answers commands.
pub const SOCKET: &str = "user.kbasefs.socket";
/// What tells the catalog from every other one.
pub const ID: &str = "user.kbasefs.id";

/// The catalog that a tree shows, as it tells those who ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The file of the catalog, an absolute path; empty for a tree that nobody serves.
    pub index: PathBuf,
    /// Where the process that serves it answers commands; empty where it doesn't.
    pub socket: PathBuf,
    /// What tells the catalog from every other one, wherever its file is.
    pub id: String,
}

impl Catalog {
    /// Its attributes, each with its value; none for a tree that nobody serves.
    fn attributes(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let all = [
            (CATALOG, self.index.as_os_str().as_bytes()),
            (SOCKET, self.socket.as_os_str().as_bytes()),
            (ID, self.id.as_bytes()),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty())
    }
}

/// Whether an attribute is about the catalog, not about what it is asked of.
pub(super) fn is_of_catalog(name: &[u8]) -> bool {
    [CATALOG, SOCKET, ID].iter().any(|n| n.as_bytes() == name)
}

impl Attributes {
    /// What the root lists.
    pub(super) fn names_of_root(&self) -> Vec<&'static str> {
        let all = self.catalog.attributes();
        all.map(|(name, _)| name).collect()
    }

    /// Whatever is asked answers for its catalog: a part of a mount may be shown elsewhere by itself.
    pub(super) fn of_catalog(&self, name: &[u8]) -> Result<Vec<u8>> {
        let mut all = self.catalog.attributes();
        let found = all.find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, value)| value.into()).ok_or(Error::NoData)
    }

    /// The query of a folder that shows what one means, as it was written.
    pub(super) fn query_of(&self, inode: Inode) -> Option<String> {
        match self.namespace.known(inode)?.steps.last()? {
            Step::Search(search) => Some(search.text().to_owned()),
            Step::Saved { name, .. } => Some(self.library.index().saved(name)?.query),
            _ => None,
        }
    }
}
