//! Extended attributes of photos, and the few of folders. A new attribute of photos is one line in the list of its
//! family; a new family is one file, and one line in [`ATTRIBUTES`].

mod desktop;
pub mod folders;
mod kbasefs;
mod setting;
mod value;

use std::sync::Arc;
use std::time::Duration;

use super::access::Accesses;
use super::edit::Editor;
use super::namespace::Namespace;
use super::{Caller, Error, Inode, Result};
use crate::analysis::{Access, Scheduler};
use crate::blocking::unblock;
use crate::catalog::{Deed, Detail, Edit, PhotoId};
use crate::library::Library;
use setting::Setting;
use value::WriteValue;

/// One attribute.
pub struct Attribute {
    /// With its namespace: `user.xdg.tags`.
    pub name: &'static str,
    /// Writes its value; nothing, if the photo has none.
    write: WriteValue,
    /// What setting and removing it mean; `None` for one that only says how it is.
    setting: Option<Setting>,
    reading: Reading,
}

/// What reading an attribute does beside giving its value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reading {
    Plain,
    /// Until every analyzer has dealt with the photo, asks for that and waits. Isn't listed until then: what is listed is
    /// fetched by programs that copy, and must not ask.
    Asks,
    /// Says why there is no description, where there is none.
    Explains,
}

/// All attributes, in the order in which they are listed.
pub const ATTRIBUTES: &[&[Attribute]] = &[desktop::ATTRIBUTES, kbasefs::ATTRIBUTES];

/// The longest value that Linux passes on, in bytes: `XATTR_SIZE_MAX`, see xattr(7).
const LARGEST: usize = 65_536;

fn find(name: &[u8]) -> Result<&'static Attribute> {
    let mut all = ATTRIBUTES.iter().copied().flatten();
    if let Some(attribute) = all.find(|a| a.name.as_bytes() == name) {
        return Ok(attribute);
    }
    if name.starts_with(b"user.") {
        Err(Error::NoData)
    } else {
        // The kernel and `ls` ask for these without end: ENOTSUP says that it is no use.
        Err(Error::Unsupported)
    }
}

/// Whether an attribute can be answered at all. `ls -l` asks for two others a file; a no must cost nothing.
pub fn is_supported(name: &[u8]) -> bool {
    name.starts_with(b"user.")
}

/// Reads and sets attributes.
pub struct Attributes {
    pub(super) library: Arc<Library>,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) namespace: Arc<Namespace>,
    pub(super) editor: Arc<Editor>,
    pub(super) accesses: Arc<Accesses>,
    pub(super) catalog: folders::Catalog,
    /// How long reading a description waits for its analysis.
    pub(super) xattr_wait: Duration,
}

