//! Tags that people renamed or merged: what models say under an old name holds under the new one.
//!
//! What a model said is kept as it said it; names are exchanged where it joins a photo. So taking a renaming back shows
//! what was said as if it had never been.

use super::Result;
use super::apply::ChangeApplier;
use super::journal::ActDiff;
use super::record::{Record, Recorded};
use crate::catalog::{Facet, LabelKey, PhotoId, Said, Slot, Tag};

/// Nobody renames a tag so often. A circle of names, which only a damaged index has, ends here.
const LONGEST: usize = 64;

impl ChangeApplier<'_> {
    /// What an analysis gave joins a photo, under the names that people gave tags.
    pub(super) fn attach(&mut self, record: &mut Record, recorded: &Recorded) -> Result<()> {
        let mut recorded = recorded.clone();
        let tags = &mut recorded.analysis.answer.tags;
        let mut known: Vec<(LabelKey, Tag)> = Vec::with_capacity(tags.len());
        for mut tag in tags.drain(..) {
            tag.name = self.name_on(record, tag.name)?;
            let key = LabelKey::new(Facet::Tag, &tag.name);
            match known.iter_mut().find(|(other, _)| *other == key) {
                Some((_, same)) => same.confidence = same.confidence.max(tag.confidence),
                None => known.push((key, tag)),
            }
        }
        tags.extend(known.into_iter().map(|(_, tag)| tag));
        record.attach(&recorded);
        Ok(())
    }

    /// What a tag is called now. Of a photo that lacks it, as a person said, it is still lacking under every later name.
    fn name_on(&mut self, record: &Record, mut name: String) -> Result<String> {
        for _ in 0..LONGEST {
            let key = LabelKey::new(Facet::Tag, &name);
            if record.is_denied(&key) {
                break;
            }
            match self.records.renamed(&key)? {
                Some(to) => name = to,
                None => break,
            }
        }
        Ok(name)
    }

    /// What models call like this is called `to` from now on, or like this again. A name that something gets is a name
    /// of its own again.
    pub(super) fn rename(
        &mut self,
        tag: &LabelKey,
        to: Option<&str>,
        diff: &mut ActDiff,
    ) -> Result<()> {
        if let Some(new) = to.map(|to| LabelKey::new(Facet::Tag, to)) {
            self.unrename(&new, diff)?;
        }
        let mut touched = self.records.said_by_models(tag)?;
        if let Some(last) = self.last_name(tag)? {
            touched.extend(self.records.said_by_models(&last)?);
        }
        let before = self.records.renamed(tag)?;
        self.records.put_renamed(tag, to)?;
        let said = |written: String| Said {
            value: written,
            holds: true,
        };
        let (before, now) = (before.map(said), to.map(str::to_owned).map(said));
        diff.note(None, &Slot::Renamed(tag.clone()), before, now);
        touched.into_iter().try_for_each(|id| self.learn_again(id))
    }

    /// A name stands for itself.
    pub(super) fn unrename(&mut self, tag: &LabelKey, diff: &mut ActDiff) -> Result<()> {
        match self.records.renamed(tag)? {
            Some(_) => self.rename(tag, None, diff),
            None => Ok(()),
        }
    }

    /// What a tag that was renamed is called in the end.
    fn last_name(&mut self, tag: &LabelKey) -> Result<Option<LabelKey>> {
        let mut last = None;
        for _ in 0..LONGEST {
            match self.records.renamed(last.as_ref().unwrap_or(tag))? {
                Some(to) => last = Some(LabelKey::new(Facet::Tag, &to)),
                None => break,
            }
        }
        Ok(last)
    }

    /// What models said of a photo joins it as if they said it now.
    pub(super) fn learn_again(&mut self, id: PhotoId) -> Result<()> {
        let Some(mut record) = self.records.get(id)? else {
            return Ok(());
        };
        let Some(hash) = record.photo.hash else {
            return Ok(());
        };
        for recorded in self.records.analyses(&hash)? {
            self.attach(&mut record, &recorded)?;
        }
        self.put(record)
    }
}
