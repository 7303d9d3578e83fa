//! What the kernel must forget after a change.
//!
//! The kernel keeps names, absent names, attributes and listings for an hour, so each change must name whatever it
//! makes wrong. Works on the folders that the kernel knows; naming too much costs speed, naming too little is a lie.

use std::collections::{BTreeSet, HashMap, HashSet};

use roaring::RoaringBitmap;

use super::inode::Folder;
use super::photos::no_matches;
use super::{Edits, Folders, Inode, Photos, Step, Tree, naming, texts};
use crate::catalog::{Facet, PhotoId, Query, escape};
use crate::index::{Delta, LabelId, PhotoDelta, PhotoSnapshot};

/// Something that the kernel may remember wrongly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stale {
    /// The cached listing of a folder.
    Listing(Inode),
    /// A name in a folder: gone, new, or something else.
    Entry { parent: Inode, name: Vec<u8> },
    /// Size, times, links of a file.
    Attributes(Inode),
}

/// What [`Tree::marked_labels`] gave, by facet and prefix.
type Marks = HashMap<(Facet, String), Vec<String>>;

impl Tree {
    /// Everything that a change makes stale, without repetition.
    pub fn stale(&self, delta: &Delta) -> Vec<Stale> {
        let mut stale = BTreeSet::new();
        let recent = delta.recent.iter().map(PhotoId);
        let regrouped = delta.regrouped.iter().map(|r| r.photo);
        let photos = delta.photos.iter().map(|p| p.id);
        let photos = photos.chain(recent).chain(regrouped);
        let photos = photos.flat_map(|id| [Inode::of_photo(id), Inode::of_text(id)]);
        let readme = std::iter::once(Inode::of_generated(0));
        stale.extend(photos.chain(readme).map(Stale::Attributes));
        let mut marks = HashMap::new();
        for (inode, folder) in self.inodes.all() {
            if let Some(Step::Saved { name, .. }) = folder.steps.last()
                && delta.saved.contains(name)
            {
                stale.insert(Stale::Listing(inode));
                stale.insert(Stale::Entry {
                    parent: folder.parent,
                    name: folder.name.clone(),
                });
            }
            let names = self.stale_names(inode, &folder, delta, &mut marks);
            if !names.is_empty() {
                stale.insert(Stale::Listing(inode));
            }
            stale.extend(names.into_iter().map(|name| Stale::Entry {
                parent: inode,
                name,
            }));
        }
        stale.into_iter().collect()
    }

    /// The names in a folder that a change makes stale.
    fn stale_names(
        &self,
        inode: Inode,
        folder: &Folder,
        delta: &Delta,
        marks: &mut Marks,
    ) -> HashSet<Vec<u8>> {
        let listing = self.list(&folder.steps);
        let mut names = self.stale_photos(&listing.photos, delta);
        if listing.edits != Edits::None {
            let changed = delta.photos.iter();
            names.extend(changed.flat_map(|p| self.aliases.names(inode, p.id)));
        }
        if listing.shows_made() {
            let spelled = delta
                .made
                .iter()
                .filter_map(|tag| self.index().spelling(tag));
            names.extend(spelled.map(|s| naming::folder_name(&s, "", self.index()).into()));
        }
        match &listing.folders {
            // Any name in `search/` is and stays a query; its listing isn't kept.
            Folders::None | Folders::Views | Folders::Searches | Folders::Mistake => {}
            Folders::Saved => names.extend(delta.saved.iter().map(|name| escape(name).into())),
            Folders::Groups => {
                let groups = delta.regrouped.iter().flat_map(|r| [r.before, r.after]);
                let groups = groups.flatten().map(|oldest| oldest.0).collect();
                names.extend(self.names_of(&groups, delta));
                names.extend(renamed(delta));
            }
            Folders::Source(folder) => {
                let below = delta.folders.iter().filter(|(parent, _)| parent == folder);
                match listing.photos {
                    Photos::Texts(_) => {
                        names.extend(below.flat_map(|(_, name)| texts::beside(name)))
                    }
                    _ => names.extend(below.map(|(_, name)| name.to_vec())),
                }
            }
            Folders::Labels {
                facet,
                within,
                prefix,
                narrowing,
                ..
            } => {
                let mut labels = match narrowing {
                    true => self.narrowing_labels(*facet, within, delta),
                    false => self.flipped_labels(*facet, within, prefix, delta),
                };
                let marked = marks.entry((*facet, prefix.clone()));
                labels.extend_from_slice(
                    marked.or_insert_with(|| self.marked_labels(*facet, prefix, delta)),
                );
                if *narrowing {
                    names.extend(labels.iter().map(|name| format!("-{name}").into()));
                }
                names.extend(labels.into_iter().map(String::into_bytes));
            }
        }
        names
    }

