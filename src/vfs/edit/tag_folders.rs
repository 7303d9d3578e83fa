//! Folders of tags: made, removed, renamed, merged.

use super::removals::Removal;
use super::{Attr, Dentry, Editor, Error, Named, Reason, Result};
use crate::catalog::{Deed, Edit, Facet, Label, LabelKey, Origin, PhotoId, Query, Slot, unescape};
use crate::vfs::inode::Folder;
use crate::vfs::{Step, naming};

impl Editor {
    /// A tag that is there from now on. Below another tag its folder is there until the mount ends, and for good once
    /// photos have both; a tag it is in any case.
    pub(super) fn make_tag(&self, dentry: &Dentry, path: &[LabelKey]) -> Result<Attr> {
        let written = self.tag_named(dentry.name)?;
        let tag = LabelKey::new(Facet::Tag, &written);
        let is_there = self.index().label(&tag).is_some();
        // It isn't there, and can't be: no tag is repeated on a path.
        if path.contains(&tag) {
            return Err(Error::NotPermitted);
        }
        if path.is_empty() && is_there {
            return Err(Error::Exists);
        }
        if !is_there {
            let words = format!("make {written}");
            self.act(dentry.caller, words, vec![Deed::Make(written)])?;
        }
        let step = Step::Label(tag);
        if !path.is_empty() {
            self.namespace
                .sticky_dirs
                .keep(dentry.parent, dentry.name, step.clone(), Reason::Made);
        }
        Ok(self
            .namespace
            .reference_folder(dentry.parent, &dentry.folder, dentry.name, step))
    }

    /// An empty folder goes, and with it the tag that somebody made, if no photo has it.
    pub(super) fn remove_tag(&self, dentry: &Dentry, step: Step, path: &[LabelKey]) -> Result<()> {
        let Step::Label(tag) = &step else {
            return Err(Error::NotPermitted);
        };
        let whole = [path, std::slice::from_ref(tag)].concat();
        if !self.namespace.evaluate(&all_of(&whole)).is_empty() {
            return Err(Error::NotEmpty);
        }
        // The end of an `rm -r`: only this tag was meant. What the photos lost in the folders below, they get back.
        let process = self.namespace.crawlers.process(dentry.caller.pid);
        let lost = process.map(|process| self.removals.take(&process, &whole));
        let give_back = |removal: Removal| {
            let tag = removal.path.into_iter().next_back()?;
            Some(Deed::TakeBack(removal.act, removal.photo, Slot::Label(tag)))
        };
        let lost = lost.into_iter().flatten();
        let mut deeds: Vec<_> = lost.filter_map(give_back).collect();
        let is_only_made = self.index().label(tag).is_some_and(|l| l.photos == 0);
        deeds.extend(is_only_made.then(|| Deed::Unmake(tag.clone())));
        if !deeds.is_empty() {
            let words = format!("remove {}", self.spelled(tag));
            self.act(dentry.caller, words, deeds)?;
        }
        self.forget_folder(dentry);
        Ok(())
    }

    /// Moves a folder: its photos lose the tag that it was and get the tags of the new path. A new name renames the tag,
    /// the name of another tag merges the two, another folder's inside adds that folder's tags.
    pub(super) fn move_tag(
        &self,
        (from, path): (&Dentry, &[LabelKey]),
        step: Step,
        (to, to_path): (&Dentry, &[LabelKey]),
    ) -> Result<()> {
        let Step::Label(old) = step else {
            return Err(Error::NotPermitted);
        };
        if let Some(Named::File(_) | Named::Draft(_)) = to.find(self) {
            return Err(Error::NotAFolder);
        }
        let mut written = self.tag_named(to.name)?;
        let new = LabelKey::new(Facet::Tag, &written);
        if to_path.contains(&new) {
            return Err(Error::Exists);
        }
        if let Some(label) = self.index().label(&new).filter(|_| new != old) {
            written = label.shown;
        }
        let moved = [path, std::slice::from_ref(&old)].concat();
        let words = format!(
            "move {} to {}",
            self.folder_of(&moved, None),
            self.folder_of(to_path, Some(&written))
        );
        let deeds = match new == old && from.parent == to.parent {
            true => vec![Deed::Make(written)],
            false => self.moved(&moved, to_path, &new, &written),
        };
        self.act(to.caller, words, deeds)?;
        self.follow(
            (from, Step::Label(old)),
            (to, Step::Label(new)),
            !to_path.is_empty(),
        );
        Ok(())
    }

