//! Folders of labels: one for each label of a facet that some photos have, under its value.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;

use crate::catalog::{Facet, LabelKey, PhotoId, Query};
use crate::index::{Delta, Index, LabelId, PhotoDelta, PhotoSnapshot};
use crate::vfs::listing::{Changed, Names, Shown, Subfolder, Subfolders, cookies, no_matches};
use crate::vfs::{Step, naming};

/// A folder for each label of a facet.
#[derive(Debug)]
pub struct LabelFolders {
    facet: Facet,
    /// Only labels that some of these photos have.
    within: Query,
    /// Left out at the front of the folder's name: `2024-` of `2024-07`. Labels that lack it aren't shown.
    prefix: String,
    /// Only labels that some of these photos lack are listed; `-label` then resolves, too.
    narrowing: bool,
    /// Those of the path in a folder that narrows: none comes twice.
    path: Vec<LabelKey>,
    /// How many are listed at most, those of most photos; the others are found when looked up.
    listed: usize,
}

impl LabelFolders {
    /// For all labels that some of these photos have.
    pub fn of(facet: Facet, within: Query) -> Self {
        Self {
            facet,
            within,
            prefix: String::new(),
            narrowing: false,
            path: Vec::new(),
            listed: usize::MAX,
        }
    }

    /// The parts of a whole: the labels that begin with it, which is left out in their names.
    pub fn parts(facet: Facet, whole: &LabelKey) -> Self {
        Self {
            prefix: format!("{}-", whole.folded),
            ..Self::of(facet, Query::Label(whole.clone()))
        }
    }

    /// In listings only labels that tell the photos apart, and so many of them; never those of the path.
    pub fn narrowing(self, path: Vec<LabelKey>, listed: usize) -> Self {
        Self {
            narrowing: true,
            path,
            listed,
            ..self
        }
    }

    /// How many of the photos have a label, and how many haven't.
    fn parted(&self, key: &LabelKey, index: &Index) -> (u64, u64) {
        let within = self.photos(index);
        let labelled = index.evaluate(&Query::Label(key.clone()), &no_matches);
        let count = labelled.intersection_len(&within);
        (count, within.len() - count)
    }

    fn photos(&self, index: &Index) -> RoaringBitmap {
        index.evaluate(&self.within, &no_matches)
    }

    fn admits(&self, index: &Index, id: PhotoId, snapshot: &PhotoSnapshot) -> bool {
        index.admits_snapshot(&self.within, id, snapshot, &no_matches)
    }

    /// Labels that may have got their first photo here or lost their last.
    fn flipped(&self, delta: &Delta, index: &Index) -> Vec<String> {
        let mut names = Vec::new();
        // How many of the changed photos have each label that came or went.
        let mut touched = HashMap::<LabelId, u64>::new();
        for photo in &delta.photos {
            let snapshots = [photo.before.as_ref(), photo.after.as_ref()];
            let [before, after] = snapshots.map(|s| s.filter(|s| self.admits(index, photo.id, s)));
            for label in before.iter().flat_map(|s| s.packed.labels()) {
                touched.entry(label).or_default();
            }
            for label in after.iter().flat_map(|s| s.packed.labels()) {
                *touched.entry(label).or_default() += 1;
            }
        }
        let within = self.photos(index);
        for (label, changed) in touched {
            let Some(label) = index.label_in(label, self.facet, &within) else {
                continue;
            };
            if label.photos <= changed && label.shown.starts_with(&self.prefix) {
                names.push(naming::folder_name(&label.shown, &self.prefix, index));
            }
        }
        names
    }

