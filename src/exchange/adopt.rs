//! What the catalog of a folder knows, taken over by that of a folder around it.
//!
//! What people said goes thing by thing: where both catalogs say something, the later word holds, and where nobody knows
//! which is later, the one that takes over keeps its own. So it may be done again, whatever became of it the first time.

use std::collections::HashMap;

use super::json::{is_news, sidecar};
use super::matching::{Matcher, Name};
use super::people::People;
use super::{Exchange, Report, Result};
use crate::catalog::{
    Change, ContentHash, Detail, FileStat, Origin, Photo, PhotoId, Said, Slot, SourcePath, Trace,
    parse_query, said, saved_name,
};
use crate::store::{Sqlite, Store};

/// When what is said of something was last changed, in seconds since 1970, as far as the journal tells.
type Times = HashMap<(Option<PhotoId>, Slot), i64>;

/// Acts read at a time.
const PAGE: usize = 1000;
/// No photo has this number: what is known of a content that no photo here has is kept for one that comes.
const NOBODY: PhotoId = PhotoId(0);

/// Takes over what another catalog knows. Nothing of it is taken for new that this one knows better.
pub fn adopt(exchange: &Exchange, other: &Sqlite) -> Result<Report> {
    let whole = Exchange {
        folder: SourcePath::default(),
        ..*exchange
    };
    let mut report = Report::default();
    let mut people = People::new(exchange.library, format!("adopt {}", exchange.folder));
    let mut adoption = Adoption {
        exchange,
        here: Matcher::new(exchange),
        anywhere: Matcher::new(&whole),
        theirs: times(other)?,
        ours: times(exchange.library.store())?,
        of_content: HashMap::new(),
    };
    for id in other.every_photo()? {
        report.photos += 1;
        let Some((detail, is_gone)) = other.kept(id)? else {
            continue;
        };
        match adoption.photo(&detail, is_gone, &mut people)? {
            Some(changed) => report.changed += u64::from(changed),
            None if said(&detail.entry.labels, &detail.texts).is_empty() => {}
            None => report.fail(&detail.entry.photo.path, "the catalog has no such photo"),
        }
    }
    adoption.measured(other, &mut people)?;
    adoption.analyses(other, &mut people)?;
    let own = other.said_of_itself()?;
    people.say(
        own.into_iter()
            .filter_map(|own| adoption.own(own))
            .collect(),
    )?;
    people.commit()?;
    Ok(report)
}

/// Reads the whole journal: a word has no date of its own.
fn times(store: &dyn Store) -> Result<Times> {
    let (mut times, mut before) = (Times::new(), None);
    loop {
        let acts = store.acts(before, PAGE)?;
        let Some(last) = acts.last() else {
            return Ok(times);
        };
        before = Some(last.id);
        for done in acts {
            let Some((done, traces)) = store.act(done.id)? else {
                continue;
            };
            for trace in traces {
                let at = times.entry((trace.photo, trace.slot)).or_insert(done.at);
                *at = done.at.max(*at);
            }
        }
    }
}

struct Adoption<'a> {
    exchange: &'a Exchange<'a>,
    here: Matcher<'a>,
    anywhere: Matcher<'a>,
    theirs: Times,
    ours: Times,
    /// Photos here whose file is known to be of a content.
    of_content: HashMap<ContentHash, Photo>,
}