    /// Where a folder is below `tags/`, as people read it: one that keeps its name is told by those that it is in.
    fn folder_of(&self, path: &[LabelKey], name: Option<&str>) -> String {
        let tags = path.iter().map(|tag| self.spelled(tag));
        let tags = tags.chain(name.map(str::to_owned));
        tags.collect::<Vec<_>>().join("/")
    }

    /// What it means that the folder of these tags is `written` in the folder of `to_path` now.
    fn moved(
        &self,
        from: &[LabelKey],
        to_path: &[LabelKey],
        new: &LabelKey,
        written: &str,
    ) -> Vec<Deed> {
        let Some(old) = from.last() else {
            return Vec::new();
        };
        let photos = self.namespace.evaluate(&all_of(from));
        let goes = new != old && !to_path.contains(old);
        let gained = to_path.iter().map(|tag| Edit::Tag(self.spelled(tag)));
        let named = match goes {
            true => Edit::Rename(self.spelled(old), written.to_owned()),
            false => Edit::Tag(written.to_owned()),
        };
        let edits: Vec<_> = gained.chain([named]).collect();
        let is_made = self.index().is_made(old);
        let has_others = self.namespace.evaluate(&Query::Label(old.clone())).len() > photos.len();
        let makes = (is_made || photos.is_empty()).then(|| Deed::Make(written.to_owned()));
        let unmakes = is_made && goes && !has_others;
        let unmakes = unmakes.then(|| Deed::Unmake(old.clone()));
        let photos = photos.iter().map(PhotoId);
        let edits = photos.map(|photo| Deed::Edit(photo, edits.clone()));
        // All of it: models that say so from now on mean the new one, too.
        let renames = from.len() == 1 && to_path.is_empty() && goes;
        let renames = renames.then(|| Deed::Rename {
            tag: old.clone(),
            to: written.to_owned(),
        });
        let makes = makes.into_iter().chain(unmakes);
        makes.chain(edits).chain(renames).collect()
    }

    /// What the kernel knows of a folder goes where the folder went.
    fn follow(&self, (from, old): (&Dentry, Step), (to, new): (&Dentry, Step), is_below: bool) {
        self.forget_folder(to);
        self.namespace.sticky_dirs.remove(from.parent, from.name);
        if is_below {
            self.namespace
                .sticky_dirs
                .keep(to.parent, to.name, new.clone(), Reason::Made);
        }
        let folder = |dentry: &Dentry, step| Folder {
            parent: dentry.parent,
            name: dentry.name.into(),
            steps: [&dentry.folder.steps[..], &[step]].concat(),
        };
        self.namespace
            .inodes
            .rename(&folder(from, old), &folder(to, new));
    }

    fn forget_folder(&self, dentry: &Dentry) {
        self.namespace
            .sticky_dirs
            .remove(dentry.parent, dentry.name);
        self.namespace
            .inodes
            .mark_removed(dentry.parent, dentry.name);
    }

    /// The tag that a folder of this name stands for.
    fn tag_named(&self, name: &[u8]) -> Result<String> {
        // `.Trash-1000` and its like: no tag begins with a dot.
        if name.starts_with(b".") {
            return Err(Error::NotPermitted);
        }
        let unusable = || Error::Invalid("no tag has such a folder".into());
        let text = std::str::from_utf8(name).map_err(|_| unusable())?;
        let value = unescape(text).ok_or_else(unusable)?;
        let value = Label::sure(Facet::Tag, value, Origin::Human).value;
        let is_it = naming::folder_name(&value, "", self.index()) == text;
        Some(value)
            .filter(|value| is_it && !value.contains('\0'))
            .ok_or_else(unusable)
    }
}

fn all_of(tags: &[LabelKey]) -> Query {
    let tags = tags.iter().cloned().map(Query::Label);
    tags.fold(Query::All, Query::and)
}
