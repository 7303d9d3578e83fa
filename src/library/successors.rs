//! What photos that are gone, and of which people said something, may be now: photos that came later, of which nobody
//! said anything.
//!
//! For those that were moved and changed at once, so that neither content nor size and time tell. Offers only: what is
//! said goes over when a person says so. Reads no file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Library;
use crate::catalog::{
    Act, ActId, Actor, DateSource, Deed, Detail, Facts, Photo, PhotoId, Role, SourcePath, WallClock,
};
use crate::index::is_same_picture;
use crate::store::Result;

/// What speaks for a photo to be what another one became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The same camera took both in the same second.
    Taken,
    /// The pictures look the same.
    Picture,
    /// Both files have the same name.
    FileName,
    /// Their folders have the same name.
    Folder,
}

/// A photo that one that is gone may be now.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The photo, of which nobody said anything.
    pub photo: Photo,
    /// What speaks for it.
    pub signs: BTreeSet<Sign>,
    /// Its camera says another time.
    is_of_another_time: bool,
}

/// A photo that is gone, and what it may be now.
#[derive(Clone, Debug)]
pub struct GoneWithWords {
    /// Everything known of it.
    pub detail: Detail,
    /// The likeliest first.
    pub candidates: Vec<Candidate>,
    /// The one of them that it is, if no other photo fits as well, and it fits no other one as well.
    pub successor: Option<PhotoId>,
}

/// Candidates that are shown of a photo.
const MOST_CANDIDATES: usize = 5;
/// Candidates that are looked at more closely.
const LOOKED_AT: usize = 50;
/// A file name alone is given again by every camera.
const SURE: u8 = 3;

impl Sign {
    fn weight(self) -> u8 {
        match self {
            Self::Taken | Self::Picture => 4,
            Self::FileName => 2,
            Self::Folder => 1,
        }
    }

    /// How people read it: "the same …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "camera and time",
            Self::Picture => "picture",
            Self::FileName => "file name",
            Self::Folder => "folder name",
        }
    }
}

impl Candidate {
    fn weight(&self) -> u8 {
        let weight: u8 = self.signs.iter().map(|sign| sign.weight()).sum();
        match self.is_of_another_time {
            true => weight.saturating_sub(SURE),
            false => weight,
        }
    }

    /// Whether anything speaks for it but the folder, which all photos of an album share.
    fn is_likely(&self) -> bool {
        self.signs.iter().any(|sign| *sign != Sign::Folder)
    }
}

impl Library {
    /// The photos that are gone and of which people said something, in order of path, each with what it may be now. Blocks on
    /// the disk.
    pub fn gone_with_words(&self) -> Result<Vec<GoneWithWords>> {
        let mut gone = Vec::new();
        for photo in self.store.gone_with_words()? {
            gone.extend(self.store.detail_of_gone(photo.id)?);
        }
        let Some(first) = gone.first().map(|detail| detail.entry.photo.id) else {
            return Ok(Vec::new());
        };
        let index = self.index();
        let mut later = index.all();
        later.remove_range(..first.0);
        let mut search = Search::of(&gone);
        // One by one: whoever edits meanwhile waits for none but one.
        for photo in later.iter().filter_map(|id| index.photo(PhotoId(id))) {
            search.look_at(&photo);
        }
        let mut found = Vec::new();
        for (detail, candidates) in gone.iter().zip(search.found) {
            found.push(GoneWithWords {
                candidates: self.ranked(&detail.facts, candidates)?,
                detail: detail.clone(),
                successor: None,
            });
        }
        choose(&mut found);
        let place = |gone: &GoneWithWords| {
            let photo = &gone.detail.entry.photo;
            (photo.path.clone(), photo.id)
        };
        found.sort_by_cached_key(place);
        Ok(found)
    }

    /// Has what is said of photos that are gone said of others instead, as one act. Says its number; `None` where nothing
    /// was said of those any more. Blocks on the disk.
    pub fn give_words(&self, pairs: &[(PhotoId, PhotoId)], by: Actor) -> Result<Option<ActId>> {
        let deeds = pairs.iter().map(|&(gone, to)| Deed::GiveWords { gone, to });
        let act = self.act(Act {
            by,
            words: "adopt what was said of gone photos".into(),
            role: Role::New,
            deeds: deeds.collect(),
        })?;
        Ok(act.map(|(id, _)| id))
    }