    /// In a folder that narrows, any label may begin or cease to narrow when a photo enters or leaves it.
    fn narrowed(&self, delta: &Delta, index: &Index) -> Vec<String> {
        let admitted = |id: PhotoId, snapshot: &Option<PhotoSnapshot>| {
            let snapshot = snapshot.as_ref();
            snapshot.is_some_and(|s| self.admits(index, id, s))
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
        let within = self.photos(index);
        let gone = gone.into_iter();
        let gone = gone.filter_map(|l| index.label_in(l, self.facet, &within));
        let here = index.labels_within(self.facet, &within).into_iter();
        let labels = here.chain(gone);
        labels
            .map(|l| naming::folder_name(&l.shown, "", index))
            .collect()
    }

    /// Folders that are called in another way: because somebody spelled the label, or because a photo of that name came or
    /// went, which marks it.
    fn marked(&self, delta: &Delta, index: &Index) -> Vec<String> {
        let (facet, prefix) = (self.facet, self.prefix.as_str());
        let renamed = delta.renamed.iter().filter(|(f, _)| *f == facet);
        let renamed = renamed.map(|(_, shown)| shown.strip_prefix(prefix).unwrap_or(shown));
        let renamed = renamed.map(naming::encode);
        let name_of = |s: &Option<PhotoSnapshot>| s.as_ref().map(|s| s.packed.name().to_vec());
        let appeared = |p: &&PhotoDelta| name_of(&p.before) != name_of(&p.after);
        let snapshots = delta.photos.iter().filter(appeared);
        let snapshots = snapshots.flat_map(|p| [&p.before, &p.after]).flatten();
        let names = snapshots.filter_map(|s| std::str::from_utf8(s.packed.name()).ok());
        let names = names.map(naming::unmarked);
        let names = names.filter(|name| naming::may_be_label(name, facet, prefix, index));
        let plain = renamed.chain(names.map(str::to_owned));
        let plain: BTreeSet<String> = plain.collect();
        let all = plain.iter().flat_map(|name| naming::with_marks(name));
        all.collect()
    }
}

impl Subfolders for LabelFolders {
    fn list(&self, Shown { index, .. }: Shown<'_>) -> Vec<Subfolder> {
        if self.listed == 0 {
            return Vec::new();
        }
        let within = self.photos(index);
        let mut labels = index.labels_within(self.facet, &within);
        labels.retain(|l| !self.narrowing || l.photos < within.len());
        labels.retain(|l| l.shown.starts_with(self.prefix.as_str()));
        if labels.len() > self.listed {
            labels.sort_by_key(|l| (Reverse(l.photos), l.id));
            labels.truncate(self.listed);
        }
        let folders = labels.into_iter().map(|l| Subfolder {
            cookie: cookie(l.id),
            name: naming::folder_name(&l.shown, &self.prefix, index).into(),
            step: Step::Label(l.key),
        });
        folders.collect()
    }

    fn find(&self, name: &[u8], Shown { index, .. }: Shown<'_>) -> Option<Step> {
        let find = |name| {
            let label = naming::find(name, self.facet, &self.prefix, index);
            label.filter(|label| !self.path.contains(&label.key))
        };
        if let Some(label) = find(name) {
            // Also one that all of them have: whether a path leads somewhere doesn't depend on other photos.
            let (with, _) = self.parted(&label.key, index);
            return (with > 0).then_some(Step::Label(label.key));
        }
        let denied = find(name.strip_prefix(b"-").filter(|_| self.narrowing)?)?;
        let (with, without) = self.parted(&denied.key, index);
        (with > 0 && without > 0).then_some(Step::Except(denied.key))
    }

    fn stale(&self, change: &mut Changed<'_>) -> Names {
        let (delta, index) = (change.delta, change.index);
        let mut labels = match self.narrowing {
            true => self.narrowed(delta, index),
            false => self.flipped(delta, index),
        };
        let marked = change.marked.entry((self.facet, self.prefix.clone()));
        labels.extend_from_slice(marked.or_insert_with(|| self.marked(delta, index)));
        let mut names = Names::new();
        if self.narrowing {
            names.extend(labels.iter().map(|name| format!("-{name}").into()));
        }
        names.extend(labels.into_iter().map(String::into_bytes));
        names
    }
}

/// Where the folder of a label is listed.
pub fn cookie(label: LabelId) -> u64 {
    cookies::FOLDERS + u64::from(label.0)
}