impl Adoption<'_> {
    /// Takes over what is said of one photo; says whether that is something new. `None` when it isn't here.
    fn photo(
        &mut self,
        detail: &Detail,
        is_gone: bool,
        people: &mut People,
    ) -> Result<Option<bool>> {
        let photo = &detail.entry.photo;
        let there = match is_gone {
            false => self.here.find(&Name::of(&photo.path), photo.hash),
            true => None,
        };
        let by_content = || self.anywhere.of_content(&photo.hash?);
        let Some(here) = there.or_else(by_content) else {
            return Ok(None);
        };
        let Some(known) = self.exchange.library.detail(here.id)? else {
            return Ok(None);
        };
        let is_same = here.hash.is_some() || here.stat.same_content(&photo.stat);
        if let Some(hash) = photo.hash.filter(|_| is_same) {
            self.of_content.insert(hash, here.clone());
        }
        let says_nothing = |known: &Detail| {
            let labels = known.entry.labels.iter().map(|l| l.origin);
            labels
                .chain(known.texts.iter().map(|t| t.origin))
                .all(|origin| origin != Origin::Xmp)
        };
        let sidecar = match says_nothing(&known) {
            true => sidecar(&known, &detail.entry.labels, &detail.texts),
            false => None,
        };
        let learned = people.take_sidecar(sidecar)?;
        let ours = said(&known.entry.labels, &known.texts);
        let theirs = said(&detail.entry.labels, &detail.texts).into_iter();
        let traces = theirs.filter_map(|(slot, said)| {
            let now = ours.get(&slot);
            let is_later = self.is_later((Some(photo.id), &slot), (Some(here.id), &slot), now);
            (now != Some(&said) && is_later).then(|| Trace {
                photo: Some(here.id),
                before: Some(said),
                after: now.cloned(),
                slot,
            })
        });
        let traces = traces.collect();
        Ok(Some(people.say(traces)? || learned))
    }

    /// Whether their word is the later one, or the only one.
    fn is_later(
        &self,
        theirs: (Option<PhotoId>, &Slot),
        ours: (Option<PhotoId>, &Slot),
        now: Option<&Said>,
    ) -> bool {
        let time = |times: &Times, (photo, slot): (Option<PhotoId>, &Slot)| {
            times.get(&(photo, slot.clone())).copied()
        };
        match (time(&self.theirs, theirs), time(&self.ours, ours)) {
            (_, None) => now.is_none(),
            (theirs, Some(ours)) => theirs.is_some_and(|theirs| theirs > ours),
        }
    }

    /// What was measured in any content, whether it is here or not, unless it was here too.
    fn measured(&self, other: &Sqlite, people: &mut People) -> Result<()> {
        for hash in other.measured_contents()? {
            if self.exchange.library.store().measured(&hash)?.is_some() {
                continue;
            }
            let Some(measured) = other.measured(&hash)? else {
                continue;
            };
            let here = self.of_content.get(&hash);
            people.learn(vec![Change::Measured {
                id: here.map_or(NOBODY, |photo| photo.id),
                stat: here.map_or_else(FileStat::default, |photo| photo.stat),
                hash,
                measured: Box::new(measured),
            }])?;
        }
        Ok(())
    }

    /// What analyzers said of any content, whether it is here or not.
    fn analyses(&self, other: &Sqlite, people: &mut People) -> Result<()> {
        for hash in other.contents()? {
            let here = self.of_content.get(&hash);
            let known = match here {
                Some(photo) => self.exchange.library.detail(photo.id)?,
                None => None,
            };
            let recorded = self.exchange.library.store().analyses(&hash)?;
            let is_new = |analyzer: &str, at: i64| {
                let mut known = recorded.iter().filter(|(a, _)| a.analyzer == analyzer);
                known.all(|(_, known)| *known < at)
            };
            for (mut analysis, at) in other.analyses(&hash)? {
                let is_news_here = known.as_ref().is_some_and(|k| is_news(k, &analysis, at));
                if !is_new(&analysis.analyzer, at) && !is_news_here {
                    continue;
                }
                if let Some(photo) = here {
                    analysis.stat = photo.stat;
                }
                people.learn(vec![Change::Learned {
                    id: here.map_or(NOBODY, |photo| photo.id),
                    analysis: Box::new(analysis),
                    at,
                }])?;
            }
        }
        Ok(())
    }

    /// What is said of the catalog itself, where this one says nothing. A query goes on meaning the photos that it meant.
    fn own(&self, (slot, said): (Slot, Said)) -> Option<Trace> {
        let (slot, said) = match slot {
            Slot::Saved(name) => self.query(name, said)?,
            slot => (slot, said),
        };
        let is_later = self.is_later((None, &slot), (None, &slot), None);
        is_later.then_some(Trace {
            photo: None,
            slot,
            before: Some(said),
            after: None,
        })
    }

    /// A saved query for this catalog, under a name that is free; nothing where it is kept already.
    fn query(&self, name: String, said: Said) -> Option<(Slot, Said)> {
        let folder = self.exchange.folder.to_string();
        let parsed = parse_query(&said.value).ok().and_then(|q| q.below(&folder));
        let value = parsed.map_or(said.value, |query| query.to_string());
        let index = self.exchange.library.index();
        let names = [
            Some(name.clone()),
            saved_name(&format!("{name} ({folder})")),
        ];
        for name in names.into_iter().flatten() {
            match index.saved(&name) {
                Some(saved) if saved.query == value => return None,
                Some(_) => {}
                None => return Some((Slot::Saved(name), Said { value, holds: true })),
            }
        }
        None
    }
}
