//! Copying is tagging: a photo whose bytes a program writes into a folder of tags comes into it, as if it were linked.
//!
//! A file's end isn't told until its program closes it. Then it is compared with the photos, and refused when it is
//! none of them; nothing is left of it then.

use std::cmp::Reverse;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::drafts::{Draft, NewDraft, SetAttr, spool};
use super::{Attr, Caller, Dentry, Editable, Editor, Error, Inode, Named, Result};
use crate::catalog::{Change, ContentHash, LabelKey, Photo, PhotoId};
use crate::source_files::SourceFiles;

/// Bytes at both ends that are compared before a file is read as a whole: photos of one size as a rule differ in their
/// metadata, which is in front, or in their last pixels.
const ENDS: usize = 64 << 10;

impl Editor {
    /// `create`: a file that is to become a copy of a photo. `exclusive`: only where nothing has this name.
    pub fn create(
        &self,
        (parent, name): (Inode, &[u8]),
        mode: u32,
        gid: u32,
        exclusive: bool,
        caller: &Caller,
    ) -> Result<Arc<Draft>> {
        let dentry = self.dentry(parent, name, caller)?;
        path_of(&dentry)?;
        match dentry.find(self) {
            Some(Named::Folder(_)) => return Err(Error::IsAFolder),
            Some(Named::File(_) | Named::Draft(_)) if exclusive => return Err(Error::Exists),
            _ => {}
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let mtime_ns = since_1970.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
        let new = NewDraft {
            parent,
            name,
            caller: *caller,
            process: self.namespace.process(caller),
            mode,
            gid,
            mtime_ns,
            max_size: self.index().largest_size(),
        };
        let folder = &self.spool;
        self.namespace.drafts.begin(new, || spool(folder))
    }

    /// One more program opens a file that is being written.
    pub fn open_draft(&self, inode: Inode) -> Option<Arc<Draft>> {
        self.namespace.drafts.open(inode)
    }

    /// A program is through with its file: nothing is left of it.
    pub fn close_draft(&self, draft: &Draft) {
        self.namespace.drafts.close(draft);
    }

    /// Where bytes are kept while they are written.
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    /// Somebody closes a file, which is complete then, for all anybody knows: the photo that it is comes into the
    /// folder. May read photos of the same size, whose content nobody has read yet.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for what is no photo of the catalog.
    pub fn commit_draft(&self, draft: &Draft, source_files: &SourceFiles) -> Result<()> {
        if !draft.is_being_written() {
            return Ok(());
        }
        let (parent, name) = draft.location();
        let photo = self.photo_in(draft, &name, source_files)?;
        let photo = photo.ok_or(Error::NotPermitted)?;
        let dentry = self.dentry(parent, &name, &draft.caller)?;
        self.tag(photo, &dentry, path_of(&dentry)?)?;
        self.add_alias(&dentry, photo);
        self.namespace.drafts.note_finished(draft, photo);
        draft.finish();
        Ok(())
    }

    /// What a program says of a file besides its bytes. Of a photo that it has just copied this says nothing new, and
    /// folders of tags have nothing of the kind: programs that copy say it of everything, and give up when they may not.
    pub fn set_attr(&self, inode: Inode, changes: &SetAttr, caller: &Caller) -> Result<Attr> {
        if let Some(draft) = self.namespace.drafts.get(inode) {
            return draft.set(changes);
        }
        let attr = self.namespace.attr(inode)?;
        match changes.size {
            Some(size) if size == attr.size && self.is_fresh(inode, caller) => Ok(attr),
            Some(_) => Err(Error::ReadOnly),
            None if self.is_fresh(inode, caller) || self.takes_edits(inode) => Ok(attr),
            None => Err(Error::NotPermitted),
        }
    }

    /// Whether who asks has just copied this, so that what it says of it is what the source of its copy says.
    pub(in crate::vfs) fn is_fresh(&self, inode: Inode, caller: &Caller) -> bool {
        match inode.photo() {
            Some(photo) => self
                .namespace
                .drafts
                .is_fresh(photo, self.namespace.process(caller)),
            None => inode.is_draft(),
        }
    }

    fn takes_edits(&self, inode: Inode) -> bool {
        let folder = self.namespace.known(inode);
        folder.is_some_and(|folder| self.namespace.editable(&folder.steps) != Editable::Nothing)
    }

    /// A file that is being written gets another name.
    pub(super) fn move_draft(&self, draft: &Draft, to: &Dentry) -> Result<()> {
        path_of(to)?;
        if let Some(Named::Folder(_) | Named::Emptied(_)) = to.find(self) {
            return Err(Error::IsAFolder);
        }
        draft.move_to(to.parent, to.name);
        Ok(())
    }

    /// The photo that a file is: of those of the same bytes the one that is called like it, else the oldest. What is found
    /// by content or by name is found at once; only what nobody has read yet and is called something else is looked for
    /// among all photos of its size.
    fn photo_in(
        &self,
        draft: &Draft,
        name: &[u8],
        source_files: &SourceFiles,
    ) -> Result<Option<PhotoId>> {
        let size = draft.attr().size;
        // Empty files are no copies of anything.
        if size == 0 || !self.index().has_size(size) {
            return Ok(None);
        }
        let hash = draft.hash()?;
        let known = self.photos(self.index().with_content(&hash)).into_iter();
        if let Some(photo) = known.min_by_key(|photo| likeness(photo, name)) {
            return Ok(Some(photo.id));
        }
        let is_unread = |photo: &Photo| photo.hash.is_none() && photo.stat.size == size;
        let named = self.photos(self.index().by_name(name).into_iter().collect());
        let named = named.into_iter().find(is_unread);
        if let Some(photo) = &named
            && self.is_content_of(photo, draft, hash, source_files)?
        {
            return Ok(Some(photo.id));
        }
        let mut unread = self.photos(self.index().of_size(size));
        let compared = named.map(|photo| photo.id);
        unread.retain(|photo| is_unread(photo) && Some(photo.id) != compared);
        unread.sort_by_key(|photo| likeness(photo, name));
        for photo in &unread {
            if self.is_content_of(photo, draft, hash, source_files)? {
                return Ok(Some(photo.id));
            }
        }
        Ok(None)
    }

    fn photos(&self, ids: Vec<PhotoId>) -> Vec<Photo> {
        let photos = ids.into_iter();
        photos.filter_map(|id| self.index().photo(id)).collect()
    }

    /// Whether a photo that nobody has read yet holds the same; that is known from then on.
    fn is_content_of(
        &self,
        photo: &Photo,
        draft: &Draft,
        wanted: ContentHash,
        source_files: &SourceFiles,
    ) -> Result<bool> {
        let read = || match ends_alike(photo, draft, source_files)? {
            true => source_files.hash(&photo.path, &photo.stat, &|| true),
            false => Ok(None),
        };
        // What can't be read just now is nothing that anybody could have copied.
        let hash = read().unwrap_or_else(|error| {
            tracing::debug!(path = %photo.path, %error, "can't be compared");
            None
        });
        let Some(hash) = hash else {
            return Ok(false);
        };
        let (id, stat) = (photo.id, photo.stat);
        self.library.commit(&[Change::Hashed { id, stat, hash }])?;
        Ok(hash == wanted)
    }
}

/// The tags of a folder that photos can be copied into.
fn path_of<'a>(dentry: &'a Dentry) -> Result<&'a [LabelKey]> {
    match &dentry.editable {
        Editable::Tags(path) if !path.is_empty() => Ok(path),
        Editable::Tags(_) | Editable::Saved => Err(Error::NotPermitted),
        Editable::Nothing => Err(Error::ReadOnly),
    }
}