    /// The likeliest first, by all that is known of them.
    fn ranked(&self, gone: &Facts, mut candidates: Vec<Candidate>) -> Result<Vec<Candidate>> {
        candidates.sort_by_key(|candidate| (Reverse(candidate.weight()), candidate.photo.id));
        candidates.truncate(LOOKED_AT);
        for candidate in &mut candidates {
            let Some(detail) = self.detail(candidate.photo.id)? else {
                candidate.signs.clear();
                continue;
            };
            let (was, is) = (taken(gone), taken(&detail.facts));
            candidate.is_of_another_time = was.is_some() && is.is_some() && was != is;
            if was.is_none() || was != is {
                candidate.signs.remove(&Sign::Taken);
            }
        }
        candidates.retain(Candidate::is_likely);
        candidates.sort_by_key(|candidate| (Reverse(candidate.weight()), candidate.photo.id));
        candidates.truncate(MOST_CANDIDATES);
        Ok(candidates)
    }
}

/// Which camera took it, and when; `None` where the file doesn't say when.
fn taken(facts: &Facts) -> Option<(WallClock, Option<&str>)> {
    let is_of_camera = |source: DateSource| {
        use DateSource::{Created, Embedded, Original};
        matches!(source, Original | Created | Embedded)
    };
    facts.date_source.filter(|&source| is_of_camera(source))?;
    Some((facts.date?, facts.camera.as_deref()))
}

/// Says which of the candidates a photo is, where that is beyond doubt.
fn choose(all: &mut [GoneWithWords]) {
    let mut chosen = HashMap::<PhotoId, u32>::new();
    for gone in all.iter_mut() {
        gone.successor = only(&gone.candidates);
        if let Some(id) = gone.successor {
            *chosen.entry(id).or_default() += 1;
        }
    }
    for gone in all {
        gone.successor = gone.successor.filter(|id| chosen[id] == 1);
    }
}

fn only(candidates: &[Candidate]) -> Option<PhotoId> {
    let (first, others) = candidates.split_first()?;
    let is_alone = others.iter().all(|other| other.weight() < first.weight());
    (is_alone && first.weight() >= SURE).then_some(first.photo.id)
}

/// All photos that are gone, and what was found to be like each.
struct Search<'a> {
    gone: &'a [Detail],
    /// Places in `gone`.
    by_name: HashMap<Vec<u8>, Vec<usize>>,
    by_time: HashMap<WallClock, Vec<usize>>,
    found: Vec<Vec<Candidate>>,
}

impl<'a> Search<'a> {
    fn of(gone: &'a [Detail]) -> Self {
        let mut search = Self {
            gone,
            by_name: HashMap::new(),
            by_time: HashMap::new(),
            found: vec![Vec::new(); gone.len()],
        };
        for (at, detail) in gone.iter().enumerate() {
            let name = folded_name(&detail.entry.photo.path);
            search.by_name.entry(name).or_default().push(at);
            if let Some((time, _)) = taken(&detail.facts) {
                search.by_time.entry(time).or_default().push(at);
            }
        }
        search
    }

    /// A photo of which somebody said something is another one than those that are gone.
    fn look_at(&mut self, photo: &Photo) {
        if photo.edited {
            return;
        }
        let mut signs = BTreeMap::<usize, BTreeSet<Sign>>::new();
        let mut note = |at: usize, sign| {
            signs.entry(at).or_default().insert(sign);
        };
        let same_name = self.by_name.get(&folded_name(&photo.path));
        same_name
            .into_iter()
            .flatten()
            .for_each(|&at| note(at, Sign::FileName));
        let same_time = photo.date.and_then(|date| self.by_time.get(&date));
        same_time
            .into_iter()
            .flatten()
            .for_each(|&at| note(at, Sign::Taken));
        for (at, gone) in self.gone.iter().enumerate() {
            if is_same_picture(gone.entry.photo.perceptual_hash, photo.perceptual_hash) {
                note(at, Sign::Picture);
            }
        }
        for (at, mut signs) in signs {
            let gone = &self.gone[at].entry.photo;
            // Whatever was there before beside one that is gone now is another photo.
            if photo.id < gone.id {
                continue;
            }
            if is_same_folder(&gone.path, &photo.path) {
                signs.insert(Sign::Folder);
            }
            self.found[at].push(Candidate {
                photo: photo.clone(),
                signs,
                is_of_another_time: false,
            });
        }
    }
}

/// Disks that know no case may change it.
fn folded_name(path: &SourcePath) -> Vec<u8> {
    path.file_name().to_ascii_lowercase()
}

/// Whether photos are in folders of the same name, wherever these are.
fn is_same_folder(one: &SourcePath, other: &SourcePath) -> bool {
    let name = |path: &SourcePath| SourcePath::new(path.folder()).file_name().to_vec();
    name(one) == name(other)
}
