//! Tags: a photo that comes into a folder gets the tags of its path, one that goes loses the last of them.

use super::{Caller, Edits, Error, Result, Tree};
use crate::catalog::{Change, Edit, LabelKey, PhotoId};

impl Tree {
    /// Gives a photo every tag of a folder's path.
    pub(super) fn tag(&self, photo: PhotoId, path: &[LabelKey], caller: &Caller) -> Result<()> {
        self.retag(photo, &Edits::None, path, caller)
    }

    /// Takes the last tag of a folder's path from a photo.
    pub(super) fn untag(&self, photo: PhotoId, path: &[LabelKey], _: &Caller) -> Result<()> {
        let tag = path.last().ok_or(Error::NotPermitted)?;
        self.commit_edits(photo, [Edit::Untag(self.spelled(tag))])
    }

    /// Moves a photo: out of a folder that takes edits, or only here from any other.
    pub(super) fn retag(
        &self,
        photo: PhotoId,
        from: &Edits,
        to: &[LabelKey],
        _: &Caller,
    ) -> Result<()> {
        if to.is_empty() {
            return Err(Error::NotPermitted);
        }
        let left = match from {
            Edits::Tags(path) => path.last().filter(|tag| !to.contains(tag)),
            Edits::None => None,
        };
        let left = left.map(|tag| Edit::Untag(self.spelled(tag)));
        let new = to.iter().map(|tag| Edit::Tag(self.spelled(tag)));
        self.commit_edits(photo, left.into_iter().chain(new))
    }

    fn commit_edits(&self, id: PhotoId, edits: impl IntoIterator<Item = Edit>) -> Result<()> {
        let edits = edits.into_iter();
        let changes: Vec<_> = edits.map(|edit| Change::Edited { id, edit }).collect();
        Ok(self.library.commit(&changes)?)
    }

    fn spelled(&self, tag: &LabelKey) -> String {
        let spelling = self.index().spelling(tag);
        spelling.unwrap_or_else(|| tag.folded.clone())
    }
}
