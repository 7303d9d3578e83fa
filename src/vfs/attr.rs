//! What `stat` says: the attributes of folders, photos and the files that the tree writes itself.

use super::namespace::Namespace;
use super::tree::mistake;
use super::views::views;
use super::{Editable, Error, Inode, Result, Step, generated};
use crate::index::PhotoFile;

/// What something in the tree is. There are no links and no devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of photos or of folders.
    Folder,
    /// A photo, the text of one, a file that the tree writes itself, or one that a program is writing.
    File,
}

/// What `stat` says of something in the tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attr {
    /// A photo has one in all folders.
    pub inode: Inode,
    /// A number of the range of folders may be of a file: of the one that explains a mistake.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// What it takes of a disk, for programs that add up: nothing for what is not in the source.
    pub bytes_on_disk: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    pub mtime_ns: i64,
    /// Permission bits. Those for writing say what can be edited: attributes of photos, tags in folders.
    pub mode: u32,
    /// How many names a photo has, outside of folders that narrow others: above 1, so that `du` counts it once. 2 for
    /// folders.
    pub nlink: u32,
    /// The file's owner; of folders and of what the tree writes itself, that of [`Options::owner`](super::Options).
    pub uid: u32,
    /// The file's group, or that of the options.
    pub gid: u32,
}

impl Namespace {
    /// What `stat` says of something.
    pub fn attr(&self, inode: Inode) -> Result<Attr> {
        if let Some(id) = inode.photo() {
            let file = self.index().file(id).ok_or(Error::NotFound)?;
            return Ok(photo_attr(inode, &file));
        }
        if let Some(id) = inode.text() {
            let file = self.index().file(id).ok_or(Error::NotFound)?;
            return Ok(text_attr(inode, &file));
        }
        if let Some(number) = inode.generated() {
            let content = generated::content(number, self.index()).ok_or(Error::NotFound)?;
            return Ok(self.own_attr(inode, Kind::File, content.len() as u64));
        }
        if let Some(draft) = self.drafts.get(inode) {
            return Ok(draft.attr());
        }
        let folder = self.known(inode).ok_or(Error::NotFound)?;
        Ok(self.inode_attr(inode, &folder.steps))
    }

    /// Of something in the table: a folder, or the file that explains a mistake.
    pub(super) fn inode_attr(&self, inode: Inode, steps: &[Step]) -> Attr {
        if let Some(text) = mistake(steps) {
            return self.own_attr(inode, Kind::File, text.len() as u64);
        }
        let mode = match self.editable(steps) {
            Editable::Nothing => 0o555,
            Editable::Tags(_) | Editable::Saved => 0o755,
        };
        Attr {
            mode,
            ..self.own_attr(inode, Kind::Folder, 0)
        }
    }

    pub(super) fn own_attr(&self, inode: Inode, kind: Kind, size: u64) -> Attr {
        let (mode, nlink) = match kind {
            Kind::Folder => (0o555, 2),
            Kind::File => (0o444, 1),
        };
        let (uid, gid) = self.owner;
        Attr {
            inode,
            kind,
            size,
            bytes_on_disk: 0,
            mtime_ns: self.born_ns,
            mode,
            nlink,
            uid,
            gid,
        }
    }
}

fn photo_attr(inode: Inode, file: &PhotoFile) -> Attr {
    let links = views().iter().map(|view| view.links(&file.membership));
    Attr {
        inode,
        kind: Kind::File,
        size: file.stat.size,
        bytes_on_disk: file.stat.size,
        mtime_ns: file.stat.mtime_ns,
        mode: file.stat.mode & 0o755,
        nlink: links.sum(),
        uid: file.stat.uid,
        gid: file.stat.gid,
    }
}

/// The text of a photo is as private as the photo, and as old.
fn text_attr(inode: Inode, file: &PhotoFile) -> Attr {
    Attr {
        inode,
        kind: Kind::File,
        size: file.text_bytes.into(),
        bytes_on_disk: 0,
        mtime_ns: file.stat.mtime_ns,
        mode: file.stat.mode & 0o444,
        nlink: 1,
        uid: file.stat.uid,
        gid: file.stat.gid,
    }
}
