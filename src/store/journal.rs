//! What an act changes, and how it enters the journal: in the same commit.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::{ChangeApplier, now};
use super::record::Record;
use super::record_transaction::ActState;
use super::{Error, Result};
use crate::catalog::{Act, ActId, Deed, Effect, Facet, LabelKey, PhotoId, Role, Said, Slot, Trace};

/// What an act changed so far.
#[derive(Default)]
pub(super) struct ActDiff(BTreeMap<(Option<PhotoId>, Slot), Turn>);

/// What was said before and what is said now.
type Turn = (Option<Said>, Option<Said>);

impl ActDiff {
    /// Something was said instead of something else; of several times, the first and the last count.
    pub(super) fn note(
        &mut self,
        photo: Option<PhotoId>,
        slot: &Slot,
        before: Option<Said>,
        now: Option<Said>,
    ) {
        let known = self.0.entry((photo, slot.clone()));
        known.or_insert((before, None)).1 = now;
    }

    /// What is different in the end.
    fn traces(self) -> Vec<Trace> {
        let all = self.0.into_iter();
        let all = all.map(|((photo, slot), (before, after))| Trace {
            photo,
            slot,
            before,
            after,
        });
        all.filter(|t| t.before != t.after).collect()
    }
}

impl ChangeApplier<'_> {
    /// Does what a person does, and puts it into the journal.
    pub(super) fn act(&mut self, act: &Act) -> Result<()> {
        let continued = self.continued(act.role)?;
        let mut diff = ActDiff::default();
        if let Some(reversed) = self.reversed(act.role)? {
            let traces = self.records.traces(reversed)?;
            self.restore(&traces, &mut diff)?;
        }
        for deed in &act.deeds {
            self.deed(deed, &mut diff)?;
        }
        self.enter(act, continued, diff.traces())
    }

    /// The act that goes on, unless it is taken back.
    fn continued(&mut self, role: Role) -> Result<Option<ActId>> {
        match role {
            Role::Continues(id) => {
                let holds = self.records.act_state(id)? == Some(ActState::Holds);
                Ok(holds.then_some(id))
            }
            _ => Ok(None),
        }
    }

    /// The act whose traces lead back, for one that takes back or does again. Whoever decided on it looked at the
    /// journal before this commit, and others may have been faster.
    fn reversed(&mut self, role: Role) -> Result<Option<ActId>> {
        let (Role::Undoes(of) | Role::Redoes(of)) = role else {
            return Ok(None);
        };
        match (role, self.records.act_state(of)?) {
            (Role::Undoes(_), Some(ActState::Holds)) => Ok(Some(of)),
            (Role::Redoes(_), Some(ActState::UndoneBy(undo))) => Ok(Some(undo)),
            _ => Err(Error::Overtaken(of)),
        }
    }

    fn deed(&mut self, deed: &Deed, diff: &mut ActDiff) -> Result<()> {
        match deed {
            Deed::Edit(id, edits) => {
                let record = self.known(*id)?;
                self.say(record, diff, |record| {
                    edits.iter().for_each(|edit| record.edit(edit));
                })
            }
            Deed::Sidecar {
                photo,
                labels,
                texts,
            } => {
                let record = self.known(*photo)?;
                self.say(record, diff, |record| record.take_sidecar(labels, texts))
            }
            Deed::Make(written) => {
                let tag = LabelKey::new(Facet::Tag, written);
                self.unrename(&tag, diff)?;
                self.make(&tag, Some(written), diff)
            }
            Deed::Unmake(tag) => self.make(tag, None, diff),
            Deed::Rename { tag, to } => self.rename(tag, Some(to), diff),
            Deed::Save { name, query } => self.save(name, query.as_deref(), diff),
            Deed::GiveWords { gone, to } => self.give_words(*gone, *to, diff),
            Deed::Restore(traces) => self.restore(traces, diff),
            Deed::TakeBack(act, id, slot) => {
                let holds = self.records.act_state(*act)? == Some(ActState::Holds);
                let trace = match holds {
                    true => self.records.trace(*act, Some(*id), slot)?,
                    false => None,
                };
                self.restore(trace.as_slice(), diff)
            }
        }
    }

    /// A photo that somebody speaks of. One that is gone may come back, with what was said of it. One that nobody knows was
    /// lost, or never was: whoever speaks of it must not believe that it is kept.
    fn known(&mut self, id: PhotoId) -> Result<Record> {
        self.records.get(id)?.ok_or(Error::NoSuchPhoto(id))
    }

    /// What is said of a photo that is gone is said of one that is there instead.
    fn give_words(&mut self, gone: PhotoId, to: PhotoId, diff: &mut ActDiff) -> Result<()> {
        let Some(gone) = self.records.get(gone)?.filter(|record| record.gone) else {
            return Ok(());
        };
        let heir = self.present(to)?.ok_or(Error::NoSuchPhoto(to))?;
        self.say(heir, diff, |heir| heir.inherit_words(&gone))?;
        self.say(gone, diff, Record::drop_words)
    }

    fn say(
        &mut self,
        mut record: Record,
        diff: &mut ActDiff,
        change: impl FnOnce(&mut Record),
    ) -> Result<()> {
        let id = record.photo.id;
        let before = record.said();
        change(&mut record);
        let now = record.said();
        if before == now {
            return Ok(());
        }
        for slot in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
            let (before, now) = (before.get(slot).cloned(), now.get(slot).cloned());
            if before != now {
                diff.note(Some(id), slot, before, now);
            }
        }
        self.put(record)
    }

    /// A tag is made, or is there only for its photos from now on.
    fn make(&mut self, tag: &LabelKey, written: Option<&str>, diff: &mut ActDiff) -> Result<()> {
        let before = self.records.made(tag)?;
        self.records.put_made(tag, written)?;
        self.made.insert(tag.clone());
        let said = |written: String| Said {
            value: written,
            holds: true,
        };
        let (before, now) = (before.map(said), written.map(str::to_owned).map(said));
        diff.note(None, &Slot::Label(tag.clone()), before, now);
        Ok(())
    }

    /// Takes traces back, of photos that are gone as well: they may come back. Traces of one photo stand together.
    fn restore(&mut self, traces: &[Trace], diff: &mut ActDiff) -> Result<()> {
        for of_one in traces.chunk_by(|a, b| a.photo == b.photo) {
            match of_one[0].photo {
                Some(id) => {
                    if let Some(record) = self.records.get(id)? {
                        let reverse = |record: &mut Record| {
                            of_one.iter().for_each(|trace| record.reverse(trace));
                        };
                        self.say(record, diff, reverse)?;
                    }
                }
                None => self.restore_own(of_one, diff)?,
            }
        }
        Ok(())
    }

    /// A query is kept under a name, or forgotten.
    fn save(&mut self, name: &str, query: Option<&str>, diff: &mut ActDiff) -> Result<()> {
        let before = self.records.saved(name)?;
        self.records.put_saved(name, query)?;
        self.saved.insert(name.to_owned());
        let said = |query: String| Said {
            value: query,
            holds: true,
        };
        let (before, now) = (before.map(said), query.map(str::to_owned).map(said));
        diff.note(None, &Slot::Saved(name.to_owned()), before, now);
        Ok(())
    }

    /// What is said of the catalog itself.
    fn restore_own(&mut self, traces: &[Trace], diff: &mut ActDiff) -> Result<()> {
        let value = |said: &Option<Said>| said.as_ref().map(|s| s.value.clone());
        for trace in traces {
            let (before, after) = (value(&trace.before), value(&trace.after));
            match &trace.slot {
                Slot::Label(tag) if self.records.made(tag)? == after => {
                    self.make(tag, before.as_deref(), diff)?;
                }
                Slot::Renamed(tag) if self.records.renamed(tag)? == after => {
                    self.rename(tag, before.as_deref(), diff)?;
                }
                Slot::Saved(name) if self.records.saved(name)? == after => {
                    self.save(name, before.as_deref(), diff)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes into the journal what an act changed. One that changed nothing isn't written, unless it takes back.
    fn enter(&mut self, act: &Act, continued: Option<ActId>, traces: Vec<Trace>) -> Result<()> {
        let takes_back = matches!(act.role, Role::Undoes(_) | Role::Redoes(_));
        if traces.is_empty() && !takes_back {
            return Ok(());
        }
        let id = match continued {
            Some(id) => id,
            None => self.records.add_act(act, now())?,
        };
        for trace in &traces {
            let trace = self.joined(continued, trace)?;
            self.records.put_trace(id, &trace)?;
        }
        match act.role {
            Role::Undoes(of) => self.records.set_undone(of, Some(id))?,
            Role::Redoes(of) => self.records.set_undone(of, None)?,
            Role::Continues(_) => self.records.reword(id, &act.words)?,
            Role::New => {}
        }
        let changed = traces.len();
        self.acts.push(Effect::Acted { act: id, changed });
        Ok(())
    }

    /// A trace with what the same act changed there earlier.
    fn joined(&mut self, continued: Option<ActId>, trace: &Trace) -> Result<Trace> {
        let earlier = match continued {
            Some(act) => self.records.trace(act, trace.photo, &trace.slot)?,
            None => None,
        };
        Ok(Trace {
            before: earlier.map_or_else(|| trace.before.clone(), |t| t.before),
            ..trace.clone()
        })
    }
}