/// The less, the sooner a photo is what a copy of this name is of.
fn likeness(photo: &Photo, name: &[u8]) -> (Reverse<u8>, PhotoId) {
    (Reverse(name_similarity(photo, name)), photo.id)
}

/// How much a photo is called like a copy: programs write `.IMG.jpg.Xa3f` before they rename it.
fn name_similarity(photo: &Photo, name: &[u8]) -> u8 {
    let own = [photo.path.file_name(), &photo.name];
    let contains = |own: &[u8]| name.windows(own.len().max(1)).any(|part| part == own);
    match own {
        own if own.contains(&name) => 2,
        own if own.iter().any(|own| contains(own)) => 1,
        _ => 0,
    }
}

/// Whether both ends are the same, as far as a little reading tells.
fn ends_alike(photo: &Photo, draft: &Draft, source_files: &SourceFiles) -> io::Result<bool> {
    let size = draft.attr().size;
    let length = ENDS.min(usize::try_from(size).unwrap_or(ENDS));
    let offsets = [0, size.saturating_sub(ENDS as u64)];
    let ends = source_files.with_file(&photo.path, &|| true, move |file| {
        let mut ends = [(); 2].map(|()| vec![0; length]);
        for (end, offset) in ends.iter_mut().zip(offsets) {
            let read = file.read_at(end, offset)?;
            end.truncate(read);
        }
        Ok(ends)
    })?;
    for (end, offset) in ends.iter().zip(offsets) {
        let own = draft.read(offset, length).map_err(io::Error::other)?;
        if own != *end {
            return Ok(false);
        }
    }
    Ok(true)
}
