//! Saved queries as folders: `mkdir` keeps one, `mv` renames it, `rmdir` forgets it.

use std::sync::Arc;

use super::{Attr, Caller, Dentry, Editor, Error, Result};
use crate::catalog::{Deed, saved_name};
use crate::vfs::inode::Folder;
use crate::vfs::{Inode, Search, Step};

/// What file managers call a new folder until somebody names it, in lower case: some make it first and rename it then,
/// so that the query comes with the second name.
const UNNAMED: [&str; 6] = [
    "untitled folder",
    "new folder",
    "unbenannter ordner",
    "neuer ordner",
    "nouveau dossier",
    "carpeta nueva",
];

/// A name and the query that is kept under it.
struct NamedQuery {
    name: String,
    query: String,
}

impl NamedQuery {
    /// `dog sea` is kept under its own words, `dogs at sea = dog sea` under a name.
    fn parse(name: &[u8]) -> Result<(String, Option<String>)> {
        // What programs look for everywhere, `.Trash-1000` and its like, is no query.
        let search = Search::named(name).ok_or(Error::NotPermitted)?;
        let (name, query) = match search.text().split_once(" = ") {
            Some((name, query)) => (name, Some(query.trim().to_owned())),
            None => (search.text(), None),
        };
        let usable = saved_name(name);
        let name = usable.ok_or_else(|| Error::Invalid("no saved query has such a name".into()))?;
        Ok((name, query))
    }

    fn check(self) -> Result<Self> {
        match Search::new(self.query.clone()).query() {
            Ok(_) => Ok(self),
            Err(e) => Err(Error::Invalid(e.to_string())),
        }
    }

    fn deed(self) -> Deed {
        Deed::Save {
            name: self.name,
            query: Some(self.query),
        }
    }
}

impl Editor {
    pub(super) fn make_saved(&self, dentry: &Dentry) -> Result<Attr> {
        let (name, query) = NamedQuery::parse(dentry.name)?;
        let query = query.unwrap_or_else(|| name.clone());
        let kept = NamedQuery { name, query }.check()?;
        if self.index().saved(&kept.name).is_some() {
            return Err(Error::Exists);
        }
        let step = step(&kept.name, &kept.query);
        let words = format!("save {}", kept.name);
        // The kernel is told of the name that it asked for, too, which may not be the one that is listed.
        let attr =
            self.namespace
                .reference_folder(dentry.parent, &dentry.folder, dentry.name, step);
        match self.act(dentry.caller, words, vec![kept.deed()]) {
            Ok(()) => Ok(attr),
            Err(e) => {
                self.namespace.forget(attr.inode, 1);
                Err(e)
            }
        }
    }

    pub(super) fn remove_saved(&self, dentry: &Dentry, step: &Step) -> Result<()> {
        let Step::Saved { name, .. } = step else {
            return Err(Error::NotPermitted);
        };
        let forget = Deed::Save {
            name: name.clone(),
            query: None,
        };
        self.act(dentry.caller, format!("forget {name}"), vec![forget])?;
        self.namespace
            .inodes
            .mark_removed(dentry.parent, dentry.name);
        Ok(())
    }

    /// Another name for the same query, or with ` = ` for another one. What a file manager made without a name yet is
    /// named with its query.
    pub(super) fn move_saved(&self, from: &Dentry, step: &Step, to: &Dentry) -> Result<()> {
        let Step::Saved { name: old, search } = step else {
            return Err(Error::NotPermitted);
        };
        let (name, query) = NamedQuery::parse(to.name)?;
        if name != *old && self.index().saved(&name).is_some() {
            return Err(Error::NotEmpty);
        }
        let is_unnamed = UNNAMED.iter().any(|n| old.to_lowercase().starts_with(n));
        let query = query.unwrap_or_else(|| match is_unnamed && search.text() == old {
            true => name.clone(),
            false => search.text().to_owned(),
        });
        let kept = NamedQuery { name, query }.check()?;
        let words = format!("rename {old} to {}", kept.name);
        let forget = Deed::Save {
            name: old.clone(),
            query: None,
        };
        let moved = Folder {
            parent: to.parent,
            name: to.name.into(),
            steps: [&to.folder.steps[..], &[self::step(&kept.name, &kept.query)]].concat(),
        };
        let old = Folder {
            parent: from.parent,
            name: from.name.into(),
            steps: [&from.folder.steps[..], std::slice::from_ref(step)].concat(),
        };
        self.act(to.caller, words, vec![forget, kept.deed()])?;
        self.namespace.inodes.rename(&old, &moved);
        Ok(())
    }

    /// Sets the query of a saved one: its attribute.
    pub(crate) fn set_query(&self, inode: Inode, query: &str, caller: &Caller) -> Result<()> {
        let folder = self.namespace.folder(inode)?;
        let Some(Step::Saved { name, .. }) = folder.steps.last() else {
            return Err(Error::NotPermitted);
        };
        let (name, query) = (name.clone(), query.to_owned());
        let kept = NamedQuery { name, query }.check()?;
        self.act(caller, format!("change {}", kept.name), vec![kept.deed()])
    }
}

fn step(name: &str, query: &str) -> Step {
    Step::Saved {
        name: name.to_owned(),
        search: Arc::new(Search::new(query.to_owned())),
    }
}
