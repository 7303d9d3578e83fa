//! Attributes of folders: the query of a search.

use crate::vfs::{Inode, Step, Tree};

pub const QUERY: &str = "user.kbasefs.query";

impl Tree {
    /// The query of a folder that shows what one means, as it was written.
    pub(super) fn query_of(&self, inode: Inode) -> Option<String> {
        match self.table.get(inode)?.steps.last()? {
            Step::Search(search) => Some(search.text().to_owned()),
            Step::Saved { name, .. } => Some(self.index().saved(name)?.query),
            _ => None,
        }
    }
}