    /// Photos that entered or left a folder, or have another name in it.
    fn stale_photos(&self, photos: &Photos, delta: &Delta) -> HashSet<Vec<u8>> {
        let is_searched = photos.has_words();
        let is_shown = |id: PhotoId, snapshot: &PhotoSnapshot| match photos {
            Photos::None | Photos::Recent | Photos::Alike(_) => false,
            Photos::In(folder) | Photos::Texts(folder) => snapshot.folder == *folder,
            Photos::Titled => true,
            // A commit may have changed any text of its photos, and no snapshot tells. So each of them may have come into
            // this folder or left it: too much is named, never too little.
            _ if is_searched => true,
            Photos::Matching(query) | Photos::Found(query, _) => {
                self.admits_snapshot(query, id, snapshot)
            }
        };
        // A text may have had another name while a folder was there that is gone now.
        let names_of = |snapshot: &PhotoSnapshot| match photos {
            Photos::Texts(_) => texts::names(snapshot.packed.file_name()).collect(),
            _ => Vec::from_iter(self.name_in(photos, &snapshot.packed)),
        };
        // Whose file is called something else stays in these, whoever it is: too much is named, never too little.
        let mut names: HashSet<_> = match photos {
            Photos::Recent | Photos::Alike(_) => renamed(delta).collect(),
            _ => HashSet::new(),
        };
        names.extend(match photos {
            Photos::Recent => self.names_of(&delta.recent, delta),
            Photos::Alike(oldest) => {
                let moved = delta.regrouped.iter();
                let moved = moved.filter(|r| [r.before, r.after].contains(&Some(*oldest)));
                self.names_of(&moved.map(|r| r.photo.0).collect(), delta)
            }
            _ => HashSet::new(),
        });
        for photo in &delta.photos {
            let snapshots = [photo.before.as_ref(), photo.after.as_ref()];
            let [before, after] =
                snapshots.map(|s| s.filter(|s| is_shown(photo.id, s)).map(names_of));
            if before != after || is_searched {
                names.extend(before.into_iter().chain(after).flatten());
            }
        }
        names
    }

    /// The catalog names that photos have or had.
    fn names_of(&self, photos: &RoaringBitmap, delta: &Delta) -> HashSet<Vec<u8>> {
        let now = photos
            .iter()
            .filter_map(|id| self.index().packed_names(PhotoId(id)));
        let changed = delta.photos.iter().filter(|p| photos.contains(p.id.0));
        let before = changed.filter_map(|p| Some(p.before.as_ref()?.packed.clone()));
        now.chain(before)
            .map(|packed| packed.name().into())
            .collect()
    }

    fn admits_snapshot(&self, query: &Query, id: PhotoId, snapshot: &PhotoSnapshot) -> bool {
        self.index()
            .admits_snapshot(query, id, snapshot, &no_matches)
    }