impl Attributes {
    /// The names of the attributes of photos that can be set.
    pub fn settable() -> impl Iterator<Item = &'static str> {
        let all = ATTRIBUTES.iter().copied().flatten();
        all.filter(|a| a.setting.is_some()).map(|a| a.name)
    }

    /// The names of the attributes that a file has. Starts nothing, and names no description that may still get better:
    /// what isn't listed can only be asked for on purpose. May block on the disk.
    pub fn list_xattr(&self, inode: Inode) -> Result<Vec<&'static str>> {
        if inode == Inode::ROOT {
            return Ok(self.names_of_root());
        }
        let Some(photo) = inode.photo() else {
            let query = self.query_of(inode);
            return Ok(query.map(|_| folders::QUERY).into_iter().collect());
        };
        Ok(self.names(&self.detail(photo)?))
    }

    /// The names of the attributes that a file has, if that needs no disk.
    pub fn list_xattr_at_hand(&self, inode: Inode) -> Option<Vec<&'static str>> {
        let detail = self.library.detail_at_hand(inode.photo()?)?;
        Some(self.names(&detail))
    }

    /// Whether a file has an attribute, listed or not. May block on the disk.
    pub fn has_xattr(&self, inode: Inode, name: &[u8]) -> Result<bool> {
        match (inode.photo(), find(name)) {
            (Some(photo), Ok(attribute)) => Ok(attribute.is_there(&self.detail(photo)?)),
            _ => {
                let names = self.list_xattr(inode)?;
                Ok(names.iter().any(|n| n.as_bytes() == name))
            }
        }
    }

    /// The value of an attribute, if that needs neither the disk nor an analysis.
    pub fn get_xattr_at_hand(&self, inode: Inode, name: &[u8]) -> Option<Result<Vec<u8>>> {
        if name == folders::QUERY.as_bytes() {
            return None;
        }
        if folders::is_of_catalog(name) {
            return Some(self.of_catalog(name));
        }
        let attribute = match find(name) {
            Ok(attribute) => attribute,
            Err(e) => return Some(Err(e)),
        };
        let Some(photo) = inode.photo() else {
            return Some(Err(Error::NoData));
        };
        let detail = self.library.detail_at_hand(photo)?;
        match attribute.reading {
            Reading::Asks if self.may_get_better(&detail) => None,
            Reading::Explains if detail.awaits_description() => None,
            _ => {
                let text = attribute.value(&detail).ok_or(Error::NoData);
                Some(text.map(String::into_bytes))
            }
        }
    }

    /// The value of an attribute. Reading the description before every analyzer has dealt with the photo waits for them,
    /// but not longer than `xattr_wait`; what the disk is needed for is done on another thread.
    pub async fn get_xattr(&self, inode: Inode, name: &[u8], caller: &Caller) -> Result<Vec<u8>> {
        if folders::is_of_catalog(name) {
            return self.of_catalog(name);
        }
        if name == folders::QUERY.as_bytes() {
            let query = self.query_of(inode).ok_or(Error::NoData)?;
            return Ok(query.into_bytes());
        }
        let attribute = find(name)?;
        let photo = inode.photo().ok_or(Error::NoData)?;
        let mut detail = self.fetch_detail(photo).await?;
        if attribute.reading == Reading::Asks
            && self.may_get_better(&detail)
            && self.ask(photo, caller).await
        {
            detail = self.fetch_detail(photo).await?;
        }
        let known = attribute.value(&detail);
        let known = match attribute.reading {
            Reading::Explains if detail.awaits_description() => {
                let scheduler = self.scheduler.clone();
                let outlook = unblock(move || scheduler.outlook(photo)).await?;
                known.map(|status| kbasefs::explained(status, outlook))
            }
            _ => known,
        };
        known.map(String::into_bytes).ok_or(Error::NoData)
    }

    /// Whether somebody who has not dealt with a photo may describe it better.
    fn may_get_better(&self, detail: &Detail) -> bool {
        let photo = &detail.entry.photo;
        detail.may_be_described_better()
            && self
                .scheduler
                .would_start(photo.id, photo.status, Access::Asked)
    }

    /// The attributes that a photo has and that are listed.
    fn names(&self, detail: &Detail) -> Vec<&'static str> {
        let is_listed = |attribute: &&Attribute| {
            attribute.is_there(detail)
                && (attribute.reading != Reading::Asks || !self.may_get_better(detail))
        };
        let all = ATTRIBUTES.iter().copied().flatten();
        all.filter(is_listed).map(|a| a.name).collect()
    }

    /// Sets an attribute: what a person says, which no analysis overwrites. Blocks on the disk.
    pub fn set_xattr(
        &self,
        inode: Inode,
        name: &[u8],
        value: &[u8],
        caller: &Caller,
    ) -> Result<()> {
        if value.len() > LARGEST {
            return Err(Error::TooLarge);
        }
        if folders::is_of_catalog(name) {
            return Err(Error::NotPermitted);
        }
        // What a copy says of itself is what its source says, which is nobody's word about the photo.
        if is_supported(name) && self.editor.is_fresh(inode, caller) {
            return Ok(());
        }
        let text = setting::text(value)?;
        if name == folders::QUERY.as_bytes() {
            return self.editor.set_query(inode, text, caller);
        }
        let attribute = find(name)?;
        self.edit(inode, attribute, |setting| (setting.set)(text), caller)
    }

    /// Removes an attribute: of a text a person says that there is none, of tags and stars what others say shows again.
    /// Blocks on the disk.
    pub fn remove_xattr(&self, inode: Inode, name: &[u8], caller: &Caller) -> Result<()> {
        if name == folders::QUERY.as_bytes() || folders::is_of_catalog(name) {
            return Err(Error::NotPermitted);
        }
        // `rsync -X` removes what the source of its copy hasn't.
        if is_supported(name) && self.editor.is_fresh(inode, caller) {
            return Ok(());
        }
        let attribute = find(name)?;
        let photo = inode.photo().ok_or(Error::NoData)?;
        let detail = self.detail(photo)?;
        let remove = |setting: &Setting| {
            let edit = (setting.remove)();
            // A list may be closed without a tag in it.
            let opens = edit == Edit::ClearTags && detail.has_closed_list();
            let is_there = opens || attribute.is_there(&detail);
            is_there.then_some(edit).ok_or(Error::NoData)
        };
        self.edit(inode, attribute, remove, caller)
    }

    fn edit(
        &self,
        inode: Inode,
        attribute: &Attribute,
        edit: impl FnOnce(&Setting) -> Result<Edit>,
        caller: &Caller,
    ) -> Result<()> {
        let id = inode.photo().ok_or(Error::NotPermitted)?;
        let setting = attribute.setting.as_ref().ok_or(Error::NotPermitted)?;
        let words = format!("set {}", attribute.name);
        self.editor
            .act(caller, words, vec![Deed::Edit(id, vec![edit(setting)?])])
    }

    /// Asks for an analysis on someone's behalf and waits for it; false when the asker asks for all that it meets. Whatever
    /// comes of it, the status says why there is no description.
    async fn ask(&self, photo: PhotoId, caller: &Caller) -> bool {
        if !self.accesses.asks_on_purpose(photo, caller) {
            return false;
        }
        // One question, in which the access is counted.
        self.scheduler.analyzed(photo, self.xattr_wait).await;
        true
    }

    /// What is known of a photo, for a task: read where waiting for the disk holds nobody up.
    async fn fetch_detail(&self, photo: PhotoId) -> Result<Detail> {
        let library = self.library.clone();
        let found = unblock(move || library.detail(photo)).await?;
        found.ok_or(Error::NotFound)
    }

    /// What is known of a photo. May block on the disk.
    pub(in crate::vfs) fn detail(&self, photo: PhotoId) -> Result<Detail> {
        self.library.detail(photo)?.ok_or(Error::NotFound)
    }
}
