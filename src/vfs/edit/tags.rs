//! Photos in folders of tags: one that comes into a folder gets the tags of its path, one that goes loses the last.

use super::{Dentry, Editable, Editor, Error, Reason, Result};
use crate::catalog::{Deed, Edit, LabelKey, PhotoId};

impl Editor {
    /// Gives a photo every tag of a folder's path.
    pub(super) fn tag(&self, photo: PhotoId, to: &Dentry, path: &[LabelKey]) -> Result<()> {
        if path.is_empty() {
            return Err(Error::NotPermitted);
        }
        let edits = path.iter().map(|tag| Edit::Tag(self.spelled(tag)));
        let deed = Deed::Edit(photo, edits.collect());
        let words = format!("tag {}", self.spelled_all(path));
        self.act(to.caller, words, vec![deed])
    }

    /// Takes the last tag of a folder's path from a photo.
    pub(super) fn untag(&self, photo: PhotoId, from: &Dentry, path: &[LabelKey]) -> Result<()> {
        let tag = self.spelled(path.last().ok_or(Error::NotPermitted)?);
        let words = format!("untag {tag}");
        let deed = Deed::Edit(photo, vec![Edit::Untag(tag)]);
        let act = self.entered(from.caller, words, vec![deed])?;
        let crawlers = &self.namespace.crawlers;
        if path.len() > 1
            && let (Some(act), Some(process)) = (act, crawlers.process(from.caller.pid))
        {
            self.removals.note(&process, act, photo, path, crawlers);
        }
        self.keep_emptied(from);
        Ok(())
    }

    /// Moves a photo: out of a folder of tags into another, or only here from elsewhere.
    pub(super) fn retag(
        &self,
        photo: PhotoId,
        from: &Dentry,
        (to, path): (&Dentry, &[LabelKey]),
    ) -> Result<()> {
        let left = match &from.editable {
            Editable::Tags(path_left) => path_left.last().filter(|tag| !path.contains(tag)),
            Editable::Nothing | Editable::Saved => None,
        };
        let Some(left) = left.filter(|_| !path.is_empty()) else {
            return self.tag(photo, to, path);
        };
        let left = self.spelled(left);
        let words = format!("move from {left} to {}", self.spelled_all(path));
        let gained = path.iter().map(|tag| Edit::Tag(self.spelled(tag)));
        let edits = std::iter::once(Edit::Untag(left)).chain(gained).collect();
        self.act(to.caller, words, vec![Deed::Edit(photo, edits)])?;
        self.keep_emptied(from);
        Ok(())
    }

    /// Whoever takes the last photo out of a folder still finds the folder: it may go on to remove it.
    fn keep_emptied(&self, from: &Dentry) {
        let folder = &from.folder;
        if let Some(step) = folder.steps.last()
            && from.listing.photos.photos(self.index()).is_empty()
        {
            let reason = Reason::EmptiedBy(self.namespace.process(from.caller));
            self.namespace
                .sticky_dirs
                .keep(folder.parent, &folder.name, step.clone(), reason);
        }
    }

    pub(super) fn spelled(&self, tag: &LabelKey) -> String {
        let spelling = self.index().spelling(tag);
        spelling.unwrap_or_else(|| tag.folded.clone())
    }

    fn spelled_all(&self, path: &[LabelKey]) -> String {
        let all: Vec<_> = path.iter().map(|tag| self.spelled(tag)).collect();
        all.join(" and ")
    }
}