    /// Folders of labels that may have got their first photo of `within` or lost their last.
    fn flipped_labels(
        &self,
        facet: Facet,
        within: &Query,
        prefix: &str,
        delta: &Delta,
    ) -> Vec<String> {
        let mut names = Vec::new();
        // How many of the changed photos have each label that came or went.
        let mut touched = HashMap::<LabelId, u64>::new();
        for photo in &delta.photos {
            let snapshots = [photo.before.as_ref(), photo.after.as_ref()];
            let [before, after] =
                snapshots.map(|s| s.filter(|s| self.admits_snapshot(within, photo.id, s)));
            for label in before.iter().flat_map(|s| s.packed.labels()) {
                touched.entry(label).or_default();
            }
            for label in after.iter().flat_map(|s| s.packed.labels()) {
                *touched.entry(label).or_default() += 1;
            }
        }
        let within = self.evaluate(within);
        for (label, changed) in touched {
            let Some(label) = self.index().label_in(label, facet, &within) else {
                continue;
            };
            if label.photos <= changed && label.shown.starts_with(prefix) {
                names.push(naming::folder_name(&label.shown, prefix, self.index()));
            }
        }
        names
    }

    /// In a folder that narrows, any label may begin or cease to narrow when a photo enters or leaves it.
    fn narrowing_labels(&self, facet: Facet, within: &Query, delta: &Delta) -> Vec<String> {
        let admitted = |id: PhotoId, snapshot: &Option<PhotoSnapshot>| {
            let snapshot = snapshot.as_ref();
            snapshot.is_some_and(|s| self.admits_snapshot(within, id, s))
        };
        let touched = |p: &&PhotoDelta| {
            let labels =
                |s: &Option<PhotoSnapshot>| s.as_ref().map(|s| Vec::from_iter(s.packed.labels()));
            (admitted(p.id, &p.before) || admitted(p.id, &p.after))
                && labels(&p.before) != labels(&p.after)
        };
        let changed: Vec<_> = delta.photos.iter().filter(touched).collect();
        if changed.is_empty() {
            return Vec::new();
        }
        let snapshots = changed.iter().flat_map(|p| [&p.before, &p.after]).flatten();
        let gone: BTreeSet<LabelId> = snapshots.flat_map(|s| s.packed.labels()).collect();
        let within = self.evaluate(within);
        let gone = gone.into_iter();
        let gone = gone.filter_map(|l| self.index().label_in(l, facet, &within));
        let here = self.index().labels_within(facet, &within).into_iter();
        let labels = here.chain(gone);
        labels
            .map(|l| naming::folder_name(&l.shown, "", self.index()))
            .collect()
    }

    /// Folders of labels that are called in another way: because somebody spelled the label, or because a photo of
    /// that name came or went, which marks it.
    fn marked_labels(&self, facet: Facet, prefix: &str, delta: &Delta) -> Vec<String> {
        let renamed = delta.renamed.iter().filter(|(f, _)| *f == facet);
        let renamed = renamed.map(|(_, shown)| shown.strip_prefix(prefix).unwrap_or(shown));
        let renamed = renamed.map(naming::encode);
        let name_of = |s: &Option<PhotoSnapshot>| s.as_ref().map(|s| s.packed.name().to_vec());
        let appeared = |p: &&PhotoDelta| name_of(&p.before) != name_of(&p.after);
        let snapshots = delta.photos.iter().filter(appeared);
        let snapshots = snapshots.flat_map(|p| [&p.before, &p.after]).flatten();
        let names = snapshots.filter_map(|s| std::str::from_utf8(s.packed.name()).ok());
        let names = names.map(naming::unmarked);
        let names = names.filter(|name| naming::may_be_label(name, facet, prefix, self.index()));
        let plain = renamed.chain(names.map(str::to_owned));
        let plain: BTreeSet<String> = plain.collect();
        let all = plain.iter().flat_map(|name| naming::with_marks(name));
        all.collect()
    }
}

/// The catalog names that photos had and have which are called something else now.
fn renamed(delta: &Delta) -> impl Iterator<Item = Vec<u8>> {
    let both = delta
        .photos
        .iter()
        .filter_map(|p| Some([p.before.as_ref()?, p.after.as_ref()?]));
    let names = both.map(|snapshots| snapshots.map(|snapshot| snapshot.packed.name()));
    let renamed = names.filter(|[before, after]| before != after);
    renamed.flatten().map(<[u8]>::to_vec)
}
